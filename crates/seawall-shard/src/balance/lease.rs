//! One call at a peer, until it is known how it went.

use std::{fmt, ops::Deref, sync::Arc};

use seawall_core::{Nanos, Outcome};

use super::{
    Cause,
    load::InFlight,
    shared::{Seat, Seated},
    standing::Moment,
};

/// A call at a peer: report how it went with [`success`](Self::success), [`failure`](Self::failure) or
/// [`record`](Self::record).
///
/// Until then, it counts as one of the peer's calls in flight, and its time runs. Dropped without a report,
/// it is a call that was cancelled, or, while the thread unwinds, one that panicked: the peer is taken to have
/// needed the penalty. Either way the call is given back once.
///
/// It reads as what the peer was given: `lease.send(..)` calls a client that lies there.
#[must_use = "a lease that is dropped reports a call that was cancelled"]
pub struct Lease<T> {
    entered: InFlight<Seat<T>>,
    began: Nanos,
    settled: bool,
}

/// How a call ended.
#[derive(Clone, Copy)]
enum End {
    Known(Outcome),
    Cancelled,
    Panicked,
}

impl<T> Lease<T> {
    pub(crate) const fn new(entered: InFlight<Seat<T>>, began: Nanos) -> Self {
        Self { entered, began, settled: false }
    }

    /// The peer's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.peer().name.as_str()
    }

    /// The call went well.
    pub fn success(self) {
        self.record(Outcome::Success);
    }

    /// The peer failed.
    pub fn failure(self) {
        self.record(Outcome::Failure);
    }

    /// The call went as `outcome` says; [`Outcome::Ignored`] says nothing about the peer.
    pub fn record(mut self, outcome: Outcome) {
        self.settled = true;
        settle(self.peer(), self.began, End::Known(outcome));
    }

    /// The peer could not even get ready: it is put out at once if there is a place left outside, and is taken
    /// to have needed the penalty, so that others are chosen where there is none.
    pub fn not_ready(mut self) {
        self.settled = true;
        let peer = self.peer();
        let common = &*peer.value.common;
        let now = common.clock.now();
        let rtt = Nanos::from(now.since(self.began)).0.max(common.rules.penalty());
        peer.load.latency.record(rtt, common.decay.tick(now));
        if let Some(home) = peer.value.home.upgrade() {
            home.eject(peer, Cause::NotReady, now);
        }
    }

    fn peer(&self) -> &Arc<Seated<T>> {
        self.entered.peer()
    }
}

impl<T> Deref for Lease<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.peer().value.value
    }
}

impl<T> Drop for Lease<T> {
    fn drop(&mut self) {
        if !self.settled {
            let end = if std::thread::panicking() { End::Panicked } else { End::Cancelled };
            settle(self.peer(), self.began, end);
        }
    }
}

fn settle<T>(peer: &Arc<Seated<T>>, began: Nanos, end: End) {
    let common = &*peer.value.common;
    let (rules, endings) = (&common.rules, common.rules.endings());
    let (outcome, penalty) = match end {
        End::Known(Outcome::Ignored) => return,
        End::Known(Outcome::Success) => (Outcome::Success, 0),
        End::Known(Outcome::Failure) => (Outcome::Failure, rules.penalty()),
        End::Cancelled => (endings.on_cancel(), rules.penalty()),
        End::Panicked => (endings.on_panic(), rules.penalty()),
    };
    let now = common.clock.now();
    let rtt = Nanos::from(now.since(began)).0.max(penalty);
    peer.load.latency.record(rtt, common.decay.tick(now));
    if !endings.count() {
        return;
    }
    let moment = Moment::of(began);
    let failures = match outcome {
        Outcome::Ignored => return,
        Outcome::Success => {
            peer.standing.success(moment);
            0
        }
        Outcome::Failure => peer.standing.failure(moment),
    };
    if endings.compare_rates() {
        peer.tally.add(outcome == Outcome::Success);
    }
    let too_many = endings.too_many(failures);
    let due = common.sweep_is_due(now);
    if !(too_many || due) {
        return;
    }
    let Some(home) = peer.value.home.upgrade() else { return };
    if too_many {
        home.eject(peer, Cause::ConsecutiveFailures { failures }, now);
    }
    if due {
        home.sweep(now);
    }
}

impl<T> fmt::Debug for Lease<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("peer", &self.peer().name).finish_non_exhaustive()
    }
}
