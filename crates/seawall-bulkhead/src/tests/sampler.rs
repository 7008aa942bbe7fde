//! The sampler, call by call. The promises are those of [`sampler`](crate::adaptive::sampler).

#![allow(clippy::float_cmp, reason = "limits that come out exactly")]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    time::Duration,
};

use proptest::prelude::*;
use seawall_core::{Nanos, Outcome, sync::Mutex};

use crate::{
    adaptive::{Adaptive, Aimd, Gradient2, LimitAlgorithm, Sample, Vegas, sampler::Sampler},
    word::MOST,
};

const MS: Duration = Duration::from_millis(1);

/// What a puppet answers to a limit.
type Answer = Arc<Mutex<Box<dyn Fn(f64) -> f64 + Send>>>;

/// Answers what it is told to, and tells what it was asked.
struct Puppet {
    answer: Answer,
    asked: mpsc::Sender<Sample>,
}

impl LimitAlgorithm for Puppet {
    fn update(&mut self, sample: &Sample) -> f64 {
        self.asked.send(*sample).expect("the stage outlives it");
        (self.answer.lock())(sample.limit)
    }
}

/// A sampler, a clock, and the strings.
struct Stage {
    sampler: Sampler,
    now: Nanos,
    limit: u32,
    answer: Answer,
    asked: mpsc::Receiver<Sample>,
}

impl Stage {
    fn new() -> Self {
        Self::with(|adaptive| adaptive)
    }

    fn with(set: impl FnOnce(Adaptive) -> Adaptive) -> Self {
        let (sender, asked) = mpsc::channel();
        let answer: Answer = Arc::new(Mutex::new(Box::new(|limit| limit)));
        let puppets = answer.clone();
        let adaptive =
            set(Adaptive::own(move || Puppet { answer: puppets.clone(), asked: sender.clone() }));
        adaptive.check().expect("it is a fine limit");
        let sampler = Sampler::new(&adaptive, Nanos::ZERO);
        Self { sampler, now: Nanos::ZERO, limit: adaptive.first(), answer, asked }
    }

    fn answers(&self, answer: impl Fn(f64) -> f64 + Send + 'static) {
        *self.answer.lock() = Box::new(answer);
    }

    /// Timed calls that end now.
    fn end(&mut self, calls: u64, latency: Duration, outcome: Outcome) {
        for _ in 0..calls {
            let started = self.now - latency;
            let next = self.sampler.timed(self.now, started, self.limit, self.limit, outcome);
            self.limit = next.unwrap_or(self.limit);
        }
    }

    /// A window with as many timed calls of 10 ms, the last of them when its time is over.
    fn window(&mut self, calls: u64) -> Option<Sample> {
        self.now = self.now + 99 * MS;
        self.end(calls - 1, 10 * MS, Outcome::Success);
        self.now = self.now + MS;
        self.end(1, 10 * MS, Outcome::Success);
        self.asked.try_recv().ok()
    }
}

#[test]
fn a_window_waits_for_its_time_and_for_ten_calls() {
    let mut stage = Stage::new();

    stage.now = Nanos::from_millis(99);
    stage.end(9, 10 * MS, Outcome::Success);
    assert!(stage.asked.try_recv().is_err(), "neither");
    stage.now = Nanos::from_millis(100);
    assert!(stage.asked.try_recv().is_err(), "nobody asked");
    stage.end(1, 20 * MS, Outcome::Success);

    let sample = stage.asked.try_recv().expect("both");
    assert_eq!((sample.calls, sample.timed, sample.dropped), (10, 10, 0));
    assert_eq!((sample.latency, sample.shortest), (11 * MS, 10 * MS));
    assert_eq!((sample.limit, sample.in_flight), (20.0, 20));
}

#[test]
fn a_window_lasts_as_long_as_two_calls() {
    let mut stage = Stage::new();
    stage.now = Nanos::from_millis(500);
    stage.end(10, 300 * MS, Outcome::Success);
    assert!(stage.asked.try_recv().is_ok());

    stage.now = Nanos::from_millis(1099);
    stage.end(20, 300 * MS, Outcome::Success);
    assert!(stage.asked.try_recv().is_err());

    stage.now = Nanos::from_millis(1100);
    stage.end(1, 300 * MS, Outcome::Success);
    assert!(stage.asked.try_recv().is_ok());
}

#[test]
fn drops_count_whoever_was_timed_and_ignored_calls_do_not() {
    let mut stage = Stage::new();
    stage.now = Nanos::from_millis(100);
    (0..5).for_each(|_| stage.sampler.untimed(Some(Outcome::Failure), false));
    stage.sampler.untimed(Some(Outcome::Success), false);
    stage.sampler.untimed(None, true);
    stage.end(3, 10 * MS, Outcome::Ignored);
    stage.end(2, 10 * MS, Outcome::Failure);
    stage.end(3, 10 * MS, Outcome::Success);

    let sample = stage.asked.try_recv().expect("seven drops and three successes");
    assert_eq!((sample.calls, sample.timed, sample.dropped), (10, 3, 7));
    assert_eq!(sample.latency, 10 * MS);
    assert!(sample.is_dropped());
}

#[test]
fn a_window_of_drops_alone_has_no_latency() {
    let mut stage = Stage::new();
    stage.now = Nanos::from_millis(100);
    stage.end(10, Duration::from_secs(9), Outcome::Failure);

    let sample = stage.asked.try_recv().expect("ten drops");
    assert_eq!((sample.timed, sample.latency), (0, Duration::ZERO));
    assert_eq!(sample.shortest, Duration::ZERO);
}

#[test]
fn at_high_rates_only_a_share_is_timed() {
    let mut stage = Stage::new();
    assert!((0..1000).all(|_| stage.sampler.picks()));

    stage.window(6400);
    assert_eq!(stage.sampler.timed_share().parts_per_million(), 125_000);
    let picked = (0..80_000).filter(|_| stage.sampler.picks()).count();
    assert!((9_900..=10_100).contains(&picked), "{picked} of 80 000");
    let every_fifth = (0..80_000).filter(|call| stage.sampler.picks() && call % 5 == 0).count();
    assert!((1_900..=2_100).contains(&every_fifth), "{every_fifth} of 16 000");

    let sample = stage.window(500).expect("a window");
    assert_eq!((sample.calls, sample.timed), (4000, 500));
    stage.window(60);
    assert_eq!(stage.sampler.timed_share().parts_per_million(), 500_000);
    stage.window(u64::from(u16::MAX) + 9);
    assert_eq!(stage.sampler.timed_share().parts_per_million(), 3_906);
}

#[test]
fn traffic_that_falls_is_timed_again_at_once() {
    let mut stage = Stage::new();
    stage.window(60_000);
    assert!(stage.sampler.timed_share().parts_per_million() < 10_000);

    assert_eq!(stage.window(1), None);

    assert_eq!(stage.sampler.timed_share().parts_per_million(), 1_000_000);
    assert_eq!(stage.window(10).expect("ten calls").calls, 10);
}

#[test]
fn a_limit_can_grow_by_less_than_one() {
    let mut stage = Stage::new();
    stage.answers(|limit| limit + 0.25);

    for limit in [20, 21, 21, 21, 21, 22] {
        stage.window(10);
        assert_eq!(stage.limit, limit);
    }
}

#[test]
fn a_limit_that_was_set_by_hand_is_where_it_goes_on_from() {
    let mut stage = Stage::new();
    stage.answers(|limit| limit + 0.25);
    stage.window(10);

    stage.limit = 50;
    let sample = stage.window(10).expect("a window");

    assert_eq!(sample.limit, 50.0);
}

#[test]
fn an_algorithm_that_panics_changes_nothing_and_is_asked_again() {
    let mut stage = Stage::new();
    stage.answers(|_| panic!("a bug of somebody's own"));

    let panicked = catch_unwind(AssertUnwindSafe(|| stage.window(10)));
    assert!(panicked.is_err());
    assert_eq!(stage.limit, 20);

    stage.asked.try_recv().expect("it was asked, and panicked");
    stage.answers(|limit| limit + 5.0);
    stage.window(10).expect("the next window");
    assert_eq!(stage.limit, 25);
}

#[test]
fn a_caller_who_gives_up_on_a_hanging_server_does_not_hide_it() {
    let give_up = |stage: &Stage, latency, panicked| {
        let (now, started) = (stage.now, stage.now - latency);
        stage.sampler.given_up(now, started, stage.limit, 20, panicked)
    };
    let mut stage = Stage::with(|adaptive| adaptive.on_panic(Outcome::Failure));
    stage.now = Nanos::from_millis(100);
    give_up(&stage, 5000 * MS, false); // nobody knows how long calls take
    assert_eq!(stage.sampler.samples(), 0);
    assert_eq!(stage.window(10).expect("a window").latency, 10 * MS);

    stage.now = stage.now + 100 * MS;
    for _ in 0..9 {
        give_up(&stage, 9 * MS, false);
        give_up(&stage, 30 * MS, false);
    }
    give_up(&stage, MS, true);

    let sample = stage.asked.try_recv().expect("nine that hung, and a panic");
    assert_eq!((sample.timed, sample.latency, sample.dropped), (9, 30 * MS, 1));
}

#[test]
fn a_word_that_is_full_keeps_its_mean() {
    let mut stage = Stage::new();
    let long = Duration::from_secs(100_000);
    stage.now = Nanos(u64::MAX);
    stage.end(10, long, Outcome::Success); // the sum has room for two
    assert!(stage.asked.try_recv().is_err());

    stage.end(8, Duration::ZERO, Outcome::Success);

    let sample = stage.asked.try_recv().expect("two long ones, eight short ones");
    assert_eq!((sample.timed, sample.latency), (10, long / 5));
}

/// Any algorithm, also one that answers nonsense.
fn any_adaptive() -> impl Strategy<Value = Adaptive> {
    let own = any::<f64>().prop_map(|answer| {
        struct Constant(f64);
        impl LimitAlgorithm for Constant {
            fn update(&mut self, _: &Sample) -> f64 {
                self.0
            }
        }
        Adaptive::own(move || Constant(answer))
    });
    let vegas = (1.0..9.0, 9.0..1e6)
        .prop_map(|(alpha, beta)| Vegas { alpha, beta, ..Vegas::default() }.into());
    let gradient2 = (1.0..1e6, 0.0..1e6, 0.001..=1.0).prop_map(|(tolerance, queue, smoothing)| {
        Gradient2 { tolerance, queue, smoothing, ..Gradient2::default() }.into()
    });
    let aimd = (0.5..0.999).prop_map(|backoff| Aimd { backoff, ..Aimd::default() }.into());
    let edge = prop_oneof![1u32..300, Just(MOST - 1), Just(MOST)];
    (prop_oneof![vegas, gradient2, aimd, own], edge.clone(), edge).prop_map(
        |(adaptive, one, other): (Adaptive, _, _)| adaptive.min(one.min(other)).max(one.max(other)),
    )
}

proptest! {
    /// Whatever is sampled, and whatever an algorithm makes of it.
    #[test]
    fn a_limit_stays_between_its_bounds(
        adaptive in any_adaptive(),
        windows in prop::collection::vec(
            (prop_oneof![Just(0), 1..100u64, any::<u64>()], 0..30u32, 0..30u32, any::<u32>()),
            1..40,
        ),
    ) {
        adaptive.check().expect("it is a fine limit");
        let (least, most) = (adaptive.least(), adaptive.most());
        let sampler = Sampler::new(&adaptive, Nanos::ZERO);
        let mut limit = adaptive.first();
        for (window, (latency, successes, drops, in_flight)) in (1u64..).zip(windows) {
            let started = Nanos::from_secs(window * 5);
            let now = started + Duration::from_nanos(latency);
            let outcomes = [(Outcome::Success, successes), (Outcome::Failure, drops)];
            for (outcome, calls) in outcomes {
                for _ in 0..calls {
                    let next = sampler.timed(now, started, limit, in_flight, outcome);
                    limit = next.unwrap_or(limit);
                    prop_assert!((least..=most).contains(&limit), "{least} <= {limit} <= {most}");
                }
            }
        }
    }
}
