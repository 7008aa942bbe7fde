//! Models of a slot under crossbeam's own epochs, which loom sees into; the promises are those of
//! [`slot`](super::super::slot).
//!
//! Each was seen to fail with the broken variant that it names.

use std::sync::Arc;

use seawall_core::{
    model::{model, race},
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use super::super::slot::{Slot, pin};

/// Says when it is freed, and can be seen half made.
pub(super) struct Probe {
    made: AtomicU64,
    freed: Arc<AtomicBool>,
}

impl Probe {
    fn new(freed: &Arc<AtomicBool>) -> Box<Self> {
        let probe = Self { made: AtomicU64::new(0), freed: freed.clone() };
        probe.made.store(1, Relaxed);
        Box::new(probe)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        assert!(!self.freed.load(Relaxed), "dropped twice");
        self.freed.store(true, Relaxed);
    }
}

struct Place {
    slot: Slot<Probe>,
    freed: [Arc<AtomicBool>; 2],
}

impl Place {
    /// Something is in it.
    fn taken() -> Arc<Self> {
        let place = Self { slot: Slot::empty(), freed: Default::default() };
        drop(place.slot.swap(Some(Probe::new(&place.freed[0])), &pin()));
        Arc::new(place)
    }

    /// What is in it is whole, and stays as long as one looks.
    fn look(&self) -> bool {
        let pin = pin();
        let Some(seen) = self.slot.look(&pin) else { return false };
        let freed = seen.freed.clone(); // at once, with no chance for others between
        assert_eq!(seen.made.load(Relaxed), 1, "half made");
        assert!(!freed.load(Relaxed), "freed under our eyes");
        drop(pin);
        true
    }

    /// Lets all be freed that this thread retired and nobody looks at: two epochs on.
    fn collect() {
        pin().flush();
        pin().flush();
    }
}

/// Promise 1: what is retired while somebody looks is not freed under his eyes.
/// Caught when broken: with a `Retired` that frees at once (which is seen, or crashes).
#[test]
fn what_is_looked_at_is_not_freed() {
    model(|| {
        let place = Place::taken();
        race(
            &place,
            |place| place.look(),
            |place| {
                drop(place.slot.swap(None, &pin()));
                Place::collect();
            },
        );
    });
}

/// Promise 1: a look sees the one or the other, and that one whole.
/// Caught when broken: with a Relaxed `swap`, and with a Relaxed `look`: half made.
#[test]
fn a_look_sees_the_old_or_the_new_one_and_that_whole() {
    model(|| {
        let place = Place::taken();
        let (found, ()) = race(
            &place,
            |place| place.look(),
            |place| {
                let pin = pin(); // first: a pin is a fence, which would publish what was made before it
                drop(place.slot.swap(Some(Probe::new(&place.freed[1])), &pin));
            },
        );
        assert!(found, "there was always one");
    });
}

/// Promise 2: two writers who replace each other's take each one out once.
/// Caught when broken: with a load and a store in place of the swap: dropped twice.
#[test]
fn what_two_writers_replace_is_dropped_once() {
    model(|| {
        let place = Place::taken();
        race(
            &place,
            |place| drop(place.slot.swap(Some(Probe::new(&place.freed[1])), &pin())),
            |place| {
                drop(place.slot.swap(None, &pin()));
                Place::collect();
            },
        );
    });
}
