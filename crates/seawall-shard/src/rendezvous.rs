//! Rendezvous hashing, once a slot: what fills the table where nothing else is asked for.
//!
//! Every node draws a score for every slot; the best one owns it, the next ones have the replicas. Nothing
//! but names, weights and zones decides: whoever knows them fills the same table, in whichever order they
//! came, with no history and nobody to ask. A node that joins draws scores of its own and takes what it wins;
//! those of the others are as they were, so that nothing moves between them.
//!
//! # The score, in every language
//!
//! ```text
//! mix(x)     = SplitMix64's finalizer
//! slot hash  = mix(seed + (slot + 1) * 0x9E3779B97F4A7C15)      the numbers of SplitMix64 from `seed` on
//! score      = mix(XXH3_64(name) ^ slot hash)
//! cost       = floor(-log2((score + 1) / 2^64) / weight)        57 binary places, see `log`
//! ```
//!
//! The least cost wins; equal costs are decided by the hash of the name, which no two nodes of a topology
//! share. The cost of a node of weight w is exponentially distributed with rate w, and the least of several
//! such is each one's with the probability of its share of the rates: so weights are kept exactly, and a
//! weight that grows only lowers costs of its own node. Replicas are chosen as the page of [`ranking`] says.
//!
//! # What a change costs
//!
//! For each slot the `bar` is kept: the cost of the most expensive node in it. A node that joins is compared
//! with it, one compare a slot; most fall through without a logarithm, as the cost is at least
//! (1 - u) / weight. A node that leaves, or gets lighter, has those slots ranked anew that name it.
//!
//! # How even it is
//!
//! As even as throwing slots at nodes: the share of a node deviates by sqrt(n / slots). With 65 536 slots the
//! fullest of 10, 100, 1 000 nodes has 1.02, 1.10, 1.43 times the mean; four times the slots halve what is
//! above 1, and eight times leave 1.14 of 1 000. An [explicit](crate::ShardMapBuilder::explicit) map is even to one slot, and has a history.

mod log;
pub(crate) mod ranking;

use seawall_core::{GOLDEN, mix};

use self::ranking::{Ranked, Ranking};
use crate::{
    roster::{Roster, Seat},
    word::Word,
};

/// The stable hash of a slot.
pub(crate) const fn slot_hash(seed: u64, slot: usize) -> u64 {
    mix(seed.wrapping_add(GOLDEN.wrapping_mul(slot as u64 + 1)))
}

/// What a node draws for a slot.
#[inline]
pub(crate) const fn score(name_hash: u64, slot_hash: u64) -> u64 {
    mix(name_hash ^ slot_hash)
}

/// The bars of all slots.
#[derive(Clone, Debug)]
pub(crate) struct Rendezvous {
    seed: u64,
    replicas: usize,
    bars: Box<[u64]>,
}

/// What a change of the roster can do to a slot.
struct Change<'a> {
    /// By index: those who left, or weigh another thing than before.
    touched: Vec<bool>,
    /// Whether there is one.
    touches_any: bool,
    /// Those who joined, or got heavier.
    gained: Vec<(u16, &'a Seat)>,
    /// Whether one of them opens a zone that slots have a place for, whatever it costs.
    zone_opens: bool,
}

impl Rendezvous {
    pub(crate) fn new(seed: u64, replicas: usize, slots: usize) -> Self {
        Self { seed, replicas, bars: vec![u64::MAX; slots].into() }
    }

    /// Makes of the words that were made for `before` those of `after`: each that can be another one is told to
    /// `changed`, with its slot.
    pub(crate) fn refill(
        &mut self,
        before: &Roster,
        after: &Roster,
        word: impl Fn(usize) -> Word,
        mut changed: impl FnMut(usize, Word),
    ) {
        let change = Change::between(before, after, self.replicas);
        if change.gained.is_empty() && !change.touches_any {
            return;
        }
        let open: Vec<_> = after.all_open().collect();
        for (slot, bar) in self.bars.iter_mut().enumerate() {
            let hash = slot_hash(self.seed, slot);
            let mut ranking;
            if change.touches_any && change.touches(word(slot)) {
                ranking = Ranking::new(self.replicas);
                offer(&mut ranking, hash, &open);
            } else {
                // Nearly all slots end here: a ranking is made for the others only.
                let Some((felt, rest)) = change.first_felt(hash, *bar) else { continue };
                ranking = Ranking::new(self.replicas);
                for index in word(slot).nodes() {
                    let seat = after.open(index).expect("who left is touched");
                    offer(&mut ranking, hash, &[(index, seat)]);
                }
                ranking.offer(felt);
                offer(&mut ranking, hash, rest);
            }
            changed(slot, ranking.word());
            *bar = ranking.bar();
        }
    }
}

/// Offers the slot to all of them, and has a close look at those only whom it could go to.
fn offer(ranking: &mut Ranking, slot_hash: u64, seats: &[(u16, &Seat)]) {
    let mut bar = ranking.bar_for_all();
    for &(index, seat) in seats {
        if let Some(ranked) = ranked(slot_hash, index, seat, bar) {
            ranking.offer(ranked);
            bar = ranking.bar_for_all();
        }
    }
}

/// What the slot costs the node, unless that is above `bar`.
#[inline]
fn ranked(slot_hash: u64, index: u16, seat: &Seat, bar: u64) -> Option<Ranked> {
    let score = score(seat.name_hash, slot_hash);
    let weight = u64::from(seat.weight);
    // floor(least / weight) > bar, without the division.
    if log::at_least(score) >= bar.saturating_add(1).saturating_mul(weight) {
        return None;
    }
    let cost = log::neg_log2(score) / weight;
    (cost <= bar).then_some(Ranked { cost, name_hash: seat.name_hash, zone: seat.zone, index })
}

impl<'a> Change<'a> {
    fn between(before: &Roster, after: &'a Roster, replicas: usize) -> Self {
        let mut change = Self {
            touched: vec![false; before.len().max(after.len())],
            touches_any: false,
            gained: Vec::new(),
            zone_opens: false,
        };
        let mut zones = Vec::new();
        for index in 0..change.touched.len() as u16 {
            match (before.open(index), after.open(index)) {
                (Some(_), None) => change.touched[usize::from(index)] = true,
                (None, Some(seat)) => change.gained.push((index, seat)),
                (Some(old), Some(seat)) => {
                    zones.push(seat.zone);
                    change.touched[usize::from(index)] = old.weight != seat.weight;
                    if old.weight < seat.weight {
                        change.gained.push((index, seat));
                    }
                }
                (None, None) => {}
            }
        }
        change.touches_any = change.touched.contains(&true);
        zones.sort_unstable();
        zones.dedup();
        change.zone_opens = zones.len() < replicas
            && change.gained.iter().any(|(_, seat)| zones.binary_search(&seat.zone).is_err());
        change
    }

    /// The first of those who gained that is a match for those who are in a slot, and who comes after it.
    #[inline]
    fn first_felt(&self, slot_hash: u64, bar: u64) -> Option<(Ranked, &[(u16, &'a Seat)])> {
        let bar = if self.zone_opens { u64::MAX } else { bar };
        let mut gained = self.gained.iter();
        let felt = gained.find_map(|&(index, seat)| ranked(slot_hash, index, seat, bar))?;
        Some((felt, gained.as_slice()))
    }

    fn touches(&self, word: Word) -> bool {
        word.nodes().any(|index| self.touched[usize::from(index)])
    }
}

#[cfg(all(test, not(seawall_loom)))]
#[path = "tests/rendezvous.rs"]
mod tests;
