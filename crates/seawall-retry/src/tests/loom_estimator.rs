//! The estimator: who turns, and what is in the window. The promises are those of
//! [`estimator`](crate::hedge::estimator).
//!
//! Not to be seen here: that `present` must be read with Acquire and set with Release. Loom puts the
//! writes to one word in the order in which it runs them, and so never a count before the zero.

use std::{sync::Arc, time::Duration};

use seawall_core::{
    Nanos, Ratio,
    model::{model, race, race_of_three},
};

use crate::hedge::estimator::{Estimator, LEAST_SAMPLES};

/// Three buckets: as many as a model has room for.
struct Watched(Estimator<3>);

/// What the part that is emptied next holds.
const OLD: u32 = 7;
/// What the other closed part holds.
const CLOSED: u32 = 5;
/// What the present part holds.
const NEW: u32 = 200;

impl Watched {
    /// An estimator whose three parts hold samples, at 30 s; the first part is emptied next.
    fn full() -> Arc<Self> {
        let estimator = Estimator::new(Ratio::from_parts_per_million(500_000), Nanos::ZERO);
        let enough = LEAST_SAMPLES as u32;
        estimator.count(Duration::from_nanos(2), OLD + enough);
        estimator.record(Nanos::from_secs(10), Duration::ZERO);
        estimator.count(Duration::ZERO, CLOSED + enough);
        estimator.record(Nanos::from_secs(20), Duration::ZERO);
        estimator.count(Duration::ZERO, NEW);
        assert_eq!(estimator.present(), 2);
        Arc::new(Self(estimator))
    }

    fn ends_at(&self, secs: u64) {
        self.0.record(Nanos::from_secs(secs), Duration::ZERO);
    }

    /// What is in the window once the oldest part is emptied, and `more` were recorded.
    fn assert_kept(&self, more: u64) {
        let kept = u64::from(CLOSED) + LEAST_SAMPLES + 1 + u64::from(NEW);
        assert_eq!((self.0.present(), self.0.samples()), (0, kept + more));
    }
}

/// Promise 1: of two calls that both could turn, one does.
///
/// Caught when broken: `due` stored instead of swapped (two parts emptied), a count read and stored
/// instead of added to (a sample lost).
#[test]
fn one_call_turns() {
    model(|| {
        let watched = Watched::full();

        race(&watched, |it| it.ends_at(30), |it| it.ends_at(30));

        watched.assert_kept(2);
    });
}

/// Promise 1: a turn right after another one sees what that did, and leaves the new part its time.
///
/// Caught when broken: `due` swapped or set with Relaxed, `due` set before the turn's work (each: the
/// next part emptied, too).
#[test]
fn the_next_turn_knows_the_last_one() {
    model(|| {
        let watched = Watched::full();

        race(&watched, |it| it.ends_at(30), |it| it.ends_at(31));

        watched.assert_kept(2);
    });
}

/// Promise 2: calls that end while a part is emptied are in it or in the one before.
///
/// Caught when broken: the part made the present one before it is emptied (a sample lost, or one kept
/// that is too old), a count read and stored instead of added to (a sample lost).
#[test]
fn a_call_that_ends_while_parts_change_is_not_lost() {
    model(|| {
        let watched = Watched::full();

        race_of_three(&watched, |it| it.ends_at(30), |it| it.ends_at(30), |it| it.ends_at(20));

        watched.assert_kept(3);
    });
}
