//! Models of a whole map of two slots whose nodes change under its readers; the promises are those of
//! [`crate::slots`] and of [`ShardMap::epoch`].

use std::sync::Arc;

use super::{model, race, race_of_three};
use crate::{Node, ShardMap, Topology};

fn map(names: [&'static str; 2]) -> Arc<ShardMap> {
    let builder = ShardMap::builder("m").slot_bits(1).replicas(2).nodes(names.map(Node::new));
    Arc::new(builder.build().expect("it is sound"))
}

fn seen(map: &ShardMap, slot: u32) -> Vec<String> {
    let replicas = map.replicas_of_slot(slot).expect("there are two");
    replicas.iter().map(|member| member.name().to_owned()).collect()
}

fn replace(map: &ShardMap, old: &'static str, new: &'static str) {
    let change = |topology: &mut Topology| {
        topology.remove(old)?;
        topology.add(Node::new(new))
    };
    map.update(change).expect("the old one is there");
}

/// Promises 2 and 3, and who has read an epoch sees its words.
///
/// Caught when broken: with an update that stores words before it admits the members that they name, or with
/// a Relaxed store of a word, a reader finds an empty cell; with an epoch that is raised before the words, or
/// by a Relaxed store, a reader sees the new epoch and an old slot.
#[test]
fn readers_see_each_slot_old_or_new_and_after_the_epoch_new() {
    model(|| {
        let map = map(["a", "b"]);
        let before = [0, 1].map(|slot| seen(&map, slot));

        let ((), (slot_0, slot_1), (epoch, slots)) = race_of_three(
            &map,
            |map| replace(map, "a", "c"),
            |map| (seen(map, 0), seen(map, 1)),
            |map| (map.epoch(), [0, 1].map(|slot| seen(map, slot))),
        );

        let after = [0, 1].map(|slot| seen(&map, slot));
        assert_ne!(before, after);
        assert!(slot_0 == before[0] || slot_0 == after[0], "{slot_0:?}");
        assert!(slot_1 == before[1] || slot_1 == after[1], "{slot_1:?}");
        assert!(epoch == 0 || slots == after, "in epoch {epoch}: {slots:?}");
    });
}

/// Promise 3, where indexes run out: four cells, all of which have been used.
///
/// Caught when broken: with a new table that is handed on before its members are in it; with words that are
/// taken over without being numbered anew, a reader sees nodes that left long ago.
#[test]
fn readers_see_each_slot_old_or_new_when_indexes_run_out() {
    model(|| {
        let map = map(["a", "b"]);
        replace(&map, "a", "c");
        replace(&map, "b", "d");
        let before = [0, 1].map(|slot| seen(&map, slot));

        let ((), (slots, owner)) = race(
            &map,
            |map| replace(map, "c", "e"),
            |map| ([0, 1].map(|slot| seen(map, slot)), map.lookup(&0_u64).name().to_owned()),
        );

        let after = [0, 1].map(|slot| seen(&map, slot));
        assert_ne!(before, after);
        for (slot, seen) in slots.iter().enumerate() {
            assert!(*seen == before[slot] || *seen == after[slot], "{seen:?} in {slot}");
        }
        assert!(owner == before[0][0] || owner == after[0][0], "{owner}");
    });
}
