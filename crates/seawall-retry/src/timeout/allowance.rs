//! What one call may take: how long, whose time that is, and what is told to the calls inside.

use std::time::Duration;

use seawall_core::{Context, Deadline, Reason, Rejection, deadline};

use super::Timeout;

/// What one call may take; the time counts from [`begin`](Self::begin).
#[derive(Debug)]
pub(super) struct Allowance {
    timeout: Timeout,
    own: Option<Duration>,
    begun: Option<Begun>,
}

/// What was found when the call began.
#[derive(Debug)]
struct Begun {
    left: Option<Duration>,
    /// Why it ends when nothing is left.
    end: Reason,
    /// What the calls inside run in, where that is tighter than what the caller runs in.
    scope: Option<Context>,
}

impl Allowance {
    #[inline]
    pub(super) const fn new(timeout: Timeout, own: Option<Duration>) -> Self {
        Self { timeout, own, begun: None }
    }

    /// The call's first poll begins; does nothing at the others.
    ///
    /// Not when the call is made: a buffer makes it in a task of its own, and the caller's deadline is
    /// seen only where the response is polled.
    #[inline]
    pub(super) fn begin(&mut self) -> Result<(), Rejection> {
        if self.begun.is_some() {
            return Ok(());
        }
        let begun = match (self.own, deadline::remaining()) {
            (own, Some(callers)) if own.is_none_or(|own| callers <= own) => {
                Begun { left: Some(callers), end: Reason::DeadlineExceeded, scope: None }
            }
            (own, _) => Begun { left: own, end: Reason::Timeout, scope: self.scope() },
        };
        if begun.left.is_some_and(|left| left.is_zero()) {
            return Err(self.timeout.rejection(Reason::DeadlineExceeded));
        }
        self.begun = Some(begun);
        Ok(())
    }

    fn scope(&self) -> Option<Context> {
        let shared = &self.timeout.shared;
        let own = self.own.filter(|_| shared.propagates)?;
        let deadline = Deadline::after_on(shared.clock.clone(), own);
        Some(Context::new().with_deadline(deadline))
    }

    /// Polls what is inside, which learns of the time that it has.
    #[inline]
    pub(super) fn run<T>(&self, poll: impl FnOnce() -> T) -> T {
        match self.begun.as_ref().and_then(|begun| begun.scope.as_ref()) {
            Some(scope) => scope.run(poll),
            None => poll(),
        }
    }

    /// How long to wait now; `None` where nothing ends the call.
    pub(super) fn left(&self) -> Option<Duration> {
        let begun = self.begun.as_ref()?;
        match begun.scope.as_ref().and_then(Context::deadline) {
            Some(deadline) => Some(deadline.remaining()),
            None => begun.left,
        }
    }

    /// Whether the time is over that the calls inside were given here.
    #[cold]
    pub(super) fn has_run_out(&self) -> bool {
        let scope = self.begun.as_ref().and_then(|begun| begun.scope.as_ref());
        scope.and_then(Context::deadline).is_some_and(Deadline::has_passed)
    }

    /// The call's time is over.
    #[cold]
    pub(super) fn over(&self) -> Rejection {
        let end = self.begun.as_ref().map_or(Reason::Timeout, |begun| begun.end);
        self.timeout.rejection(end)
    }
}
