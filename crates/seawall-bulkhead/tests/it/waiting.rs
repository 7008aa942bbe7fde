//! Waiting: how many may, for how long, and what becomes of those who stop.

#![cfg(feature = "tokio")]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{Arc, mpsc},
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use seawall_bulkhead::{Acquire, Bound, Bulkhead, BulkheadBuilder, Permit, Reason, Rejection};
use seawall_core::deadline;
use seawall_test::Task;
use tokio::time::Instant;

const MS: Duration = Duration::from_millis(1);

fn builder(limit: u32, queue: u32) -> BulkheadBuilder {
    Bulkhead::builder("waiting").limit(limit).queue(queue).max_wait(None)
}

fn bulkhead(limit: u32, queue: u32) -> Bulkhead {
    builder(limit, queue).build().expect("the settings are sound")
}

/// One who waits.
struct Waiter {
    acquire: Acquire,
    task: Task,
}

impl Waiter {
    fn new(bulkhead: &Bulkhead, weight: u32) -> Self {
        let mut waiter =
            Self { acquire: bulkhead.acquire_weighted_owned(weight), task: Task::new() };
        assert!(waiter.poll().is_pending(), "there is no room");
        waiter
    }

    fn poll(&mut self) -> Poll<Result<Permit, Rejection>> {
        self.task.poll(Pin::new(&mut self.acquire))
    }

    /// The permit that it was woken for.
    fn permit(&mut self) -> Permit {
        assert_eq!(self.task.wakes(), 1);
        match self.poll() {
            Poll::Ready(Ok(permit)) => permit,
            other => panic!("{other:?}, and no permit"),
        }
    }

    fn refused(&mut self) -> Option<Bound> {
        assert_eq!(self.task.wakes(), 1);
        match self.poll() {
            Poll::Ready(Err(refused)) => refused.bound(),
            other => panic!("{other:?}, and not refused"),
        }
    }
}

#[test]
fn who_waits_is_woken_with_the_place_of_one_who_leaves() {
    let bulkhead = bulkhead(1, 1);
    let permit = bulkhead.try_acquire();
    let mut waiter = Waiter::new(&bulkhead, 1);
    assert_eq!(bulkhead.waiting(), 1);

    drop(permit);

    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (1, 0), "nobody else can take it");
    assert!(bulkhead.try_acquire().is_err());
    drop(waiter.permit());
    assert_eq!(bulkhead.in_flight(), 0);
}

#[test]
fn no_more_wait_than_the_queue_has_places() {
    let bulkhead = bulkhead(1, 2);
    let _permit = bulkhead.try_acquire();
    let _waiters = [Waiter::new(&bulkhead, 1), Waiter::new(&bulkhead, 1)];

    let refused = Task::new().poll(pin!(bulkhead.acquire()));

    let Poll::Ready(Err(refused)) = refused else { panic!("{refused:?}") };
    assert_eq!(refused.bound(), Some(Bound::Queue));
    assert_eq!(bulkhead.waiting(), 2);
}

#[test]
fn without_a_queue_nobody_waits() {
    let bulkhead = bulkhead(1, 0);
    let _permit = bulkhead.try_acquire();

    let refused = Task::new().poll(pin!(bulkhead.acquire()));

    let Poll::Ready(Err(refused)) = refused else { panic!("{refused:?}") };
    assert_eq!(refused.bound(), Some(Bound::Limit));
}

#[test]
fn nobody_passes_a_heavy_call_at_the_turn() {
    let bulkhead = bulkhead(2, 4);
    let (first, second) = (bulkhead.try_acquire(), bulkhead.try_acquire());
    let mut heavy = Waiter::new(&bulkhead, 2);
    let mut light = Waiter::new(&bulkhead, 1);

    drop(first);
    assert!(bulkhead.try_acquire().is_err(), "it is kept for the heavy one");
    assert!(light.poll().is_pending());
    drop(second);

    drop(heavy.permit());
    drop(light.permit());
}

#[test]
fn a_heavy_call_that_goes_away_lets_lighter_ones_in() {
    let bulkhead = bulkhead(2, 4);
    let _permit = bulkhead.try_acquire();
    let heavy = Waiter::new(&bulkhead, 2);
    let mut light = Waiter::new(&bulkhead, 1);

    drop(heavy);

    drop(light.permit());
}

#[test]
fn who_waits_and_weighs_more_than_a_new_limit_is_told() {
    let bulkhead = bulkhead(3, 4);
    let _permit = bulkhead.try_acquire();
    let mut heavy = Waiter::new(&bulkhead, 3);
    let mut light = Waiter::new(&bulkhead, 1);

    bulkhead.set_limit(2).expect("two is a limit");

    assert_eq!(heavy.refused(), Some(Bound::Weight));
    drop(light.permit());
}

#[test]
fn a_limit_that_grows_lets_in_who_waits() {
    let bulkhead = bulkhead(1, 4);
    let _permit = bulkhead.try_acquire();
    let mut waiters = [Waiter::new(&bulkhead, 1), Waiter::new(&bulkhead, 1)];

    bulkhead.set_limit(3).expect("three is a limit");

    let _permits = waiters.each_mut().map(Waiter::permit);
    assert_eq!(bulkhead.in_flight(), 3);
}

#[test]
fn another_order_lets_in_whose_turn_it_is_then() {
    let bulkhead = bulkhead(2, 4);
    let _permit = bulkhead.try_acquire();
    let mut heavy = Waiter::new(&bulkhead, 2);
    let mut light = Waiter::new(&bulkhead, 1);
    let mut config = bulkhead.config();
    config.order = seawall_bulkhead::Order::Lifo;

    bulkhead.reconfigure(config).expect("it can change");

    drop(light.permit());
    assert!(heavy.poll().is_pending());
}

#[test]
fn a_smaller_queue_keeps_who_waits_in_it() {
    let bulkhead = bulkhead(1, 4);
    let permit = bulkhead.try_acquire();
    let mut waiter = Waiter::new(&bulkhead, 1);
    let mut config = bulkhead.config();
    config.queue = 0;

    bulkhead.reconfigure(config).expect("it can change");
    drop(permit);

    drop(waiter.permit());
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_he_may() {
    let bulkhead = builder(1, 1).max_wait(200 * MS).build().expect("sound");
    let _permit = bulkhead.try_acquire();
    let began = Instant::now();

    let refused = bulkhead.acquire().await.expect_err("no place comes free");

    assert_eq!((refused.reason(), refused.bound()), (Reason::BulkheadFull, Some(Bound::Wait)));
    assert_eq!((began.elapsed(), bulkhead.waiting()), (200 * MS, 0));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_past_his_deadline() {
    for longest in [None, Some(200 * MS)] {
        let bulkhead = builder(1, 1).max_wait(longest).build().expect("sound");
        let _permit = bulkhead.try_acquire();
        let began = Instant::now();

        let refused = deadline::scope(50 * MS, bulkhead.acquire()).await.expect_err("it is full");

        assert_eq!((refused.reason(), refused.bound()), (Reason::DeadlineExceeded, None));
        assert_eq!((began.elapsed(), bulkhead.waiting()), (50 * MS, 0));
        assert_eq!(bulkhead.snapshot().counters["rejected_deadline"], 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_is_further_away_changes_nothing() {
    let bulkhead = builder(1, 1).max_wait(50 * MS).build().expect("sound");
    let _permit = bulkhead.try_acquire();

    let refused = deadline::scope(200 * MS, bulkhead.acquire()).await.expect_err("it is full");

    assert_eq!(refused.bound(), Some(Bound::Wait));
}

#[tokio::test(start_paused = true)]
async fn whose_deadline_has_passed_does_not_join_but_takes_a_free_place() {
    let bulkhead = bulkhead(1, 1);

    deadline::scope(Duration::ZERO, async {
        let permit = bulkhead.acquire().await.expect("it is free");
        let refused = Task::new().poll(pin!(bulkhead.acquire()));
        let Poll::Ready(Err(refused)) = refused else { panic!("{refused:?}") };
        assert_eq!(refused.reason(), Reason::DeadlineExceeded);
        drop(permit);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_is_given_a_place_in_time_has_it_however_late_he_looks() {
    let bulkhead = builder(1, 1).max_wait(50 * MS).build().expect("sound");
    let permit = bulkhead.try_acquire();
    let mut waiter = Waiter::new(&bulkhead, 1);

    drop(permit);
    tokio::time::advance(60 * MS).await;

    assert!(matches!(waiter.poll(), Poll::Ready(Ok(_))));
}

/// What went wrong in failsafe-lib #393 and concurrency-limits #179: their places were lost for ever.
#[tokio::test(start_paused = true)]
async fn no_place_is_lost_in_100_000_waits_that_end_as_a_place_comes_free() {
    let bulkhead = builder(2, 4).max_wait(MS).build().expect("sound");
    let random = &mut fastrand::Rng::with_seed(52);

    for _ in 0..100_000 {
        let permit = bulkhead.try_acquire_weighted(2).expect("all are back");
        let mut waiters = [1, 2, 1].map(|weight| Some(Waiter::new(&bulkhead, weight)));
        let mut permit = Some(permit);
        for _ in 0..6 {
            match random.u32(..4) {
                0 => drop(permit.take()),
                1 => tokio::time::advance(MS / 2).await,
                2 => waiters[random.usize(..3)] = None,
                _ => {
                    let waiter = &mut waiters[random.usize(..3)];
                    if waiter.as_mut().is_some_and(|waiter| waiter.poll().is_ready()) {
                        *waiter = None;
                    }
                }
            }
        }
    }

    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (0, 0));
}

#[test]
fn whoever_is_not_polled_does_not_wait() {
    let bulkhead = bulkhead(1, 1);
    let _permit = bulkhead.try_acquire();

    let acquire = bulkhead.acquire();

    assert_eq!(bulkhead.waiting(), 0);
    drop(acquire);
    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (1, 0));
}

#[test]
fn whoever_goes_away_while_he_waits_leaves_the_queue() {
    let bulkhead = bulkhead(1, 1);
    let _permit = bulkhead.try_acquire();

    drop(Waiter::new(&bulkhead, 1));

    assert_eq!((bulkhead.waiting(), bulkhead.snapshot().counters["gave_up"]), (0, 1));
    Waiter::new(&bulkhead, 1);
}

#[test]
fn the_place_of_one_who_went_away_unseen_goes_to_the_next() {
    let bulkhead = bulkhead(1, 2);
    let permit = bulkhead.try_acquire();
    let first = Waiter::new(&bulkhead, 1);
    let mut second = Waiter::new(&bulkhead, 1);
    drop(permit);

    drop(first);

    drop(second.permit());
}

#[test]
fn a_wait_without_a_bound_needs_no_runtime() {
    let bulkhead = bulkhead(1, 1);
    let permit = bulkhead.try_acquire();
    let mut waiter = Waiter::new(&bulkhead, 1);

    drop(permit);

    drop(waiter.permit());
}

#[test]
fn a_wait_that_cannot_be_timed_panics_and_leaves_the_queue() {
    let bulkhead = builder(1, 1).max_wait(MS).build().expect("sound");
    let _permit = bulkhead.try_acquire();
    let mut acquire = bulkhead.acquire();

    let poll = || Task::new().poll(Pin::new(&mut acquire));
    assert!(catch_unwind(AssertUnwindSafe(poll)).is_err(), "there is no runtime");

    assert_eq!(bulkhead.waiting(), 0);
}

/// Runs `body` on a thread, and fails where that hangs.
fn ends<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, over) = mpsc::channel();
    let thread = thread::spawn(move || done.send(body()));
    let ended = over.recv_timeout(Duration::from_secs(60));
    assert_ne!(ended.as_ref().err(), Some(&mpsc::RecvTimeoutError::Timeout), "it hangs");
    thread.join().expect("it does not panic").expect("somebody waits for it");
    ended.expect("it was sent")
}

#[test]
fn a_thread_that_waits_goes_on_with_the_place_of_one_who_leaves() {
    let bulkhead = bulkhead(1, 1);
    let permit = bulkhead.try_acquire();
    let waits = bulkhead.clone();
    let thread = thread::spawn(move || waits.acquire_blocking().map(|permit| permit.weight()));
    while bulkhead.waiting() == 0 {
        thread::yield_now();
    }

    drop(permit);

    let weight = ends(move || thread.join().expect("it does not panic"));
    assert_eq!((weight.ok(), bulkhead.in_flight()), (Some(1), 0));
}

#[test]
fn a_thread_does_not_wait_longer_than_it_may() {
    let bulkhead = builder(1, 1).max_wait(MS).build().expect("sound");
    let _permit = bulkhead.try_acquire();
    let waits = bulkhead.clone();

    let refused = ends(move || waits.acquire_blocking().err().and_then(|refused| refused.bound()));

    assert_eq!((refused, bulkhead.waiting()), (Some(Bound::Wait), 0));
}

/// A task that is kept by its wakers alone, and holds a permit.
struct Holds {
    _permit: Permit,
}

impl Wake for Holds {
    fn wake(self: Arc<Self>) {}
}

fn waker_that_holds(permit: Permit) -> Waker {
    Waker::from(Arc::new(Holds { _permit: permit }))
}

#[test]
fn a_task_that_dies_with_its_waker_may_hold_a_permit() {
    ends(|| {
        let bulkhead = bulkhead(1, 2);
        let permit = bulkhead.try_acquire_owned().expect("it is empty");
        let mut first = bulkhead.acquire_owned();
        let waker = waker_that_holds(permit);
        assert!(Pin::new(&mut first).poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);

        // Another waker takes the place of the last one of that task.
        let again = Pin::new(&mut first).poll(&mut Context::from_waker(Waker::noop()));

        assert!(again.is_pending(), "it learns of it when it is polled again");
        assert!(Task::new().poll(Pin::new(&mut first)).is_ready());
    });
}

#[test]
fn a_task_that_dies_as_it_goes_away_may_hold_a_permit() {
    ends(|| {
        let bulkhead = bulkhead(1, 2);
        let permit = bulkhead.try_acquire_owned().expect("it is empty");
        let mut first = bulkhead.acquire_owned();
        let waker = waker_that_holds(permit);
        assert!(Pin::new(&mut first).poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        let mut second = Waiter::new(&bulkhead, 1);

        drop(first);

        drop(second.permit());
    });
}
