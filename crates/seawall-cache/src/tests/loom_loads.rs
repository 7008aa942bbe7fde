//! Models of the cap; the promises are those of [`crate::flight::Loads`]' page.
//!
//! Each was seen to fail with the broken variant that it names.

use std::{
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use seawall_core::{
    model::{model, race},
    sync::{
        Mutex,
        unmodelled::{AtomicUsize, Ordering::Relaxed},
    },
};

use crate::flight::{Loads, Place, Slot};

#[derive(Default)]
struct Flag(AtomicUsize);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn poll(place: &mut Place, woken: &Arc<Flag>) -> Poll<Slot> {
    place.poll(&Context::from_waker(&Waker::from(woken.clone())))
}

fn slot(loads: &Loads) -> Slot {
    loads.try_enter().expect("there is room")
}

/// Promises 2 and 4: a slot that comes free while one goes to sleep wakes it.
///
/// Caught when broken: with a `poll` that looks, lets go of the lock and takes it again to sleep, the slot
/// is given to one who sleeps for ever.
#[test]
fn a_slot_that_comes_free_wakes_who_waits() {
    model(|| {
        let loads = Loads::new(Some(1), 1);
        let held = slot(&loads);
        let place = loads.enter().expect("there is a line");
        let shared = Arc::new((Mutex::new(Some(held)), Mutex::new(place)));
        let woken = Arc::<Flag>::default();
        let seen = woken.clone();
        let ((), polled) = race(
            &shared,
            |(held, _)| drop(held.lock().take()),
            move |(_, place)| poll(&mut place.lock(), &seen),
        );

        if polled.is_pending() {
            assert_eq!(woken.0.load(Relaxed), 1);
            assert!(poll(&mut shared.1.lock(), &woken).is_ready());
        }
        drop(polled);
        assert_eq!(loads.standing(), Some((0, 0)));
    });
}

/// Promise 3: the one whose turn it is goes while it comes; the next gets it.
///
/// Caught when broken: with a place whose drop only leaves the line, the slot is lost with it.
#[test]
fn a_slot_is_not_lost_with_the_one_who_waited_for_it() {
    model(|| {
        let loads = Loads::new(Some(1), 2);
        let held = slot(&loads);
        let first = loads.enter().expect("there is a line");
        let mut second = loads.enter().expect("there is a line");
        let woken = Arc::<Flag>::default();
        assert!(poll(&mut second, &woken).is_pending());
        let shared = Arc::new((Mutex::new(Some(held)), Mutex::new(Some(first))));
        race(&shared, |(held, _)| drop(held.lock().take()), |(_, first)| drop(first.lock().take()));

        assert_eq!(woken.0.load(Relaxed), 1);
        assert!(poll(&mut second, &woken).is_ready());
        assert_eq!(loads.standing(), Some((0, 0)));
    });
}

/// Promise 1: of two who ask for the last slot, one gets it.
///
/// Caught when broken: with an `enter` that looks for room and takes the slot after it has let go of the
/// lock, both do.
#[test]
fn never_more_slots_than_there_are() {
    model(|| {
        let loads = Arc::new(Loads::new(Some(1), 0));
        let (one, other) = race(&loads, Loads::try_enter, |loads| loads.enter().ok());

        assert_eq!(u8::from(one.is_some()) + u8::from(other.is_some()), 1);
    });
}
