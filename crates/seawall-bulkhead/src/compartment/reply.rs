//! Between a job and its caller: what the job came to, and that the caller has gone.
//!
//! The outcome is filled in by the job and published once the job's place is free again: a caller
//! who has an answer finds room for the next question.

use std::{
    any::Any,
    task::{Context, Poll, Waker},
};

use seawall_core::{Reason, sync::Mutex};

use super::Panicked;

/// What a job came to. A refusal becomes a rejection at the caller, on whose thread its mark belongs.
pub(crate) type Outcome<T> = Result<T, NoValue>;

/// Why a job came to nothing.
#[derive(Debug)]
pub(crate) enum NoValue {
    Panicked(Panicked),
    Refused(Reason),
}

pub(crate) struct Reply<T>(Mutex<Slot<T>>);

struct Slot<T> {
    outcome: Option<Outcome<T>>,
    published: bool,
    /// The caller has gone.
    abandoned: bool,
    caller: Option<Waker>,
    /// Who polls the job; told when the caller goes.
    job: Option<Waker>,
}

/// The caller, as a job sees it that does not know its own type.
pub(crate) trait Caller: Send + Sync {
    /// The job panicked.
    fn panicked(&self, panic: Box<dyn Any + Send>);

    /// Tells the caller what the job came to: that it was refused, where it came to nothing.
    fn publish(&self, otherwise: Reason);

    /// Whether the caller has gone; if not, `job` is woken when it goes.
    fn is_gone(&self, job: &Waker) -> bool;
}

impl<T> Reply<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Slot {
            outcome: None,
            published: false,
            abandoned: false,
            caller: None,
            job: None,
        }))
    }

    /// The job's outcome; dropped at once, outside the lock, where nobody waits for it.
    pub(crate) fn fill(&self, outcome: Outcome<T>) {
        let mut slot = self.0.lock();
        if !slot.abandoned {
            slot.outcome = Some(outcome);
        }
    }

    /// The caller asks, and is woken when there is an answer.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<Outcome<T>> {
        let mut slot = self.0.lock();
        if !slot.published {
            keep(&mut slot.caller, cx.waker());
            return Poll::Pending;
        }
        Poll::Ready(slot.outcome.take().expect("not polled again after its end"))
    }

    /// The caller goes, and takes with it what there is for it.
    pub(crate) fn abandon(&self) {
        let mut slot = self.0.lock();
        slot.abandoned = true;
        let unread = (slot.outcome.take(), slot.caller.take());
        let job = slot.job.take();
        drop(slot); // before what is the user's own: it could come back here
        drop(unread);
        if let Some(job) = job {
            job.wake();
        }
    }
}

impl<T: Send> Caller for Reply<T> {
    fn panicked(&self, panic: Box<dyn Any + Send>) {
        self.fill(Err(NoValue::Panicked(Panicked::new(panic))));
    }

    fn publish(&self, otherwise: Reason) {
        let mut slot = self.0.lock();
        slot.outcome.get_or_insert(Err(NoValue::Refused(otherwise)));
        slot.published = true;
        let caller = slot.caller.take();
        drop(slot);
        if let Some(caller) = caller {
            caller.wake();
        }
    }

    fn is_gone(&self, job: &Waker) -> bool {
        let mut slot = self.0.lock();
        if !slot.abandoned {
            keep(&mut slot.job, job);
        }
        slot.abandoned
    }
}

/// Clones nothing where the same one is kept already.
fn keep(kept: &mut Option<Waker>, waker: &Waker) {
    match kept {
        Some(kept) => kept.clone_from(waker),
        None => *kept = Some(waker.clone()),
    }
}
