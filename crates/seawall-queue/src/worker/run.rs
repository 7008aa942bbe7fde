//! One run: from a job that was claimed to the verdict on it.
//!
//! Written as a future of its own, for there is one of it a job: it is small, it moves as often as it likes, and
//! what it waits for it has, and not its wakers.
//!
//! | stage | what it holds | next |
//! |---|---|---|
//! | `New` | the job | the handler is called at the first poll |
//! | `Free`, `Timed` | the handler's future, within its time or without one | it ends, panics, is cut or stopped |
//! | `Over` | nothing | judged: the place is free when the storage has heard the verdict |
//!
//! Whatever becomes of a run, its place ends: with a verdict, or, where it is dropped before there is one, without.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use seawall_core::{BoxError, deadline};
use tokio::time::{Instant, error::Elapsed, timeout};

use super::{
    handler::Handled,
    runs::{Stop, Ties},
    shared::Shared,
};
use crate::{Job, job::Verdict, storage::Claimed};

/// How it ended, before anybody says what that means.
enum Ended {
    Handled(Result<Verdict, BoxError>),
    Panicked(Box<dyn Any + Send>),
    Stopped(Stop),
}

pub(super) struct Run<T> {
    shared: Arc<Shared<T>>,
    ties: Arc<Ties>,
    attempt: u32,
    began: Option<Instant>,
    stage: Stage<T>,
}

enum Stage<T> {
    New(Claimed<T>),
    Free(Handled),
    Timed(Timed),
    Over,
}

type Timed = Pin<Box<dyn Future<Output = Result<Result<Verdict, BoxError>, Elapsed>> + Send>>;

/// No part of it is pinned in it.
impl<T> Unpin for Run<T> {}

impl<T> Run<T> {
    pub(super) fn seat(&self) -> usize {
        self.ties.seat
    }

    pub(super) fn new(shared: Arc<Shared<T>>, job: Claimed<T>, ties: Arc<Ties>) -> Self {
        let attempt = job.counts.attempts;
        Self { shared, ties, attempt, began: None, stage: Stage::New(job) }
    }
}

/// Runs the handler, and puts the verdict into the outbox; none where the lease is lost.
impl<T: Send + Sync + 'static> Future for Run<T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let run = &mut *self;
        let began = *run.began.get_or_insert_with(Instant::now);
        // The stop first: what is ready in the same moment is not taken from one who has lost his lease.
        let ended = match run.ties.stopped() {
            Some(why) => Ended::Stopped(why),
            None => match run.go_on(cx) {
                Poll::Ready(ended) => ended,
                Poll::Pending => Ended::Stopped(ready!(run.ties.poll_stopped(cx))),
            },
        };
        let tally = &run.shared.tally;
        tally.busy.add(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
        tally.ended.add(1);
        run.judge(ended);
        Poll::Ready(())
    }
}

impl<T: Send + Sync + 'static> Run<T> {
    /// The user's code, wherever it panics: in the call, in a poll. What that leaves half done is dropped, and
    /// nobody sees it.
    fn go_on(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            if let Stage::New(_) = self.stage {
                self.begin();
            }
            match &mut self.stage {
                Stage::Free(handled) => handled.as_mut().poll(cx).map(Ended::Handled),
                Stage::Timed(timed) => timed.as_mut().poll(cx).map(|timed| {
                    timed.map_or_else(
                        |_| {
                            self.ties.stop(Stop::TimedOut); // for who works on, where nothing can be dropped
                            Ended::Stopped(Stop::TimedOut)
                        },
                        Ended::Handled,
                    )
                }),
                Stage::New(_) | Stage::Over => unreachable!("it is not polled after it was ready"),
            }
        }));
        polled.unwrap_or_else(|panic| Poll::Ready(Ended::Panicked(panic)))
    }

    fn begin(&mut self) {
        let Stage::New(job) = std::mem::replace(&mut self.stage, Stage::Over) else { return };
        let job = Job::tied(job, Arc::clone(&self.ties));
        self.stage = match self.shared.terms.timeout {
            None => Stage::Free((self.shared.handle)(job)),
            Some(limit) => {
                // What the handler calls in turn knows how much time there is.
                let shared = Arc::clone(&self.shared);
                let handled = async move { (shared.handle)(job).await };
                Stage::Timed(Box::pin(timeout(limit, deadline::scope(limit, handled))))
            }
        };
    }
}

impl<T> Run<T> {
    fn judge(&mut self, ended: Ended) {
        // What is left of it, and an error's words, are the user's code too.
        let judged = catch_unwind(AssertUnwindSafe(|| {
            self.stage = Stage::Over;
            self.shared.verdict(self.attempt, ended)
        }));
        match judged {
            Ok(Some(verdict)) => self.say(verdict),
            Ok(None) => self.shared.runs.leave([self.ties.seat]),
            Err(_) => self.panicked_at_its_end(),
        }
    }

    fn panicked_at_its_end(&self) {
        self.shared.tally.panicked.add(1);
        self.say(self.shared.retry(self.attempt, "panicked at its end".into()));
    }

    fn say(&self, verdict: Verdict) {
        self.shared.outbox.put(&self.ties, verdict);
    }
}

impl<T> Drop for Run<T> {
    fn drop(&mut self) {
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        if let Stage::Over = stage {
            return;
        }
        match catch_unwind(AssertUnwindSafe(|| drop(stage))) {
            // The worker vanishes: nothing is said, and no heartbeat keeps the lease.
            Ok(()) => self.shared.runs.leave([self.ties.seat]),
            Err(_) => self.panicked_at_its_end(),
        }
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}

impl<T> Shared<T> {
    /// What a run's end means; nothing where that is not its worker's to say any more.
    fn verdict(&self, attempt: u32, ended: Ended) -> Option<Verdict> {
        Some(match ended {
            Ended::Handled(Ok(verdict)) => verdict,
            Ended::Handled(Err(error)) => self.retry(attempt, error.to_string()),
            Ended::Panicked(panic) => {
                self.tally.panicked.add(1);
                self.retry(attempt, format!("panicked: {}", words(&*panic)))
            }
            Ended::Stopped(Stop::TimedOut) => {
                self.tally.timed_out.add(1);
                let limit = self.terms.timeout.unwrap_or_default();
                self.retry(attempt, format!("took longer than {limit:?}"))
            }
            Ended::Stopped(Stop::Lost) => {
                self.tally.lost.add(1);
                return None;
            }
            Ended::Stopped(Stop::Cancelled) => Verdict::Cancelled,
            // Nobody's failure. If the lease was lost meanwhile, this is not taken.
            Ended::Stopped(Stop::Unsure | Stop::Shutdown) => Verdict::Release,
        })
    }

    /// It failed: again after a while. Whether an attempt is left is the storage's to say.
    fn retry(&self, attempt: u32, error: String) -> Verdict {
        let failed_before = attempt.saturating_sub(1);
        let delay = self.terms.backoff.delay(failed_before, None, &self.chance);
        Verdict::Retry { delay, error }
    }
}
