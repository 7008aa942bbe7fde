//! The promises of a Tower middleware, and those of a layer that shares responses.

#![cfg(feature = "tower")]

use std::{convert::Infallible, pin::pin, task::Poll};

use seawall_cache::{
    BoxError, CoalesceLayer, CoalesceService, Error, LoadError, Reason, Rejection, SingleFlight,
};
use seawall_test::{
    Answer, Failure, Held, HeldHandle, Probe, Task, allocations,
    contract::{self, Inner, Suite, Unclonable},
};
use tower::{Layer, Service};

type Key = fn(&u64) -> Option<u64>;
type Wrapped = CoalesceService<Inner, u64, u64, Failure, Key>;
type Coalesce<E = Failure> = CoalesceLayer<u64, u64, E, Key>;

/// Odd requests have no key: they pass by.
const KEY: Key = |request| Some(*request).filter(|request| request % 2 == 0);

fn layer<E>() -> Coalesce<E> {
    CoalesceLayer::new(SingleFlight::builder("contract").build().expect("sound settings"), KEY)
}

/// Keys that differ for each call: a suite sends the same request again while it is in flight, and
/// expects the inner service to see both.
fn every_call_leads() -> CoalesceLayer<u64, u64, Failure, impl Fn(&u64) -> Option<u64> + Clone> {
    let next = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let key = move |_: &u64| Some(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    CoalesceLayer::new(SingleFlight::builder("contract").build().expect("sound settings"), key)
}

#[test]
fn calls_that_lead_keep_the_contract() {
    Suite::new(|inner: Inner| every_call_leads().layer(inner)).cloned().sendable().run();
}

#[test]
fn calls_that_pass_by_keep_the_contract_and_allocate_nothing() {
    let passing = |_: &u64| None::<u64>;
    Suite::new(move |inner: Inner| {
        let flights = SingleFlight::builder("contract").build().expect("sound settings");
        CoalesceLayer::new(flights, passing).layer(inner)
    })
    .cloned()
    .sendable()
    .unboxed()
    .run();
}

#[test]
fn any_inner_error_will_do() {
    contract::works_with_box_error(&layer::<BoxError>());
    contract::works_with_infallible(&layer::<Infallible>());
    contract::works_with_an_unclonable_error(&layer::<Unclonable>());
}

/// A service that holds its calls, behind the layer.
fn held() -> (Wrapped, HeldHandle<u64, u64, Failure>) {
    let (inner, handle) = Held::new();
    let (inner, _) = Probe::lenient(inner);
    (layer().layer(inner), handle)
}

fn ready<S: Service<u64>>(service: &mut S, task: &Task) -> bool {
    matches!(task.enter(|cx| service.poll_ready(cx)), Poll::Ready(Ok(())))
}

#[test]
fn equal_requests_share_one_call() {
    let (mut service, inner) = held();
    let tasks: [Task; 3] = std::array::from_fn(|_| Task::new());
    let mut other = service.clone();
    assert!(ready(&mut service, &tasks[0]) && ready(&mut other, &tasks[1]));
    let mut first = pin!(service.call(2));
    let mut second = pin!(other.call(2));
    assert!(ready(&mut service, &tasks[2]));
    let mut third = pin!(service.call(4));
    assert!(tasks[0].poll(first.as_mut()).is_pending());
    assert!(tasks[1].poll(second.as_mut()).is_pending());
    assert!(tasks[2].poll(third.as_mut()).is_pending());

    assert_eq!(inner.ok(7), 2);
    assert_eq!(inner.ok(9), 4);
    assert_eq!(inner.waiting(), 0);

    assert!(matches!(tasks[0].poll(first), Poll::Ready(Ok(7))));
    assert_eq!(tasks[1].wakes(), 1);
    assert!(matches!(tasks[1].poll(second), Poll::Ready(Ok(7))));
    assert!(matches!(tasks[2].poll(third), Poll::Ready(Ok(9))));
}

#[test]
fn a_call_that_follows_needs_no_readiness() {
    let (mut service, inner) = held();
    let tasks: [Task; 2] = std::array::from_fn(|_| Task::new());
    assert!(ready(&mut service, &tasks[0]));
    let mut first = pin!(service.call(2));
    assert!(tasks[0].poll(first.as_mut()).is_pending());
    inner.hold_readiness();

    assert!(ready(&mut service, &tasks[1]), "the call may follow");
    let mut second = pin!(service.call(2));

    assert!(tasks[1].poll(second.as_mut()).is_pending());
    assert_eq!(inner.ok(7), 2);
    assert!(matches!(tasks[0].poll(first), Poll::Ready(Ok(7))));
    assert!(matches!(tasks[1].poll(second), Poll::Ready(Ok(7))));
    assert!(!ready(&mut service, &tasks[1]), "nothing is in flight: a call would lead");
}

#[test]
fn a_call_that_leads_though_it_could_have_followed_waits_for_readiness() {
    let (mut service, inner) = held();
    let tasks: [Task; 2] = std::array::from_fn(|_| Task::new());
    assert!(ready(&mut service, &tasks[0]));
    let mut first = pin!(service.call(2));
    assert!(tasks[0].poll(first.as_mut()).is_pending());
    inner.hold_readiness();
    assert!(ready(&mut service, &tasks[1]));
    let mut other = pin!(service.call(4));
    let mut passes = Box::pin({
        assert!(ready(&mut service, &tasks[1]));
        service.call(5)
    });
    assert!(tasks[1].poll(other.as_mut()).is_pending());
    assert!(tasks[1].poll(passes.as_mut()).is_pending());
    assert_eq!(inner.waiting(), 1);

    inner.release_readiness();

    assert!(tasks[1].wakes() >= 1);
    assert!(tasks[1].poll(other.as_mut()).is_pending());
    assert!(tasks[1].poll(passes.as_mut()).is_pending());
    assert_eq!([inner.ok(1), inner.ok(2), inner.ok(3)], [2, 4, 5]);
    assert!(matches!(tasks[1].poll(other), Poll::Ready(Ok(2))));
    assert!(matches!(tasks[1].poll(passes.as_mut()), Poll::Ready(Ok(3))));
}

#[test]
fn a_follower_makes_the_call_anew_when_its_leader_is_dropped() {
    let (mut service, inner) = held();
    let tasks: [Task; 2] = std::array::from_fn(|_| Task::new());
    assert!(ready(&mut service, &tasks[0]));
    let mut first = Box::pin(service.call(2));
    assert!(tasks[0].poll(first.as_mut()).is_pending());
    assert!(ready(&mut service, &tasks[1]));
    let mut second = pin!(service.call(2));
    assert!(tasks[1].poll(second.as_mut()).is_pending());

    drop(first);

    assert_eq!(tasks[1].wakes(), 1);
    assert!(tasks[1].poll(second.as_mut()).is_pending());
    let calls: Vec<_> = std::iter::from_fn(|| inner.take_call()).collect();
    assert_eq!(calls.iter().filter(|call| !call.is_dropped()).count(), 1);
    for call in calls {
        call.ok(7);
    }
    assert!(matches!(tasks[1].poll(second), Poll::Ready(Ok(7))));
}

#[test]
fn a_follower_holds_no_readiness_of_the_inner_service() {
    let service = tower::limit::ConcurrencyLimit::new(Held::<u64, u64, Failure>::new().0, 2);
    let mut service = layer::<Failure>().layer(service);
    let tasks: [Task; 3] = std::array::from_fn(|_| Task::new());
    assert!(ready(&mut service, &tasks[0]));
    let mut first = pin!(service.call(2));
    assert!(tasks[0].poll(first.as_mut()).is_pending());
    assert!(ready(&mut service, &tasks[1]));
    let mut second = pin!(service.call(2));
    assert!(tasks[1].poll(second.as_mut()).is_pending());

    let mut other = service.get_ref().clone();

    assert!(ready(&mut other, &tasks[2]), "the one place that is left");
}

#[test]
fn an_error_of_the_inner_service_is_shared() {
    let (mut service, inner) = held();
    let tasks: [Task; 2] = std::array::from_fn(|_| Task::new());
    assert!(ready(&mut service, &tasks[0]));
    let mut first = pin!(service.call(2));
    assert!(ready(&mut service, &tasks[1]));
    let mut second = pin!(service.call(2));
    assert!(tasks[0].poll(first.as_mut()).is_pending());
    assert!(tasks[1].poll(second.as_mut()).is_pending());

    inner.err(Failure(3));

    for (task, call) in tasks.iter().zip([first, second]) {
        let Poll::Ready(Err(Error::Inner(LoadError::Failed(error)))) = task.poll(call) else {
            panic!("it failed")
        };
        assert_eq!(*error, Failure(3));
    }
}

#[test]
fn a_refusal_further_in_is_found_through_boxed_errors() {
    let told = |load: LoadError<BoxError>| load.boxed().source().map(ToString::to_string);
    let refused = LoadError::<BoxError>::from(Rejection::new(Reason::Overloaded, "flights"));

    let error = refused.boxed();

    assert_eq!(error.to_string(), "the load failed");
    assert_eq!(Rejection::find(&*error).unwrap().reason(), Reason::Overloaded);
    assert_eq!(told(LoadError::Recursive), None);
}

/// A flight is what a call needs by nature; nothing else is allocated.
#[test]
fn a_call_that_leads_allocates_its_flight_and_no_more() {
    let (mut service, inner) = held();
    inner.answer_with(|&request| Answer::Ok(request));
    let task = Task::new();
    let mut once = || {
        assert!(ready(&mut service, &task));
        let mut call = pin!(service.call(2));
        assert!(task.poll(call.as_mut()).is_ready());
    };
    once();

    let ((), allocations) = allocations(once);

    assert_eq!(allocations, 1);
}
