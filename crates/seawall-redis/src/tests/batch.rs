//! What a node holds of a key, by the table on its page.

use std::time::Duration;

use seawall_core::Nanos;

use super::{Batch, Order, Terms};

const TERMS: Terms = Terms { most: 8, lease: Duration::from_millis(100) };

const fn at(millis: u64) -> Nanos {
    Nanos::from_millis(1_000 + millis)
}

/// Orders for a call of `cells`, and gets all of it.
fn fill(batch: &mut Batch, cells: u32, waiting: u32, now: Nanos) -> Order {
    let order = batch.order(cells, waiting, now, TERMS);
    batch.granted(order.more, now, TERMS);
    order
}

#[test]
fn a_fresh_batch_holds_nothing_and_orders_what_is_asked() {
    let mut batch = Batch::default();

    assert!(!batch.take(1, at(0)));
    assert_eq!(batch.refuses(1, at(0), 0), None);
    assert_eq!(fill(&mut batch, 1, 0, at(0)), Order { held: 0, need: 1, more: 0, void: 0 });
    assert!(!batch.take(1, at(0)));
}

#[test]
fn a_batch_that_is_used_up_in_time_is_followed_by_a_larger_one() {
    let mut batch = Batch::default();
    let mut orders = Vec::new();
    for _ in 0..5 {
        orders.push(fill(&mut batch, 1, 0, at(0)).more);
        while batch.take(1, at(1)) {}
    }

    assert_eq!(orders, [0, 1, 3, 7, 7], "1, 2, 4, 8 and no more, less the call itself");
}

#[test]
fn a_batch_that_is_not_used_up_in_time_is_void_and_followed_by_a_smaller_one() {
    let mut batch = Batch::default();
    for _ in 0..4 {
        fill(&mut batch, 1, 0, at(0));
        while batch.take(1, at(1)) {}
    }
    fill(&mut batch, 1, 0, at(0)); // holds seven
    assert!(batch.take(2, at(99)));

    assert!(!batch.take(1, at(100)), "the lease is over");
    let order = batch.order(1, 0, at(100), TERMS);

    assert_eq!(order, Order { held: 0, need: 1, more: 3, void: 5 });
}

#[test]
fn what_is_left_goes_into_a_heavier_call_and_comes_back_if_it_fails() {
    let mut batch = Batch::default();
    fill(&mut batch, 1, 2, at(0)); // two more for those who wait
    let order = batch.order(5, 0, at(1), TERMS);
    assert_eq!((order.held, order.need), (2, 3));
    assert!(!batch.take(1, at(1)), "it is held for the call");

    batch.not_granted(order.held);

    assert!(batch.take(2, at(1)));
    assert!(!batch.take(1, at(1)));
}

#[test]
fn who_waits_is_ordered_for_up_to_what_is_allowed() {
    let mut batch = Batch::default();
    assert_eq!(batch.order(1, 4, at(0), TERMS).more, 4);
    assert_eq!(batch.order(1, 100, at(0), TERMS).more, 7);
    assert_eq!(batch.order(20, 100, at(0), TERMS).more, 0, "a heavy call is a batch of its own");
    assert_eq!(batch.order(1, u32::MAX, at(0), TERMS).more, 7);
}

#[test]
fn a_refusal_is_remembered_for_calls_as_heavy_until_its_wait_is_over() {
    let mut batch = Batch::default();
    batch.refused(3, Duration::from_millis(50), at(0), 0);

    assert_eq!(batch.refuses(3, at(10), 0), Some(Duration::from_millis(40)));
    assert_eq!(batch.refuses(9, at(10), 0), None, "its wait is longer");
    assert_eq!(batch.refuses(2, at(10), 0), None, "so many may be there");
    assert_eq!(batch.refuses(3, at(50), 0), None, "it is over");
    assert_eq!(batch.refuses(3, at(10), 1), None, "the quotas are others");
}

#[test]
fn a_failure_is_shared_with_who_waited_for_it() {
    let mut batch = Batch::default();
    batch.failed(at(10));

    assert!(batch.failed_since(at(5)));
    assert!(!batch.failed_since(at(11)), "who came later asks again");
    fill(&mut batch, 1, 0, at(12));
    assert!(!batch.failed_since(at(5)), "it works again");
}
