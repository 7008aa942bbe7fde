//! An explicit map: slots that are assigned, and a planner that moves as few as can be.
//!
//! For those who own data. A slot stays where it is until a plan moves it, whatever hashes say; so the map is
//! even to one slot where a rendezvous map is even to a few in a hundred, and it is a state: two processes
//! agree if they have the same [`PlacementSpec`](crate::PlacementSpec), which has all assignments, and not
//! merely if they know the same nodes.
//!
//! # The planner
//!
//! Each node's target is its share of the slots by weight, rounded so that all sum up (largest remainder;
//! among equals to who has it already). A node that drains has a target of 0, unless all do.
//!
//! 1. Owners: a slot whose owner has left goes to a node below its target; then nodes above their targets
//!    give what is above it, to nodes below theirs. One that has a replica of the slot already goes first, as
//!    there is nothing to copy: they change places. So the fewest owners move that can: the sum of what is
//!    above the targets.
//! 2. Replicas: those that have left, drain, or share a zone while another zone has none, are placed anew.
//! 3. Replicas again: nodes above their targets give to nodes below theirs, where the zones allow it. Zones
//!    of different sizes can make the rest uneven.
//!
//! Between nodes that are as good, the rendezvous score decides: the same map and the same topology make
//! the same plan everywhere.

mod lanes;
mod targets;

use self::{lanes::Zones, targets::Tally};
use crate::{
    rendezvous::{score, slot_hash},
    roster::Roster,
    word::{NOBODY, Word},
};

/// The planner: it keeps nothing but what it was built with.
#[derive(Clone, Debug)]
pub(crate) struct Explicit {
    seed: u64,
    replicas: usize,
}

impl Explicit {
    pub(crate) const fn new(seed: u64, replicas: usize) -> Self {
        Self { seed, replicas }
    }

    /// Makes the words, whatever they were made for, those of `roster`.
    pub(crate) fn refill(&self, words: &mut [Word], roster: &Roster) {
        let members = members(roster);
        let copies = self.replicas.min(members.len());
        self.place_owners(words, roster, &mut Tally::new(roster, &members));
        self.place_replicas(words, roster, copies, &mut Tally::new(roster, &members));
    }

    fn place_owners(&self, words: &mut [Word], roster: &Roster, owners: &mut Tally) {
        for word in &*words {
            owners.count(word.owner());
        }
        owners.share_out(words.len());
        // Those without an owner first, so that what was kept for them is not given away; and where
        // nothing is to be copied before where something is.
        for (orphans, held) in [(true, true), (true, false), (false, true), (false, false)] {
            if owners.under().is_empty() {
                break; // nobody is to have more
            }
            for (slot, word) in words.iter_mut().enumerate() {
                let owner = word.owner();
                let leaves = if orphans { !owners.knows(owner) } else { owners.is_over(owner) };
                if !leaves {
                    continue;
                }
                let fits = |&&index: &&u16| !held || word.names(index);
                let under = owners.under().iter().filter(fits).copied();
                let Some(next) = self.best(slot, roster, under) else { continue };
                owners.moves(owner, next);
                *word = lanes::with_owner(*word, next);
            }
        }
    }

    fn place_replicas(&self, words: &mut [Word], roster: &Roster, copies: usize, rest: &mut Tally) {
        let zones = Zones::new(roster, rest.members());
        // Before anything is counted: zones can keep nodes from their targets, and who is above his for that
        // reason is not to draw the remainders, or each plan would go on where the last one ended.
        rest.share_out(words.len() * (copies - 1));
        for word in words.iter_mut() {
            *word = zones.keep(*word, copies, |index| rest.knows(index));
            word.nodes().skip(1).for_each(|index| rest.count(index));
        }
        for (slot, word) in words.iter_mut().enumerate() {
            while word.len() < copies {
                let fits = |&index: &u16| zones.fits(*word, index);
                let next = self
                    .best(slot, roster, rest.under().iter().copied().filter(fits))
                    .or_else(|| rest.emptiest(rest.members().iter().copied().filter(fits)))
                    .expect("there are as many nodes as copies");
                rest.moves(NOBODY, next);
                *word = word.with(word.len(), next);
            }
        }
        for (slot, word) in words.iter_mut().enumerate() {
            for lane in 1..copies {
                let from = word.lane(lane);
                if !rest.is_over(from) {
                    continue;
                }
                let fits = |&index: &u16| zones.can_replace(*word, lane, index);
                let under = rest.under().iter().copied().filter(fits);
                if let Some(next) = self.best(slot, roster, under) {
                    rest.moves(from, next);
                    *word = word.with(lane, next);
                }
            }
        }
    }

    /// The one that draws the highest score for the slot.
    fn best(&self, slot: usize, roster: &Roster, among: impl Iterator<Item = u16>) -> Option<u16> {
        let slot_hash = slot_hash(self.seed, slot);
        among.max_by_key(|&index| {
            let seat = roster.open(index).expect("only those who are in the roster get slots");
            (score(seat.name_hash, slot_hash), seat.name_hash)
        })
    }
}

/// Those who are to have slots.
fn members(roster: &Roster) -> Vec<u16> {
    let stay = roster.all_open().filter(|(_, seat)| !seat.draining);
    let members: Vec<_> = stay.map(|(index, _)| index).collect();
    if members.is_empty() { roster.all_open().map(|(index, _)| index).collect() } else { members }
}

#[cfg(all(test, not(seawall_loom)))]
#[path = "tests/explicit.rs"]
mod tests;
