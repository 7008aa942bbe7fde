//! The nodes of a topology by their indexes, with what a placement needs to know of each.

use std::collections::HashMap;

use crate::{NodeState, Topology, hash};

/// What decides where a node's keys are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    /// The hash of its name: no two nodes of a topology have the same.
    pub(crate) name_hash: u64,
    /// Its share: 0 for a node that gets nothing.
    pub(crate) weight: u32,
    /// Its zone, by a number of this roster; who has none is in a zone of his own.
    pub(crate) zone: u32,
    /// Whether it is to be emptied.
    pub(crate) draining: bool,
}

/// The seats, by index.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roster(Vec<Option<Seat>>);

impl Roster {
    /// The nodes of `topology`, the n-th of which has the n-th of `indexes`.
    pub(crate) fn new(topology: &Topology, indexes: &[u16]) -> Self {
        let mut zones = HashMap::new();
        let mut seats = Vec::new();
        for (at, (node, &index)) in topology.nodes().iter().zip(indexes).enumerate() {
            let own = at as u32;
            let zone = node.zone.as_ref().map_or(own, |zone| *zones.entry(&**zone).or_insert(own));
            let seat = Seat {
                name_hash: hash(node.name.as_bytes()),
                weight: node.weight,
                zone,
                draining: node.state == NodeState::Draining,
            };
            if seats.len() <= index.into() {
                seats.resize(usize::from(index) + 1, None);
            }
            seats[usize::from(index)] = Some(seat);
        }
        Self(seats)
    }

    /// How many indexes there are, of which some may be nobody's.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The seat of a node that a slot can be given to.
    pub(crate) fn open(&self, index: u16) -> Option<&Seat> {
        self.0.get(usize::from(index))?.as_ref().filter(|seat| seat.weight > 0)
    }

    /// All of those, by index.
    pub(crate) fn all_open(&self) -> impl Iterator<Item = (u16, &Seat)> {
        let indexes = 0..self.0.len() as u16;
        indexes.filter_map(|index| Some((index, self.open(index)?)))
    }
}
