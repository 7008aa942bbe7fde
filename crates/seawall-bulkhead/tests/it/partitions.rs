//! A limit in parts: what is a share's own, what it borrows, and how that comes back.

#![cfg(feature = "tokio")]

use std::{collections::VecDeque, pin::Pin, task::Poll, time::Duration};

use seawall_bulkhead::{Acquire, Bound, Bulkhead, BulkheadBuilder, Clock, Permit};
use seawall_core::ManualClock;
use seawall_test::Task;

/// Ten places, of which nine are of `live` and one of `batch`.
fn builder() -> (BulkheadBuilder, ManualClock) {
    let (clock, hand) = Clock::manual();
    let builder = Bulkhead::builder("parts").clock(clock).limit(10).max_wait(None);
    (builder.partition("live", 0.9).partition("batch", 0.1), hand)
}

struct Parts {
    all: Bulkhead,
    live: Bulkhead,
    batch: Bulkhead,
}

impl Parts {
    fn new(queue: u32) -> (Self, ManualClock) {
        let (builder, hand) = builder();
        let all = builder.queue(queue).build().expect("sound");
        let [live, batch] = ["live", "batch"].map(|name| all.partition(name).expect("it has it"));
        (Self { all, live, batch }, hand)
    }

    /// How many places are in use by `live` and by `batch`.
    fn in_use(&self) -> (f64, f64) {
        let gauges = self.all.snapshot().gauges;
        (gauges["in_flight.live"], gauges["in_flight.batch"])
    }
}

fn bound(bulkhead: &Bulkhead) -> Option<Bound> {
    bulkhead.try_acquire().expect_err("there is no room").bound()
}

fn fill(bulkhead: &Bulkhead) -> VecDeque<Permit> {
    std::iter::from_fn(|| bulkhead.try_acquire_owned().ok()).collect()
}

#[test]
fn a_partition_that_is_not_there_is_none() {
    let (parts, _) = Parts::new(0);

    assert!(parts.all.partition("other").is_none());
}

#[test]
fn what_is_idle_can_be_borrowed() {
    let (parts, _) = Parts::new(0);

    let permits = fill(&parts.batch);

    assert_eq!((permits.len(), parts.in_use()), (10, (0.0, 10.0)));
    assert_eq!(bound(&parts.batch), Some(Bound::Limit));
}

#[test]
fn what_was_lent_is_kept_free_for_a_second_once_it_was_asked_for() {
    let (parts, hand) = Parts::new(0);
    let mut permits = fill(&parts.batch);
    assert_eq!(bound(&parts.live), Some(Bound::Limit));

    permits.pop_front();
    hand.advance(Duration::from_millis(999));
    assert_eq!(bound(&parts.batch), Some(Bound::Share));
    assert!(parts.live.try_acquire().is_ok());
    hand.advance(Duration::from_millis(1));

    assert!(parts.batch.try_acquire().is_ok());
}

#[test]
fn who_names_no_partition_borrows() {
    let (parts, _) = Parts::new(0);
    let mut permits = fill(&parts.all);
    assert_eq!((permits.len(), parts.in_use()), (10, (0.0, 0.0)));
    assert_eq!(bound(&parts.live), Some(Bound::Limit));

    permits.pop_front();

    assert_eq!(bound(&parts.all), Some(Bound::Share));
    assert!(parts.live.try_acquire().is_ok());
}

#[test]
fn under_full_load_each_share_has_its_own() {
    let (parts, hand) = Parts::new(0);
    let mut inside = fill(&parts.batch);

    for _ in 0..100 {
        hand.advance(Duration::from_millis(10));
        inside.pop_front();
        for handle in [&parts.batch, &parts.all, &parts.live, &parts.batch] {
            inside.extend(handle.try_acquire_owned());
            assert!(parts.all.in_flight() <= 10);
        }
    }

    assert_eq!((inside.len(), parts.in_use()), (10, (9.0, 1.0)));
}

#[test]
fn under_full_load_each_share_has_its_own_where_there_is_a_queue() {
    let (parts, hand) = Parts::new(100);
    let mut inside = fill(&parts.batch);
    let mut waiters: Vec<Acquire> = Vec::new();
    let task = Task::new();

    for _ in 0..100 {
        hand.advance(Duration::from_millis(10));
        waiters.extend([parts.batch.acquire_owned(), parts.live.acquire_owned()]);
        inside.pop_front();
        waiters.retain_mut(|waiter| match task.poll(Pin::new(waiter)) {
            Poll::Ready(permit) => {
                inside.extend(permit);
                false
            }
            Poll::Pending => true,
        });
        assert!(parts.all.in_flight() <= 10);
    }

    assert_eq!((inside.len(), parts.in_use()), (10, (9.0, 1.0)));
}

#[test]
fn shares_follow_the_limit() {
    let (parts, _) = Parts::new(0);
    let own = || {
        let limits = parts.all.snapshot().limits;
        (limits["own.live"], limits["own.batch"])
    };
    assert_eq!(own(), (9.0, 1.0));

    parts.live.set_limit(29).expect("29 is a limit");

    assert_eq!(own(), (26.0, 2.0));
}

#[test]
fn a_huge_weight_leaves_the_shares_as_they_are() {
    let (parts, _) = Parts::new(0);
    let _permit = parts.batch.try_acquire();
    let before = parts.all.snapshot();

    for weight in [11, 1 << 24, u32::MAX] {
        let refused = parts.batch.try_acquire_weighted(weight).expect_err("there is no room");
        assert_eq!(refused.bound(), Some(Bound::Weight));
    }

    let after = parts.all.snapshot();
    assert_eq!((after.gauges, after.limits), (before.gauges, before.limits));
}

#[test]
fn who_is_refused_his_own_place_finds_all_of_it_once_it_is_free() {
    let (parts, _) = Parts::new(0);
    let borrowed = fill(&parts.batch);
    assert_eq!(bound(&parts.live), Some(Bound::Limit));

    drop(borrowed);
    let batch = fill(&parts.batch);
    let live = fill(&parts.live);

    assert_eq!((live.len(), batch.len()), (9, 1));
}
