//! One call that was let in, until its outcome is known.

use std::fmt;

use seawall_core::Outcome;

use crate::{
    CircuitBreaker,
    breaker::Shared,
    machine::{Role, Ticket},
};

/// A call that was let in: report its outcome with [`success`](Self::success),
/// [`failure`](Self::failure) or [`record`](Self::record).
///
/// Dropped without a report, the call counts as cancelled, or, while the thread unwinds, as a panic;
/// what these count as is set by the builder. Either way a probe's place is free again.
///
/// The outcome counts in the state that let the call in: if the circuit has turned since, it changes
/// nothing.
#[must_use = "a permit that is dropped reports a call that was cancelled"]
pub struct Permit<'a> {
    holder: Holder<'a>,
    ticket: Ticket,
    settled: bool,
}

enum Holder<'a> {
    Borrowed(&'a CircuitBreaker),
    Owned(CircuitBreaker),
}

impl<'a> Permit<'a> {
    #[inline]
    pub(crate) const fn borrowed(breaker: &'a CircuitBreaker, ticket: Ticket) -> Self {
        Self { holder: Holder::Borrowed(breaker), ticket, settled: false }
    }

    #[inline]
    pub(crate) const fn owned(breaker: CircuitBreaker, ticket: Ticket) -> Self {
        Self { holder: Holder::Owned(breaker), ticket, settled: false }
    }

    /// The call went well.
    #[inline]
    pub fn success(self) {
        self.record(Outcome::Success);
    }

    /// The dependency failed.
    #[inline]
    pub fn failure(self) {
        self.record(Outcome::Failure);
    }

    /// The call went as `outcome` says; [`Outcome::Ignored`] gives a probe's place back.
    #[inline]
    pub fn record(mut self, outcome: Outcome) {
        self.settled = true;
        self.settle(outcome, false);
    }

    /// Whether the call decides over a half-open circuit.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.ticket.role == Role::Probe
    }

    /// The call begins only now: the time for which the permit lay ready does not count as its own.
    #[cfg(all(feature = "tower", feature = "tokio"))]
    pub(crate) fn start(&mut self) {
        let shared = self.shared();
        self.ticket = shared.machine.restart(self.ticket, shared);
    }

    #[inline]
    fn shared(&self) -> &Shared {
        match &self.holder {
            Holder::Borrowed(breaker) => breaker.shared(),
            Holder::Owned(breaker) => breaker.shared(),
        }
    }

    #[inline]
    fn settle(&self, outcome: Outcome, given_up: bool) {
        let shared = self.shared();
        shared.machine.settle(self.ticket, outcome, given_up, shared);
        if self.is_probe() {
            shared.probe_settled();
        }
    }

    #[cold]
    fn give_up(&self) {
        let rules = &self.shared().machine.rules;
        if std::thread::panicking() {
            self.settle(rules.on_panic(), false);
        } else {
            self.settle(rules.on_cancel(), true);
        }
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.settled {
            self.give_up();
        }
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("ticket", &self.ticket).finish_non_exhaustive()
    }
}
