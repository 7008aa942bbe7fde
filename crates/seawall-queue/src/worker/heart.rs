//! The second loop: keeps all leases by one call, and stops what it could not keep.

use std::convert::Infallible;

use tokio::time::{Instant, sleep_until, timeout};

use super::{runs::Stop, shared::Shared};
use crate::{job::Kept, storage::MAX_BATCH};

pub(super) async fn beat<T: Send + Sync>(shared: &Shared<T>) -> Infallible {
    let mut next = Instant::now() + shared.terms.beat();
    loop {
        let unsafe_from = shared.runs.safe_until().unwrap_or(next);
        sleep_until(next.min(unsafe_from)).await;
        let now = Instant::now();
        shared.runs.stop_unsafe(now);
        if now >= next {
            next = now + shared.terms.beat();
            if !keep(shared, next).await {
                // Soon again: what is left of the leases runs out.
                next = next.min(Instant::now() + shared.terms.rest());
            }
        }
    }
}

/// Asks for more time for all of them, and waits for answers until `until` at the latest. Whether all came.
async fn keep<T: Send + Sync>(shared: &Shared<T>, until: Instant) -> bool {
    let mut is_answered = true;
    for heartbeats in shared.runs.heartbeats().chunks(MAX_BATCH) {
        let sent = Instant::now();
        let call = shared.queue.heartbeat(heartbeats.to_vec(), shared.terms.lease);
        // No longer than a run would be safe: who hangs on this call can't stop it.
        let patience = shared.runs.safe_until().map_or(until, |safe| safe.min(until));
        let Ok(Ok(kept)) = timeout(patience.saturating_duration_since(sent), call).await else {
            shared.tally.failed_calls.add(1);
            shared.runs.unsaid(heartbeats.to_vec());
            is_answered = false;
            continue; // unknown, which is not lost
        };
        for (heartbeat, kept) in heartbeats.iter().zip(kept) {
            let token = heartbeat.lease.token;
            match kept {
                Kept::Extended => shared.runs.kept(token, sent + shared.terms.safe()),
                Kept::Cancel => {
                    shared.runs.kept(token, sent + shared.terms.safe());
                    shared.runs.stop(token, Stop::Cancelled);
                }
                Kept::Lost => shared.runs.stop(token, Stop::Lost),
            }
        }
    }
    is_answered
}
