//! How many slots each node is to have, and how many it has.

use std::cmp::Reverse;

use crate::roster::{Roster, Seat};

/// Counts and targets of the members, by index.
pub(crate) struct Tally {
    members: Vec<u16>,
    /// By index; all others are no members.
    entries: Vec<Option<Entry>>,
    /// Those below their targets, in any order: mostly a few, who are looked at once for each slot.
    under: Vec<u16>,
}

#[derive(Clone, Copy)]
struct Entry {
    name_hash: u64,
    weight: u64,
    target: usize,
    count: usize,
}

impl Tally {
    pub(crate) fn new(roster: &Roster, members: &[u16]) -> Self {
        let mut entries = vec![None; roster.len()];
        for &index in members {
            let entry = |seat: &Seat| Entry {
                name_hash: seat.name_hash,
                weight: seat.weight.into(),
                target: 0,
                count: 0,
            };
            entries[usize::from(index)] = roster.open(index).map(entry);
        }
        Self { members: members.to_vec(), entries, under: Vec::new() }
    }

    /// Shares `total` out by weight. What rounding leaves over goes to those who miss most by it; among
    /// equals to those who have been counted with it, so that it need not move.
    pub(crate) fn share_out(&mut self, total: usize) {
        let sum: u64 = self.entries.iter().flatten().map(|entry| entry.weight).sum();
        let mut left = total;
        for entry in self.entries.iter_mut().flatten() {
            entry.target = (total as u64 * entry.weight / sum) as usize; // 2^24 slots, 2^16 of weight
            left -= entry.target;
        }
        let mut misses: Vec<_> = self.entries.iter_mut().flatten().collect();
        misses.sort_unstable_by_key(|entry| {
            let miss = total as u64 * entry.weight % sum;
            Reverse((miss, entry.count > entry.target, entry.name_hash))
        });
        misses.into_iter().take(left).for_each(|entry| entry.target += 1);
        let is_under = |entry: Entry| entry.count < entry.target;
        let under = self.members.iter().copied();
        self.under = under.filter(|&index| self.entry(index).is_some_and(is_under)).collect();
    }

    pub(crate) fn members(&self) -> &[u16] {
        &self.members
    }

    pub(crate) fn knows(&self, index: u16) -> bool {
        self.entry(index).is_some()
    }

    pub(crate) fn is_over(&self, index: u16) -> bool {
        // Who is no member is above any target.
        self.entry(index).is_none_or(|entry| entry.count > entry.target)
    }

    /// Those below their targets.
    pub(crate) fn under(&self) -> &[u16] {
        &self.under
    }

    /// The one who has least for its weight.
    pub(crate) fn emptiest(&self, among: impl Iterator<Item = u16>) -> Option<u16> {
        among.min_by(|&a, &b| {
            let of =
                |index| self.entry(index).map_or((u64::MAX, 1), |e| (e.count as u64, e.weight));
            let ((count_a, weight_a), (count_b, weight_b)) = (of(a), of(b));
            (count_a * weight_b).cmp(&(count_b * weight_a))
        })
    }

    pub(crate) fn count(&mut self, index: u16) {
        let Some(entry) = self.entry_mut(index) else { return };
        entry.count += 1;
        if entry.count == entry.target {
            self.under.retain(|&other| other != index);
        }
    }

    /// One slot goes from one who is above its target to another; from nobody, if the one is no member.
    pub(crate) fn moves(&mut self, from: u16, to: u16) {
        if let Some(entry) = self.entry_mut(from) {
            entry.count -= 1;
            debug_assert!(entry.count >= entry.target, "who gives is above its target");
        }
        self.count(to);
    }

    fn entry(&self, index: u16) -> Option<Entry> {
        self.entries.get(usize::from(index)).copied().flatten()
    }

    fn entry_mut(&mut self, index: u16) -> Option<&mut Entry> {
        self.entries.get_mut(usize::from(index))?.as_mut()
    }
}
