//! What a split promises its callers: exact shares, by many threads, while weights change.

use std::{sync::Arc, thread};

use parking_lot::Mutex;
use seawall_core::Registry;
use seawall_shard::{
    Split,
    split::{Event, PartView, SplitBuilder},
};
use seawall_test::allocations;

const fn all<T: Send + Sync + Unpin>() {}

const _: () = {
    all::<Split<u8>>();
    all::<SplitBuilder<u8>>();
    all::<PartView>();
    all::<Event>();
};

fn canary(stable: u32, canary: u32) -> SplitBuilder<u8> {
    Split::builder("search").part("stable", stable, 0).part("canary", canary, 1)
}

fn calls(split: &Split<u8>) -> Vec<u64> {
    split.parts().iter().map(|part| part.calls).collect()
}

#[test]
fn a_canary_has_one_call_in_a_hundred_wherever_one_begins_to_count() {
    for seed in 0..200 {
        let split = canary(99, 1).seed(seed).build().expect("sound weights");
        for hundred in 0..5 {
            let canaries = (0..100).filter(|_| **split.pick() == 1).count();
            assert_eq!(canaries, 1, "of hundred {hundred}, seed {seed}");
        }
    }
}

#[test]
fn two_of_one_seed_split_alike_and_others_begin_elsewhere() {
    let first = |seed| {
        let split = canary(99, 1).seed(seed).build().expect("sound weights");
        (0..100).position(|_| split.pick().name() == "canary")
    };
    assert_eq!(first(0), Some(99), "from the beginning");
    assert_eq!(first(7), first(7));
    assert!((1..20).map(first).collect::<std::collections::BTreeSet<_>>().len() > 10);
}

#[test]
fn many_threads_together_have_the_shares() {
    let split = canary(99, 1).build().expect("sound weights");
    let counted = || {
        let split = split.clone();
        thread::spawn(move || (0..25_000).filter(|_| split.pick().name() == "canary").count())
    };

    let threads: Vec<_> = (0..4).map(|_| counted()).collect();
    let canaries: usize = threads.into_iter().map(|thread| thread.join().expect("it counts")).sum();

    assert_eq!(canaries, 1_000);
    assert_eq!(calls(&split), [99_000, 1_000]);
}

#[test]
fn weights_change_while_calls_run() {
    let split = canary(99, 1).build().expect("sound weights");
    let is_done = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
                    assert!(**split.pick() < 2);
                }
            });
        }
        for percent in (0..=100).chain((0..100).rev()) {
            let weights = [("stable", 100 - percent), ("canary", percent)];
            split.set_weights(&weights).expect("sound weights");
        }
        is_done.store(true, std::sync::atomic::Ordering::Relaxed);
    });

    assert!((0..1_000).all(|_| split.pick().name() == "stable"), "the canary's weight is 0");
}

#[test]
fn shares_are_counted_from_the_change() {
    let split = canary(99, 1).seed(3).build().expect("sound weights");
    (0..50).for_each(|_| _ = split.pick());

    split.set_weights(&[("canary", 33)]).expect("sound weights");
    (0..4).for_each(|_| _ = split.pick());
    assert_eq!(calls(&split), [3, 1]);
    split.set_weights(&[("canary", 33), ("stable", 99)]).expect("sound weights");

    assert_eq!(calls(&split), [3, 1], "nothing changed");
}

#[test]
fn listeners_and_a_registry_see_it() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let listener = {
        let seen = seen.clone();
        move |event: &Event| seen.lock().push(event.weights.clone())
    };
    let split = canary(1, 0).on_event(listener).build().expect("sound weights");
    let registry = Registry::new();
    split.register(&registry);
    assert_eq!(registry.snapshots()[0].state, "whole");

    split.set_weights(&[("canary", 1)]).expect("sound weights");

    assert_eq!(*seen.lock(), [[("stable".into(), 1), ("canary".into(), 1)]]);
    let snapshot = registry.snapshots().remove(0);
    assert_eq!((&*snapshot.pattern, &*snapshot.state), ("split", "split"));
    assert_eq!(snapshot.counters["changes"], 1);
}

#[test]
fn what_cannot_be_is_named_and_changes_nothing() {
    let field = |result: Result<Split<u8>, seawall_shard::ConfigError>| {
        result.map(drop).unwrap_err().field().to_owned()
    };
    assert_eq!(field(Split::builder("search").build()), "parts");
    assert_eq!(field(canary(1, 1).part("canary", 1, 2).build()), "part.name");
    assert_eq!(field(canary(0, 0).build()), "part.weight");
    assert_eq!(field(canary(10_000, 1).build()), "part.weight");
    let parts =
        (0..257).fold(Split::builder("search"), |builder, at| builder.part(format!("{at}"), 1, 0));
    assert_eq!(field(parts.build()), "parts");

    let split = canary(9_999, 1).build().expect("it is just short enough");
    let refused =
        |weights: &[(&str, u32)]| split.set_weights(weights).unwrap_err().field().to_owned();
    assert_eq!(refused(&[("canary", 5), ("nobody", 1)]), "part.name");
    assert_eq!(refused(&[("stable", 0), ("canary", 0)]), "part.weight");
    assert_eq!(split.parts().iter().map(|part| part.weight).collect::<Vec<_>>(), [9_999, 1]);
}

#[test]
fn a_pick_allocates_nothing() {
    let split = canary(99, 1).build().expect("sound weights");
    let ((), count) = allocations(|| (0..200).for_each(|_| _ = std::hint::black_box(split.pick())));
    assert_eq!(count, 0);
}
