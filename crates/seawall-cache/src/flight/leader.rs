//! The one who loads.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    thread,
};

use super::{
    Flights, Follower, Panicked, own,
    seats::{Flight, Outcome},
};

/// The one who loads for a key: ends the flight by an outcome, or hands it over by being dropped.
///
/// Owned: it can go to another task with its load. Where a leader and its load lie in one place, the
/// leader must be dropped first, so that the flight is out of the table before its load is cancelled.
#[must_use = "the flight waits for its leader"]
pub(crate) struct Leader<K, T> {
    flights: Flights<K, T>,
    flight: Arc<Flight<K, T>>,
    ended: bool,
}

impl<K, T> Leader<K, T> {
    pub(super) const fn new(flights: Flights<K, T>, flight: Arc<Flight<K, T>>) -> Self {
        Self { flights, flight, ended: false }
    }

    pub(crate) fn key(&self) -> &K {
        &self.flight.key
    }

    /// Polls the load.
    ///
    /// # Errors
    ///
    /// Where it panicked. The followers know already; the caller gives back what it holds and lets the
    /// panic go on.
    pub(crate) fn poll_load<F: Future>(
        &mut self,
        load: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> thread::Result<Poll<F::Output>>
    where
        T: Clone,
    {
        self.guard(|| load.poll(cx))
    }

    /// Runs a part of the load.
    ///
    /// # Errors
    ///
    /// As [`poll_load`](Self::poll_load).
    pub(crate) fn guard<R>(&mut self, part: impl FnOnce() -> R) -> thread::Result<R>
    where
        T: Clone,
    {
        guard(std::slice::from_mut(self), part)
    }

    /// The followers learn that the load panicked.
    #[cold]
    fn panics(&mut self, panicked: Panicked)
    where
        T: Clone,
    {
        self.flights.0.counts.panicked.add(1);
        self.flights.0.retire(&self.flight, |_| ());
        let _ = self.land(Err(panicked));
    }

    /// Ends the flight: `store` keeps the outcome if the flight is still the registered one, under the
    /// lock that [`Flights::poison`] takes, and the followers get it in any case.
    ///
    /// `store` must not come back to the table. Returns the outcome, and whether it was stored.
    pub(crate) fn publish(mut self, outcome: T, store: impl FnOnce(&K, &T)) -> (T, bool)
    where
        T: Clone,
    {
        let stored = self.flights.0.retire(&self.flight, |key| store(key, &outcome));
        match self.land(Ok(outcome)) {
            Ok(outcome) => (outcome, stored),
            Err(_) => unreachable!("it is what went in"),
        }
    }

    /// Ends the flight by an outcome that nobody keeps.
    pub(crate) fn settle(self, outcome: T) -> T
    where
        T: Clone,
    {
        self.publish(outcome, |_, _| ()).0
    }

    /// Keeps something before the end, by the same rule as [`publish`](Self::publish): a stale value, for
    /// the case that the load fails.
    pub(crate) fn amid(&self, store: impl FnOnce(&K)) {
        self.flights.0.amid(&self.flight, store);
    }

    fn land(&mut self, outcome: Outcome<T>) -> Outcome<T>
    where
        T: Clone,
    {
        let (outcome, wake) = self.flight.land(outcome);
        self.ended = true;
        wake.now();
        outcome
    }

    /// Follows its own flight: for a load that goes to another task.
    pub(crate) fn follow(&self) -> Follower<K, T> {
        self.flight.join();
        Follower::new(self.flights.clone(), self.flight.clone())
    }

    /// Wants to know when the last follower has left: the flight is out of the table by then. Called
    /// after the first has [joined](Self::follow).
    pub(crate) fn watch_desertion(&self) {
        self.flight.watch_desertion();
    }

    /// Whether the last follower has left; if not, the task is woken when that is so.
    pub(crate) fn is_deserted(&self, cx: &Context<'_>) -> bool {
        self.flight.is_deserted(cx.waker())
    }
}

/// Runs a part of the load that all of `leaders` share.
///
/// # Errors
///
/// As [`Leader::poll_load`].
pub(crate) fn guard<K, T: Clone, R>(
    leaders: &mut [Leader<K, T>],
    part: impl FnOnce() -> R,
) -> thread::Result<R> {
    let flights = leaders.iter().map(|leader| number(&leader.flight));
    let done = catch_unwind(AssertUnwindSafe(|| own::within(flights, part)));
    done.inspect_err(|panic| {
        let panicked = Panicked::new(&**panic);
        leaders.iter_mut().for_each(|leader| leader.panics(panicked.clone()));
    })
}

/// What a flight goes by while it is alive.
pub(super) fn number<K, T>(flight: &Arc<Flight<K, T>>) -> usize {
    Arc::as_ptr(flight).addr()
}

impl<K, T> Drop for Leader<K, T> {
    fn drop(&mut self) {
        if !self.ended {
            self.flights.0.after(&self.flight, |registered| self.flight.abandon(registered));
        }
    }
}
