//! Calls by their key over the nodes of a map: the promises of a Tower middleware, and those of the module's page.

#![cfg(feature = "tower")]

mod moving;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::atomic::Ordering::Relaxed,
    task::Poll,
};

use seawall_core::{BoxError, Error, Reason, Rejection};
use seawall_shard::{
    Node, NodeState, Read, ShardMap, Sharded,
    migration::{Phase, Stretch},
    route::{BoundedLoad, Fresh, Overflow, Token},
    sharded::{Access, OwnerFirst, ResponseFuture, was_refused},
};
use seawall_test::{
    Answer, Failure, Held, Task,
    contract::{self, Inner, Suite, Wear},
};
use tower::Service;

use crate::sharded_support::{Client, Fleet, PlainRequest, Request, map, order};

const fn all<T: Send + Sync>() {}

const _: () = {
    all::<Sharded<Client, fn(&Request) -> u64>>();
    all::<ResponseFuture<Client, (), Request>>();
};

// ---------------------------------------------------------------------------------------- The contract

fn sharded(inner: Inner) -> Sharded<Inner, fn(&u64) -> u64> {
    let service = Sharded::new(map(["a", "b"], 2), key as fn(&u64) -> u64);
    service.insert("a", inner.clone());
    service.insert("b", inner);
    service
}

fn key(request: &u64) -> u64 {
    seawall_core::mix(*request)
}

#[test]
fn the_service_keeps_the_contract() {
    Suite::new(sharded)
        .cloned()
        .sendable()
        .unboxed()
        .refusing(|inner| {
            let service = sharded(inner);
            assert!(service.remove("a") && service.remove("b"));
            service
        })
        .errors(Layer)
        .except(
            "inner_readiness_error_passes_through",
            "a node that cannot get ready is passed over, and the next one is asked",
        )
        .run();
}

/// The last of them: its error is the call's.
#[test]
fn where_there_is_one_node_its_readiness_error_passes_through() {
    contract::inner_readiness_error_passes_through(|inner: Inner| {
        let service = sharded(inner);
        service.remove("b");
        service
    });
}

/// With two nodes of which one has a service, a third of the calls or so is that node's bound.
#[test]
fn clones_share_a_bound() {
    let bounded = |inner: Inner| {
        let builder =
            ShardMap::builder("contract").slot_bits(8).nodes(["a", "b"].map(Node::new)).replicas(2);
        let shards = builder.bounded_load(BoundedLoad::for_latency()).build();
        let service = Sharded::new(shards.expect("sound settings"), key as fn(&u64) -> u64);
        service.insert("a", inner);
        service
    };
    contract::clones_share(bounded, Wear::Load);
}

#[derive(Clone, Copy)]
struct Layer;

impl<S> tower::Layer<S> for Layer {
    type Service = Sharded<S, fn(&u64) -> u64>;

    fn layer(&self, inner: S) -> Self::Service {
        let service = Sharded::new(map(["a"], 1), key as fn(&u64) -> u64);
        service.insert("a", inner);
        service
    }
}

#[test]
fn a_flat_service_keeps_the_contract() {
    let flat = |inner: Inner<BoxError>| tower::Layer::layer(&Layer, inner).flatten();
    contract::works_with_box_error(&tower::layer::layer_fn(flat));
}

// ------------------------------------------------------------------------------------- Who is asked

#[test]
fn each_call_goes_to_the_owner_of_its_key() {
    let fleet = Fleet::new(["a", "b", "c"], 2);
    for key in (0..100).map(seawall_core::mix) {
        let answer = fleet.call(Request::any(key));
        assert_eq!(answer, Ok(fleet.shards.lookup(&key).name().to_owned()));
    }
}

#[test]
fn a_node_without_a_service_is_passed_over_until_it_has_one() {
    let fleet = Fleet::new(["a", "b", "c"], 2);
    let [first, second] = order(&fleet.shards, 7);
    assert!(fleet.service.remove(&first));
    assert_eq!(fleet.call(Request::any(7)).as_ref(), Ok(&second));

    fleet.service.insert(first.clone(), fleet.client(&first).clone());

    assert_eq!(fleet.call(Request::any(7)), Ok(first));
}

#[test]
fn a_service_is_kept_until_the_map_has_its_node() {
    let fleet = Fleet::new(["a"], 1);
    let client = Client::new("late");
    fleet.service.insert("late", client);
    assert_eq!(fleet.call(Request::any(7)), Ok("a".to_owned()));

    let update = fleet.shards.update(|topology| {
        topology.add(Node::new("late"))?;
        topology.remove("a").map(drop)
    });

    assert!(update.is_ok());
    assert_eq!(fleet.call(Request::any(7)), Ok("late".to_owned()));
}

#[test]
fn who_drains_is_asked_last_and_who_is_down_not_at_all() {
    let fleet = Fleet::new(["a", "b", "c"], 3);
    let [first, second, third] = order(&fleet.shards, 7);

    fleet.set_state(&first, NodeState::Draining);
    assert_eq!(fleet.call(Request::any(7)).as_ref(), Ok(&second));
    fleet.set_state(&second, NodeState::Down);
    assert_eq!(fleet.call(Request::any(7)).as_ref(), Ok(&third));
    fleet.set_state(&third, NodeState::Down);
    assert_eq!(fleet.call(Request::any(7)).as_ref(), Ok(&first));
    fleet.set_state(&first, NodeState::Down);
    assert_eq!(fleet.refused(Request::any(7)), Reason::NoShard);
}

#[test]
fn a_read_goes_where_it_prefers() {
    let nodes = ["eu-1", "eu-2", "eu-3"].map(|zone| Node::new(zone).zone(zone));
    let shards =
        ShardMap::builder("near").slot_bits(8).nodes(nodes).replicas(3).zone("eu-2").build();
    let fleet = Fleet::of(shards.expect("sound settings"));
    for key in (0..20).map(seawall_core::mix) {
        let nearest = fleet.call(Request { key, access: Access::Read(Read::Nearest) });
        assert_eq!(nearest, Ok("eu-2".to_owned()));
        let primary = fleet.call(Request { key, access: Access::Read(Read::Primary) });
        assert_eq!(primary, Ok(fleet.shards.lookup(&key).name().to_owned()));
    }
    let any = || fleet.call(Request { key: 7, access: Access::Read(Read::Any) });
    let asked: std::collections::BTreeSet<_> =
        (0..200).map(|_| any().expect("all are up")).collect();
    assert_eq!(asked.len(), 3);
}

/// Promise 5.
#[test]
fn a_write_goes_to_the_owner_and_to_nobody_else() {
    let fleet = Fleet::new(["a", "b", "c"], 3);
    let [first, ..]: [_; 3] = order(&fleet.shards, 7);
    let write = Request { key: 7, access: Access::Write };
    assert_eq!(fleet.call(write), Ok(first.clone()));

    fleet.client(&first).fails_to_get_ready();
    assert_eq!(fleet.call(write), Err("not connected"));
    fleet.set_state(&first, NodeState::Down);
    assert_eq!(fleet.refused(write), Reason::NoShard);
    assert_eq!(fleet.calls(), 1);
}

/// Promise 5: the node that it has waited for has left the map.
#[test]
fn a_write_that_has_waited_goes_to_who_is_the_owner_by_then() {
    let fleet = Fleet::new(["a", "b"], 1);
    let [owner] = order(&fleet.shards, 7);
    fleet.client(&owner).is_not_ready();
    let mut service = fleet.service.clone();
    let mut write = pin!(service.call(Request { key: 7, access: Access::Write }));
    let task = Task::new();
    assert!(task.poll(write.as_mut()).is_pending());

    let update = fleet.shards.update(|topology| topology.remove(&owner).map(drop));
    assert!(update.is_ok());
    fleet.client(&owner).is_ready();

    assert!(matches!(task.poll(write.as_mut()), Poll::Ready(Ok(name)) if name != owner));
    assert_eq!(fleet.client(&owner).calls(), 0);
}

/// While its slot moves: to the old owner, to nobody in the moment of the hand-over, to the new one.
#[test]
fn a_write_follows_a_migration_and_is_refused_while_nobody_may_write() {
    let shards = map(["a", "b"], 1);
    let fleet = Fleet::of(shards.clone());
    fleet.service.insert("late", Client::new("late"));
    let mut next = shards.topology();
    next.add(Node::new("late")).expect("it is new");
    let plan = shards.plan(&next).expect("it is sound");
    let slot = *plan.moves()[0].slots.start();
    let owner = shards.replicas_of_slot(slot).expect("it is there").owner().name().to_owned();
    let spec = shards.migrate(&next).expect("it is sound").spec().expect("it is not over");
    let write = Request { key: u64::from(slot) << 56, access: Access::Write };

    let mut outcomes = Vec::new();
    for (epoch, phase) in (1..).zip([Phase::CatchUp, Phase::HandOff, Phase::DualRead]) {
        let rest = |slots| Stretch { slots, legs: 0, back: false, phase: None, cursor: None };
        let moves = Stretch { phase: Some(phase), ..rest(1) };
        let all = [rest(slot), moves, rest(shards.slots() - slot - 1)];
        let mut step = spec.clone();
        step.epoch = epoch;
        step.slots = all.into_iter().filter(|stretch| stretch.slots > 0).collect();
        shards.follow(&step).expect("it is the next one");
        outcomes.push(fleet.answer(write));
    }

    let refused = outcomes[1].as_ref().expect_err("nobody may write").rejection();
    assert_eq!(outcomes[0].as_ref(), Ok(&owner));
    assert_eq!(refused.map(Rejection::reason), Some(Reason::Overloaded));
    assert_eq!(outcomes[2].as_deref(), Ok("late"));
}

// -------------------------------------------------------------------------- Until somebody is ready

/// Promise 2: the request is not `Clone`.
#[test]
fn a_request_that_cannot_be_cloned_goes_to_the_next_node_when_one_cannot_get_ready() {
    let fleet = Fleet::new(["a", "b", "c"], 3);
    let [first, second, _] = order(&fleet.shards, 7);
    fleet.client(&first).fails_to_get_ready();
    let mut service = Sharded::new(fleet.shards.clone(), |request: &PlainRequest| request.0);
    for client in &fleet.clients {
        service.insert(client.name, client.clone());
    }

    let answer = Task::new().poll(pin!(service.call(PlainRequest(7))));

    assert!(matches!(answer, Poll::Ready(Ok(name)) if name == second));
    assert_eq!(service.snapshot().counters["passed_over"], 1);
}

#[test]
fn where_no_node_gets_ready_the_call_ends_with_the_error_of_the_last() {
    let fleet = Fleet::new(["a", "b", "c"], 3);
    fleet.clients.iter().for_each(Client::fails_to_get_ready);
    assert_eq!(fleet.call(Request::any(7)), Err("not connected"));
    assert_eq!(fleet.calls(), 0);
}

#[test]
fn a_node_that_is_not_ready_is_passed_over_for_one_that_is() {
    let fleet = Fleet::new(["a", "b", "c"], 2);
    let [first, second] = order(&fleet.shards, 7);
    fleet.client(&first).is_not_ready();
    assert_eq!(fleet.call(Request::any(7)), Ok(second));
}

/// And of those that get ready at once, the one that is preferred.
#[test]
fn where_nobody_is_ready_the_call_waits_for_who_gets_ready_first() {
    let fleet = Fleet::new(["a", "b", "c"], 3);
    let [first, second, third] = order(&fleet.shards, 7);
    for ready in [vec![&third], vec![&third, &first], vec![&second, &third]] {
        fleet.clients.iter().for_each(Client::is_not_ready);
        let mut service = fleet.service.clone();
        let mut response = pin!(service.call(Request::any(7)));
        let task = Task::new();
        assert!(task.poll(response.as_mut()).is_pending());

        ready.iter().for_each(|name| fleet.client(name).is_ready());

        let expected = ready
            .iter()
            .min_by_key(|name| [&first, &second, &third].iter().position(|of| of == *name));
        assert!(task.wakes() > 0);
        assert!(
            matches!(task.poll(response.as_mut()), Poll::Ready(Ok(name)) if name == **expected.unwrap())
        );
    }
}

#[test]
fn a_call_that_waits_goes_on_with_the_others_when_one_fails() {
    let fleet = Fleet::new(["a", "b"], 2);
    let [first, second] = order(&fleet.shards, 7);
    fleet.clients.iter().for_each(Client::is_not_ready);
    let mut service = fleet.service.clone();
    let mut response = pin!(service.call(Request::any(7)));
    let task = Task::new();
    assert!(task.poll(response.as_mut()).is_pending());

    fleet.client(&first).fails_to_get_ready();
    assert!(task.poll(response.as_mut()).is_pending());
    fleet.client(&second).is_ready();

    assert!(matches!(task.poll(response.as_mut()), Poll::Ready(Ok(name)) if name == second));
}

/// One of two comes and goes, and the map with it: the other has the key, too.
#[test]
fn no_call_is_lost_while_services_and_nodes_come_and_go() {
    let fleet = Fleet::new(["a", "b"], 2);
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let calls = || {
            let mut made = 0_u64;
            while !over.load(Relaxed) {
                let key = seawall_core::mix(made);
                let answer = fleet.call(Request::any(key)).expect("one of them is there");
                assert!(answer == "a" || answer == "b");
                made += 1;
            }
            made
        };
        let callers = [scope.spawn(calls), scope.spawn(calls)];
        for _ in 0..200 {
            fleet.service.remove("a");
            fleet.set_state("a", NodeState::Down);
            fleet.service.insert("a", fleet.client("a").clone());
            fleet.set_state("a", NodeState::Active);
        }
        over.store(true, Relaxed);
        assert!(callers.into_iter().all(|caller| caller.join().is_ok()));
    });
}

// ---------------------------------------------------------------------------------------- A bound

fn bounded(overflow: Overflow) -> Fleet {
    let builder = ShardMap::builder("bounded")
        .slot_bits(8)
        .nodes(["a", "b", "c", "d"].map(Node::new))
        .replicas(2);
    let bound = BoundedLoad::for_latency().overflow(overflow);
    Fleet::of(builder.bounded_load(bound).build().expect("sound settings"))
}

/// Promise 4, of each way in which a call can end.
#[test]
fn a_place_is_given_back_once_when_the_response_is_there_or_the_call_is_dropped_or_panics() {
    let fleet = bounded(Overflow::Refuse);
    let in_flight = || fleet.shards.snapshot().gauges["in_flight"];
    let none = || assert!(in_flight() < 0.5, "{}", in_flight());
    let (held, handle) = Held::<Request, String, Failure>::new();
    let mut service = Sharded::new(fleet.shards.clone(), |request: &Request| request.key);
    for client in &fleet.clients {
        service.insert(client.name, held.clone());
    }

    let task = Task::new();
    for end in 0..5 {
        let mut response = Box::pin(service.call(Request::any(7)));
        none(); // nothing is held by a call that nobody polls
        assert!(task.poll(response.as_mut()).is_pending());
        assert!((in_flight() - 1.0).abs() < 0.5);
        match end {
            0 => drop(handle.ok("done".to_owned())),
            1 => drop(handle.err(Failure(1))),
            2 => drop(handle.panic()),
            _ => {}
        }
        match end {
            0 | 1 => assert!(task.poll(response.as_mut()).is_ready()),
            2 => assert!(catch_unwind(AssertUnwindSafe(|| task.poll(response.as_mut()))).is_err()),
            _ => drop(response),
        }
        none(); // though the future is kept, but where it was dropped
    }

    handle.hold_readiness();
    let mut waits = Box::pin(service.call(Request::any(7)));
    assert!(task.poll(waits.as_mut()).is_pending());
    assert!(in_flight() > 0.5);
    drop(waits);
    none();

    handle.release_readiness();
    handle.answer_with(|_| Answer::PanicInCall);
    let mut response = Box::pin(service.call(Request::any(7)));
    assert!(catch_unwind(AssertUnwindSafe(|| task.poll(response.as_mut()))).is_err());
    none();
}

#[test]
fn who_is_full_is_passed_over_and_where_all_are_the_map_says_what_comes() {
    for overflow in [Overflow::Refuse, Overflow::AnyNode] {
        let fleet = bounded(overflow);
        let [first, second] = order(&fleet.shards, 7);
        fleet.clients.iter().for_each(Client::holds_calls);
        let task = Task::new();
        let mut running = Vec::new();
        let mut outcomes = Vec::new();
        for _ in 0..20 {
            let mut service = fleet.service.clone();
            let mut response = Box::pin(service.call(Request::any(7)));
            match task.poll(response.as_mut()) {
                Poll::Pending => running.push(response),
                Poll::Ready(outcome) => outcomes.push(outcome),
            }
        }

        let at = |name: &str| fleet.client(name).calls();
        assert!(at(&first) > 0 && at(&second) > 0);
        match overflow {
            Overflow::Refuse => {
                assert_eq!(at(&first) + at(&second), fleet.calls());
                assert!(!outcomes.is_empty());
                let refused = |outcome: &Result<String, Error<&str>>| {
                    outcome.as_ref().err().and_then(Error::rejection).map(Rejection::reason)
                };
                assert!(
                    outcomes.iter().all(|outcome| refused(outcome) == Some(Reason::Overloaded))
                );
            }
            _ => assert_eq!((fleet.calls(), outcomes.len()), (20, 0)),
        }
        drop(running);
        assert!(fleet.shards.snapshot().gauges["in_flight"] < 0.5);
    }
}

/// Even where the map would send what overflows to any node.
#[test]
fn a_write_that_finds_its_owner_full_is_refused() {
    let fleet = bounded(Overflow::AnyNode);
    let [first, _] = order(&fleet.shards, 7);
    fleet.clients.iter().for_each(Client::holds_calls);
    let task = Task::new();
    let mut service = fleet.service.clone();
    let mut write = || {
        let mut response = Box::pin(service.call(Request { key: 7, access: Access::Write }));
        let outcome = task.poll(response.as_mut());
        (response, outcome)
    };

    let calls: Vec<_> = (0..10).map(|_| write()).collect();

    let refused = calls.iter().filter(|(_, outcome)| outcome.is_ready()).count();
    assert_eq!(fleet.client(&first).calls(), fleet.calls());
    assert!(refused > 0 && refused < 10, "{refused}");
}

// ----------------------------------------------------------------------------------- After a refusal

type Answered = Result<&'static str, Error<Failure>>;

/// A service that answers as told, to a key.
fn answers(
    answer: fn() -> Answered,
) -> impl Service<u64, Response = &'static str, Error = Error<Failure>, Future: Send> + Clone {
    tower::service_fn(move |_: u64| std::future::ready(answer()))
}

fn refusal(reason: Reason) -> Answered {
    Err(Rejection::new(reason, "node").into())
}

/// What comes of a call whose owner says `first`, and whose replica says `second`.
fn after(first: fn() -> Answered, second: fn() -> Answered) -> (Answered, u64) {
    let shards = map(["a", "b"], 2);
    let mut service = Sharded::new(shards.clone(), |&key: &u64| key)
        .fail_over(|&key: &u64| Some(key), |error: &Error<Failure>| was_refused(error));
    let [owner, replica] = order(&shards, 7);
    service.insert(owner, answers(first));
    service.insert(replica, answers(second));
    let Poll::Ready(outcome) = Task::new().poll(pin!(service.call(7))) else {
        panic!("they answer at once")
    };
    (outcome.map_err(Error::flatten), service.snapshot().counters["failed_over"])
}

#[test]
fn a_call_that_was_refused_is_made_again_at_the_next_node() {
    assert_eq!(after(|| refusal(Reason::CircuitOpen), || Ok("second")), (Ok("second"), 1));
}

/// Promise 3.
#[test]
fn a_call_that_failed_or_timed_out_may_have_had_its_effect_and_is_not_made_again() {
    assert_eq!(
        after(|| Err(Error::Inner(Failure(1))), || Ok("second")),
        (Err(Error::Inner(Failure(1))), 0)
    );
    let (outcome, again) = after(|| refusal(Reason::Timeout), || Ok("second"));
    assert_eq!(
        (outcome.unwrap_err().rejection().map(Rejection::reason), again),
        (Some(Reason::Timeout), 0)
    );
}

#[test]
fn where_all_refuse_the_last_refusal_is_the_answer() {
    let (outcome, again) = after(|| refusal(Reason::CircuitOpen), || refusal(Reason::BulkheadFull));
    assert_eq!(outcome.unwrap_err().rejection().map(Rejection::reason), Some(Reason::BulkheadFull));
    assert_eq!(again, 1);
}

/// And not that nobody else could be asked.
#[test]
fn where_the_next_node_cannot_get_ready_the_refusal_is_the_answer() {
    let fleet = Fleet::new(["a", "b"], 2);
    let [owner, replica] = order(&fleet.shards, 7);
    let mut service = Sharded::new(fleet.shards.clone(), |request: &Request| request.key)
        .fail_over(|&request: &Request| Some(request), |_: &&str| true);
    service.insert(owner.clone(), Says::Refused);
    service.insert(replica, Says::NotConnected);

    let outcome = Task::new().poll(pin!(service.call(Request::any(7))));

    assert!(matches!(outcome, Poll::Ready(Err(Error::Inner("refused")))));
}

#[derive(Clone, Copy)]
enum Says {
    Refused,
    NotConnected,
}

impl Service<Request> for Says {
    type Response = ();
    type Error = &'static str;
    type Future = std::future::Ready<Result<(), &'static str>>;

    fn poll_ready(&mut self, _cx: &mut std::task::Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(match self {
            Self::Refused => Ok(()),
            Self::NotConnected => Err("not connected"),
        })
    }

    fn call(&mut self, _request: Request) -> Self::Future {
        std::future::ready(Err("refused"))
    }
}

#[test]
fn a_request_is_copied_only_where_there_is_another_node() {
    let copies = std::cell::Cell::new(0);
    let copy = |&key: &u64| {
        copies.set(copies.get() + 1);
        Some(key)
    };
    for (replicas, expected) in [(1, 0), (2, 1)] {
        copies.set(0);
        let shards = map(["a", "b"], replicas);
        let mut service =
            Sharded::new(shards, |&key: &u64| key).fail_over(copy, |_: &Error<Failure>| true);
        service.insert("a", answers(|| Ok("done")));
        service.insert("b", answers(|| Ok("done")));
        assert!(matches!(Task::new().poll(pin!(service.call(7))), Poll::Ready(Ok(_))));
        assert_eq!(copies.get(), expected);
    }
}

/// Promise 2, with copies, a bound, and each access.
#[test]
fn no_call_allocates() {
    let builder = ShardMap::builder("bounded")
        .slot_bits(8)
        .nodes(["a", "b", "c", "d"].map(Node::new))
        .replicas(3);
    let bounded = builder.clone().bounded_load(BoundedLoad::for_caches()).build();
    for shards in [builder.build(), bounded].map(|shards| shards.expect("sound settings")) {
        for access in [
            Access::OwnerFirst,
            Access::Write,
            Access::Read(Read::Any),
            Access::Read(Read::Nearest),
            Access::Fresh(Read::Any, Fresh::after(Token::new(0))),
            Access::Fresh(Read::Primary, Fresh::after(Token::new(5))),
        ] {
            let mut service = Sharded::new(shards.clone(), |&key: &u64| key)
                .access(move |_: &u64| access)
                .fail_over(|&key: &u64| Some(key), |error: &Error<Failure>| was_refused(error));
            for name in ["a", "b", "c", "d"] {
                service.insert(name, answers(|| Ok("done")));
            }
            let task = Task::new();
            let mut call = || matches!(task.poll(pin!(service.call(7))), Poll::Ready(Ok("done")));
            assert!(call());

            let (answered, count) = seawall_test::allocations(call);

            assert_eq!((answered, count), (true, 0), "{access:?}");
        }
    }
}

#[test]
fn a_snapshot_tells_which_nodes_have_no_service() {
    let fleet = Fleet::new(["a", "b"], 1);
    assert_eq!(fleet.service.snapshot().state, "whole");
    fleet.service.remove("a");

    let snapshot = fleet.service.snapshot();

    assert_eq!(snapshot.state, "degraded");
    assert!((snapshot.gauges["nodes_without_service"] - 1.0).abs() < 0.1);
    let _: Sharded<Client, fn(&Request) -> u64, OwnerFirst>;
}
