//! Real threads on real atomics, as many calls as fit into a moment: what loom's small models leave out,
//! and what ThreadSanitizer is run on.
//!
//! Plain threads, each joined by its handle: the end of a scope is a race to ThreadSanitizer, which
//! does not see into the standard library.

#![cfg(not(seawall_loom))]

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use seawall_core::{
    ManualClock, Nanos,
    sync::unmodelled::{AtomicU64, Ordering::Relaxed},
};
use seawall_rate_limiter::{Clock, Quota, RateLimiter, RateLimiters, WhenFull};

const THREADS: u64 = 4;

/// What one cell takes.
const T: Duration = Duration::from_micros(1);

const HOUR: Duration = Duration::from_secs(3_600);

/// Runs `body` on each thread, which is told which one it is, and has a random number generator of its
/// own.
fn threads(body: impl Fn(u64, &mut fastrand::Rng) + Send + Sync + 'static) {
    let body = Arc::new(body);
    let start = |number| {
        let body = Arc::clone(&body);
        thread::spawn(move || body(number, &mut fastrand::Rng::with_seed(number)))
    };
    let threads: Vec<JoinHandle<()>> = (0..THREADS).map(start).collect();
    let clock = Clock::system();
    let began = clock.now();
    while !threads.iter().all(JoinHandle::is_finished) {
        let time = clock.now().since(began);
        assert!(time < Duration::from_secs(300), "somebody waits for ever");
        thread::park_timeout(Duration::from_millis(1));
    }
    threads.into_iter().for_each(|thread| thread.join().expect("no call panics"));
}

fn each(time: Duration, burst: u32) -> Quota {
    Quota::new(1, time).and_then(|quota| quota.burst(burst)).expect("a quota")
}

fn limiter(quotas: &[Quota]) -> (RateLimiter, ManualClock) {
    let (clock, hand) = Clock::manual();
    let builder = RateLimiter::builder("stress").quotas(quotas.iter().copied()).clock(clock);
    (builder.build().expect("sound"), hand)
}

/// A limiter by its word, and one by its lock.
fn both(quota: Quota) -> [(RateLimiter, ManualClock); 2] {
    [limiter(&[quota]), limiter(&[quota, each(T, 1_000_000)])]
}

#[derive(Clone, Debug, Default)]
struct Count(Arc<AtomicU64>);

impl Count {
    fn add(&self, cells: u64) {
        self.0.fetch_add(cells, Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

#[test]
fn of_a_burst_that_all_want_each_cell_is_given_once() {
    for (limiter, _) in both(each(T, 100_000)) {
        let (taken, count) = (limiter.clone(), Count::default());
        let sum = count.clone();

        threads(move |_, random| {
            while taken.standing().remaining > 0 {
                let cells = random.u32(0..4);
                sum.add(taken.try_acquire_n(cells).map_or(0, |()| cells.into()));
            }
        });

        assert_eq!((count.get(), limiter.standing().remaining), (100_000, 0));
    }
}

/// One of them moves the time, and only when there is nothing left: so nothing is lost for want of room.
#[test]
fn while_time_goes_on_what_it_earns_is_given_and_no_more() {
    const BURST: u32 = 50;
    const STEPS: u64 = 20_000;
    for (limiter, hand) in both(each(T, BURST)) {
        let (taken, count) = (limiter.clone(), Count::default());
        let (sum, over) = (count.clone(), Count::default());
        let began = hand.now();
        let moved = hand.clone();

        threads(move |number, random| {
            let take = || sum.add(taken.try_acquire().map_or(0, |()| 1));
            if number > 0 {
                while over.get() == 0 {
                    take();
                }
                return;
            }
            for _ in 0..STEPS {
                while taken.standing().remaining > 0 {
                    take();
                }
                // Less than what is owed: all but a cell of the burst.
                moved.advance(Duration::from_nanos(random.u64(..u64::from(BURST - 1) * 1_000)));
            }
            over.add(1);
        });
        while limiter.try_acquire().is_ok() {
            count.add(1);
        }

        let earned = hand.now().since(began).as_nanos() / T.as_nanos();
        assert_eq!(u128::from(count.get()), u128::from(BURST) + earned);
    }
}

/// Who books, uses it or gives it back, while the time goes on: of what was used no more than what there
/// was by then.
#[test]
fn what_is_given_back_by_some_is_not_given_to_more() {
    const BURST: u32 = 8;
    for (limiter, hand) in both(each(T, BURST)) {
        let (shared, count) = (limiter.clone(), Count::default());
        let (used, last) = (count.clone(), Arc::new(AtomicU64::new(0)));
        let began = hand.now();
        let (moved, latest) = (hand.clone(), Arc::clone(&last));

        threads(move |_, random| {
            let mut booked = Vec::new();
            for _ in 0..50_000 {
                match random.u32(..10) {
                    0..4 => {
                        booked.extend(shared.reserve(random.u32(1..=BURST), 20 * T).ok());
                    }
                    4..7 if !booked.is_empty() => {
                        drop(booked.swap_remove(random.usize(..booked.len())));
                    }
                    7..9 if !booked.is_empty() => {
                        let one = booked.swap_remove(random.usize(..booked.len()));
                        used.add(one.cells().into());
                        latest.fetch_max(one.ready_at().0, Relaxed);
                        one.commit();
                    }
                    _ => moved.advance(Duration::from_nanos(random.u64(..2_000))),
                }
            }
        });

        let end = Nanos(last.load(Relaxed)).max(hand.now());
        let earned = end.since(began).as_nanos() / T.as_nanos();
        assert!(u128::from(count.get()) <= u128::from(BURST) + earned, "{count:?} of {earned}");
        hand.advance(HOUR);
        limiter.try_acquire_n(BURST).expect("all of it is there again");
    }
}

/// The burst is always the same: nothing is lost for want of room, and no change makes a cell.
#[test]
fn a_quota_that_changes_all_the_time_gives_each_cell_once() {
    const BURST: u32 = 100_000;
    for (limiter, _) in both(each(T, BURST)) {
        let (shared, count) = (limiter.clone(), Count::default());
        let sum = count.clone();
        let quotas = limiter.config().quotas;

        threads(move |number, random| {
            while shared.standing().remaining > 0 {
                if number == 0 {
                    let mut quotas = quotas.clone();
                    quotas[0] = each(Duration::from_nanos(random.u64(1..10_000)), BURST);
                    shared.set_quotas(quotas).expect("it can change");
                }
                sum.add(shared.try_acquire().map_or(0, |()| 1));
            }
        });

        // Each change may round down what is left, by less than a cell in all that it was asked for.
        let given = count.get();
        assert!(
            (u64::from(BURST) - 1..=u64::from(BURST)).contains(&given),
            "{given} of {limiter:?}"
        );
    }
}

fn limiters(quotas: &[Quota], max_keys: usize) -> RateLimiters<u64> {
    let builder = RateLimiters::builder("stress").quotas(quotas.iter().copied());
    let builder = builder.when_full(WhenFull::Refuse).max_keys(max_keys).clock(Clock::manual().0);
    builder.build().expect("sound")
}

#[test]
fn of_a_keys_burst_each_cell_is_given_once_also_while_others_come_and_go() {
    for quotas in [&[each(T, 100)][..], &[each(T, 100), each(T, 1_000)][..]] {
        const KEYS: u64 = 500;
        let limiters = limiters(quotas, 4_096);
        let count: Arc<Vec<Count>> = Arc::new((0..KEYS).map(|_| Count::default()).collect());
        let sums = Arc::clone(&count);

        threads(move |_, random| {
            for _ in 0..100 * KEYS {
                let key = random.u64(..KEYS);
                sums[key as usize].add(limiters.try_acquire(&key).map_or(0, |()| 1));
            }
            for key in 0..KEYS {
                while limiters.try_acquire(&key).is_ok() {
                    sums[key as usize].add(1);
                }
            }
        });

        assert!(count.iter().all(|count| count.get() == 100), "{count:?}");
    }
}

/// What can block who: a key that is new, a change for all of them, and a look at all of them.
#[test]
fn keys_that_come_anew_and_a_change_for_all_do_not_wait_for_each_other() {
    for quotas in [vec![each(T, 1)], vec![each(T, 1), each(T, 2)]] {
        let limiters = limiters(&quotas, 256);

        threads(move |number, random| {
            for round in 0..20_000 {
                if number > 1 {
                    let _ = limiters.try_acquire(&random.u64(..));
                    continue;
                }
                let mut quotas = quotas.clone();
                quotas[0] = each(T, 1 + round % 2);
                limiters.set_quotas(quotas).expect("it can change");
                if round % 64 == 0 {
                    let _ = (limiters.snapshot(), limiters.config(), limiters.len());
                }
            }
        });
    }
}
