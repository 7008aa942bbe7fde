//! The list of handles: weak, in order, each instance told from the others.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use seawall_core::{Observe, Registry, Snapshot};

struct Gate {
    name: String,
    passed: AtomicU64,
}

impl Gate {
    fn named(name: &str) -> Arc<Self> {
        Arc::new(Self { name: name.to_owned(), passed: AtomicU64::new(0) })
    }
}

impl Observe for Gate {
    fn snapshot(&self) -> Snapshot {
        Snapshot::new("gate", &self.name, "open").counter("passed", self.passed.load(SeqCst))
    }
}

/// A handle of another pattern.
struct Mirror;

impl Observe for Mirror {
    fn snapshot(&self) -> Snapshot {
        Snapshot::new("mirror", "north", "clear")
    }
}

fn listed(registry: &Registry) -> Vec<(String, u32)> {
    registry.snapshots().into_iter().map(|seen| (seen.name, seen.instance)).collect()
}

#[test]
fn a_handle_that_is_dropped_leaves_the_list() {
    let registry = Registry::new();
    let (stays, leaves) = (Gate::named("stays"), Gate::named("leaves"));
    registry.add(&stays);
    registry.add(&leaves);

    drop(leaves);

    assert_eq!(listed(&registry), [("stays".to_owned(), 0)]);
}

#[test]
fn the_list_keeps_nothing_alive() {
    let registry = Registry::new();
    let gate = Gate::named("north");

    registry.add(&gate);
    let _ = registry.snapshots();

    assert_eq!(Arc::strong_count(&gate), 1);
}

#[test]
fn snapshots_show_the_present_in_the_order_of_adding() {
    let registry = Registry::new();
    let gates = ["c", "a", "b"].map(Gate::named);
    gates.iter().for_each(|gate| registry.add(gate));

    gates[1].passed.store(5, SeqCst);

    let snapshots = registry.snapshots();
    let names: Vec<_> = snapshots.iter().map(|seen| seen.name.as_str()).collect();
    assert_eq!(names, ["c", "a", "b"]);
    assert_eq!(snapshots[1].counters["passed"], 5);
}

#[test]
fn handles_of_one_name_are_told_apart() {
    let registry = Registry::new();
    let gates = ["north", "north", "south"].map(Gate::named);

    gates.iter().for_each(|gate| registry.add(gate));

    let expected = [("north", 0), ("north", 1), ("south", 0)];
    assert_eq!(listed(&registry), expected.map(|(name, instance)| (name.to_owned(), instance)));
}

/// Or the series of the dead one would go on as the new one's.
#[test]
fn the_number_of_a_handle_that_is_gone_is_not_given_again() {
    let registry = Registry::new();
    let first = Gate::named("north");
    registry.add(&first);

    drop(first);
    let _ = registry.snapshots();
    let second = Gate::named("north");
    registry.add(&second);

    assert_eq!(listed(&registry), [("north".to_owned(), 1)]);
}

#[test]
fn two_patterns_may_have_one_name() {
    let registry = Registry::new();
    let (gate, mirror) = (Gate::named("north"), Arc::new(Mirror));

    registry.add(&gate);
    registry.add(&mirror);

    let numbers = [("north".to_owned(), 0), ("north".to_owned(), 0)];
    assert_eq!(listed(&registry), numbers);
}

#[test]
fn clones_share_the_list_and_registries_do_not() {
    let (registry, other) = (Registry::new(), Registry::new());
    let gate = Gate::named("north");

    registry.clone().add(&gate);

    assert_eq!(registry.snapshots().len(), 1);
    assert!(other.snapshots().is_empty());
}

#[test]
fn a_handle_may_use_the_registry_while_it_is_looked_at() {
    struct Adds(Registry, Arc<Gate>);
    impl Observe for Adds {
        fn snapshot(&self) -> Snapshot {
            self.0.add(&self.1);
            Snapshot::new("adds", "north", "busy")
        }
    }
    let registry = Registry::new();
    let adds = Arc::new(Adds(registry.clone(), Gate::named("late")));
    registry.add(&adds);

    let seen = registry.snapshots();

    assert!(seen.iter().any(|handle| handle.pattern == "adds"));
    assert!(registry.snapshots().len() > seen.len());
}

#[test]
fn a_registry_shows_its_handles() {
    let registry = Registry::new();
    let gate = Gate::named("north");
    registry.add(&gate);

    let shown = format!("{registry:?}");

    assert!(shown.contains("\"north\""), "{shown}");
}
