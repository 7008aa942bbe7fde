//! The limiter of one quota against traces with known answers, on a clock that the test moves.
//!
//! The numbers of the traces: T is the time a cell takes, in milliseconds; what is left is worked out by
//! hand.

use std::time::Duration;

use proptest::prelude::*;
use seawall_core::{Context, Deadline, ManualClock};
use seawall_rate_limiter::{Bound, Clock, Quota, RateLimiter, Reason, Registry, Rejection};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

fn limiter(quota: Quota) -> (RateLimiter, ManualClock) {
    let (clock, hand) = Clock::manual();
    let builder = RateLimiter::builder("traces").quota(quota).clock(clock);
    (builder.build().expect("sound settings"), hand)
}

/// A cell each so many milliseconds, and so many at once.
fn each(millis: u64, burst: u32) -> Quota {
    let quota = Quota::new(1, Duration::from_millis(millis));
    quota.and_then(|quota| quota.burst(burst)).expect("a quota")
}

/// What a call is told.
#[derive(Debug, PartialEq)]
enum Said {
    In,
    /// To come back after so many milliseconds.
    After(u64),
    /// That it never will be let in.
    Never,
}
use Said::{After, In, Never};

fn said(answer: Result<(), Rejection>) -> Said {
    match answer.map_err(|refused| (refused.reason(), refused.bound(), refused.retry_after())) {
        Ok(()) => In,
        Err((Reason::RateLimited, None, Some(wait))) => {
            assert_eq!(wait.subsec_nanos() % 1_000_000, 0, "{wait:?} is no whole number of ms");
            After(wait.as_millis() as u64)
        }
        Err((Reason::RateLimited, Some(Bound::Weight), None)) => Never,
        Err(other) => panic!("{other:?}"),
    }
}

/// Makes calls of so many cells at the given milliseconds, and compares what each is told.
#[track_caller]
fn follows(quota: Quota, trace: &[(u64, u32, Said)]) {
    let (limiter, hand) = limiter(quota);
    let began = hand.now();
    for (step, (at, cells, expected)) in trace.iter().enumerate() {
        hand.set(began + Duration::from_millis(*at));
        let told = said(limiter.try_acquire_n(*cells));
        assert_eq!(told, *expected, "step {step}, {cells} cells at {at} ms");
    }
}

#[test]
fn single_cells_are_let_in_by_burst_and_rate() {
    follows(
        each(100, 5),
        &[
            (0, 1, In),
            (0, 1, In),
            (0, 1, In),
            (0, 1, In),
            (0, 1, In),
            (0, 1, After(100)),
            (50, 1, After(50)),
            (99, 1, After(1)),
            (100, 1, In),
            (100, 1, After(100)),
            (350, 1, In),
            (350, 1, In),
            (350, 1, After(50)),
            (2_000, 5, In),
            (2_000, 1, After(100)),
        ],
    );
}

#[test]
fn heavy_calls_are_let_in_whole_or_not_at_all() {
    follows(
        each(100, 10),
        &[
            (0, 4, In),
            (0, 7, After(100)),
            (0, 6, In),
            (0, 1, After(100)),
            (250, 3, After(50)),
            (250, 2, In),
            (250, 1, After(50)),
            (1_250, 10, In),
            (1_250, 11, Never),
            (1_300, 1, After(50)),
        ],
    );
}

#[test]
fn a_rate_that_is_no_round_number_is_kept_to_the_millisecond() {
    follows(
        each(333, 3),
        &[
            (0, 3, In),
            (332, 1, After(1)),
            (333, 1, In),
            (334, 1, After(332)),
            (666, 1, In),
            (1_000, 2, After(332)),
            (1_331, 1, In),
            (1_332, 1, In),
        ],
    );
}

#[test]
fn a_call_of_no_cells_takes_none() {
    follows(each(100, 1), &[(0, 0, In), (0, 1, In), (0, 0, In), (99, 1, After(1)), (100, 1, In)]);
}

#[test]
fn more_than_the_burst_is_refused_for_good() {
    let (limiter, _) = limiter(each(100, 5));

    for answer in [
        limiter.try_acquire_n(6),
        limiter.try_acquire_n(u32::MAX),
        limiter.reserve(6, HOUR).map(drop),
    ] {
        let refused = answer.expect_err("there never are six at once");
        assert_eq!((refused.bound(), refused.retry_after()), (Some(Bound::Weight), None));
    }
    assert_eq!(limiter.standing().remaining, 5);
}

#[test]
fn a_nanosecond_before_the_time_to_come_back_is_too_early() {
    for (cells, period, burst) in
        [(1, SECOND, 1), (3, SECOND, 2), (7, MS, 5), (1_234_567, SECOND, 3)]
    {
        let quota =
            Quota::new(cells, period).and_then(|quota| quota.burst(burst)).expect("a quota");
        let (limiter, hand) = limiter(quota);
        for _ in 0..100 {
            while limiter.try_acquire().is_ok() {}
            let wait = limiter.try_acquire().expect_err("it is spent").retry_after();
            let wait = wait.expect("a cell comes");

            hand.advance(wait - Duration::from_nanos(1));
            let refused = limiter.try_acquire().expect_err("it is too early");
            assert_eq!(refused.retry_after(), Some(Duration::from_nanos(1)), "{quota}");
            hand.advance(Duration::from_nanos(1));
            limiter.try_acquire().expect("it is time");
        }
    }
}

#[test]
fn a_flood_of_refusals_changes_nothing() {
    let (limiter, hand) = limiter(each(100, 2));
    limiter.try_acquire_n(2).expect("it is fresh");
    hand.advance(50 * MS);
    let (standing, shown) = (limiter.standing(), format!("{limiter:?}"));

    for _ in 0..1_000 {
        assert_eq!(said(limiter.try_acquire()), After(50));
        assert_eq!(said(limiter.try_acquire_n(2)), After(150));
        assert_eq!(said(limiter.try_acquire_n(3)), Never);
        limiter.reserve(1, 49 * MS).expect_err("its turn is later");
    }

    assert_eq!((limiter.standing(), format!("{limiter:?}")), (standing, shown));
    assert_eq!(limiter.snapshot().counters["rejected"], 4_000);
}

#[test]
fn a_standing_tells_what_is_left_and_when_there_is_more() {
    let (limiter, hand) = limiter(each(100, 5));
    let standing = || {
        let standing = limiter.standing();
        let (next, full) = (standing.next.as_millis(), standing.full.as_millis());
        (standing.limit, standing.remaining, next, full)
    };
    assert_eq!(standing(), (5, 5, 0, 0));

    limiter.try_acquire_n(3).expect("it is fresh");
    assert_eq!(standing(), (5, 2, 0, 300));
    hand.advance(50 * MS);
    assert_eq!(standing(), (5, 2, 0, 250));
    limiter.try_acquire_n(2).expect("two are left");
    assert_eq!(standing(), (5, 0, 50, 450));
    let booked = limiter.reserve(2, SECOND).expect("its turn comes");
    assert_eq!(standing(), (5, 0, 250, 650), "who comes now waits for those who booked");
    booked.commit();
    hand.advance(SECOND);
    assert_eq!(standing(), (5, 5, 0, 0));
    assert_eq!(limiter.standings(), [limiter.standing()]);
}

#[test]
fn of_several_quotas_the_tightest_tells_how_it_stands() {
    let (clock, hand) = Clock::manual();
    let builder = RateLimiter::builder("traces").quotas([each(100, 3), each(500, 3), each(1, 9)]);
    let limiter = builder.clock(clock).build().expect("sound settings");
    assert_eq!(limiter.standing().limit, 3);

    limiter.try_acquire_n(3).expect("it is fresh");

    assert_eq!((limiter.standing().remaining, limiter.standing().next), (0, 500 * MS));
    let refused = limiter.try_acquire().expect_err("it is spent");
    assert_eq!(refused.retry_after(), Some(500 * MS));
    hand.advance(100 * MS);
    assert_eq!((limiter.standing().remaining, limiter.standing().next), (0, 400 * MS));
    let left: Vec<_> = limiter.standings().iter().map(|standing| standing.remaining).collect();
    assert_eq!(left, [1, 0, 9]);
}

fn wait(limiter: &RateLimiter, cells: u32) -> u64 {
    let booked = limiter.reserve(cells, HOUR).expect("its turn comes");
    assert_eq!((booked.cells(), booked.ready_at()), (cells, limiter.now() + booked.ready_in()));
    let wait = booked.ready_in().as_millis() as u64;
    booked.commit();
    wait
}

#[test]
fn turns_are_booked_one_after_another() {
    let (limiter, hand) = limiter(each(100, 2));

    assert_eq!([(); 6].map(|()| wait(&limiter, 1)), [0, 0, 100, 200, 300, 400]);
    assert_eq!(limiter.standing().full, 600 * MS);
    assert_eq!(wait(&limiter, 2), 600);
    hand.advance(SECOND);
    assert_eq!(wait(&limiter, 1), 0);
}

#[test]
fn turns_that_are_given_back_from_the_end_are_free_again() {
    let (limiter, _) = limiter(each(100, 2));
    let mut booked: Vec<_> = (0..6).map(|_| limiter.reserve(1, HOUR).expect("it comes")).collect();

    drop(booked.pop());
    drop(booked.pop());

    assert_eq!((limiter.standing().full, wait(&limiter, 1)), (400 * MS, 300));
    let refused = limiter.reserve(1, 150 * MS).expect_err("its turn is later");
    assert_eq!((refused.bound(), refused.retry_after()), (Some(Bound::Wait), Some(400 * MS)));
    assert_eq!(limiter.standing().full, 500 * MS);
}

#[test]
fn a_turn_that_comes_at_the_longest_wait_is_in_time() {
    let (limiter, _) = limiter(each(100, 1));
    limiter.try_acquire().expect("it is fresh");

    limiter.reserve(1, 100 * MS - Duration::from_nanos(1)).expect_err("a nanosecond is missing");
    limiter.reserve(1, 100 * MS).expect("just in time").commit();
}

#[test]
fn whose_deadline_comes_before_his_turn_is_told_at_once_and_books_nothing() {
    let (clock, hand) = Clock::manual();
    let builder = RateLimiter::builder("traces").quota(each(100, 1)).clock(clock.clone());
    let limiter = builder.max_wait(SECOND).build().expect("sound");
    let within = |time| Context::new().with_deadline(Deadline::after_on(clock.clone(), time));
    limiter.try_acquire().expect("it is fresh");

    let refused = within(99 * MS).run(|| limiter.acquire_blocking()).expect_err("it is too late");
    assert_eq!((refused.reason(), refused.bound()), (Reason::DeadlineExceeded, None));
    assert_eq!(limiter.standing().full, 100 * MS);
    let booked = within(100 * MS).run(|| limiter.reserve(1, SECOND)).expect("just in time");
    assert_eq!(booked.ready_in(), 100 * MS);

    // Where the longest wait is too short as well, that is what is told.
    let refused = within(99 * MS).run(|| limiter.reserve(1, 50 * MS)).expect_err("too late");
    assert_eq!((refused.reason(), refused.bound()), (Reason::RateLimited, Some(Bound::Wait)));
    drop(booked);
    hand.advance(100 * MS);
    within(Duration::ZERO).run(|| limiter.acquire_blocking()).expect("who need not wait need not");
}

#[test]
fn what_was_taken_and_not_used_comes_back_but_for_what_time_has_paid_off() {
    let fresh = || limiter(each(100, 1));

    let (limiter, _) = fresh();
    drop(limiter.reserve(1, Duration::ZERO).expect("it is fresh"));
    assert_eq!((limiter.standing().full, said(limiter.try_acquire())), (Duration::ZERO, In));

    let (limiter, hand) = fresh();
    let booked = limiter.reserve(1, Duration::ZERO).expect("it is fresh");
    hand.advance(50 * MS);
    drop(booked);
    assert_eq!(said(limiter.try_acquire()), In);
    assert_eq!(said(limiter.try_acquire()), After(100));

    let (limiter, hand) = fresh();
    let booked = limiter.reserve(1, Duration::ZERO).expect("it is fresh");
    hand.advance(200 * MS);
    limiter.try_acquire().expect("it is paid off");
    drop(booked);
    assert_eq!(said(limiter.try_acquire()), After(100));
}

/// Two are taken and one of them given back; once the other is paid off there is nothing to give back.
#[test]
fn what_is_given_back_late_is_not_given_twice() {
    let (limiter, hand) = limiter(each(100, 2));
    let first = limiter.reserve(1, Duration::ZERO).expect("it is fresh");
    let second = limiter.reserve(1, Duration::ZERO).expect("one is left");
    drop(first);
    hand.advance(100 * MS);
    limiter.try_acquire().expect("all is paid off");
    hand.advance(50 * MS);

    drop(second);

    assert_eq!(said(limiter.try_acquire()), In);
    assert_eq!(said(limiter.try_acquire()), After(50), "three in 50 ms are more than 2 and 50/100");
}

#[test]
fn a_clock_that_goes_back_only_makes_calls_wait() {
    let (limiter, hand) = limiter(each(100, 2));
    limiter.try_acquire_n(2).expect("it is fresh");
    let now = hand.now();

    hand.set(seawall_rate_limiter::Nanos::ZERO);
    limiter.try_acquire().expect_err("it is spent");
    let _ = limiter.snapshot();
    hand.set(now + 100 * MS);

    assert_eq!(said(limiter.try_acquire()), In);
    assert_eq!(said(limiter.try_acquire()), After(100));
}

/// A quota whose burst has room for what a period earns beside a cell that is partly there.
fn roomy(cells: u32, period: Duration) -> Quota {
    Quota::new(cells, period).and_then(|quota| quota.burst(cells + 1)).expect("a quota")
}

/// Takes whatever there is, at steps of up to `step`, for as long as `time`; how many cells that were.
fn greedy(quota: Quota, step: Duration, time: Duration) -> u64 {
    let (limiter, hand) = limiter(quota);
    let random = &mut fastrand::Rng::with_seed(7);
    let end = hand.now() + time;
    let mut taken = 0;
    loop {
        let left = limiter.standing().remaining;
        limiter.try_acquire_n(left as u32).expect("as many are left");
        limiter.try_acquire().expect_err("and no more");
        taken += left;
        if hand.now() == end {
            return taken;
        }
        let step = Duration::from_nanos(random.u64(1..=step.as_nanos() as u64));
        hand.set((hand.now() + step).min(end));
    }
}

#[test]
fn no_quota_drifts() {
    let day = 24 * HOUR;
    // The period's cells, the longest step, the time, and how many cells that is in all.
    for (cells, period, step, time, exact) in [
        (1, day, day / 3, 5_000 * day, 5_000_u64),
        (7, day, HOUR, 300 * day, 2_100),
        (1, HOUR, HOUR / 10, 30 * day, 720),
        (3, SECOND, SECOND, 7 * HOUR, 75_600),
        (100, SECOND, SECOND, 3 * HOUR, 1_080_000),
        (10_000_000, SECOND, SECOND / 2, 5 * HOUR, 180_000_000_000),
        (1_000_000_000, SECOND, SECOND / 2, 5 * HOUR, 18_000_000_000_000),
    ] {
        let quota = roomy(cells, period);

        assert_eq!(greedy(quota, step, time), u64::from(cells + 1) + exact, "{quota}");
    }
}

/// What cannot be counted exactly is counted so that it is never too much; the moments from which it is
/// counted are renewed each hour.
#[test]
fn a_quota_that_must_be_rounded_is_never_above_and_hardly_below() {
    for (cells, period) in [(1_234_567, SECOND), (7_654_321, SECOND), (999_983, 13 * SECOND)] {
        let quota = roomy(cells, period);
        let hours = 12;

        let taken = greedy(quota, SECOND / 3, hours * HOUR);

        let seconds = u64::from(hours) * 3_600;
        let exact = u64::from(cells) * seconds / period.as_secs() + u64::from(cells + 1);
        assert!(taken <= exact, "{quota}: {taken} of {exact}");
        assert!(exact - taken <= exact / 10_000_000 + 1, "{quota}: {taken} of {exact}");
    }
}

#[test]
fn years_without_a_call_make_no_more_than_a_burst() {
    for cells in [3, 1_234_567] {
        let (limiter, hand) = limiter(Quota::per_second(cells).expect("a quota"));
        limiter.try_acquire_n(cells).expect("it is fresh");

        hand.advance(200 * 366 * 24 * HOUR);

        limiter.try_acquire_n(cells).expect("it is paid off");
        limiter.try_acquire().expect_err("and no more");
    }
}

#[test]
fn a_change_makes_no_cell_and_takes_none() {
    let (limiter, hand) = limiter(each(100, 10));
    let set = |quota| limiter.set_quotas([quota]).expect("it can change");
    limiter.try_acquire_n(4).expect("it is fresh");

    set(each(10, 10));
    assert_eq!((limiter.standing().remaining, limiter.standing().full), (6, 40 * MS));
    set(each(100, 20));
    assert_eq!((limiter.standing().remaining, limiter.standing().full), (6, 1_400 * MS));
    set(each(100, 3));
    assert_eq!((limiter.standing().remaining, limiter.standing().full), (3, Duration::ZERO));
    set(each(100, 10));
    assert_eq!((limiter.standing().remaining, limiter.standing().full), (3, 700 * MS));
    hand.advance(100 * MS);
    assert_eq!(limiter.standing().remaining, 4);
    assert_eq!(limiter.config().quotas, [each(100, 10)]);
}

#[test]
fn what_has_grown_so_far_is_counted_at_the_old_rate() {
    let (limiter, hand) = limiter(each(100, 10));
    limiter.try_acquire_n(10).expect("it is fresh");
    hand.advance(250 * MS);

    limiter.set_quotas([each(1_000, 10)]).expect("it can change");

    assert_eq!(said(limiter.try_acquire_n(2)), In);
    assert_eq!(said(limiter.try_acquire()), After(500), "half a cell is there already");
}

#[test]
fn who_waits_keeps_his_turn_when_the_quota_changes() {
    for (millis, next) in [(100, 300), (50, 150), (1_000, 3_000)] {
        let (limiter, hand) = limiter(each(100, 1));
        limiter.try_acquire().expect("it is fresh");
        let booked = [(); 2].map(|()| limiter.reserve(1, HOUR).expect("its turn comes"));
        let turns = booked.each_ref().map(seawall_rate_limiter::Reservation::ready_at);

        limiter.set_quotas([each(millis, 1)]).expect("it can change");

        assert_eq!(booked.each_ref().map(seawall_rate_limiter::Reservation::ready_at), turns);
        assert_eq!(wait(&limiter, 1), next, "after those who wait, at the new rate");
        hand.advance(100 * MS);
        assert_eq!(booked[0].ready_in(), Duration::ZERO);
        booked.into_iter().for_each(seawall_rate_limiter::Reservation::commit);
    }
}

#[test]
fn a_change_that_cannot_be_changes_nothing() {
    use seawall_rate_limiter::Policy;

    let (limiter, _) = limiter(each(100, 2));
    limiter.try_acquire().expect("it is fresh");
    let (config, standing) = (limiter.config(), limiter.standing());
    let log = Quota::per_second(5).expect("a quota").policy(Policy::SlidingLog);

    for quotas in [vec![], vec![each(1, 1), each(2, 2)], vec![log], vec![each(1, 1); 5]] {
        let error = limiter.set_quotas(quotas).expect_err("it stays what it was built as");
        assert_eq!(error.field(), "quotas");
        assert_eq!((limiter.config(), limiter.standing()), (config.clone(), standing));
    }
}

#[test]
fn clones_take_from_one_quota() {
    let (limiter, _) = limiter(each(100, 2));
    let clone = limiter.clone();

    limiter.try_acquire().expect("it is fresh");
    clone.try_acquire().expect("one is left");

    assert_eq!((said(limiter.try_acquire()), said(clone.try_acquire())), (After(100), After(100)));
}

#[test]
fn a_snapshot_tells_how_it_stands() {
    let (limiter, hand) = limiter(each(100, 2));
    let registry = Registry::new();
    limiter.register(&registry);
    let seen = || registry.snapshots().pop().expect("it is registered");
    assert_eq!((seen().pattern.as_ref(), seen().name.as_str()), ("rate_limiter", "traces"));
    assert_eq!((seen().state.as_ref(), seen().gauges["remaining"] as u32), ("open", 2));

    limiter.try_acquire_n(2).expect("it is fresh");
    limiter.try_acquire().expect_err("it is spent");
    hand.advance(60 * MS);
    limiter.reserve(1, SECOND).expect("it comes").commit();
    drop(limiter.reserve(1, SECOND).expect("it comes"));

    let snapshot = seen();
    assert_eq!((snapshot.state.as_ref(), snapshot.gauges["remaining"] as u32), ("limiting", 0));
    assert_eq!((snapshot.gauges["next_in_seconds"] * 1e3).round() as u32, 140);
    let counted = ["rejected", "waited", "given_back", "lost"].map(|name| snapshot.counters[name]);
    assert_eq!(counted, [1, 2, 1, 0]);
    assert_eq!(
        (snapshot.limits["per_second.0"] as u32, snapshot.limits["burst.0"] as u32),
        (10, 2)
    );
    assert!(!snapshot.limits.contains_key("max_wait_seconds"));

    let mut config = limiter.config();
    config.max_wait = Some(250 * MS);
    limiter.reconfigure(config).expect("it can change");
    assert_eq!((seen().limits["max_wait_seconds"] * 1e3) as u32, 250);
    drop(limiter);
    assert!(registry.snapshots().is_empty(), "a registry keeps nothing alive");
}

/// What a limiter has left, in billionths of a cell, of which each nanosecond earns as many as a second
/// has cells.
struct Model {
    left: u64,
    rate: u64,
    burst: u64,
}

const CELL: u64 = 1_000_000_000;

impl Model {
    fn new(rate: u32, burst: u32) -> Self {
        let (rate, burst) = (rate.into(), u64::from(burst) * CELL);
        Self { left: burst, rate, burst }
    }

    fn earn(&mut self, nanos: u64) {
        self.left = (self.left + nanos * self.rate).min(self.burst);
    }

    fn change(&mut self, rate: u32, burst: u32) {
        *self = Self { left: self.left.min(u64::from(burst) * CELL), ..Self::new(rate, burst) };
    }
}

#[derive(Clone, Debug)]
enum Step {
    Take(u32),
    Advance(u64),
    Change(u32, u32),
}

const RATES: [u32; 8] = [1, 2, 3, 7, 10, 100, 1_234, 999_983];

fn rate() -> impl Strategy<Value = u32> {
    prop::sample::select(&RATES[..])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..12_u32).prop_map(Step::Take),
        3 => (0..2_000_000_000_u64).prop_map(Step::Advance),
        2 => (0..2_000_000_u64).prop_map(Step::Advance),
        2 => (rate(), 1..12_u32).prop_map(|(rate, burst)| Step::Change(rate, burst)),
    ]
}

proptest! {
    /// However often it changes: what it gives is what was there and what time has earned, and of that
    /// it withholds no more than a rounding a change.
    #[test]
    fn no_change_makes_a_cell_nor_loses_one(
        first in rate(),
        burst in 1..12_u32,
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let quota = |rate, burst| {
            Quota::per_second(rate).and_then(|quota| quota.burst(burst)).expect("a quota")
        };
        let (limiter, hand) = limiter(quota(first, burst));
        let mut model = Model::new(first, burst);
        let mut slack = u64::from(first);
        for step in steps {
            match step {
                Step::Advance(nanos) => {
                    hand.advance(Duration::from_nanos(nanos));
                    model.earn(nanos);
                }
                Step::Change(rate, burst) => {
                    limiter.set_quotas([quota(rate, burst)]).expect("it can change");
                    model.change(rate, burst);
                    slack += u64::from(rate); // a unit of the new quota: at most 1/period of a cell
                }
                Step::Take(cells) => {
                    let (wanted, left) = (u64::from(cells) * CELL, model.left);
                    match limiter.try_acquire_n(cells) {
                        Ok(()) => {
                            prop_assert!(wanted <= left, "{cells} cells of {left} billionths");
                            model.left -= wanted;
                        }
                        Err(_) => prop_assert!(
                            wanted > model.burst || wanted + slack > left,
                            "{cells} cells were refused, of {left} billionths"
                        ),
                    }
                }
            }
        }
    }
}
