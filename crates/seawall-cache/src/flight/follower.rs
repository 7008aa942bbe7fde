//! One who waits for another's load.

use std::{
    hash::Hash,
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    Entry, Flights, Leader, Panicked, leader, own,
    seats::{Asked, Flight, Ticket},
};

/// One who waits for another's load. Dropping it leaves the flight.
#[must_use = "an outcome is on its way"]
pub(crate) struct Follower<K, T> {
    flights: Flights<K, T>,
    /// Until the wait is over.
    flight: Option<Arc<Flight<K, T>>>,
    ticket: Option<Ticket>,
}

/// What came of a wait.
pub(crate) enum Landing<K, T> {
    /// The leader's outcome.
    Landed(T),
    /// The load panicked, in another task.
    Panicked(Panicked),
    /// The leader went without an outcome; it is the follower's turn to load.
    Leads(Leader<K, T>),
}

const TWICE: &str = "a wait is not polled after it was over";

impl<K, T> Follower<K, T> {
    pub(super) const fn new(flights: Flights<K, T>, flight: Arc<Flight<K, T>>) -> Self {
        Self { flights, flight: Some(flight), ticket: None }
    }

    fn flight(&self) -> &Arc<Flight<K, T>> {
        self.flight.as_ref().expect(TWICE)
    }

    /// Whether it waits for a load that this thread is just polling: it would wait for ever.
    pub(crate) fn waits_for_itself(&self) -> bool {
        own::is_within(leader::number(self.flight()))
    }

    /// Is not polled for some time: whoever is to take over, it is not this one, unless it asks.
    pub(crate) fn doze(&mut self) {
        if let Some(flight) = &self.flight {
            flight.doze(&mut self.ticket).now();
        }
    }
}

impl<K: Hash + Eq + Clone, T: Clone> Follower<K, T> {
    /// Whether the wait is over, and what came of it.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<Landing<K, T>> {
        loop {
            let asked = self.flight.as_ref().expect(TWICE).ask(&mut self.ticket, cx.waker());
            if matches!(asked, Asked::Sleeps) {
                return Poll::Pending;
            }
            // It follows no more: `ask` has counted it out.
            let flight = self.flight.take().expect(TWICE);
            let landing = match asked {
                Asked::Landed(Ok(outcome)) => Landing::Landed(outcome),
                Asked::Landed(Err(panicked)) => Landing::Panicked(panicked),
                Asked::Leads => {
                    self.flights.0.counts.handed_over.add(1);
                    Landing::Leads(Leader::new(self.flights.clone(), flight))
                }
                Asked::Scattered | Asked::Sleeps => match self.flights.join_or_lead(&flight.key) {
                    Entry::Leads(leader) => Landing::Leads(leader),
                    Entry::Follows(mut other) => {
                        self.flight = other.flight.take();
                        self.ticket = None;
                        continue;
                    }
                },
            };
            return Poll::Ready(landing);
        }
    }
}

impl<K, T> Drop for Follower<K, T> {
    fn drop(&mut self) {
        if let Some(flight) = &self.flight {
            self.flights.0.after(flight, |_| flight.leave(self.ticket));
        }
    }
}
