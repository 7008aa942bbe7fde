//! What one call may take: how long, whose time that is, and what is told to the calls inside.

use std::time::Duration;

use seawall_core::{Context, Deadline, Reason, Rejection, deadline};

use super::Timeout;

/// What one call may take; the time counts from [`begin`](Self::begin), which finds out the rest.
#[derive(Debug)]
pub(super) struct Allowance {
    timeout: Timeout,
    own: Option<Duration>,
    begun: bool,
    left: Option<Duration>,
    /// Why it ends when nothing is left.
    end: Reason,
    /// What the calls inside run in, where that is tighter than what the caller runs in.
    scope: Option<Context>,
}

impl Allowance {
    #[inline]
    pub(super) const fn new(timeout: Timeout, own: Option<Duration>) -> Self {
        Self { timeout, own, begun: false, left: None, end: Reason::Timeout, scope: None }
    }

    /// The call's first poll begins; does nothing at the others.
    ///
    /// Not when the call is made: a buffer makes it in a task of its own, and the caller's deadline is
    /// seen only where the response is polled.
    #[inline]
    pub(super) fn begin(&mut self) -> Result<(), Rejection> {
        if self.begun {
            return Ok(());
        }
        match deadline::remaining() {
            Some(callers) if self.own.is_none_or(|own| callers <= own) => {
                if callers.is_zero() {
                    return Err(self.timeout.rejection(Reason::DeadlineExceeded));
                }
                (self.left, self.end) = (Some(callers), Reason::DeadlineExceeded);
            }
            _ => {
                self.left = self.own;
                self.set_scope();
            }
        }
        self.begun = true;
        Ok(())
    }

    #[inline]
    fn set_scope(&mut self) {
        let shared = &self.timeout.shared;
        if let Some(own) = self.own
            && shared.propagates
        {
            let deadline = Deadline::after_on(shared.clock.clone(), own);
            self.scope = Some(Context::new().with_deadline(deadline));
        }
    }

    /// Polls what is inside, which learns of the time that it has.
    #[inline]
    pub(super) fn run<T>(&self, poll: impl FnOnce() -> T) -> T {
        match &self.scope {
            Some(scope) => scope.run(poll),
            None => poll(),
        }
    }

    /// How long to wait now; `None` where nothing ends the call.
    pub(super) fn left(&self) -> Option<Duration> {
        match self.scope.as_ref().and_then(Context::deadline) {
            Some(deadline) => Some(deadline.remaining()),
            None => self.left,
        }
    }

    /// Whether the time is over that the calls inside were given here.
    #[cold]
    pub(super) fn has_run_out(&self) -> bool {
        self.scope.as_ref().and_then(Context::deadline).is_some_and(Deadline::has_passed)
    }

    /// The call's time is over.
    #[cold]
    pub(super) fn over(&self) -> Rejection {
        self.timeout.rejection(self.end)
    }
}
