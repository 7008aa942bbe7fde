//! What the layers do beyond the contract: what a request costs, whose quota it meets, and who waits
//! where.

#![cfg(feature = "tower")]

use std::{convert::Infallible, task::Poll, time::Duration};

use seawall_core::{Context, Deadline};
use seawall_rate_limiter::{
    Bound, BoxError, Clock, Error, Quota, RateLimiter, RateLimiterLayer, RateLimiters, Reason,
    Rejection,
};
use seawall_test::{Failure, Held, Probe, Task};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt, service_fn};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// One cell each 100 ms, and so many at once.
fn ten_a_second(burst: u32) -> Quota {
    Quota::per_second(10).and_then(|quota| quota.burst(burst)).expect("a quota")
}

fn limiter(burst: u32) -> RateLimiter {
    let builder = RateLimiter::builder("api").quota(ten_a_second(burst));
    builder.clock(Clock::tokio()).build().expect("sound settings")
}

fn limiters<K>(burst: u32) -> RateLimiters<K>
where
    K: ToOwned<Owned: std::hash::Hash + Eq> + ?Sized,
{
    let builder = RateLimiters::builder("tenants").quota(ten_a_second(burst));
    builder.clock(Clock::tokio()).build().expect("sound settings")
}

/// How long until all is paid off.
fn owed(limiter: &RateLimiter) -> Duration {
    limiter.standing().full
}

fn rejection<T: std::fmt::Debug, E: std::fmt::Debug>(answer: Result<T, Error<E>>) -> Rejection {
    match answer {
        Err(Error::Rejected(rejection)) => rejection,
        other => panic!("it was to be refused: {other:?}"),
    }
}

/// Answers with what was asked.
async fn echo(request: u32) -> Result<u32, Infallible> {
    Ok(request)
}

#[tokio::test(start_paused = true)]
async fn a_refusal_tells_when_to_come_back() {
    let service = RateLimiterLayer::new(limiter(1)).layer(service_fn(echo));
    assert_eq!(service.clone().oneshot(1).await, Ok(1));
    tokio::time::advance(30 * MS).await;

    let refused = rejection(service.clone().oneshot(2).await);

    assert_eq!((refused.reason(), refused.name()), (Reason::RateLimited, "api"));
    assert_eq!(refused.retry_after(), Some(70 * MS));
    tokio::time::advance(70 * MS).await;
    assert_eq!(service.oneshot(3).await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn a_spent_limiter_never_waits_for_a_stuck_inner_service() {
    let limiter = limiter(1);
    let (held, handle) = Held::<u32, u32, Failure>::new();
    handle.hold_readiness();
    limiter.try_acquire().expect("it is fresh");

    let refusing = RateLimiterLayer::new(limiter.clone()).layer(held.clone());
    let refused = Task::new().poll(std::pin::pin!(refusing.oneshot(1)));
    assert!(matches!(refused, Poll::Ready(Err(Error::Rejected(_)))), "{refused:?}");

    let waiting = RateLimiterLayer::new(limiter).max_wait(99 * MS).layer(held);
    let refused = Task::new().poll(std::pin::pin!(waiting.oneshot(2)));
    let Poll::Ready(Err(Error::Rejected(refused))) = refused else { panic!("{refused:?}") };
    assert_eq!((refused.bound(), refused.retry_after()), (Some(Bound::Wait), Some(100 * MS)));
}

#[tokio::test(start_paused = true)]
async fn who_was_told_that_it_is_spent_is_refused_whatever_comes_between() {
    let (limiter, (held, handle)) = (limiter(1), Held::<u32, u32, Failure>::new());
    limiter.try_acquire().expect("it is fresh");
    let mut service = RateLimiterLayer::new(limiter.clone()).layer(held);
    service.ready().await.expect("a refusal is no readiness error");
    tokio::time::advance(SECOND).await;

    // The inner service was not asked: it must not be called now, though there is a cell.
    let refused = rejection(service.call(1).await);

    assert_eq!(refused.reason(), Reason::RateLimited);
    assert_eq!((handle.waiting(), owed(&limiter)), (0, Duration::ZERO));
    service.ready().await.expect("the next one is asked anew");
    let task = Task::new();
    let mut response = std::pin::pin!(service.call(2));
    assert!(task.poll(response.as_mut()).is_pending());
    assert_eq!(handle.ok(7), 2);
    assert_eq!(response.await.ok(), Some(7));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_is_served_when_its_turn_comes() {
    let service = RateLimiterLayer::new(limiter(1)).max_wait(SECOND).layer(service_fn(echo));
    let began = Instant::now();

    for number in 0..4 {
        assert_eq!(service.clone().oneshot(number).await, Ok(number));
        assert_eq!(began.elapsed(), number * 100 * MS);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_holds_no_readiness_of_the_inner_service() {
    let limiter = limiter(1);
    let (held, _handle) = Held::<u32, u32, Failure>::new();
    let (inner, probe) = Probe::lenient(held);
    let mut service = RateLimiterLayer::new(limiter.clone()).max_wait(SECOND).layer(inner);
    service.ready().await.expect("it is fresh");
    assert_eq!(probe.reserved(), 1, "the inner service is ready for the call");
    limiter.try_acquire().expect("it is fresh"); // and another is faster

    let mut response = std::pin::pin!(service.call(1));
    assert!(Task::new().poll(response.as_mut()).is_pending());

    assert_eq!((probe.calls(), probe.reserved()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_before_its_turn_gives_it_back() {
    let (limiter, (held, handle)) = (limiter(1), Held::<u32, u32, Failure>::new());
    let service = RateLimiterLayer::new(limiter.clone()).max_wait(SECOND).layer(held);
    limiter.try_acquire().expect("it is fresh");
    let before = owed(&limiter);

    let mut response = Box::pin(service.oneshot(1));
    assert!(Task::new().poll(response.as_mut()).is_pending());
    assert_eq!(owed(&limiter), before + 100 * MS);
    drop(response);

    assert_eq!((owed(&limiter), handle.waiting()), (before, 0));
    assert_eq!(limiter.snapshot().counters["given_back"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_the_inner_service_gets_ready_gives_its_turn_back() {
    let (limiter, (held, handle)) = (limiter(1), Held::<u32, u32, Failure>::new());
    let service = RateLimiterLayer::new(limiter.clone()).max_wait(SECOND).layer(held);
    limiter.try_acquire().expect("it is fresh");
    handle.hold_readiness();
    let mut response = Box::pin(service.oneshot(1));
    let task = Task::new();
    assert!(task.poll(response.as_mut()).is_pending());
    tokio::time::advance(101 * MS).await;
    assert!(task.poll(response.as_mut()).is_pending());
    assert!(format!("{response:?}").contains("Oneshot"));
    assert_eq!(owed(&limiter), 99 * MS);

    drop(response);

    // A millisecond of it is paid off: what time has given is not given again.
    assert_eq!(owed(&limiter), Duration::ZERO);
    limiter.try_acquire().expect("the turn is back");
    assert!(limiter.try_acquire().is_err(), "and once only");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_inner_services_readiness_gives_the_turn_back() {
    let (limiter, (held, handle)) = (limiter(1), Held::<u32, u32, Failure>::new());
    let service = RateLimiterLayer::new(limiter.clone()).max_wait(SECOND).layer(held);
    limiter.try_acquire().expect("it is fresh");
    handle.fail_readiness(Failure(9));

    let failed = service.oneshot(1).await;

    assert!(matches!(failed, Err(Error::Inner(Failure(9)))), "{failed:?}");
    assert_eq!(limiter.snapshot().counters["given_back"], 1);
    assert!(limiter.try_acquire().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_made_keeps_its_cell_however_it_ends() {
    let limiter = limiter(2);
    let layer = RateLimiterLayer::new(limiter.clone()).max_wait(SECOND);
    let service = layer.layer(service_fn(|_: u32| async { Err::<u32, _>(Failure(1)) }));

    assert!(service.clone().oneshot(1).await.is_err());
    assert!(service.oneshot(2).await.is_err());

    assert_eq!(owed(&limiter), 200 * MS);
}

#[tokio::test(start_paused = true)]
async fn a_request_says_what_it_costs() {
    let limiter = limiter(10);
    let layer = RateLimiterLayer::new(limiter.clone()).cost(|bytes: &u32| 1 + bytes / 100);
    let service = layer.clone().layer(service_fn(echo));

    assert_eq!(service.clone().oneshot(599).await, Ok(599));
    assert_eq!(limiter.standing().remaining, 4);
    let refused = rejection(service.clone().oneshot(400).await);
    assert_eq!((refused.bound(), refused.retry_after()), (None, Some(100 * MS)));
    let refused = rejection(service.oneshot(1_000).await);
    assert_eq!((refused.bound(), refused.retry_after()), (Some(Bound::Weight), None));

    let began = Instant::now();
    let service = layer.max_wait(SECOND).layer(service_fn(echo));
    assert_eq!(service.clone().oneshot(899).await, Ok(899));
    assert_eq!(began.elapsed(), 500 * MS);
    let refused = rejection(service.oneshot(1_000).await);
    assert_eq!((refused.bound(), refused.retry_after()), (Some(Bound::Weight), None));
}

/// What it is told is of its own cells, and not of one.
#[tokio::test(start_paused = true)]
async fn a_costly_request_to_a_spent_limiter_is_told_its_own_wait() {
    let several = RateLimiter::builder("api").quota(ten_a_second(5));
    let several = several.quota(Quota::per_second(5).expect("a quota")).clock(Clock::tokio());
    for limiter in [limiter(5), several.build().expect("sound settings")] {
        let layer = RateLimiterLayer::new(limiter.clone()).cost(|cells: &u32| *cells);
        let service = layer.layer(service_fn(echo));
        limiter.try_acquire_n(5).expect("it is fresh");

        for (cells, bound, wait) in [(1, None, 1), (3, None, 3), (6, Some(Bound::Weight), 0)] {
            let refused = rejection(service.clone().oneshot(cells).await);
            let wait = limiter.standing().next * wait;
            assert_eq!((refused.bound(), refused.retry_after().unwrap_or_default()), (bound, wait));
        }
        assert_eq!(limiter.snapshot().counters["rejected"], 3);
    }
}

struct Query {
    tenant: String,
    number: u64,
}

fn query(tenant: &str, number: u64) -> Query {
    Query { tenant: tenant.to_owned(), number }
}

async fn number(query: Query) -> Result<u64, Infallible> {
    Ok(query.number)
}

#[tokio::test(start_paused = true)]
async fn each_key_has_its_own_quota() {
    let limiters = limiters::<u64>(1);
    let layer = RateLimiterLayer::keyed(limiters.clone(), |query: &Query| query.number);
    let service = layer.layer(service_fn(number));

    assert_eq!(service.clone().oneshot(query("", 1)).await, Ok(1));
    let refused = rejection(service.clone().oneshot(query("", 1)).await);
    assert_eq!((refused.name(), refused.retry_after()), ("tenants", Some(100 * MS)));
    assert_eq!(service.oneshot(query("", 2)).await, Ok(2));
    assert!(limiters.try_acquire(&2).is_err(), "the layer shares them with whoever else asks");
}

#[tokio::test(start_paused = true)]
async fn a_key_may_be_a_string_that_the_request_gives_away() {
    let owned = |query: &Query| query.tenant.clone();
    let strings = RateLimiterLayer::keyed(limiters::<String>(1), owned);
    let borrowed = RateLimiterLayer::keyed(limiters::<str>(1), owned);

    let service = strings.layer(service_fn(number));
    assert_eq!(service.clone().oneshot(query("a", 1)).await, Ok(1));
    rejection(service.clone().oneshot(query("a", 2)).await);
    assert_eq!(service.oneshot(query("b", 3)).await, Ok(3));

    let service = borrowed.layer(service_fn(number));
    assert_eq!(service.clone().oneshot(query("a", 1)).await, Ok(1));
    rejection(service.clone().oneshot(query("a", 2)).await);
    assert_eq!(service.oneshot(query("b", 3)).await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_its_own_keys_turn_alone() {
    let layer = RateLimiterLayer::keyed(limiters::<u64>(1), |query: &Query| query.number);
    let service = layer.max_wait(SECOND).layer(service_fn(number));
    let began = Instant::now();
    assert_eq!(service.clone().oneshot(query("", 1)).await, Ok(1));

    let mut waits = std::pin::pin!(service.clone().oneshot(query("", 1)));
    assert!(Task::new().poll(waits.as_mut()).is_pending());
    assert_eq!(service.oneshot(query("", 2)).await, Ok(2));
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(waits.await, Ok(1));
    assert_eq!(began.elapsed(), 100 * MS);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_over_before_its_turn_is_refused_at_once_and_books_nothing() {
    let limiter = limiter(1);
    let service = RateLimiterLayer::new(limiter.clone()).max_wait(SECOND).layer(service_fn(echo));
    limiter.try_acquire().expect("it is fresh");
    let (before, began) = (owed(&limiter), Instant::now());
    let within = |time| Context::new().with_deadline(Deadline::after_on(Clock::tokio(), time));

    let refused = rejection(within(99 * MS).scope(service.clone().oneshot(1)).await);

    assert_eq!((refused.reason(), refused.bound()), (Reason::DeadlineExceeded, None));
    assert_eq!((began.elapsed(), owed(&limiter)), (Duration::ZERO, before));
    assert_eq!(within(100 * MS).scope(service.oneshot(2)).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_flat_layer_leaves_the_error_as_it_is() {
    let inner = service_fn(|_: u32| async { Err::<u32, BoxError>(Box::new(Failure(3))) });
    let service = RateLimiterLayer::new(limiter(1)).flatten().layer(inner);

    let failed = service.clone().oneshot(1).await.expect_err("the inner service fails");
    assert!(failed.is::<Failure>(), "{failed}");
    let refused = service.oneshot(2).await.expect_err("it is spent");
    assert_eq!(Rejection::find(&*refused).map(Rejection::reason), Some(Reason::RateLimited));

    let inner = service_fn(|_: u32| async { Err::<u32, BoxError>(Box::new(Failure(3))) });
    let service = RateLimiterLayer::new(limiter(1)).max_wait(MS).flatten().layer(inner);
    service.clone().oneshot(1).await.expect_err("the inner service fails");
    let refused = service.oneshot(2).await.expect_err("it is spent");
    assert_eq!(Rejection::find(&*refused).and_then(Rejection::bound), Some(Bound::Wait));
}

/// As axum does it: a layer is put around each route, and around each connection's.
#[tokio::test(start_paused = true)]
async fn a_service_that_is_made_for_each_request_shares_the_limiter() {
    let layer = RateLimiterLayer::new(limiter(5));
    let mut served = 0;

    for request in 0..50 {
        let service = layer.clone().layer(service_fn(echo)).clone();
        served += u32::from(service.oneshot(request).await.is_ok());
    }

    assert_eq!(served, 5);
}
