//! One job, from when it is admitted to its end.
//!
//! Whoever has it, owns its place: however it ends, it ends by being dropped, which gives the place
//! back once and tells the caller.

use std::{
    cell::Cell,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use seawall_core::{Clock, Deadline, Nanos, Reason};

use super::{
    panicked::{message, quietly},
    pool::Pool,
    reply::Caller,
};

/// The user's part: fills in the reply, and is done.
pub(crate) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(crate) struct Job {
    pool: Arc<Pool>,
    /// Here until it is dropped.
    work: Option<Work>,
    caller: Arc<dyn Caller>,
    due: Due,
    running: bool,
    end: End,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Completed,
    Panicked,
    /// The caller went, before it began or, for a future, while it ran.
    Cancelled,
    /// It waited too long.
    Expired(Reason),
    /// The compartment ended before it began, or, for a future, while it ran.
    Dropped,
}

impl Job {
    /// For a place that was admitted.
    pub(crate) fn new(pool: Arc<Pool>, work: Work, caller: Arc<dyn Caller>, due: Due) -> Self {
        Self { pool, work: Some(work), caller, due, running: false, end: End::Dropped }
    }

    /// It is counted as running from now on.
    pub(crate) fn begin(&mut self) {
        self.running = true;
    }

    /// Ends it without running it.
    pub(crate) fn end(mut self, end: End) {
        self.end = end;
    }

    /// Runs it to its end: a panic, a caller that goes, a wait that was too long are ends too.
    pub(crate) async fn run(mut self) {
        self.end = match self.due.passed(&self.pool.clock) {
            Some(reason) => End::Expired(reason),
            None => std::future::poll_fn(|cx| self.poll(cx)).await,
        };
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let Some(work) = &mut self.work else { return Poll::Ready(self.end) };
        let polled = {
            let _inside = Inside::enter(&self.pool);
            catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)))
        };
        match polled {
            Ok(Poll::Ready(())) => Poll::Ready(End::Completed),
            Ok(Poll::Pending) if self.caller.is_gone(cx.waker()) => Poll::Ready(End::Cancelled),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panic) => {
                quietly(|| self.pool.tell_panicked(message(&*panic)));
                quietly(|| self.caller.panicked(panic));
                Poll::Ready(End::Panicked)
            }
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let work = self.work.take();
        quietly(|| drop(work)); // still in its place: what a future holds is held until here
        if self.running {
            self.pool.stopped(self.end);
        } else {
            self.pool.stats.count(self.end);
        }
        let last = self.pool.places.give_back();
        let otherwise = match self.end {
            End::Expired(reason) => reason,
            _ => Reason::ShuttingDown,
        };
        quietly(|| self.caller.publish(otherwise)); // after the place: see `reply`
        if last {
            self.pool.wake_drainers();
        }
        if self.running {
            self.pool.spawn_next();
        }
    }
}

/// When a job has waited too long to begin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Due {
    /// By the compartment's clock.
    pub(crate) at: Option<Nanos>,
    /// The call's own, by its own clock.
    pub(crate) deadline: Option<Deadline>,
}

impl Due {
    /// Why the job shall not begin any more, if so.
    pub(crate) fn passed(&self, clock: &Clock) -> Option<Reason> {
        if self.deadline.as_ref().is_some_and(Deadline::has_passed) {
            return Some(Reason::DeadlineExceeded);
        }
        self.at.filter(|&at| clock.now() >= at).map(|_| Reason::BulkheadFull)
    }

    /// How long it may still wait; `None` for as long as it takes.
    pub(crate) fn remaining(&self, clock: &Clock) -> Option<Duration> {
        let wait = self.at.map(|at| at.since(clock.now()));
        let call = self.deadline.as_ref().map(Deadline::remaining);
        wait.into_iter().chain(call).min()
    }
}

thread_local! {
    /// The address of the pool whose job runs on this thread; 0 for none. The job keeps it alive.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
}

/// Marks the thread as inside a job of a pool.
pub(crate) struct Inside {
    outer: usize,
}

impl Inside {
    fn enter(pool: &Arc<Pool>) -> Self {
        Self { outer: INSIDE.replace(Arc::as_ptr(pool).addr()) }
    }

    /// Whether a job of `pool` runs on this thread.
    pub(crate) fn is(pool: &Arc<Pool>) -> bool {
        INSIDE.get() == Arc::as_ptr(pool).addr()
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(self.outer);
    }
}
