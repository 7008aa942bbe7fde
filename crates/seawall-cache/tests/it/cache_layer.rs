//! The promises of a Tower middleware, and those of a layer that answers from a cache.

#![cfg(feature = "tower")]

use std::{convert::Infallible, pin::pin, task::Poll, time::Duration};

use seawall_cache::{BoxError, Cache, CacheLayer, CacheService, Clock, DefaultStore};
use seawall_test::{
    Answer, Failure, Held, HeldHandle, Probe, Task, allocations,
    contract::{self, Inner, Suite, Unclonable},
};
use tower::{Layer, Service};

type Key = fn(&u64) -> Option<u64>;
type Layered<E = Failure> = CacheLayer<u64, u64, E, Key>;
type Wrapped = CacheService<Inner, u64, u64, Failure, Key, DefaultStore<u64, u64>>;

/// Odd requests have no key: they pass by.
const KEY: Key = |request| Some(*request).filter(|request| request % 2 == 0);

fn layer<E: Send + Sync + 'static>() -> Layered<E> {
    CacheLayer::new(Cache::builder("contract").build().expect("sound settings"), KEY)
}

fn held_by(layer: &Layered) -> (Wrapped, HeldHandle<u64, u64, Failure>) {
    let (inner, handle) = Held::new();
    let (inner, _) = Probe::lenient(inner);
    (layer.layer(inner), handle)
}

fn ready<S: Service<u64>>(service: &mut S, task: &Task) -> bool {
    matches!(task.enter(|cx| service.poll_ready(cx)), Poll::Ready(Ok(())))
}

/// Keys that differ for each call, and nothing kept: a suite sends the same request again, and expects
/// the inner service to see both.
#[test]
fn calls_that_lead_keep_the_contract() {
    let next = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let key = move |_: &u64| Some(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    Suite::new(move |inner: Inner| {
        let cache = Cache::builder("contract").build().expect("sound settings");
        CacheLayer::new(cache, key.clone()).cache_if(|_| false).layer(inner)
    })
    .cloned()
    .sendable()
    .run();
}

#[test]
fn calls_that_pass_by_keep_the_contract_and_allocate_nothing() {
    let passing = |_: &u64| None::<u64>;
    Suite::new(move |inner: Inner| {
        let cache = Cache::builder("contract").build().expect("sound settings");
        CacheLayer::new(cache, passing).layer(inner)
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

#[test]
fn a_hit_needs_no_inner_service_and_allocates_nothing() {
    let (mut service, inner) = held_by(&layer());
    let task = Task::new();
    assert!(ready(&mut service, &task));
    let mut first = pin!(service.call(2));
    assert!(task.poll(first.as_mut()).is_pending());
    assert_eq!(inner.ok(7), 2);
    assert!(matches!(task.poll(first), Poll::Ready(Ok(7))));
    inner.hold_readiness();
    let mut once = || {
        assert!(ready(&mut service, &task), "the call may be a hit");
        let mut call = pin!(service.call(2));
        assert!(matches!(task.poll(call.as_mut()), Poll::Ready(Ok(7))));
    };
    once();

    let ((), allocations) = allocations(once);

    assert_eq!(allocations, 0);
    assert_eq!(inner.waiting(), 0);
}

#[test]
fn a_miss_behind_a_service_that_is_not_ready_waits_for_it() {
    let (mut service, inner) = held_by(&layer());
    drop(service.cache().insert(2, 7));
    let task = Task::new();
    inner.hold_readiness();
    assert!(ready(&mut service, &task));
    let mut miss = pin!(service.call(4));
    assert!(task.poll(miss.as_mut()).is_pending());
    assert_eq!(inner.waiting(), 0);

    inner.release_readiness();

    assert!(task.poll(miss.as_mut()).is_pending());
    assert_eq!(inner.ok(9), 4);
    assert!(matches!(task.poll(miss), Poll::Ready(Ok(9))));
}

#[test]
fn an_empty_cache_is_as_ready_as_the_inner_service() {
    let (mut service, inner) = held_by(&layer());
    let task = Task::new();
    inner.hold_readiness();
    assert!(!ready(&mut service, &task));

    inner.release_readiness();

    assert_eq!(task.wakes(), 1);
    assert!(ready(&mut service, &task));
}

#[test]
fn equal_requests_share_one_call_and_what_is_not_to_be_kept_is_not() {
    let (mut service, inner) = held_by(&layer().cache_if(|response| *response > 100));
    let tasks: [Task; 2] = std::array::from_fn(|_| Task::new());
    for (response, kept) in [(7, None), (700, Some(700))] {
        assert!(ready(&mut service, &tasks[0]));
        let mut first = pin!(service.call(2));
        assert!(ready(&mut service, &tasks[1]));
        let mut second = pin!(service.call(2));
        assert!(tasks[0].poll(first.as_mut()).is_pending());
        assert!(tasks[1].poll(second.as_mut()).is_pending());

        assert_eq!(inner.ok(response), 2);

        assert_eq!(tasks[0].poll(first).map(Result::ok), Poll::Ready(Some(response)));
        assert_eq!(tasks[1].poll(second).map(Result::ok), Poll::Ready(Some(response)));
        assert_eq!(inner.waiting(), 0);
        assert_eq!(service.cache().get(&2), kept);
    }
}

#[test]
fn a_stale_response_is_answered_at_once_and_called_for_behind() {
    let (clock, hand) = Clock::manual();
    let second = Duration::from_secs(1);
    let (send, tasks) = std::sync::mpsc::channel();
    let cache = Cache::builder("stale")
        .clock(clock)
        .ttl(second)
        .stale_while_revalidate(second)
        .spawn(move |task| drop(send.send(task)))
        .build()
        .unwrap();
    drop(cache.insert(2, 7));
    hand.advance(second);
    let (mut service, inner) = held_by(&CacheLayer::new(cache.clone(), KEY));
    inner.answer_with(|_| Answer::Ok(8));
    let task = Task::new();
    assert!(ready(&mut service, &task));

    assert!(matches!(task.poll(pin!(service.call(2))), Poll::Ready(Ok(7))));

    assert!(task.poll(pin!(tasks.try_recv().unwrap())).is_ready());
    assert_eq!(cache.get(&2), Some(8));
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn what_another_instance_has_is_answered_without_the_inner_service() {
    use seawall_cache::l2::Memory;
    use tower::ServiceExt;

    let between = Memory::new(Duration::from_secs(3));
    let layer = || {
        let cache = Cache::builder("contract").l2(between.instance()).build().unwrap();
        CacheLayer::new(cache, KEY)
    };
    let (one, first) = held_by(&layer());
    let (other, second) = held_by(&layer());
    first.answer_with(|_| Answer::Ok(8));

    assert_eq!(one.oneshot(2).await.unwrap(), 8);

    assert_eq!(other.oneshot(2).await.unwrap(), 8, "else it would wait for ever");
    assert_eq!(second.waiting(), 0);
}
