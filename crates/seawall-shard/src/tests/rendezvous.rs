//! The fill against sorting all nodes for each slot, and scores that are pinned.

use proptest::prelude::*;

use super::*;
use crate::{Node, Topology, hash, word::LANES};

const SLOTS: usize = 64;

/// The nodes 0 to 11, of which some are there.
#[derive(Clone, Debug)]
struct Fleet(Vec<Option<(u32, Option<u32>)>>);

impl Fleet {
    fn roster(&self) -> Roster {
        let mut topology = Topology::new();
        let mut indexes = Vec::new();
        for (index, node) in self.0.iter().enumerate() {
            let Some((weight, zone)) = node else { continue };
            let mut node = Node::new(format!("node-{index:02}")).weight(*weight);
            if let Some(zone) = zone {
                node = node.zone(format!("zone-{zone}"));
            }
            topology.add(node).expect("it is new");
            indexes.push(index as u16); // the names are in the order of the indexes
        }
        Roster::new(&topology, &indexes)
    }
}

fn fleet() -> impl Strategy<Value = Fleet> {
    let node = (prop_oneof![1 => Just(0), 6 => Just(1), 3 => 1..1000_u32], 0..5_u32);
    let node = node.prop_map(|(weight, zone)| (weight, (zone > 0).then_some(zone)));
    prop::collection::vec(prop::option::weighted(0.7, node), 12).prop_map(Fleet)
}

/// A fleet, and what a few changes make of it, one after the other. Nobody changes his zone: he would be
/// another member.
fn history() -> impl Strategy<Value = Vec<Fleet>> {
    let changes = prop::collection::vec(0..12_usize, 0..4);
    let step = (fleet(), changes);
    (fleet(), prop::collection::vec(step, 1..4)).prop_map(|(first, steps)| {
        let mut fleets = vec![first];
        for (other, changes) in steps {
            let mut next = fleets[fleets.len() - 1].clone();
            for at in changes {
                next.0[at] = match (next.0[at], other.0[at]) {
                    (Some((_, zone)), Some((weight, _))) => Some((weight, zone)),
                    (_, other) => other,
                };
            }
            fleets.push(next);
        }
        fleets
    })
}

/// The rule of the page of [`ranking`], by sorting.
fn by_sorting(roster: &Roster, slot: usize, places: usize) -> Word {
    let mut all: Vec<_> = roster
        .all_open()
        .map(|(index, seat)| {
            let cost = log::neg_log2(score(seat.name_hash, slot_hash(0, slot)));
            (cost / u64::from(seat.weight), seat.name_hash, seat.zone, index)
        })
        .collect();
    all.sort_unstable();
    let mut taken: Vec<u16> = Vec::new();
    let mut zones = Vec::new();
    for &(_, _, zone, index) in &all {
        if taken.len() < places && !zones.contains(&zone) {
            zones.push(zone);
            taken.push(index);
        }
    }
    for &(_, _, _, index) in &all {
        if taken.len() < places && !taken.contains(&index) {
            taken.push(index);
        }
    }
    Word::of(taken)
}

proptest! {
    #[test]
    fn a_fill_and_what_changes_make_of_it_are_as_by_sorting(
        fleets in history(),
        places in 1..=LANES,
    ) {
        let mut fill = Rendezvous::new(0, places, SLOTS);
        let mut words = vec![Word::EMPTY; SLOTS];
        let mut before = Roster::default();
        for fleet in fleets {
            let after = fleet.roster();
            let were = words.clone();
            fill.refill(&before, &after, |slot| were[slot], |slot, word| words[slot] = word);
            for (slot, word) in words.iter().enumerate() {
                prop_assert_eq!(*word, by_sorting(&after, slot, places), "slot {}", slot);
            }
            before = after;
        }
    }
}

#[test]
fn slot_hashes_and_scores_are_pinned() {
    // The first two numbers of SplitMix64 that begins at 0, as everybody has them.
    assert_eq!(slot_hash(0, 0), 0xE220_A839_7B1D_CDAF);
    assert_eq!(slot_hash(0, 1), 0x6E78_9E6A_A1B9_65F4);
    assert_eq!(slot_hash(0, 65_535), 0x134D_F622_FD3A_6C5F);

    let scores = ["a", "b", "db-1"].map(|name| score(hash(name.as_bytes()), slot_hash(7, 42)));
    assert_eq!(
        scores,
        [8_019_364_936_730_400_008, 3_843_929_570_792_954_788, 10_870_069_783_340_120_754]
    );
}
