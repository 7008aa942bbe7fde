//! What a slot's lanes may hold: distinct nodes, and a zone twice only where zones have run out.

use crate::{
    roster::Roster,
    word::{NOBODY, Word},
};

/// The slot with another owner. One that is in it already changes places with the old one; otherwise the
/// old one leaves.
pub(crate) fn with_owner(word: Word, next: u16) -> Word {
    let lane = word.nodes().position(|index| index == next);
    match lane {
        Some(lane) => word.with(lane, word.owner()).with(0, next),
        None => word.with(0, next),
    }
}

/// The zones of the members.
pub(crate) struct Zones {
    /// By index.
    zone_of: Vec<Option<u32>>,
    /// How many there are.
    count: usize,
}

impl Zones {
    pub(crate) fn new(roster: &Roster, members: &[u16]) -> Self {
        let mut zone_of = vec![None; roster.len()];
        let mut zones = Vec::with_capacity(members.len());
        for &index in members {
            let zone = roster.open(index).map(|seat| seat.zone);
            zone_of[usize::from(index)] = zone;
            zones.extend(zone);
        }
        zones.sort_unstable();
        zones.dedup();
        Self { zone_of, count: zones.len() }
    }

    /// The slot with those nodes only that can stay: members, and of a zone the first, unless there are more
    /// copies to be had than zones. The owner stays.
    pub(crate) fn keep(&self, word: Word, copies: usize, is_member: impl Fn(u16) -> bool) -> Word {
        let (mut kept, mut len) = (Word::EMPTY, 0);
        let mut spare = copies.saturating_sub(self.count);
        for index in word.nodes().filter(|&index| is_member(index)) {
            let is_first = self.is_new(kept, NOBODY, index);
            if len < copies && (is_first || spare > 0) {
                kept = kept.with(len, index);
                len += 1;
                spare -= usize::from(!is_first);
            }
        }
        kept
    }

    /// Whether a node may be one more of the slot.
    pub(crate) fn fits(&self, word: Word, index: u16) -> bool {
        !word.names(index) && (self.is_new(word, NOBODY, index) || self.spread(word) == self.count)
    }

    /// Whether a node may stand in a lane instead of the one who does.
    pub(crate) fn can_replace(&self, word: Word, lane: usize, index: u16) -> bool {
        let leaves = word.lane(lane);
        let zone_goes = self.is_new(word, leaves, leaves);
        !word.names(index)
            && (!zone_goes
                || self.zone(index) == self.zone(leaves)
                || self.is_new(word, leaves, index))
    }

    /// Whether nobody in the slot, but for one who is left out, is in the zone of `index`.
    fn is_new(&self, word: Word, but: u16, index: u16) -> bool {
        word.nodes().filter(|&other| other != but).all(|other| self.zone(other) != self.zone(index))
    }

    /// How many zones the slot is in.
    fn spread(&self, word: Word) -> usize {
        let is_first = |&(at, index): &(usize, u16)| {
            word.nodes().take(at).all(|earlier| self.zone(earlier) != self.zone(index))
        };
        word.nodes().enumerate().filter(is_first).count()
    }

    fn zone(&self, index: u16) -> Option<u32> {
        self.zone_of.get(usize::from(index)).copied().flatten()
    }
}
