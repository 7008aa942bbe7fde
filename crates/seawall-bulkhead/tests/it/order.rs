//! Who is next of those who wait, and who is let go from a queue that never empties.

#![cfg(feature = "tokio")]

use std::{pin::Pin, task::Poll, time::Duration};

use seawall_bulkhead::{
    Acquire, Bound, Bulkhead, BulkheadBuilder, Clock, Codel, Order, Permit, Reason,
};
use seawall_core::ManualClock;
use seawall_test::Task;

const MS: Duration = Duration::from_millis(1);

fn builder(limit: u32, queue: u32) -> (BulkheadBuilder, ManualClock) {
    let (clock, hand) = Clock::manual();
    (Bulkhead::builder("order").clock(clock).limit(limit).queue(queue).max_wait(None), hand)
}

fn poll(acquire: &mut Acquire) -> Poll<Result<Permit, seawall_bulkhead::Rejection>> {
    Task::new().poll(Pin::new(acquire))
}

fn waiter(bulkhead: &Bulkhead) -> Acquire {
    let mut acquire = bulkhead.acquire_owned();
    assert!(poll(&mut acquire).is_pending(), "there is no room");
    acquire
}

/// Lets those who wait in one by one; who they are, in the order they came in.
fn served(order: Order) -> Vec<usize> {
    let (builder, _) = builder(1, 8);
    let bulkhead = builder.order(order).build().expect("sound");
    let mut inside = bulkhead.try_acquire_owned().ok();
    let mut waiters: Vec<_> = (0..4).map(|number| (number, waiter(&bulkhead))).collect();
    let mut served = Vec::new();
    while inside.take().is_some() {
        waiters.retain_mut(|(number, acquire)| match poll(acquire) {
            Poll::Pending => true,
            Poll::Ready(permit) => {
                served.push(*number);
                inside = permit.ok();
                false
            }
        });
    }
    served
}

#[test]
fn first_come_is_first_served() {
    assert_eq!(served(Order::Fifo), [0, 1, 2, 3]);
}

#[test]
fn last_come_is_first_served_where_that_is_wished() {
    assert_eq!(served(Order::Lifo), [3, 2, 1, 0]);
}

#[test]
fn a_queue_that_is_no_burden_is_served_in_turn() {
    assert_eq!(served(Order::AdaptiveLifo), [0, 1, 2, 3]);
}

#[test]
fn the_last_of_all_shares_is_first_served_where_that_is_wished() {
    let (builder, _) = builder(2, 8);
    let bulkhead = builder.order(Order::Lifo).partition("a", 0.5).partition("b", 0.5);
    let bulkhead = bulkhead.build().expect("sound");
    let [a, b] = ["a", "b"].map(|name| bulkhead.partition(name).expect("it has it"));
    let (of_a, _of_b) = (a.try_acquire(), b.try_acquire());
    let _also_of_a = a.try_acquire().expect_err("it is full");
    let (mut first, mut last) = (waiter(&bulkhead), waiter(&b));

    drop(of_a);

    assert!(poll(&mut first).is_pending());
    assert!(poll(&mut last).is_ready());
}

/// What came of the calls of five seconds with twice as many as can be served: one in 5 ms comes,
/// one in 10 ms is served, and each has 100 ms.
#[derive(Debug, Default)]
struct Overload {
    /// How long those waited who were served after the first second.
    waits: Vec<Duration>,
    let_go: u32,
    gave_up: u32,
}

fn overload(builder: BulkheadBuilder, hand: &ManualClock) -> Overload {
    let bulkhead = builder.build().expect("sound");
    let mut seen = Overload::default();
    let mut inside = None;
    let mut waiters: Vec<(Duration, Acquire)> = Vec::new();
    for tick in 0..1000 {
        let now = 5 * MS * tick;
        waiters.push((now, bulkhead.acquire_owned()));
        if tick % 2 == 0 {
            inside = None;
        }
        waiters.retain_mut(|(came, acquire)| match poll(acquire) {
            Poll::Ready(Ok(permit)) => {
                inside = Some(permit);
                if tick > 200 {
                    seen.waits.push(now - *came);
                }
                false
            }
            Poll::Ready(Err(refused)) => {
                assert_eq!(
                    (refused.reason(), refused.bound()),
                    (Reason::Overloaded, Some(Bound::Age))
                );
                seen.let_go += 1;
                false
            }
            Poll::Pending => {
                let late = now - *came >= 100 * MS;
                seen.gave_up += u32::from(late);
                !late
            }
        });
        hand.advance(5 * MS);
    }
    drop(inside);
    seen
}

#[test]
fn under_overload_first_come_first_served_makes_all_late() {
    let (builder, hand) = builder(1, 1000);

    let Overload { waits, .. } = overload(builder, &hand);

    assert!(waits.iter().all(|&wait| wait >= 80 * MS), "{waits:?}");
}

#[test]
fn under_overload_the_newest_are_served_and_the_oldest_give_up() {
    for order in [Order::Lifo, Order::AdaptiveLifo] {
        let (builder, hand) = builder(1, 1000);

        let Overload { waits, let_go, gave_up } = overload(builder.order(order), &hand);

        assert!(waits.iter().all(|&wait| wait <= 5 * MS), "{order:?}: {waits:?}");
        assert_eq!(waits.len(), 399, "nobody who can be served is missed");
        assert!(gave_up > 400, "{gave_up} of those who were not");
        assert_eq!(let_go, 0);
    }
}

#[test]
fn who_has_waited_too_long_in_a_queue_that_never_empties_is_let_go() {
    let (builder, hand) = builder(1, 1000);
    let codel = Codel { target: 10 * MS, interval: 100 * MS };

    let Overload { waits, let_go, gave_up } = overload(builder.codel(codel), &hand);

    let late = waits.iter().filter(|&&wait| wait > 20 * MS).count();
    assert_eq!(late, 0, "{waits:?}");
    assert!(let_go > 400 && gave_up < 50, "{let_go} let go, {gave_up} gave up");
}

#[test]
fn a_burst_is_no_overload() {
    let (builder, hand) = builder(1, 10);
    let bulkhead = builder.codel(Codel::default()).build().expect("sound");
    let mut inside = bulkhead.try_acquire_owned().ok();
    let waiters: Vec<_> = (0..9).map(|_| waiter(&bulkhead)).collect();

    for mut acquire in waiters {
        hand.advance(10 * MS);
        drop(inside.take());
        let Poll::Ready(permit) = poll(&mut acquire) else { panic!("it is the next") };
        inside = Some(permit.expect("nobody is let go"));
    }

    assert_eq!(bulkhead.snapshot().counters["shed_age"], 0);
}

#[test]
fn a_queue_before_calls_slower_than_the_interval_is_seen_to_be_a_burden() {
    let (builder, hand) = builder(1, 10);
    let bulkhead = builder.codel(Codel::default()).build().expect("sound");
    let permit = bulkhead.try_acquire();
    let mut waiters = [waiter(&bulkhead), waiter(&bulkhead)];

    hand.advance(300 * MS);
    drop(permit);

    for end in waiters.each_mut().map(poll) {
        let Poll::Ready(Err(refused)) = end else {
            panic!("it waited for longer than the interval")
        };
        assert_eq!(refused.bound(), Some(Bound::Age));
    }
}

#[test]
fn nobody_is_let_go_after_a_time_without_calls() {
    let (builder, hand) = builder(1, 10);
    let bulkhead = builder.codel(Codel::default()).build().expect("sound");
    drop(bulkhead.try_acquire());
    hand.advance(Duration::from_secs(3600));
    let permit = bulkhead.try_acquire();
    let mut acquire = waiter(&bulkhead);

    hand.advance(50 * MS);
    drop(permit);

    assert!(matches!(poll(&mut acquire), Poll::Ready(Ok(_))));
}
