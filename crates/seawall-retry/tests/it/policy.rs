//! A `tower::retry::Policy`: as by tower's own `Retry` where it may, and within our bounds.

#![cfg(feature = "tower-policy")]

use std::{
    cell::RefCell,
    future::Future,
    pin::{Pin, pin},
    rc::Rc,
    time::Duration,
};

use proptest::prelude::*;
use seawall_retry::{
    Backoff, Clock, Error, Jitter, PolicyService, Reason, Rejection, Retry, RetryBudget,
    RetryBuilder, RetryLayer,
};
use seawall_test::{Answer, Failure, Held, Probe, Scripted, Step, Task};
use tokio::time::{Instant, Sleep, sleep};
use tower::{Layer, Service, ServiceExt, retry::Policy};

const MS: Duration = Duration::from_millis(1);

/// What a policy says to a result, in turn.
#[derive(Clone, Debug)]
enum Verdict {
    Content,
    /// Another attempt after this wait.
    Again(Duration),
    /// The same, and the request changes.
    AgainWithAnother,
    /// The result becomes a success, and is the answer.
    Mends,
    /// The result becomes an error, and is the answer.
    Breaks,
}

/// Says what it was told to, and writes down what it saw. Each call has its own copy of the verdicts.
#[derive(Clone, Debug)]
struct Told {
    verdicts: Vec<Verdict>,
    /// After how many clones a request cannot be cloned any more.
    clones: usize,
    seen: Rc<RefCell<Vec<String>>>,
}

impl Told {
    fn new(verdicts: &[Verdict], clones: usize) -> Self {
        Self { verdicts: verdicts.iter().rev().cloned().collect(), clones, seen: Rc::default() }
    }

    /// Wants another attempt each time, after `wait`.
    fn again(wait: Duration) -> Self {
        Self::new(&vec![Verdict::Again(wait); 100], 100)
    }
}

impl Policy<u64, u64, Failure> for Told {
    type Future = Sleep;

    fn retry(&mut self, request: &mut u64, result: &mut Result<u64, Failure>) -> Option<Sleep> {
        self.seen.borrow_mut().push(format!("retry {request} {result:?}"));
        match self.verdicts.pop().unwrap_or(Verdict::Content) {
            Verdict::Content => return None,
            Verdict::Again(wait) => return Some(sleep(wait)),
            Verdict::AgainWithAnother => {
                *request += 1_000;
                return Some(sleep(MS));
            }
            Verdict::Mends => *result = Ok(7),
            Verdict::Breaks => *result = Err(Failure(7)),
        }
        None
    }

    fn clone_request(&mut self, request: &u64) -> Option<u64> {
        self.seen.borrow_mut().push(format!("clone {request}"));
        self.clones = self.clones.checked_sub(1)?;
        Some(*request)
    }
}

fn builder() -> RetryBuilder {
    let steady = Backoff::constant(MS * 10).jitter(Jitter::None);
    Retry::builder("policy").backoff(steady).clock(Clock::tokio())
}

fn service<S, P: Clone>(builder: RetryBuilder, policy: P, inner: S) -> PolicyService<S, P> {
    RetryLayer::new(builder.build().expect("sound settings")).policy(policy).layer(inner)
}

/// A budget with `retries` in it that hardly anything comes in to.
fn budget(retries: u32) -> RetryBudget {
    let budget = RetryBudget::builder().burst(retries).ratio(0.001).floor_per_second(0);
    budget.build().expect("sound settings")
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        2 => Just(Verdict::Content),
        4 => (0..50_u32).prop_map(|millis| Verdict::Again(MS * millis)),
        2 => Just(Verdict::AgainWithAnother),
        1 => Just(Verdict::Mends),
        1 => Just(Verdict::Breaks),
    ]
}

/// What came out, what the policy saw, how often the service was called, how long it took.
async fn observe<S, E>(
    service: S,
    policy: &Told,
    inner: &Scripted,
) -> (Result<u64, Failure>, Vec<String>, usize, Duration)
where
    S: Service<u64, Response = u64, Error = E>,
    E: Into<Error<Failure>>,
{
    let began = Instant::now();
    let result = service.oneshot(1).await.map_err(|error| error.into().into_inner());
    let result = result.map_err(|error| error.expect("no attempt takes too long"));
    (result, policy.seen.take(), inner.calls(), began.elapsed())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Promise 1.
    #[test]
    fn where_all_is_allowed_a_call_goes_as_with_towers_own(
        verdicts in prop::collection::vec(verdict(), 0..8),
        steps in prop::collection::vec(prop_oneof![Just(Step::Ok), Just(Step::Err)], 1..8),
        clones in 0..9_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let scripts = [(); 2].map(|()| Scripted::new(steps.iter().copied()));
            let [ours, theirs] = [(); 2].map(|()| Told::new(&verdicts, clones));
            let allowing = builder().max_attempts(1_000).without_budget();

            let here = service(allowing, ours.clone(), scripts[0].clone());
            let there = tower::retry::Retry::new(theirs.clone(), scripts[1].clone());
            let here = observe(here, &ours, &scripts[0]).await;
            let there = observe(there.map_err(Error::Inner), &theirs, &scripts[1]).await;

            assert_eq!(here, there);
        });
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_attempts_are_made_than_are_set_and_the_last_result_is_shown_to_the_policy() {
    let (broken, policy) = (Scripted::new([Step::Err]), Told::again(MS));
    let service = service(builder().max_attempts(3), policy.clone(), broken.clone());

    let failed = service.clone().oneshot(1).await;

    assert_eq!((failed, broken.calls()), (Err(Error::Inner(Failure(2))), 3));
    let seen = policy.seen.take();
    assert_eq!(seen.iter().filter(|line| line.starts_with("retry")).count(), 3, "{seen:?}");
    let counters = service.retry().snapshot().counters;
    assert_eq!((counters["retries"], counters["gave_up_attempts"]), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn no_retry_is_made_that_the_budget_does_not_pay_for() {
    let (broken, budget) = (Scripted::new([Step::Err]), budget(2));
    let builder = builder().max_attempts(9).budget(budget.clone());
    let service = service(builder, Told::again(MS), broken.clone());

    let failed = service.oneshot(1).await;

    assert_eq!((failed, broken.calls()), (Err(Error::Inner(Failure(2))), 3));
    assert_eq!(budget.refused(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_success_pays_a_budget_that_lives_by_successes() {
    let throttle = RetryBudget::throttle(10, 0.5).expect("sound settings");
    let flaky = Scripted::new([Step::Err, Step::Err, Step::Ok]);
    let builder = builder().budget(throttle.clone());
    let verdicts = [Verdict::Again(MS), Verdict::Again(MS)];
    let service = service(builder, Told::new(&verdicts, 9), flaky);

    assert_eq!(service.clone().oneshot(1).await, Ok(1));

    assert!((throttle.available() - 3.5).abs() < 1e-9, "{throttle:?}");
    assert_eq!(service.retry().snapshot().counters["succeeded_after_retry"], 1);
}

/// Promise 3.
#[tokio::test(start_paused = true)]
async fn a_wait_of_the_policys_ends_with_the_deadline_and_gives_back_what_it_took() {
    let (broken, budget, began) = (Scripted::new([Step::Err]), budget(5), Instant::now());
    let builder = builder().deadline(MS * 250).budget(budget.clone()).max_attempts(9);
    let service = service(builder, Told::again(MS * 100), broken.clone());

    let failed = service.clone().oneshot(1).await;

    assert_eq!((failed, broken.calls()), (Err(Error::Inner(Failure(2))), 3));
    assert!((MS * 250..MS * 255).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert!((budget.available() - 3.0).abs() < 0.01, "two were sent: {budget:?}");
    assert_eq!(service.retry().snapshot().counters["gave_up_deadline"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_ends_with_the_deadline_is_followed_by_no_attempt() {
    let broken = Scripted::new([Step::Err]);
    let service = service(builder().deadline(MS * 200), Told::again(MS * 200), broken.clone());

    let failed = service.oneshot(1).await;

    assert_eq!((failed, broken.calls()), (Err(Error::Inner(Failure(0))), 1));
}

#[tokio::test(start_paused = true)]
async fn a_response_is_not_kept_while_the_policy_waits() {
    let well = Scripted::new([Step::Ok]);
    let service = service(builder().deadline(MS * 200), Told::again(MS * 300), well.clone());

    let late = service.oneshot(1).await.expect_err("it is never content");

    assert_eq!(late.rejection().map(Rejection::reason), Some(Reason::Timeout));
    assert_eq!(well.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_waits_by_the_backoff_and_the_policy_learns_nothing() {
    let (stuck, policy, began) = (Scripted::new([Step::Hang]), Told::again(MS), Instant::now());
    let builder = builder().attempt_timeout(MS * 50).max_attempts(3);
    let service = service(builder, policy.clone(), stuck.clone());

    let late = service.oneshot(1).await.expect_err("it hangs");

    assert_eq!(late.rejection().map(Rejection::reason), Some(Reason::Timeout));
    let all = MS * (50 + 10 + 50 + 10 + 50);
    assert!((all..all + MS * 10).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(*policy.seen.borrow(), ["clone 1"; 3]);
    assert_eq!(stuck.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn every_attempt_is_made_by_an_instance_that_was_ready() {
    let (held, handle) = Held::<u64, u64, Failure>::new();
    handle.answer_with(|_| Answer::Err(Failure(1)));
    // Strict: a call without readiness panics.
    let (inner, probe) = Probe::new(held);
    let mut service = service(builder(), Told::again(MS), inner);

    service.ready().await.expect("it is ready").call(7).await.expect_err("it always fails");

    assert_eq!((probe.calls(), probe.unready_calls()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_waits_for_readiness_and_its_error_ends_the_call() {
    let (held, handle) = Held::<u64, u64, Failure>::new();
    let mut service = service(builder(), Told::again(Duration::ZERO), held);
    let task = Task::new();
    let mut response = pin!(service.ready().await.expect("it is ready").call(7));
    assert!(task.poll(response.as_mut()).is_pending());

    handle.hold_readiness();
    handle.err(Failure(1));
    tokio::time::timeout(MS * 5, response.as_mut()).await.expect_err("it is not ready");
    assert_eq!(handle.waiting(), 0, "the second attempt waits for readiness");
    handle.fail_readiness(Failure(9));

    assert_eq!(response.await, Err(Error::Inner(Failure(9))));
}

#[tokio::test(start_paused = true)]
async fn a_stuck_service_is_waited_for_no_longer_than_an_attempt_may_take() {
    let (held, handle) = Held::<u64, u64, Failure>::new();
    let builder = builder().attempt_timeout(MS * 50).max_attempts(2);
    let mut service = service(builder, Told::again(MS), held);
    let call = service.ready().await.expect("it is ready").call(7);
    handle.hold_readiness();
    handle.err(Failure(1));

    let failed = call.await.expect_err("it stays stuck");

    assert_eq!(failed.rejection().map(Rejection::reason), Some(Reason::Timeout));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_the_policy_waits_gives_back_what_it_took() {
    let budget = budget(5);
    let builder = builder().budget(budget.clone());
    let service = service(builder, Told::again(MS * 100), Scripted::new([Step::Err]));

    tokio::time::timeout(MS * 50, service.oneshot(1)).await.expect_err("it waits for 100 ms");

    assert!((budget.available() - 5.0).abs() < 1e-9, "{budget:?}");
}

/// A future of a policy's may hold anything: it is dropped in place, and not moved.
#[tokio::test(start_paused = true)]
async fn a_policy_may_wait_by_a_boxed_future() {
    #[derive(Clone)]
    struct Boxed(u32);
    impl Policy<u64, u64, Failure> for Boxed {
        type Future = Pin<Box<dyn Future<Output = ()>>>;
        fn retry(&mut self, _: &mut u64, _: &mut Result<u64, Failure>) -> Option<Self::Future> {
            self.0 = self.0.checked_sub(1)?;
            Some(Box::pin(async { sleep(MS * 20).await }))
        }
        fn clone_request(&mut self, request: &u64) -> Option<u64> {
            Some(*request)
        }
    }
    let (well, began) = (Scripted::new([Step::Ok]), Instant::now());

    assert_eq!(service(builder(), Boxed(2), well).oneshot(1).await, Ok(1));

    assert_eq!(began.elapsed(), MS * 40);
}
