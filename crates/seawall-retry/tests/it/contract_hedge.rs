//! The promises of a Tower middleware, for the hedge's layer.

#![cfg(feature = "tower")]

use std::{
    future::ready,
    pin::pin,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use seawall_retry::{BoxError, Clock, CloneRequest, Hedge, HedgeLayer, HedgeService, Percentile};
use seawall_test::{
    Failure, Held, HeldHandle, Probe, ProbeHandle, Task,
    contract::{Inner, Suite, answer},
};
use tower::{Layer, Service, ServiceExt};

const HOUR: Duration = Duration::from_secs(3600);
const MS: Duration = Duration::from_millis(1);

/// Every call may be hedged, and none is slow enough.
fn patient() -> HedgeLayer<CloneRequest> {
    let hedge = Hedge::builder("contract").after(HOUR).build().expect("sound");
    HedgeLayer::new(hedge).replay_all()
}

/// A hedge that has learned how long calls take.
fn learned() -> Hedge {
    let (clock, hand) = Clock::manual();
    let builder = Hedge::builder("contract").after(Percentile::P95).clock(clock);
    let hedge = builder.build().expect("sound");
    let task = Task::new();
    for _ in 0..200 {
        let mut call = pin!(hedge.call(|_| {
            hand.advance(MS * 10);
            ready(Ok::<(), ()>(()))
        }));
        assert!(task.poll(call.as_mut()).is_ready());
    }
    assert!(hedge.delay().is_some());
    hedge
}

/// Who waits, waits by a timer: the tests are inside of a runtime.
fn inside<T>(test: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let _inside = runtime.as_ref().expect("a runtime").enter();
    test()
}

/// A hedge refuses nothing and has no state that a service could wear out, so that there are no laws of
/// refusing, waiting and sharing to run; that its clones share is in
/// `services_of_one_layer_learn_together`.
#[test]
fn the_layer_keeps_the_contract() {
    inside(|| {
        Suite::new(|inner: Inner| patient().layer(inner))
            .cloned()
            .sendable()
            .unboxed()
            .errors(patient())
            .run();
    });
}

#[test]
fn the_layer_keeps_the_contract_where_nothing_may_be_made_twice() {
    inside(|| {
        let never = |_: &u64| None;
        Suite::new(move |inner: Inner| {
            let hedge = Hedge::builder("contract").after(HOUR).build().expect("sound");
            HedgeLayer::new(hedge).replay(never).layer(inner)
        })
        .cloned()
        .sendable()
        .unboxed()
        .run();
    });
}

#[test]
fn the_layer_keeps_the_contract_by_a_percentile() {
    inside(|| {
        let hedge = learned();
        Suite::new(move |inner: Inner| HedgeLayer::new(hedge.clone()).replay_all().layer(inner))
            .cloned()
            .sendable()
            .unboxed()
            .run();
    });
}

#[test]
fn a_plain_call_allocates_nothing() {
    let hedge = learned();
    let task = Task::new();
    let once = || {
        let mut call = pin!(hedge.call(|_| async { Ok::<u64, ()>(7) }));
        task.poll(call.as_mut()).is_ready()
    };
    assert!(once());

    let (ready, allocations) = seawall_test::allocations(once);

    assert_eq!((ready, allocations), (true, 0));
}

type Served = HedgeService<Inner, CloneRequest>;

fn served(hedge: &Hedge) -> (Served, HeldHandle<u64, u64, Failure>, ProbeHandle) {
    let (held, handle) = Held::new();
    let (probe, seen) = Probe::new(held);
    (HedgeLayer::new(hedge.clone()).replay_all().layer(probe), handle, seen)
}

fn call(service: &mut Served, request: u64) -> <Served as Service<u64>>::Future {
    let task = Task::new();
    assert!(task.enter(|cx| service.poll_ready(cx)).is_ready());
    service.call(request)
}

fn by_delay() -> Hedge {
    Hedge::builder("contract").after(MS * 30).clock(Clock::tokio()).build().expect("sound")
}

/// The probe is strict: a clone that was called before it was polled ready would panic.
#[tokio::test(start_paused = true)]
async fn a_hedge_is_made_by_a_clone_that_is_ready() {
    let hedge = by_delay();
    let (mut service, _held, seen) = served(&hedge);

    let mut response = pin!(call(&mut service, 7));
    assert!(tokio::time::timeout(MS * 50, response.as_mut()).await.is_err());

    assert_eq!((seen.calls(), seen.in_flight(), seen.unready_calls()), (2, 2, 0));
}

/// What it costs is given back where the answer comes before the clone is ready.
#[tokio::test(start_paused = true)]
async fn a_hedge_that_never_gets_ready_costs_nothing() {
    let hedge = by_delay();
    let (mut service, held, seen) = served(&hedge);
    let before = hedge.budget().available();

    let mut response = pin!(call(&mut service, 7));
    held.hold_readiness();
    assert!(tokio::time::timeout(MS * 50, response.as_mut()).await.is_err());
    assert_eq!((seen.calls(), hedge.budget().available()), (1, before - 1.0));
    held.ok(answer(7));

    assert_eq!(response.await, Ok(answer(7)));
    assert_eq!((seen.calls(), hedge.budget().available()), (1, before));
}

#[tokio::test(start_paused = true)]
async fn services_of_one_layer_learn_together() {
    let hedge = Hedge::builder("contract").after(Percentile::P95).clock(Clock::tokio()).build();
    let layer = HedgeLayer::new(hedge.expect("sound")).replay_all();
    let service = tower::service_fn(|ms: u32| async move {
        tokio::time::sleep(MS * ms).await;
        Ok::<u32, BoxError>(ms)
    });
    for _ in 0..200 {
        layer.clone().layer(service).oneshot(10).await.expect("it does well");
    }
    let began = tokio::time::Instant::now();
    let copies = AtomicU32::new(0);
    let faster = |ms: &u32| {
        copies.fetch_add(1, Relaxed);
        Some(ms / 10)
    };

    // The copy asks for less, so that the answer tells which attempt it is of.
    let (one, other) = tokio::join!(
        layer.clone().replay(faster).layer(service).oneshot(500),
        layer.replay(|_: &u32| None).layer(service).oneshot(500),
    );

    assert_eq!((one.expect("hedged"), other.expect("not hedged")), (50, 500));
    assert_eq!((copies.load(Relaxed), began.elapsed().as_millis()), (1, 500));
}
