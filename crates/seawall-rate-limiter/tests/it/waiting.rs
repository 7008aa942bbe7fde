//! Waiting: in which order, how often one is woken, and what becomes of the turns of those who stop.

#![cfg(feature = "tokio")]

use std::{
    cell::RefCell,
    pin::{Pin, pin},
    rc::Rc,
    sync::mpsc,
    task::{Context, Poll},
    thread,
    time::Duration,
};

use seawall_rate_limiter::{
    Bound, Clock, Nanos, Quota, RateLimiter, RateLimiterBuilder, Reason, Rejection, Reservation,
};
use seawall_test::Task;
use tokio::{task::LocalSet, time::Instant};

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// A cell each so many milliseconds, and so many at once.
fn each(millis: u64, burst: u32) -> Quota {
    let quota = Quota::new(1, Duration::from_millis(millis));
    quota.and_then(|quota| quota.burst(burst)).expect("a quota")
}

fn builder(quota: Quota) -> RateLimiterBuilder {
    RateLimiter::builder("waiting").quota(quota).clock(Clock::tokio())
}

fn limiter(quota: Quota) -> RateLimiter {
    builder(quota).build().expect("sound settings")
}

fn book(limiter: &RateLimiter, cells: u32) -> Reservation {
    limiter.reserve(cells, HOUR).expect("its turn comes")
}

fn wait(booked: &Reservation) -> u64 {
    booked.ready_in().as_millis() as u64
}

fn counted(limiter: &RateLimiter, counter: &str) -> u64 {
    limiter.snapshot().counters[counter]
}

#[tokio::test(start_paused = true)]
async fn each_comes_as_long_after_the_other_as_the_quota_says() {
    let limiter = limiter(each(100, 2));
    let began = Instant::now();

    for turn in [0, 0, 100, 200, 300] {
        limiter.acquire().await.expect("its turn comes");
        assert_eq!(began.elapsed(), turn * MS);
    }
    limiter.acquire_n(2).await.expect("its turn comes");
    assert_eq!(began.elapsed(), 500 * MS);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_would_be_too_long_is_refused_at_once() {
    let limiter = builder(each(100, 1)).max_wait(150 * MS).build().expect("sound");
    limiter.acquire().await.expect("it is fresh");
    let first = book(&limiter, 1);
    let began = Instant::now();

    let refused = limiter.acquire().await.expect_err("its turn is later");

    assert_eq!((refused.reason(), refused.bound()), (Reason::RateLimited, Some(Bound::Wait)));
    assert_eq!((refused.retry_after(), began.elapsed()), (Some(200 * MS), Duration::ZERO));
    let refused = limiter.acquire_n(2).await.expect_err("there never are two at once");
    assert_eq!((refused.bound(), refused.retry_after()), (Some(Bound::Weight), None));
    drop(first);
    limiter.acquire().await.expect("it is in time");
    assert_eq!(began.elapsed(), 100 * MS);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_polled_books_nothing() {
    let limiter = limiter(each(100, 1));

    drop(limiter.acquire());

    assert_eq!(limiter.standing().remaining, 1);
}

#[test]
fn who_need_not_wait_needs_no_runtime() {
    let limiter = limiter(each(100, 1));

    let acquired = Task::new().poll(pin!(limiter.acquire()));

    assert!(matches!(acquired, Poll::Ready(Ok(()))), "{acquired:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reservation_can_be_waited_for() {
    let limiter = limiter(each(100, 1));
    let began = Instant::now();
    book(&limiter, 1).wait().await;
    assert_eq!(began.elapsed(), Duration::ZERO);

    book(&limiter, 1).wait().await;

    assert_eq!((began.elapsed(), counted(&limiter, "given_back")), (100 * MS, 0));
}

#[tokio::test(start_paused = true)]
async fn whoever_stops_waiting_gives_his_turn_back() {
    let limiter = limiter(each(100, 1));
    limiter.acquire().await.expect("it is fresh");

    for stops_at in [0, 99] {
        let full = limiter.standing().full;
        let acquire = limiter.acquire();
        tokio::time::timeout(stops_at * MS, acquire).await.expect_err("its turn is later");
        assert_eq!(limiter.standing().full, full.saturating_sub(stops_at * MS));
        tokio::time::advance(full).await;
        limiter.try_acquire().expect("the turn was given back");
    }
    assert_eq!(counted(&limiter, "given_back"), 2);
}

/// Counts how often a future is polled.
struct Polled<F> {
    future: Pin<Box<F>>,
    polls: u32,
}

impl<F: Future> Polled<F> {
    fn new(future: F) -> Self {
        Self { future: Box::pin(future), polls: 0 }
    }
}

impl<F: Future> Future for Polled<F> {
    type Output = (F::Output, u32);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.polls += 1;
        let polls = self.polls;
        self.future.as_mut().poll(cx).map(|output| (output, polls))
    }
}

/// Where governor makes N(N+1)/2 checks, and serves by chance.
#[tokio::test(start_paused = true)]
async fn a_thousand_who_wait_and_steady_newcomers_are_served_in_order_and_woken_once() {
    const WAITERS: u32 = 1_000;
    const NEWCOMERS: u32 = 400;
    let limiter = limiter(each(2, 1));
    let served = Rc::new(RefCell::new(Vec::new()));
    let began = Instant::now();
    let serve = |number| {
        let (limiter, served) = (limiter.clone(), Rc::clone(&served));
        async move {
            let (acquired, polls) = Polled::new(limiter.acquire()).await;
            acquired.expect("its turn comes");
            served.borrow_mut().push((number, polls, began.elapsed().as_millis()));
        }
    };

    let local = LocalSet::new();
    for number in 0..WAITERS {
        local.spawn_local(serve(number));
    }
    let newcomers = (WAITERS..WAITERS + NEWCOMERS).map(serve).collect::<Vec<_>>();
    local.spawn_local(async move {
        for newcomer in newcomers {
            tokio::time::sleep(5 * MS).await;
            tokio::task::spawn_local(newcomer);
        }
    });
    local.await;

    let served = served.borrow();
    assert_eq!(served.len() as u32, WAITERS + NEWCOMERS);
    for (turn, (number, polls, at)) in served.iter().enumerate() {
        assert_eq!(*number as usize, turn, "out of order");
        assert!(*polls <= 2, "number {number} was polled {polls} times");
        assert_eq!(*at, turn as u128 * 2, "number {number} was served late, or early");
    }
}

#[test]
fn who_books_while_others_wait_comes_after_them() {
    let (clock, hand) = Clock::manual();
    let limiter = builder(each(100, 1)).clock(clock).build().expect("sound");
    let first = [(); 3].map(|()| book(&limiter, 1));
    assert_eq!(first.each_ref().map(wait), [0, 100, 200]);
    hand.advance(150 * MS);

    limiter.try_acquire().expect_err("whoever does not wait comes after them, too");
    let last = book(&limiter, 1);

    assert_eq!((first.each_ref().map(wait), wait(&last)), ([0, 0, 50], 150));
}

/// Bookings on a clock that stands still, of which the first ones were given back.
struct Line {
    limiter: RateLimiter,
    booked: Vec<Option<Reservation>>,
}

impl Line {
    /// `weights` have booked one after another.
    fn of(quota: Quota, weights: &[u32]) -> Self {
        let limiter = builder(quota).clock(Clock::manual().0).build().expect("sound");
        let booked = weights.iter().map(|cells| Some(book(&limiter, *cells))).collect();
        Self { limiter, booked }
    }

    fn give_back(&mut self, at: usize) {
        drop(self.booked[at].take().expect("it was not given back yet"));
    }

    /// Who books now has to wait as long.
    fn books(&mut self, cells: u32) -> u64 {
        let booked = book(&self.limiter, cells);
        let wait = wait(&booked);
        self.booked.push(Some(booked));
        wait
    }

    /// How many milliseconds until all is paid off.
    fn full(&self) -> u128 {
        self.limiter.standing().full.as_millis()
    }
}

#[test]
fn the_turn_of_the_last_one_is_taken_back() {
    let mut line = Line::of(each(100, 1), &[1, 1, 1]);

    line.give_back(2);

    assert_eq!((line.full(), line.books(1), line.books(1)), (200, 200, 300));
}

#[test]
fn the_turn_of_one_before_others_goes_to_who_books_next() {
    let mut line = Line::of(each(100, 1), &[1, 1, 1, 1]);

    line.give_back(1);

    assert_eq!(line.full(), 400, "the others keep theirs");
    line.limiter.try_acquire().expect_err("it is no turn for now");
    assert_eq!([line.books(1), line.books(1), line.books(1)], [100, 400, 500]);
}

#[test]
fn holes_are_filled_from_the_first_on() {
    let mut line = Line::of(each(100, 1), &[1; 6]);

    line.give_back(3);
    line.give_back(1);
    line.give_back(4);

    assert_eq!([(); 4].map(|()| line.books(1)), [100, 300, 400, 600]);
    assert_eq!(counted(&line.limiter, "lost"), 0);
}

#[test]
fn a_hole_is_filled_in_parts_by_those_that_fit() {
    let mut line = Line::of(each(100, 3), &[3, 1, 3, 1]);
    assert_eq!(line.full(), 800);

    line.give_back(1); // one cell at 100 ms
    line.give_back(2); // three at 400 ms

    assert_eq!([2, 2, 1, 1, 1].map(|cells| line.books(cells)), [400, 700, 100, 400, 800]);
}

#[test]
fn a_hole_that_is_later_than_one_can_wait_stays_for_another() {
    let mut line = Line::of(each(100, 1), &[1, 1, 1, 1]);
    line.give_back(2);

    let refused = line.limiter.reserve(1, 199 * MS).expect_err("its turn is later");

    assert_eq!((refused.bound(), refused.retry_after()), (Some(Bound::Wait), Some(400 * MS)));
    assert_eq!(line.books(1), 200);
}

#[test]
fn a_hole_whose_turn_has_come_is_of_no_use() {
    let (clock, hand) = Clock::manual();
    let limiter = builder(each(100, 1)).clock(clock).build().expect("sound");
    let [now, first, second, third] = [(); 4].map(|()| book(&limiter, 1));
    now.commit();
    drop(first);
    hand.advance(100 * MS);

    limiter.try_acquire().expect_err("two others wait");
    let next = book(&limiter, 1);

    assert_eq!([&second, &third, &next].map(wait), [100, 200, 300]);
}

/// All orders in which so many things can be done.
fn orders(of: usize) -> Vec<Vec<usize>> {
    if of == 0 {
        return vec![Vec::new()];
    }
    let insert = |order: Vec<usize>| {
        (0..of).map(move |at| {
            let mut order = order.clone();
            order.insert(at, of - 1);
            order
        })
    };
    orders(of - 1).into_iter().flat_map(insert).collect()
}

#[test]
fn after_all_who_waited_are_gone_it_is_as_if_they_had_not_come() {
    for weights in [[1, 1, 1, 1, 1], [2, 1, 3, 1, 2]] {
        for order in orders(5) {
            let mut line = Line::of(each(100, 3), &[3]);
            line.booked.extend(weights.map(|cells| Some(book(&line.limiter, cells))));

            order.iter().for_each(|&at| line.give_back(1 + at));

            assert_eq!(line.full(), 300, "{weights:?} left in the order {order:?}");
            assert_eq!(counted(&line.limiter, "lost"), 0);
            assert_eq!([line.books(1), line.books(3)], [100, 400]);
        }
    }
}

#[test]
fn those_who_filled_holes_can_leave_as_well() {
    // Three cells at 300 ms are given back, and taken one by one.
    for order in orders(4) {
        let mut line = Line::of(each(100, 3), &[3, 3, 1]);
        line.give_back(1);
        assert_eq!([(); 3].map(|()| line.books(1)), [300; 3]);

        order.iter().for_each(|&at| line.give_back(2 + at));

        assert_eq!(line.full(), 300, "they left in the order {order:?}");
        assert_eq!(counted(&line.limiter, "lost"), 0);
    }
}

#[test]
fn no_more_holes_are_kept_than_there_is_room_for() {
    let mut line = Line::of(each(1, 1), &[1; 1_200]);

    (1..1_199).for_each(|at| line.give_back(at));

    assert_eq!(counted(&line.limiter, "given_back"), 1_198);
    assert_eq!(counted(&line.limiter, "lost"), 1_198 - 1_024);
    assert_eq!(line.books(1), 1);
}

/// How many cells were used, were given back before their turn and after it, and were of no use then.
#[derive(Clone, Copy, Debug, Default)]
struct Cells {
    used: u64,
    early: u64,
    late: u64,
    lost: u64,
}

/// One history: at random somebody books, stops, or goes on when it is his turn; and the time passes.
/// All who were served, and when.
fn history(seed: u64, burst: u32, sum: &mut Cells) -> Vec<(Nanos, u32)> {
    const T: Duration = MS;
    let mut counted = Cells::default();
    let random = &mut fastrand::Rng::with_seed(seed);
    let quota = Quota::new(1, T).and_then(|quota| quota.burst(burst)).expect("a quota");
    let (clock, hand) = Clock::manual();
    let limiter = builder(quota).clock(clock).build().expect("sound");
    let (mut waiting, mut served) = (Vec::<Reservation>::new(), Vec::new());
    for _ in 0..150 {
        match random.u32(..100) {
            0..45 => {
                let cells = if random.bool() { 1 } else { random.u32(1..=burst) };
                let patience = T * random.u32(..12);
                waiting.extend(limiter.reserve(cells, patience).ok());
            }
            45..55 => {
                let cells = random.u32(1..=burst);
                if limiter.try_acquire_n(cells).is_ok() {
                    served.push((limiter.now(), cells));
                }
            }
            55..75 if !waiting.is_empty() => {
                let one = waiting.swap_remove(random.usize(..waiting.len()));
                let lost = || limiter.snapshot().counters["lost"];
                let (is_early, before) = (one.ready_at() > limiter.now(), lost());
                let count = if is_early { &mut counted.early } else { &mut counted.late };
                *count += u64::from(one.cells());
                drop(one);
                assert!(!is_early || lost() == before, "seed {seed}, burst {burst}: lost in time");
            }
            75..90 => hand.advance(T.mul_f64(random.f64() * 2.0)),
            _ => {
                // Some whose turn has come go on; some look later, and may yet stop.
                let now = limiter.now();
                let gone =
                    waiting.extract_if(.., |one| one.ready_at() <= now && random.u32(..4) > 0);
                for one in gone {
                    served.push((one.ready_at(), one.cells()));
                    one.commit();
                }
            }
        }
    }
    for one in waiting {
        served.push((one.ready_at(), one.cells()));
        one.commit();
    }
    counted.lost = limiter.snapshot().counters["lost"];
    counted.used = served.iter().map(|(_, cells)| u64::from(*cells)).sum();
    sum.used += counted.used;
    sum.early += counted.early;
    sum.late += counted.late;
    sum.lost += counted.lost;
    served.sort();
    served
}

/// What went wrong where turns that were given back were subtracted, whoever waited: more than the burst
/// and the rate passed in some window.
#[test]
fn in_no_window_of_any_history_do_more_pass_than_burst_and_rate_allow() {
    for burst in [1, 2, 4] {
        let mut sum = Cells::default();
        for seed in 0..1_200 {
            let served = history(seed, burst, &mut sum);

            for (first, &(began, _)) in served.iter().enumerate() {
                let mut passed = 0;
                for &(at, cells) in &served[first..] {
                    passed += u64::from(cells);
                    let earned = at.since(began).as_nanos() as u64;
                    let allowed = u64::from(burst) * 1_000_000 + earned;
                    assert!(
                        passed * 1_000_000 <= allowed,
                        "seed {seed}, burst {burst}: {passed} cells in {earned} ns"
                    );
                }
            }
        }
        // What is given back in time is never lost; what is given back late, where others wait.
        println!("burst {burst}: {sum:?}");
        assert!(sum.early > 20_000 && sum.lost < sum.late, "burst {burst}: {sum:?}");
    }
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
fn a_thread_waits_for_its_turn() {
    let clock = Clock::system();
    let limiter = builder(each(2, 1)).clock(clock.clone()).build().expect("sound");

    let began = clock.now();

    let times: Vec<Nanos> = ends(move || {
        let wait = || limiter.acquire_blocking().map(|()| clock.now());
        (0..6).map(|_| wait().expect("its turn comes")).collect()
    });

    for (turn, at) in (0..).zip(times) {
        assert!(at.since(began) >= turn * 2 * MS, "turn {turn} came after {:?}", at.since(began));
    }
}

#[test]
fn a_thread_does_not_wait_longer_than_it_may() {
    let limiter = builder(each(3_600_000, 1)).max_wait(MS).build().expect("sound");
    limiter.try_acquire().expect("it is fresh");

    let refused: Result<(), Rejection> = ends(move || limiter.acquire_blocking());

    assert_eq!(refused.expect_err("it is spent").bound(), Some(Bound::Wait));
}

#[test]
fn a_reservation_can_be_waited_for_by_a_thread() {
    let clock = Clock::system();
    let limiter = builder(each(2, 1)).clock(clock.clone()).build().expect("sound");
    book(&limiter, 1).commit();
    let booked = book(&limiter, 1);
    let turn = booked.ready_at();

    let woken = ends(move || {
        booked.wait_blocking();
        clock.now()
    });

    assert!(woken >= turn, "{woken:?} is before {turn:?}");
}
