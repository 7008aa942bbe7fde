//! Priorities: who is turned away first, in which steps, and who waits in front.

#![cfg(feature = "tokio")]

use std::{cmp::Ordering, pin::Pin, task::Poll, time::Duration};

use seawall_bulkhead::{
    Acquire, Bound, Bulkhead, BulkheadBuilder, Clock, Permit, Priority, Reason, Rejection, Shedding,
};
use seawall_core::{Context, ManualClock, priority};
use seawall_test::Task;

const LEVELS: [Priority; 5] =
    [Priority::LOWEST, Priority::LOW, Priority::NORMAL, Priority::HIGH, Priority::CRITICAL];

/// One window, of twenty calls of each priority.
const WINDOW: u32 = 20 * LEVELS.len() as u32;

fn builder(limit: u32) -> (BulkheadBuilder, ManualClock) {
    let (clock, hand) = Clock::manual();
    let rules = Shedding { calls: WINDOW, ..Shedding::by_priority() };
    (Bulkhead::builder("shedding").clock(clock).limit(limit).seed(7).shed(rules), hand)
}

fn try_as(bulkhead: &Bulkhead, priority: Priority) -> Result<Permit, Rejection> {
    Context::new().with_priority(priority).run(|| bulkhead.try_acquire_owned())
}

/// A window of calls, none of which takes a place for long; how many of each priority were turned
/// away for it.
fn window(bulkhead: &Bulkhead) -> [u32; LEVELS.len()] {
    let mut shed = [0; LEVELS.len()];
    for _ in 0..20 {
        for (priority, shed) in LEVELS.into_iter().zip(&mut shed) {
            if let Err(refused) = try_as(bulkhead, priority)
                && refused.bound() == Some(Bound::Priority)
            {
                assert_eq!(refused.reason(), Reason::Overloaded);
                *shed += 1;
            }
        }
    }
    shed
}

/// How many of a window's calls the level lets in.
fn let_in(bulkhead: &Bulkhead) -> f64 {
    let gauges = bulkhead.snapshot().gauges;
    let level = Priority(gauges["shed_below"] as u8);
    let at_level = 1.0 - gauges["shed_share_at_level"];
    let share = |priority: Priority| match priority.cmp(&level) {
        Ordering::Less => 0.0,
        Ordering::Equal => at_level,
        Ordering::Greater => 1.0,
    };
    20.0 * LEVELS.into_iter().map(share).sum::<f64>()
}

#[test]
fn nobody_is_shed_while_there_is_room() {
    let (builder, _) = builder(1);
    let bulkhead = builder.build().expect("sound");

    for _ in 0..10 {
        assert_eq!(window(&bulkhead), [0; LEVELS.len()]);
    }
}

#[test]
fn the_less_important_are_shed_first_and_the_critical_never() {
    let (builder, _) = builder(1);
    let bulkhead = builder.build().expect("sound");
    let _permit = try_as(&bulkhead, Priority::NORMAL);

    let mut last = [0; LEVELS.len()];
    for _ in 0..200 {
        last = window(&bulkhead);
        assert!(last.is_sorted_by(|low, high| low >= high), "{last:?}");
        assert_eq!(last[4], 0);
    }

    assert_eq!(last, [20, 20, 20, 20, 0], "an overload that goes on");
}

#[test]
fn the_level_moves_in_steps_of_calls() {
    let (builder, _) = builder(1);
    let bulkhead = builder.build().expect("sound");
    let mut permit = try_as(&bulkhead, Priority::NORMAL).ok();
    let mut before = let_in(&bulkhead);
    let mut least = before;

    for turn in 0..250 {
        if turn == 50 {
            permit = None;
        }
        window(&bulkhead);
        let now = let_in(&bulkhead);
        // A level is as fine as a 65 536th of a priority's calls.
        let (low, high) = (before * 0.95 - 0.01, (before * 1.01).max(before + 1.0) + 0.01);
        assert!((low..=high).contains(&now), "from {before} to {now}");
        before = now;
        least = least.min(now);
    }

    drop(permit);
    assert!(least < 50.0, "{least} were let in under overload");
    assert!(before >= f64::from(WINDOW), "all are let in after it, and not {before}");
}

#[test]
fn a_share_is_shed_where_all_are_equally_important() {
    let (builder, _) = builder(1);
    let bulkhead = builder.build().expect("sound");
    let _permit = bulkhead.try_acquire();

    let mut shed = 0;
    for _ in 0..WINDOW * 10 {
        let refused = bulkhead.try_acquire().expect_err("it is full");
        shed += u32::from(refused.bound() == Some(Bound::Priority));
    }

    // 5 % in the second window, nearly 10 % in the third, ... 37 % in the tenth.
    let expected: f64 = (0..10).map(|window| 1.0 - 0.95_f64.powi(window)).sum::<f64>() * 100.0;
    assert!((f64::from(shed) - expected).abs() < 60.0, "{shed}, and not {expected}");
}

#[test]
fn the_level_moves_with_time_where_few_calls_come() {
    let (builder, hand) = builder(1);
    let bulkhead = builder.build().expect("sound");
    let _permit = bulkhead.try_acquire();
    assert!(try_as(&bulkhead, Priority::LOWEST).is_err());

    hand.advance(Duration::from_secs(1));
    assert!(try_as(&bulkhead, Priority::CRITICAL).is_err());

    assert!(let_in(&bulkhead) < f64::from(WINDOW));
}

fn waiter(bulkhead: &Bulkhead, priority: Priority) -> Acquire {
    let mut acquire = bulkhead.acquire_owned();
    let poll = Context::new().with_priority(priority).run(|| poll(&mut acquire));
    assert!(poll.is_pending(), "{poll:?}");
    acquire
}

fn poll(acquire: &mut Acquire) -> Poll<Result<Permit, Rejection>> {
    Task::new().poll(Pin::new(acquire))
}

#[test]
fn the_more_important_is_served_first() {
    let (builder, _) = builder(1);
    let bulkhead = builder.queue(4).max_wait(None).build().expect("sound");
    let permit = bulkhead.try_acquire();
    let mut low = waiter(&bulkhead, Priority::LOW);
    let mut high = waiter(&bulkhead, Priority::HIGH);
    let mut later = waiter(&bulkhead, Priority::HIGH);

    drop(permit);

    assert!(poll(&mut low).is_pending() && poll(&mut later).is_pending());
    let Poll::Ready(Ok(permit)) = poll(&mut high) else { panic!("it is the next") };
    drop(permit);
    assert!(poll(&mut low).is_pending());
    assert!(matches!(poll(&mut later), Poll::Ready(Ok(_))));
}

#[test]
fn the_last_of_the_least_important_is_sent_away_from_a_full_queue() {
    let (builder, _) = builder(1);
    let bulkhead = builder.queue(3).max_wait(None).build().expect("sound");
    let _permit = bulkhead.try_acquire();
    let mut first = waiter(&bulkhead, Priority::LOW);
    let mut last = waiter(&bulkhead, Priority::LOW);
    let mut normal = waiter(&bulkhead, Priority::NORMAL);

    let _high = waiter(&bulkhead, Priority::HIGH);

    let Poll::Ready(Err(refused)) = poll(&mut last) else { panic!("it was sent away") };
    assert_eq!((refused.reason(), refused.bound()), (Reason::Overloaded, Some(Bound::Priority)));
    assert!(poll(&mut first).is_pending() && poll(&mut normal).is_pending());
    assert_eq!(bulkhead.waiting(), 3);
}

#[tokio::test]
async fn nobody_is_sent_away_for_one_who_is_no_more_important() {
    let (builder, _) = builder(1);
    let bulkhead = builder.queue(1).max_wait(None).build().expect("sound");
    let _permit = bulkhead.try_acquire();
    let mut low = waiter(&bulkhead, Priority::LOW);

    let refused = priority::scope(Priority::LOW, bulkhead.acquire()).await.expect_err("it is full");

    assert_eq!(refused.bound(), Some(Bound::Queue));
    assert!(poll(&mut low).is_pending());
}

#[test]
fn without_shedding_all_are_equal() {
    let bulkhead = Bulkhead::builder("equal").limit(1).queue(4).max_wait(None).build().unwrap();
    let permit = bulkhead.try_acquire();
    let mut low = waiter(&bulkhead, Priority::LOW);
    let mut high = waiter(&bulkhead, Priority::HIGH);

    drop(permit);

    let served = poll(&mut low);
    assert!(served.is_ready() && poll(&mut high).is_pending());
}
