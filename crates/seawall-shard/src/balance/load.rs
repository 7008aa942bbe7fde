//! What a peer has to do: calls in flight, and how long each of them takes.
//!
//! # What it promises
//!
//! 1. Each call that entered leaves once, whether it is answered, fails, is dropped or panics.
//! 2. A call counts at the peer that it entered: one that left and came back under the same name is
//!    another one, and starts from nothing.
//!
//! # Synchronization
//!
//! The count carries no data but itself: Relaxed. A pick that sees it a call late chooses a little worse.

use std::sync::Arc;

use seawall_core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::{
    latency::{Latency, Tick},
    peer::Peer,
};

#[derive(Debug)]
pub(crate) struct Load {
    in_flight: AtomicU32,
    pub(crate) latency: Latency,
}

impl Load {
    pub(crate) fn new(latency: Latency) -> Self {
        Self { in_flight: AtomicU32::new(0), latency }
    }

    #[inline]
    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Relaxed)
    }

    /// How long a call that came now would be in the line: `estimate * (in_flight * lightness + 1)`.
    ///
    /// `lightness` is how many times less than the heaviest the peer is meant to carry, 1 where all are
    /// equal. The call itself is not made heavier by it: an idle canary costs what an idle peer costs, and
    /// gets the share of the draws that its weight is.
    #[inline]
    pub(crate) fn cost(&self, tick: Tick, lightness: f64) -> f64 {
        let in_flight = self.in_flight();
        let estimate = self.latency.read(tick, in_flight).max(1);
        estimate as f64 * (f64::from(in_flight) * lightness + 1.0)
    }
}

/// One call in the count of the peer that it holds; dropping it gives back.
pub(crate) struct InFlight<V>(Arc<Peer<V>>);

impl<V> InFlight<V> {
    #[inline]
    pub(crate) fn enter(peer: Arc<Peer<V>>) -> Self {
        peer.load.in_flight.fetch_add(1, Relaxed);
        Self(peer)
    }

    #[inline]
    pub(crate) const fn peer(&self) -> &Arc<Peer<V>> {
        &self.0
    }
}

impl<V> Drop for InFlight<V> {
    #[inline]
    fn drop(&mut self) {
        self.0.load.in_flight.fetch_sub(1, Relaxed);
    }
}
