//! What the handle, the jobs and the threads share: places, line, and who is told.
//!
//! A job is admitted by the word, without a lock, and then put into the line, under one. From there
//! a thread takes it in turn; on a runtime, whoever puts one in or ends one starts the next.
//!
//! # What it promises
//!
//! 1. Each job that was admitted ends once, and gives its place back once: it is run, or told why not.
//! 2. A job that waits while one more may run is taken: no wake-up is lost.
//! 3. A job begins or is cancelled, and never both.
//! 4. A caller who goes is noticed by a future that runs, and one who waits is woken by the end.
//! 5. Once the compartment has ended, no job waits in it.

use std::{
    borrow::Cow,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use seawall_core::{
    Bound, Clock, Listeners, Name, Reason, Rejection, Snapshot, context,
    sync::{Mutex, Stat},
};

use super::{
    CompartmentEvent, CompartmentTurn, Drained,
    bell::Bell,
    job::{Due, End, Job},
    line::Line,
    panicked::quietly,
    places::Places,
    reply::{Caller, Reply},
    waiting::Waiting,
};

pub(crate) struct Pool {
    pub(crate) name: Name,
    pub(crate) clock: Clock,
    pub(crate) listeners: Listeners<CompartmentEvent>,
    pub(crate) limits: Limits,
    pub(crate) places: Places,
    pub(crate) line: Mutex<Line>,
    pub(crate) stats: Stats,
    bell: Bell,
    /// Where jobs run, if not on threads that take them.
    #[cfg(feature = "tokio")]
    pub(crate) runtime: Option<tokio::runtime::Handle>,
}

/// What a compartment is set to, checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) threads: usize,
    /// How many jobs run at once.
    pub(crate) running: usize,
    pub(crate) queue: usize,
    pub(crate) max_wait: Option<Duration>,
}

/// Counts for snapshots.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) completed: Stat,
    pub(crate) panicked: Stat,
    pub(crate) rejected: Stat,
    pub(crate) cancelled: Stat,
    pub(crate) expired: Stat,
    pub(crate) dropped: Stat,
}

impl Stats {
    pub(crate) fn count(&self, end: End) {
        let stat = match end {
            End::Completed => &self.completed,
            End::Panicked => &self.panicked,
            End::Cancelled => &self.cancelled,
            End::Expired(_) => &self.expired,
            End::Dropped => &self.dropped,
        };
        stat.add(1);
    }

    /// Jobs that ran to their end, good or bad.
    pub(crate) fn finished(&self) -> u64 {
        self.completed.get() + self.panicked.get()
    }
}

impl Pool {
    pub(crate) fn new(
        name: Name,
        clock: Clock,
        listeners: Listeners<CompartmentEvent>,
        limits: Limits,
    ) -> Self {
        Self {
            name,
            clock,
            listeners,
            limits,
            places: Places::new(limits.running as u64 + limits.queue as u64),
            line: Mutex::default(),
            stats: Stats::default(),
            bell: Bell::default(),
            #[cfg(feature = "tokio")]
            runtime: None,
        }
    }

    /// Hands a job in: `make` is called when its turn has come.
    pub(crate) fn submit<T, F, Fut>(self: &Arc<Self>, make: F) -> Result<Waiting<'_, T>, Rejection>
    where
        T: Send + 'static,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = T> + Send + 'static,
    {
        let context = context::current();
        let deadline = context.deadline().cloned();
        if deadline.as_ref().is_some_and(seawall_core::Deadline::has_passed) {
            return Err(self.reject(Reason::DeadlineExceeded));
        }
        self.places.admit().map_err(|reason| self.reject(reason))?;

        let due = Due { at: self.limits.max_wait.map(|wait| self.clock.now() + wait), deadline };
        let reply = Arc::new(Reply::new());
        let work = {
            let reply = reply.clone();
            let inside = context.scope(async move { make().await });
            Box::pin(async move { reply.fill(Ok(inside.await)) })
        };
        let caller: Arc<dyn Caller> = reply.clone();
        let job = Job::new(self.clone(), work, caller, due.clone());
        let number = self.push(job);
        Ok(Waiting::new(self, number, reply, due))
    }

    /// Puts a job into the line; one that comes after the end is told so by being dropped.
    fn push(self: &Arc<Self>, job: Job) -> Option<u64> {
        let pushed = self.line.lock().push(job); // dropped, if at all, outside the lock
        let number = pushed.ok()?;
        if !self.spawn_next() {
            self.bell.ring();
        }
        Some(number)
    }

    fn reject(&self, reason: Reason) -> Rejection {
        self.stats.rejected.add(1);
        let rejection = Rejection::new(reason, self.name.clone());
        match reason {
            Reason::BulkheadFull if self.limits.queue == 0 => rejection.with_bound(Bound::Limit),
            Reason::BulkheadFull => rejection.with_bound(Bound::Queue),
            _ => rejection,
        }
    }

    /// On a runtime, starts the first in the line, if it may run; false where threads take it.
    ///
    /// One is enough: called for each job that comes and, by its `Drop`, for each that has run.
    pub(crate) fn spawn_next(self: &Arc<Self>) -> bool {
        #[cfg(feature = "tokio")]
        if let Some(runtime) = &self.runtime {
            let job = self.line.lock().take(self.limits.running);
            if let Some(job) = job {
                runtime.spawn(job.run());
            }
            return true;
        }
        false
    }

    /// The next job for a thread, which sleeps until there is one; `None` after the end.
    pub(crate) fn next(&self) -> Option<Job> {
        let mut line = self.line.lock();
        loop {
            if let Some(job) = line.take(self.limits.running) {
                return Some(job);
            }
            if line.ended {
                return None;
            }
            line = self.bell.wait(line);
        }
    }

    /// A job does not run any more: from one moment to the next it has finished.
    pub(crate) fn stopped(&self, end: End) {
        let mut line = self.line.lock();
        line.running -= 1;
        self.stats.count(end);
    }

    /// Ends a job without running it, where it still waits.
    pub(crate) fn give_up(&self, number: u64, end: End) -> bool {
        let job = self.line.lock().remove(number);
        job.map(|job| job.end(end)).is_some()
    }

    /// Waits until the closed compartment has no job left.
    pub(crate) fn poll_drained(&self, cx: &Context<'_>) -> Poll<()> {
        let mut line = self.line.lock();
        if self.places.is_drained() {
            return Poll::Ready(());
        }
        // Under the lock under which the last job takes them: it comes later, or it was seen.
        if !line.drainers.iter().any(|waker| waker.will_wake(cx.waker())) {
            line.drainers.push(cx.waker().clone());
        }
        Poll::Pending
    }

    pub(crate) fn wake_drainers(&self) {
        let drainers = std::mem::take(&mut self.line.lock().drainers);
        for waker in drainers {
            quietly(|| waker.wake());
        }
    }

    /// Drops the jobs that wait and lets the threads go; `finished` is how many have, ever.
    pub(crate) fn end(&self) -> Drained {
        let (left, running, finished) = {
            let mut line = self.line.lock();
            (line.end(), line.running, self.stats.finished())
        };
        self.bell.ring_all();
        Drained { finished, dropped: left.len() as u64, running: running as u64 }
    }

    pub(crate) fn tell_panicked(&self, message: Cow<'static, str>) {
        #[cfg(feature = "tracing")]
        tracing::warn!(
            target: "seawall::bulkhead", name = self.name.as_str(), %message, "job panicked"
        );
        self.tell(CompartmentTurn::Panicked { message });
    }

    pub(crate) fn tell(&self, turn: CompartmentTurn) {
        self.listeners.tell(|| CompartmentEvent { name: self.name.clone(), turn });
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let (running, queued, ended) = {
            let line = self.line.lock();
            (line.running, line.waiting(), line.ended)
        };
        let state = match (ended, self.places.is_closed()) {
            (true, _) => "closed",
            (_, true) => "draining",
            _ => "open",
        };
        let stats = &self.stats;
        Snapshot::new("compartment", self.name.as_str(), state)
            .gauge("running", running as f64)
            .gauge("queued", queued as f64)
            .counter("completed", stats.completed.get())
            .counter("panicked", stats.panicked.get())
            .counter("rejected", stats.rejected.get())
            .counter("cancelled", stats.cancelled.get())
            .counter("expired", stats.expired.get())
            .counter("dropped", stats.dropped.get())
            .limit("threads", self.limits.threads as f64)
            .limit("running", self.limits.running as f64)
            .limit("queue", self.limits.queue as f64)
    }
}
