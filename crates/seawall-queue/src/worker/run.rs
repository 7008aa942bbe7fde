//! One run: from a job that was claimed to the verdict on it.

use std::{
    any::Any,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use futures_util::future::{Either, select};
use seawall_core::{BoxError, deadline};
use tokio::time::Instant;

use super::{
    runs::{Stop, Ties},
    shared::Shared,
};
use crate::{
    Job,
    job::{Lease, Verdict},
    storage::{Claimed, Settlement},
};

/// How it ended, before anybody says what that means.
enum Ended {
    Handled(Result<Verdict, BoxError>),
    Panicked(Box<dyn Any + Send>),
    Stopped(Stop),
}

/// A run's place among those of its worker. Whatever becomes of the run's task, it ends: with a verdict, or,
/// where the task is dropped before there is one, without.
pub(super) struct Place<T> {
    shared: Arc<Shared<T>>,
    lease: Lease,
    attempt: u32,
    is_over: bool,
}

impl<T> Place<T> {
    pub(super) fn new(shared: Arc<Shared<T>>, job: &Claimed<T>) -> Self {
        Self { shared, lease: job.lease, attempt: job.counts.attempts, is_over: false }
    }

    /// The place is free when the storage has heard the verdict.
    fn judge(mut self, verdict: Verdict) {
        self.is_over = true;
        self.shared.outbox.put(Settlement { lease: self.lease, verdict });
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if std::thread::panicking() {
            // Where it could not be caught: in the drop of a future, in the words of an error.
            self.shared.tally.panicked.add(1);
            let verdict = self.shared.retry(self.attempt, "panicked at its end".into());
            self.shared.outbox.put(Settlement { lease: self.lease, verdict });
        } else {
            // Lost, or the worker vanishes: nothing is said, and no heartbeat keeps the lease.
            self.shared.runs.leave(self.lease.token);
        }
    }
}

/// Runs the handler, and puts the verdict into the outbox; none where the lease is lost.
pub(super) async fn run<T: Send + Sync>(place: Place<T>, job: Claimed<T>, ties: Arc<Ties>) {
    let shared = &*place.shared;
    let attempt = place.attempt;
    let tally = &shared.tally;
    let began = Instant::now();
    let ended = end(shared, job, &ties).await;
    tally.busy.add(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
    tally.ended.add(1);
    let verdict = match ended {
        Ended::Handled(Ok(verdict)) => verdict,
        Ended::Handled(Err(error)) => shared.retry(attempt, error.to_string()),
        Ended::Panicked(panic) => {
            tally.panicked.add(1);
            shared.retry(attempt, format!("panicked: {}", words(&*panic)))
        }
        Ended::Stopped(Stop::TimedOut) => {
            tally.timed_out.add(1);
            let limit = shared.terms.timeout.unwrap_or_default();
            shared.retry(attempt, format!("took longer than {limit:?}"))
        }
        Ended::Stopped(Stop::Lost) => {
            tally.lost.add(1);
            return; // the place is free
        }
        Ended::Stopped(Stop::Cancelled) => Verdict::Cancelled,
        // Nobody's failure. If the lease was lost meanwhile, this is not taken.
        Ended::Stopped(Stop::Unsure | Stop::Shutdown) => Verdict::Release,
    };
    place.judge(verdict);
}

async fn end<T: Send + Sync>(shared: &Shared<T>, job: Claimed<T>, ties: &Arc<Ties>) -> Ended {
    let job = Job::tied(job, Arc::clone(ties));
    let handled = pin!(caught(|| (shared.handle)(job)));
    let timed = pin!(async {
        match shared.terms.timeout {
            None => handled.await,
            // What the handler calls in turn knows how much time there is.
            Some(limit) => tokio::time::timeout(limit, deadline::scope(limit, handled))
                .await
                .unwrap_or_else(|_| {
                    ties.stop(Stop::TimedOut); // for who works on, where nothing can be dropped
                    Ended::Stopped(Stop::TimedOut)
                }),
        }
    });
    // The stop first: what is ready in the same moment is not taken from one who has lost his lease.
    match select(pin!(ties.until_stopped()), timed).await {
        Either::Left((why, _)) => Ended::Stopped(why),
        Either::Right((ended, _)) => ended,
    }
}

/// The user's code, wherever it panics: in the call, in a poll.
async fn caught<F>(call: impl FnOnce() -> F) -> Ended
where
    F: Future<Output = Result<Verdict, BoxError>> + Unpin,
{
    // What a panic has left half done is dropped with the future, and nobody sees it.
    let mut handled = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(handled) => handled,
        Err(panic) => return Ended::Panicked(panic),
    };
    poll_fn(|cx| {
        match catch_unwind(AssertUnwindSafe(|| std::pin::Pin::new(&mut handled).poll(cx))) {
            Ok(polled) => polled.map(Ended::Handled),
            Err(panic) => Poll::Ready(Ended::Panicked(panic)),
        }
    })
    .await
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}

impl<T> Shared<T> {
    /// It failed: again after a while. Whether an attempt is left is the storage's to say.
    fn retry(&self, attempt: u32, error: String) -> Verdict {
        let failed_before = attempt.saturating_sub(1);
        let delay = self.terms.backoff.delay(failed_before, None, &self.chance);
        Verdict::Retry { delay, error }
    }
}
