//! The third loop: tells the storage how runs ended, many at a time, until it has heard.

use std::{convert::Infallible, iter::repeat};

use tokio::time::{sleep, timeout};

use super::shared::Shared;
use crate::job::{Settled, State, Verdict};

pub(super) async fn settle<T: Send + Sync>(shared: &Shared<T>) -> Infallible {
    loop {
        let taken = shared.outbox.take().await;
        let call = shared.queue.settle(taken.settlements());
        let answers = timeout(shared.terms.beat(), call).await;
        let Ok(Ok(answers)) = answers else {
            // It may have heard, or not: to say it again is harmless.
            shared.tally.failed_calls.add(1);
            drop(taken);
            sleep(shared.terms.rest()).await;
            continue;
        };
        // Who answers for nothing has taken nothing.
        let answers = answers.into_iter().chain(repeat(Settled::Lost));
        let ends = taken.heard();
        for (end, answer) in ends.iter().zip(answers) {
            shared.count(&end.settlement.verdict, answer);
        }
        shared.runs.leave(ends.iter().map(|end| end.seat));
    }
}

impl<T> Shared<T> {
    fn count(&self, verdict: &Verdict, answer: Settled) {
        let tally = &self.tally;
        let count = match (answer, verdict) {
            (Settled::Lost, _) => &tally.lost,
            (Settled::Done(State::Done), _) | (Settled::Already, Verdict::Done { .. }) => {
                &tally.done
            }
            (Settled::Done(State::Dead), _) | (Settled::Already, Verdict::Bury { .. }) => {
                &tally.died
            }
            (Settled::Done(State::Cancelled), _) | (Settled::Already, Verdict::Cancelled) => {
                &tally.cancelled
            }
            (_, Verdict::Snooze { .. }) => &tally.snoozed,
            (_, Verdict::Release) => &tally.released,
            _ => &tally.retried,
        };
        count.add(1);
    }
}
