//! The planner: targets, fewest moves, zones.

use proptest::prelude::*;

use super::*;
use crate::{Node, NodeState, Topology, word::LANES};

const SLOTS: usize = 256;

fn roster(nodes: &[(u32, u32, bool)]) -> Roster {
    let mut topology = Topology::new();
    for (at, &(weight, zone, draining)) in nodes.iter().enumerate() {
        let state = if draining { NodeState::Draining } else { NodeState::Active };
        let node = Node::new(format!("node-{at:02}")).weight(weight).zone(format!("z{zone}"));
        topology.add(node.state(state)).expect("it is new");
    }
    let indexes: Vec<_> = (0..nodes.len() as u16).collect();
    Roster::new(&topology, &indexes)
}

fn nodes() -> impl Strategy<Value = Vec<(u32, u32, bool)>> {
    let node = (0..5_u32, 0..4_u32, prop::bool::weighted(0.15));
    prop::collection::vec(node, 1..12)
        .prop_filter("one has a weight", |nodes| nodes.iter().any(|&(weight, ..)| weight > 0))
}

fn owned(words: &[Word], index: u16) -> usize {
    words.iter().filter(|word| word.owner() == index).count()
}

/// Largest remainder, written down another way: the sum of the misses is the least that whole numbers allow.
fn is_fair(words: &[Word], roster: &Roster) -> bool {
    let members = members(roster);
    let weight = |index: u16| roster.open(index).map_or(0, |seat| seat.weight as usize);
    let sum: usize = members.iter().map(|&index| weight(index)).sum();
    members.iter().all(|&index| {
        let exact = SLOTS * weight(index);
        let owned = owned(words, index) * sum;
        owned + sum > exact && owned < exact + sum
    }) && (0..12).filter(|index| !members.contains(index)).all(|index| owned(words, index) == 0)
}

fn zones_are_used(words: &[Word], roster: &Roster, copies: usize) -> bool {
    let members = members(roster);
    let zone = |index: u16| roster.open(index).map(|seat| seat.zone);
    let distinct = |indexes: Vec<u16>| {
        let mut zones: Vec<_> = indexes.into_iter().map(zone).collect();
        zones.sort_unstable();
        zones.dedup();
        zones.len()
    };
    let zones = distinct(members.clone());
    words.iter().all(|word| {
        let nodes: Vec<_> = word.nodes().collect();
        let mut sorted = nodes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        sorted.len() == nodes.len()
            && nodes.len() == copies.min(members.len())
            && nodes.iter().all(|node| members.contains(node))
            && distinct(nodes.clone()) == zones.min(nodes.len())
    })
}

proptest! {
    #[test]
    fn a_plan_is_fair_uses_all_zones_and_moves_the_fewest_owners(
        before in nodes(),
        after in nodes(),
        copies in 1..=LANES,
    ) {
        let planner = Explicit::new(0, copies);
        let (before, after) = (roster(&before), roster(&after));
        let mut words = vec![Word::EMPTY; SLOTS];

        planner.refill(&mut words, &before);
        prop_assert!(is_fair(&words, &before));
        prop_assert!(zones_are_used(&words, &before, copies));

        let old = words.clone();
        planner.refill(&mut words, &after);
        prop_assert!(is_fair(&words, &after));
        prop_assert!(zones_are_used(&words, &after, copies));
        let moved = old.iter().zip(&words).filter(|(old, new)| old.owner() != new.owner()).count();
        let above = |index| owned(&old, index).saturating_sub(owned(&words, index));
        prop_assert_eq!(moved, (0..12).map(above).sum::<usize>());

        let again = words.clone();
        planner.refill(&mut words, &after);
        prop_assert_eq!(again, words, "a plan that is carried out leaves nothing to do");
    }
}

#[test]
fn an_owner_that_drains_is_followed_by_one_who_has_the_slot_already() {
    let planner = Explicit::new(0, 2);
    let mut words = vec![Word::EMPTY; SLOTS];
    planner.refill(&mut words, &roster(&[(1, 0, false), (1, 1, false), (1, 2, false)]));
    let old = words.clone();

    planner.refill(&mut words, &roster(&[(1, 0, true), (1, 1, false), (1, 2, false)]));

    let of_the_drained = old.iter().zip(&words).filter(|(old, _)| old.owner() == 0);
    let copied = of_the_drained.filter(|(old, new)| !old.names(new.owner())).count();
    assert!(copied <= 2, "{copied} owners were copied that had a replica in place");
}

/// Four copies on five nodes: the one that has a zone to itself is in every slot, and above its target.
#[test]
fn targets_that_zones_keep_out_of_reach_leave_nothing_to_do_either() {
    let planner = Explicit::new(0, 4);
    let before = [(1, 0, false), (3, 0, false), (1, 0, false)];
    let after = [
        (0, 0, false),
        (0, 0, false),
        (3, 0, false),
        (2, 0, false),
        (3, 0, false),
        (3, 2, false),
        (2, 0, false),
    ];
    let mut words = vec![Word::EMPTY; SLOTS];
    planner.refill(&mut words, &roster(&before));
    planner.refill(&mut words, &roster(&after));
    let done = words.clone();

    planner.refill(&mut words, &roster(&after));

    assert_eq!(done, words);
}
