//! One call that was let in, until its outcome is known.

use std::{borrow::Borrow, fmt};

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
///
/// It borrows the breaker, or owns a handle of it ([`CircuitBreaker::try_acquire_owned`]).
#[must_use = "a permit that is dropped reports a call that was cancelled"]
pub struct Permit<B: Borrow<CircuitBreaker> = CircuitBreaker> {
    breaker: B,
    ticket: Ticket,
    settled: bool,
}

impl<B: Borrow<CircuitBreaker>> Permit<B> {
    #[inline]
    pub(crate) const fn new(breaker: B, ticket: Ticket) -> Self {
        Self { breaker, ticket, settled: false }
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
        settle(self.shared(), self.ticket, outcome, false);
    }

    /// Whether the call decides over a half-open circuit.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.ticket.role() == Role::Probe
    }

    /// The call begins only now: the time for which the permit lay ready does not count as its own.
    #[cfg(all(feature = "tower", feature = "tokio"))]
    pub(crate) fn start(&mut self) {
        let shared = self.shared();
        self.ticket = shared.machine.restart(self.ticket, shared);
    }

    #[inline]
    fn shared(&self) -> &Shared {
        self.breaker.borrow().shared()
    }
}

/// These take the parts and not the permit: one whose address nobody asks for lives in registers.
#[inline]
fn settle(shared: &Shared, ticket: Ticket, outcome: Outcome, given_up: bool) {
    shared.machine.settle(ticket, outcome, given_up, shared);
    if ticket.role() == Role::Probe {
        shared.probe_settled();
    }
}

#[cold]
fn give_up(shared: &Shared, ticket: Ticket) {
    let rules = &shared.machine.rules;
    if std::thread::panicking() {
        settle(shared, ticket, rules.on_panic(), false);
    } else {
        settle(shared, ticket, rules.on_cancel(), true);
    }
}

impl<B: Borrow<CircuitBreaker>> Drop for Permit<B> {
    #[inline]
    fn drop(&mut self) {
        if !self.settled {
            give_up(self.shared(), self.ticket);
        }
    }
}

impl<B: Borrow<CircuitBreaker>> fmt::Debug for Permit<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("ticket", &self.ticket).finish_non_exhaustive()
    }
}
