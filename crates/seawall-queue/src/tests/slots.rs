//! The slots, one step after the other.

use crate::ring::{In, Out, Slots};

/// Also where the positions wrap around, whatever the capacity.
#[test]
fn as_many_as_the_capacity_go_in_lap_after_lap() {
    for capacity in 1..=9 {
        for laps in [0, usize::MAX - 1] {
            let slots = Slots::from_lap(capacity, laps).expect("it is allowed");
            for lap in 0..4 * capacity {
                for n in 0..capacity {
                    assert_eq!(slots.len(), n);
                    assert_eq!(slots.push(lap + n), Ok(()));
                }
                assert_eq!(slots.push(0), Err(In::Full(0)));
                assert_eq!(slots.len(), capacity);
                // One less than there are, so that each lap begins elsewhere.
                for n in 0..capacity {
                    assert_eq!(slots.pop(), Ok(lap + n));
                }
                assert_eq!(slots.pop(), Err(Out::Empty));
                assert_eq!(slots.push(7), Ok(()));
                assert_eq!(slots.pop(), Ok(7));
            }
        }
    }
}

#[test]
fn there_is_something_for_as_many_as_there_are_values_or_free_slots() {
    let slots = Slots::new(3).expect("it is allowed");
    assert_eq!([0, 1, 2, 3, 9].map(|n| slots.has_for_sender(n)), [true, true, true, false, false]);
    assert_eq!([0, 1, 9].map(|n| slots.has_for_receiver(n)), [false, false, false]);

    slots.push(1).expect("there is room");
    slots.push(2).expect("there is room");
    assert_eq!([0, 1, 2, 3].map(|n| slots.has_for_receiver(n)), [true, true, false, false]);
    assert_eq!([0, 1, 2].map(|n| slots.has_for_sender(n)), [true, false, false]);

    slots.shut();
    assert_eq!([0, 1, 2].map(|n| slots.has_for_receiver(n)), [true, true, false]);
    assert!(slots.has_for_sender(9), "each learns that it is shut");

    slots.pop().expect("there are two");
    slots.pop().expect("there is one");
    assert!(slots.has_for_receiver(9), "each learns that it is over");
}

#[test]
fn a_capacity_that_cannot_be_is_refused() {
    let refused = |capacity| Slots::<[u64; 8]>::new(capacity).err().expect("it is not allowed");

    assert_eq!(refused(0).field(), "capacity");
    assert_eq!(refused(usize::MAX).value(), usize::MAX.to_string());
    assert_eq!(refused(usize::MAX >> 4).rule(), "as much as there is memory for");
}
