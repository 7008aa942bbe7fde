//! The sampler: who closes a window, and which samples are in it. The promises are those of
//! [`sampler`](crate::adaptive::sampler).

use std::{sync::Arc, time::Duration};

use seawall_core::{
    Nanos, Outcome,
    sync::{atomic::Ordering::Relaxed, unmodelled::AtomicU64},
};

use super::{model, race, race_of_three};
use crate::adaptive::{Adaptive, LimitAlgorithm, Sample, sampler::Sampler};

const WINDOW_MS: u64 = 100;

/// What was told of all windows.
#[derive(Default)]
struct Told {
    windows: AtomicU64,
    calls: AtomicU64,
    last_ms: AtomicU64,
}

/// Checks promises 1 and 3 whenever it is asked. The limit that it is told is the time at which the
/// window was closed.
struct Witness(Arc<Told>);

impl LimitAlgorithm for Witness {
    fn update(&mut self, sample: &Sample) -> f64 {
        assert!(sample.calls >= 10, "asked about {} calls", sample.calls);
        let ms = sample.limit as u64;
        let last = self.0.last_ms.swap(ms, Relaxed);
        assert!(last < ms, "asked about the window that {ms} closed after that of {last}");
        self.0.windows.fetch_add(1, Relaxed);
        self.0.calls.fetch_add(sample.calls, Relaxed);
        sample.limit + 1.0
    }
}

struct Watched {
    sampler: Sampler,
    told: Arc<Told>,
}

impl Watched {
    /// A sampler in whose window `drops` calls were dropped by now.
    fn after(drops: u64) -> Arc<Self> {
        let told = Arc::new(Told::default());
        let witness = told.clone();
        let adaptive = Adaptive::own(move || Witness(witness.clone()))
            .window(Duration::from_millis(WINDOW_MS));
        let sampler = Sampler::new(&adaptive, Nanos::ZERO);
        sampler.dropped(drops);
        Arc::new(Self { sampler, told })
    }

    /// A call that took 1 ms ended at `ms`; tells whether it closed a window.
    fn ends_at(&self, ms: u64, outcome: Outcome) -> bool {
        let (now, started) = (Nanos::from_millis(ms), Nanos::from_millis(ms - 1));
        self.sampler.timed(now, started, ms as u32, 20, outcome).is_some()
    }

    fn windows(&self) -> u64 {
        self.told.windows.load(Relaxed)
    }

    /// Promise 2: what was told, and what waits for the next window, is what there was.
    fn assert_conserved(&self, calls: u64) {
        let told = self.told.calls.load(Relaxed);
        assert_eq!(told + self.sampler.samples(), calls);
    }
}

/// Promises 1 and 2: of two calls that both could close a window, one does.
///
/// Caught when broken: `end` stored instead of swapped (asked twice).
#[test]
fn one_call_closes_a_window() {
    model(|| {
        let watched = Watched::after(9);

        let (one, other) = race(
            &watched,
            |it| it.ends_at(WINDOW_MS, Outcome::Success),
            |it| it.ends_at(WINDOW_MS + 1, Outcome::Failure),
        );

        assert_eq!((one ^ other, watched.windows()), (true, 1));
        watched.assert_conserved(11);
    });
}

/// Promise 3: who comes so late that it could close the next window counts no sample of this one.
///
/// Caught when broken: `end` read or set with Relaxed, the words taken after the next `end` was set
/// (asked about one call).
#[test]
fn a_window_is_not_closed_with_the_samples_of_the_last_one() {
    model(|| {
        let watched = Watched::after(10);

        let (one, other) = race(
            &watched,
            |it| it.ends_at(WINDOW_MS, Outcome::Success),
            |it| it.ends_at(3 * WINDOW_MS, Outcome::Success),
        );

        assert_eq!((one ^ other, watched.windows()), (true, 1));
        watched.assert_conserved(12);
    });
}

/// Promises 1 and 2: two windows, one closed right after the other.
///
/// Caught when broken: the next `end` set before the algorithm was asked (the wrong order), words
/// read and then zeroed instead of swapped (samples lost).
#[test]
fn windows_are_told_in_their_order() {
    model(|| {
        let watched = Watched::after(10);

        let (one, other) = race(
            &watched,
            |it| it.ends_at(WINDOW_MS, Outcome::Success),
            |it| {
                it.sampler.dropped(10);
                it.ends_at(3 * WINDOW_MS, Outcome::Success)
            },
        );

        assert_eq!(u64::from(one) + u64::from(other), watched.windows());
        watched.assert_conserved(22);
    });
}

/// Promise 2: calls that end while a window closes are in it or in the next one.
///
/// Caught when broken: words read and then zeroed instead of swapped (samples lost).
#[test]
fn a_call_that_ends_while_a_window_closes_is_not_lost() {
    model(|| {
        let watched = Watched::after(9);

        let (closed, early, ()) = race_of_three(
            &watched,
            |it| it.ends_at(WINDOW_MS, Outcome::Success),
            |it| it.ends_at(WINDOW_MS - 1, Outcome::Success),
            |it| it.sampler.dropped(1),
        );

        assert_eq!((closed, early), (true, false));
        watched.assert_conserved(12);
    });
}
