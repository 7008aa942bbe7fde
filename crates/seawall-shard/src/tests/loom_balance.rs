//! Models of a balance's words; the promises are those of the modules under [`crate::balance`].

use std::sync::Arc;

use seawall_core::{Nanos, Ratio};

use super::{model, race, race_of_three};
use crate::balance::{
    latency::{Latency, Tick},
    load::InFlight,
    outlook::{Outlook, Sight},
    peer::Peer,
    standing::{Moment, Standing},
};

/// Promise 1 of [`crate::balance::latency`]: of answers at the same time the longest stands.
///
/// Caught when broken: with a store in place of the swap, 5 or 7 can be what is left; where a failed swap is not
/// tried again, the 9 can be lost.
#[test]
fn no_peak_is_lost() {
    model(|| {
        let latency = Arc::new(Latency::new(1, Tick(0)));

        race_of_three(
            &latency,
            |latency| latency.record(5, Tick(0)),
            |latency| latency.record(9, Tick(0)),
            |latency| latency.record(7, Tick(0)),
        );

        assert_eq!(latency.read(Tick(0), 0), 9);
    });
}

/// Promises 1 and 2 of [`crate::balance::latency`]: a fast answer draws down what it saw, and not a peak that
/// came in meanwhile.
///
/// Caught when broken: with a store, the fast answer writes what it made of the estimate before the peak: 505.
#[test]
fn a_fast_answer_does_not_undo_a_peak_beside_it() {
    model(|| {
        let latency = Arc::new(Latency::new(1_000, Tick(0)));

        race(
            &latency,
            |latency| latency.record(10, Tick(4096)),
            |latency| latency.record(5_000, Tick(4096)),
        );

        assert_eq!(latency.read(Tick(4096), 0), 5_000);
    });
}

fn peer() -> Arc<Peer<()>> {
    let latency = Latency::new(1, Tick(0));
    Arc::new(Peer::new("peer".into(), 1, (), latency, Standing::new(Moment::ALWAYS)))
}

/// Promise 1 of [`crate::balance::load`]: each call that entered leaves once.
///
/// Caught when broken: with a load and a store in place of either step, a call is lost or stays for ever.
#[test]
fn calls_in_flight_conserve() {
    model(|| {
        let peer = peer();

        let (kept, ()) = race(
            &peer.clone(),
            {
                let peer = peer.clone();
                move |_| InFlight::enter(peer)
            },
            {
                let peer = peer.clone();
                move |_| drop(InFlight::enter(peer))
            },
        );

        assert_eq!(peer.load.in_flight(), 1);
        drop(kept);
        assert_eq!(peer.load.in_flight(), 0);
    });
}

/// Promises 2 and 3 of [`crate::balance::standing`]: of two that fail, one is the second, and of those that
/// eject one does.
///
/// Caught when broken: with a store in `change`, two failures are both the first, or both eject.
#[test]
fn the_second_failure_ejects_once() {
    model(|| {
        let standing = Arc::new(Standing::new(Moment::ALWAYS));
        let (now, until) = (moment(10), moment(40));
        let fail = move |standing: &Standing| {
            let failures = standing.failure(now);
            (failures, failures >= 2 && standing.eject(now, until))
        };

        let (first, second) = race(&standing, fail, fail);

        match (first, second) {
            ((1, false), (2, true)) | ((2, true), (1, false)) => {}
            other => panic!("no order of the two comes to {other:?}"),
        }
        let stand = standing.read();
        assert_eq!((stand.since, stand.ejections, stand.failures), (until, 1, 0));
    });
}

/// Promise 3 of [`crate::balance::standing`], where two rules find the same peer.
///
/// Caught when broken: with a store in `change`, or where one that is out can be ejected, both do, and it counts
/// as twice.
#[test]
fn of_two_that_eject_one_does() {
    model(|| {
        let standing = Arc::new(Standing::new(Moment::ALWAYS));
        let eject = |standing: &Standing| standing.eject(moment(10), moment(40));

        let (first, second) = race(&standing, eject, eject);

        assert!(first != second);
        assert_eq!(standing.read().ejections, 1);
    });
}

/// Promise 1 of [`crate::balance::standing`]: calls that began before an ejection leave no trace in the stay
/// after it.
///
/// Caught when broken: with a store in `change`, a late failure or success takes the ejection back; where
/// `is_in` is not asked in `failure`, the new stay begins with a failure.
#[test]
fn a_late_call_does_not_undo_an_ejection() {
    model(|| {
        let standing = Arc::new(Standing::new(Moment::ALWAYS));
        standing.failure(moment(5));

        race_of_three(
            &standing,
            |standing| standing.eject(moment(10), moment(40)),
            |standing| standing.failure(moment(9)),
            |standing| standing.success(moment(9)),
        );

        let stand = standing.read();
        assert_eq!((stand.since, stand.ejections, stand.failures), (moment(40), 1, 0));
    });
}

/// Promise 1 of [`crate::balance::outlook`]: a pick that sees that somebody is out sees who.
///
/// Caught when broken: with a Relaxed store of the outlook, or a Relaxed load of it, the pick
/// sees that it must look, and finds the ejected in.
#[test]
fn a_pick_that_sees_an_ejection_sees_who() {
    model(|| {
        let shared = Arc::new((Outlook::new(), [peer(), peer()]));
        let now = moment(10);

        let (_, taken) = race(
            &shared,
            move |(outlook, peers)| {
                assert!(peers[0].standing.eject(now, moment(40)));
                outlook.survey(peers, now, 0, Ratio::ONE)
            },
            move |(outlook, peers)| {
                let sight = outlook.read(now);
                (sight == Some(Sight::Some)).then(|| peers[0].standing.read().is_in(now))
            },
        );

        assert_ne!(taken, Some(true));
    });
}

/// The moment of so many seconds.
fn moment(secs: u64) -> Moment {
    Moment::of(Nanos::from_secs(secs))
}
