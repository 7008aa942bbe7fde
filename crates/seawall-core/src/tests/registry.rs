//! What the list keeps of handles that are gone.

use std::sync::Arc;

use super::Registry;
use crate::{Observe, Snapshot};

struct Gate;

impl Observe for Gate {
    fn snapshot(&self) -> Snapshot {
        Snapshot::new("gate", "north", "open")
    }
}

/// Handles that come and go (one a tenant, say) in a service that nobody observes.
#[test]
fn a_list_that_nobody_reads_does_not_grow_with_the_dead() {
    let registry = Registry::new();
    let stays = Arc::new(Gate);
    registry.add(&stays);

    for _ in 0..10_000 {
        registry.add(&Arc::new(Gate));
    }

    let kept = registry.0.lock().handles.len();
    assert!(kept < 10, "it keeps {kept}");
    assert_eq!(registry.snapshots().len(), 1);
}

#[test]
fn a_list_of_the_living_grows_as_it_must() {
    let registry = Registry::new();
    let gates = [(); 100].map(|()| Arc::new(Gate));

    gates.iter().for_each(|gate| registry.add(gate));

    let instances = registry.snapshots().into_iter().map(|seen| seen.instance);
    assert!(instances.eq(0..100));
}
