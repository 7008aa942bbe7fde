//! Models of clients that route while a slot moves; the promises are those of [`crate::migration::Fence`] and
//! of the routes.

use std::sync::Arc;

use seawall_core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{model, race, race_of_three};
use crate::{
    Node, ShardMap, Topology,
    migration::{Fence, Phase, SlotsTurn, Step, Stretch},
};

/// A map of two slots, both of which move from `a` to `b`: from the phase that is given on.
fn moving(phase: Phase) -> ShardMap {
    let map = ShardMap::builder("m").slot_bits(1).node(Node::new("a"));
    let map = map.build().expect("it is sound");
    let mut next = Topology::new();
    next.add(Node::new("b")).expect("it is new");
    drop(map.migrate(&next).expect("nothing moves yet"));
    map.follow_step(&step(1, phase)).expect("it is the next one");
    map
}

fn step(epoch: u64, phase: Phase) -> Step {
    let to = Stretch { slots: 2, legs: 0, back: false, phase: Some(phase), cursor: None };
    Step { epoch, back: false, turns: vec![SlotsTurn { first: 0, to }] }
}

/// What the clients and the mover of a hand-off share: the map, and the source's fence and its one row.
struct HandOff {
    map: ShardMap,
    fence: Fence,
    row: AtomicU64,
}

/// A write by an old word is refused, or it is in what the mover takes over: it is never lost.
///
/// Caught when broken: with a writer that reads the epoch after the word, or an epoch that is raised before the
/// words, an old word goes with a new epoch, and writes after the last copy; with a pass that is left with a
/// Relaxed swap, or a floor that is raised without Acquire, the copy is of the row before the write; with a
/// `raise` that does not wait for those inside, or does not look at the floor, the same.
#[test]
fn a_write_by_an_old_word_is_refused_or_handed_over() {
    model(|| {
        let map = moving(Phase::CatchUp);
        let (fence, row) = (Fence::new(2, 0), AtomicU64::new(0));
        let shared = Arc::new(HandOff { map, fence, row });

        let (copied, acknowledged) = race(
            &shared,
            |HandOff { map, fence, row }| {
                map.follow_step(&step(2, Phase::HandOff)).expect("it is the next one");
                let alone = fence.raise(0..=0, 2) || fence.raise(0..=0, 2);
                alone.then(|| row.load(Relaxed))
            },
            |HandOff { map, fence, row }| {
                let route = map.write_route(&0_u64);
                if route.is_paused() {
                    return false;
                }
                let pass = fence.enter(route.slot(), route.epoch());
                pass.is_ok_and(|_pass| {
                    row.store(1, Relaxed);
                    true
                })
            },
        );

        if let Some(copied) = copied {
            assert_eq!(copied, u64::from(acknowledged));
        }
        assert!(shared.fence.raise(0..=0, 3), "all have left");
    });
}

/// Whoever sees an epoch sees its words, and a word is of one phase: who owns, and who is asked after him.
///
/// Caught when broken: with a Relaxed store of the epoch, or one before the words, a client has the epoch of the
/// dual read and the word of the hand-off; with a route that reads its word twice, an owner of one phase and
/// a fallback of the other.
#[test]
fn a_route_is_of_one_phase_and_no_older_than_its_epoch() {
    model(|| {
        let map = Arc::new(moving(Phase::HandOff));

        let ((), write, read) = race_of_three(
            &map,
            |map| {
                map.follow_step(&step(2, Phase::DualRead)).expect("it is the next one");
            },
            |map| {
                let route = map.write_route(&0_u64);
                let forward = route.forward().map(|node| node.name().to_owned());
                (route.epoch(), route.owner().name().to_owned(), forward, route.is_paused())
            },
            |map| {
                let route = map.read_route(&u64::MAX);
                let fallback = route.fallback().map(|node| node.name().to_owned());
                (route.epoch(), route.first().name().to_owned(), fallback)
            },
        );

        let (epoch, owner, forward, paused) = write;
        let is_old = owner == "a" && forward.is_none() && paused;
        let is_new = owner == "b" && forward.as_deref() == Some("a") && !paused;
        assert!(is_new || is_old && epoch == 1, "{owner}, {forward:?} in {epoch}");
        let (epoch, first, fallback) = read;
        let is_old = first == "a" && fallback.is_none();
        let is_new = first == "b" && fallback.as_deref() == Some("a");
        assert!(is_new || is_old && epoch == 1, "{first}, {fallback:?} in {epoch}");
    });
}

/// Promises 1 to 3 of the fence: one who is older, one who is newer, and the floor that goes up between them.
///
/// Caught when broken: with a pass that is always left as one of those `inside`, the count of the newer ones
/// goes below nothing; with a floor that forgets who was older when it is raised once more, it says that it is
/// done while the older one writes.
#[test]
fn the_older_one_is_waited_for_and_the_newer_one_is_not() {
    model(|| {
        let shared = Arc::new((Fence::new(1, 0), AtomicU64::new(0)));
        let visit = |epoch, value| {
            move |(fence, row): &(Fence, AtomicU64)| {
                let pass = fence.enter(0, epoch);
                pass.is_ok_and(|_pass| {
                    row.fetch_add(value, Relaxed);
                    true
                })
            }
        };

        let (alone, older, newer) = race_of_three(
            &shared,
            |(fence, row)| {
                let alone = fence.raise(0..=0, 1) || fence.raise(0..=0, 2);
                alone.then(|| row.load(Relaxed) & 1)
            },
            visit(0, 1),
            visit(2, 2),
        );

        if let Some(seen) = alone {
            assert_eq!(
                seen,
                u64::from(older),
                "what the older one wrote was seen, or it was refused"
            );
        }
        assert!(newer);
        assert!(shared.0.raise(0..=0, 3), "all have left");
    });
}
