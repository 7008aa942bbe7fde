//! A balance of services: the promises of a Tower middleware, and what is its own.

#![cfg(feature = "tower")]

use std::{
    future::{Ready, ready},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use seawall_core::{Clock, Error, Outcome, Ratio, Reason};
use seawall_shard::{
    Balance,
    balance::{BalanceService, Ejection},
};
use seawall_test::{
    Task,
    contract::{self, Inner, Suite, Wear},
};
use tower::Service;

const fn all<T: Send + Sync + Unpin>() {}

const _: () = {
    all::<BalanceService<Upstream>>();
    all::<<BalanceService<Upstream> as Service<()>>::Future>();
};

fn service(inner: Inner) -> BalanceService<Inner> {
    let balance = Balance::builder("contract").peer("only", inner).build();
    BalanceService::new(balance.expect("sound settings"))
}

#[test]
fn the_service_keeps_the_contract() {
    Suite::new(service)
        .cloned()
        .sendable()
        .unboxed()
        .refusing(|inner| {
            let service = service(inner);
            service.balance().remove("only");
            service
        })
        .errors(Layer)
        .except(
            "inner_readiness_error_passes_through",
            "a peer that cannot get ready is put out, and the next one is tried",
        )
        .run();
}

/// A balance for each inner service: what layers of the suite make need not share.
#[derive(Clone, Copy)]
struct Layer;

impl<S> tower::Layer<S> for Layer {
    type Service = BalanceService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        let balance = Balance::builder("contract").peer("only", inner).build();
        BalanceService::new(balance.expect("sound settings"))
    }
}

/// Of two, one is down and the other may be put out, and is when it fails: for all clones. (The last that is left
/// of all is never put out.)
#[test]
fn clones_share_who_is_out() {
    let strict = |inner: Inner| {
        let mut ejection = Ejection::default();
        ejection.at_most = Ratio::ONE;
        let builder = Balance::builder("contract").peer("up", inner.clone()).peer("down", inner);
        let builder = builder.ejection(ejection).panic_above(1.0).clock(Clock::manual().0);
        let balance = builder.build().expect("sound settings");
        assert!(balance.set_down("down"));
        BalanceService::new(balance)
    };
    contract::clones_share(strict, Wear::Failures);
}

const READY: u8 = 0;
const PENDING: u8 = 1;
const FAILS: u8 = 2;

/// A peer with a readiness that the test sets; it answers with its number.
#[derive(Clone, Debug)]
struct Upstream(u16, Arc<AtomicU8>);

impl Service<()> for Upstream {
    type Response = u16;
    type Error = &'static str;
    type Future = Ready<Result<u16, &'static str>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match self.1.load(Relaxed) {
            READY => Poll::Ready(Ok(())),
            PENDING => Poll::Pending,
            _ => Poll::Ready(Err("not connected")),
        }
    }

    fn call(&mut self, (): ()) -> Self::Future {
        ready(Ok(self.0))
    }
}

fn upstreams(states: &[u8]) -> BalanceService<Upstream> {
    let mut builder = Balance::builder("search").clock(Clock::manual().0).seed(7);
    for (at, state) in states.iter().enumerate() {
        let upstream = Upstream(at as u16, Arc::new(AtomicU8::new(*state)));
        builder = builder.peer(format!("peer-{at}"), upstream);
    }
    BalanceService::new(builder.build().expect("sound settings"))
}

fn call(service: &mut BalanceService<Upstream>) -> Poll<Result<u16, Error<&'static str>>> {
    Task::new().poll(pin!(service.call(())))
}

#[test]
fn a_peer_that_cannot_get_ready_is_put_out_and_not_thrown_away() {
    let mut service = upstreams(&[READY, READY, READY, FAILS]);

    for _ in 0..100 {
        assert!(matches!(call(&mut service), Poll::Ready(Ok(0..=2))));
    }

    let peers = service.balance().peers();
    assert_eq!((peers.len(), peers[3].ejections, peers[3].share), (4, 1, Ratio::ZERO));
    assert!(peers.iter().all(|peer| peer.in_flight == 0));
}

#[test]
fn where_no_peer_gets_ready_the_call_ends_with_their_error() {
    let mut service = upstreams(&[FAILS; 4]);
    for _ in 0..10 {
        assert!(matches!(call(&mut service), Poll::Ready(Err(Error::Inner("not connected")))));
    }
    assert_eq!(service.balance().snapshot().counters["ejections"], 1);
}

/// With one place outside, taken: the penalty alone keeps calls from the second one that cannot get ready.
#[test]
fn where_no_place_is_left_outside_others_are_chosen_all_the_same() {
    let mut service = upstreams(&[READY, READY, FAILS, FAILS]);

    for _ in 0..1_000 {
        assert!(matches!(call(&mut service), Poll::Ready(Ok(0 | 1))));
    }

    assert!(service.balance().snapshot().counters["spared"] < 10);
}

#[test]
fn a_peer_that_is_not_ready_is_passed_over_for_one_that_is() {
    let mut service = upstreams(&[PENDING, READY]);
    for _ in 0..100 {
        assert!(matches!(call(&mut service), Poll::Ready(Ok(1))));
    }
    assert_eq!(service.balance().peers()[0].in_flight, 0);
}

#[test]
fn a_call_that_waits_for_readiness_counts_at_its_peer_until_dropped() {
    let mut service = upstreams(&[PENDING, PENDING]);
    let in_flight = |service: &BalanceService<Upstream>| {
        service.balance().peers().iter().map(|peer| peer.in_flight).sum::<u32>()
    };
    let mut waiting = Box::pin(service.call(()));
    assert!(Task::new().poll(waiting.as_mut()).is_pending());
    assert_eq!(in_flight(&service), 1);

    drop(waiting);

    assert_eq!(in_flight(&service), 0);
}

#[test]
fn without_peers_the_call_is_refused() {
    let Poll::Ready(Err(Error::Rejected(refused))) = call(&mut upstreams(&[])) else {
        panic!("nobody is there")
    };
    assert_eq!(refused.reason(), Reason::NoShard);
}

#[test]
fn what_is_a_failure_is_told_by_the_answer() {
    let mut service =
        upstreams(&[READY; 10]).classify(|answer: Result<&u16, &&str>| match answer {
            Ok(4) => Outcome::Failure,
            _ => Outcome::Success,
        });
    for _ in 0..1_000 {
        assert!(Task::new().poll(pin!(service.call(()))).is_ready());
    }

    // A failure costs the penalty: others are the better of two from then on.
    let peers = service.balance().peers();
    let slow: Vec<_> = peers.iter().filter(|peer| peer.estimate.as_millis() > 900).collect();
    assert_eq!(slow.iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>(), ["peer-4"]);
}

#[test]
fn a_plain_call_allocates_nothing() {
    let service = upstreams(&[READY; 10]);
    let once = || service.balance().pick().expect("somebody is in").success();
    once();

    let ((), allocations) = seawall_test::allocations(once);

    assert_eq!(allocations, 0);
}

#[cfg(feature = "discover")]
mod discover {
    use tower::discover::Change;

    use super::*;

    type Found = Result<Change<&'static str, u8>, &'static str>;

    fn follow(changes: impl IntoIterator<Item = Found>) -> (Balance<u8>, Result<(), &'static str>) {
        let balance = Balance::builder("search").build().expect("sound settings");
        let discover = futures_util::stream::iter(changes);
        let Poll::Ready(end) = Task::new().poll(pin!(balance.follow(discover))) else {
            panic!("the stream is at its end")
        };
        (balance, end)
    }

    fn names(balance: &Balance<u8>) -> Vec<String> {
        balance.peers().iter().map(|peer| peer.name.to_string()).collect()
    }

    #[test]
    fn peers_come_and_go_as_they_are_discovered() {
        let (balance, end) = follow([
            Ok(Change::Insert("a", 1)),
            Ok(Change::Insert("b", 2)),
            Ok(Change::Remove("a")),
            Ok(Change::Insert("b", 3)),
        ]);

        assert_eq!((end, names(&balance)), (Ok(()), vec!["b".to_owned()]));
        assert_eq!(*balance.pick().expect("it is in"), 3);
    }

    #[test]
    fn an_error_of_the_discovery_ends_it_and_takes_nobody_away() {
        let (balance, end) =
            follow([Ok(Change::Insert("a", 1)), Err("no answer"), Ok(Change::Remove("a"))]);

        assert_eq!((end, names(&balance)), (Err("no answer"), vec!["a".to_owned()]));
    }
}
