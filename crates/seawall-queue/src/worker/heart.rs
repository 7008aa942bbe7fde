//! The second loop: keeps all leases by one call, says how far their jobs are, and stops what it could not keep.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use futures_util::future::{Either, pending, select};
use tokio::time::{Instant, sleep_until, timeout};

use super::{
    runs::{Stop, Ties},
    shared::Shared,
};
use crate::{
    job::Kept,
    storage::{Heartbeat, MAX_BATCH},
};

/// How far jobs are is told no more often than this, for all of a worker together: nobody sees more.
const NEWS: Duration = Duration::from_millis(250);

pub(super) async fn beat<T: Send + Sync>(shared: &Shared<T>) -> Infallible {
    let mut next = Instant::now() + shared.terms.beat();
    let mut told = None; // when there was news last
    let mut news = None; // when there is some to be told
    loop {
        let unsafe_from = shared.runs.safe_until().unwrap_or(next);
        let time = pin!(sleep_until(next.min(unsafe_from).min(news.unwrap_or(next))));
        let said = pin!(async move {
            match news {
                None => shared.runs.until_news().await,
                Some(_) => pending().await,
            }
        });
        if let Either::Right(_) = select(time, said).await {
            news = Some(told.map_or_else(Instant::now, |told: Instant| told + NEWS));
            continue;
        }
        let now = Instant::now();
        shared.runs.stop_unsafe(now);
        if now >= next {
            next = now + shared.terms.beat();
            (told, news) = (Some(now), None);
            if !keep(shared, &shared.runs.heartbeats(), next).await {
                // Soon again: what is left of the leases runs out.
                next = next.min(Instant::now() + shared.terms.rest());
            }
        } else if news.is_some_and(|news| news <= now) {
            (told, news) = (Some(now), None);
            keep(shared, &shared.runs.news(), next).await; // what does not come through goes with the next beat
        }
    }
}

/// Asks for more time for these, and waits for answers until `until` at the latest. Whether all came.
async fn keep<T: Send + Sync>(
    shared: &Shared<T>,
    runs: &[(Arc<Ties>, Heartbeat)],
    until: Instant,
) -> bool {
    let mut is_answered = true;
    for runs in runs.chunks(MAX_BATCH) {
        let sent = Instant::now();
        let heartbeats = runs.iter().map(|(_, heartbeat)| heartbeat.clone()).collect();
        let call = shared.queue.heartbeat(heartbeats, shared.terms.lease);
        // No longer than a run would be safe: who hangs on this call can't stop it.
        let patience = shared.runs.safe_until().map_or(until, |safe| safe.min(until));
        let Ok(Ok(kept)) = timeout(patience.saturating_duration_since(sent), call).await else {
            shared.tally.failed_calls.add(1);
            runs.iter().for_each(|(ties, heartbeat)| ties.unsaid(heartbeat.progress.clone()));
            is_answered = false;
            continue; // unknown, which is not lost
        };
        for ((ties, _), kept) in runs.iter().zip(kept) {
            match kept {
                Kept::Extended => shared.runs.kept(ties, sent + shared.terms.safe()),
                Kept::Cancel => {
                    shared.runs.kept(ties, sent + shared.terms.safe());
                    ties.stop(Stop::Cancelled);
                }
                Kept::Lost => ties.stop(Stop::Lost),
            }
        }
    }
    is_answered
}
