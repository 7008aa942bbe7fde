//! How a peer looks at one moment.

use std::{sync::Arc, time::Duration};

use seawall_core::{Name, Nanos, Ratio};

use super::{
    shared::{Seated, Shared},
    standing::Moment,
};

/// A peer at one moment, for whoever looks on; each number is read by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerView {
    /// Its name.
    pub name: Name,
    /// Its share of the calls, relative to the others'.
    pub weight: u32,
    /// Calls that it has not answered yet.
    pub in_flight: u32,
    /// How long it is expected to take.
    pub estimate: Duration,
    /// How much of its weight it is given: nothing while it is out, all after its slow start.
    pub share: Ratio,
    /// Whether it was said to be down.
    pub down: bool,
    /// How often it was ejected lately.
    pub ejections: u32,
}

impl<T> Shared<T> {
    pub(crate) fn view(&self, now: Nanos) -> Vec<PeerView> {
        let (tick, moment) = (self.common.decay.tick(now), Moment::of(now));
        let peers = self.peers();
        let view = |peer: &Arc<Seated<T>>| {
            let stand = peer.standing.read();
            let in_flight = peer.load.in_flight();
            PeerView {
                name: peer.name.clone(),
                weight: peer.weight(),
                in_flight,
                estimate: Duration::from_nanos(peer.load.latency.read(tick, in_flight)),
                share: stand.share(moment, self.common.rules.ramp()),
                down: stand.down,
                ejections: stand.ejections,
            }
        };
        peers.list().iter().map(view).collect()
    }
}
