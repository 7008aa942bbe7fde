//! Tower's own layers, run through the suite: what they keep, and what they are known to break.
//!
//! A law that tower keeps nowhere would be a law of ours alone; a law that is never broken might not
//! look. Between them, this file and `mutants.rs` show that each law can say both yes and no.

mod common;

use std::time::Duration;

use common::{assert_broken, runtime};
use seawall_test::{
    CountingAllocator, Failure, Step,
    contract::{self, Inner, Suite, Wear},
};
use tower::{
    Layer, ServiceExt,
    layer::{layer_fn, util::Identity},
    limit::{ConcurrencyLimit, ConcurrencyLimitLayer, GlobalConcurrencyLimitLayer, RateLimit},
    load_shed::{LoadShed, LoadShedLayer},
    timeout::{Timeout, TimeoutLayer},
};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::system();

const ROOM: usize = 8;

#[test]
fn a_service_that_does_nothing_keeps_every_law() {
    Suite::new(|inner: Inner| inner).cloned().sendable().unboxed().errors(Identity::new()).run();
}

#[test]
fn a_load_shed_keeps_every_law() {
    Suite::new(|inner: Inner| LoadShed::new(inner))
        .cloned()
        .sendable()
        .unboxed()
        .errors(LoadShedLayer::new())
        .refusing(|inner| {
            inner.get_ref().handle().hold_readiness();
            LoadShed::new(inner)
        })
        .run();
}

#[test]
fn a_timeout_keeps_every_law() {
    let runtime = runtime();
    let _inside = runtime.enter();
    const HOUR: Duration = Duration::from_secs(3600);

    Suite::new(|inner: Inner| Timeout::new(inner, HOUR))
        .cloned()
        .sendable()
        .unboxed()
        .errors(TimeoutLayer::new(HOUR))
        .run();
}

#[test]
fn a_rate_limit_keeps_every_law_that_asks_for_no_clone() {
    let runtime = runtime();
    let _inside = runtime.enter();
    let plenty = tower::limit::rate::Rate::new(1_000_000, Duration::from_secs(3600));

    Suite::new(move |inner: Inner| RateLimit::new(inner, plenty)).sendable().unboxed().run();
}

#[test]
fn mapped_types_pass_through() {
    let spoken = |inner: Inner| {
        let inner = inner.map_request(|text: String| text.parse().expect("it was a number"));
        LoadShedLayer::new().layer(inner).map_request(|number: u64| number.to_string())
    };

    Suite::new(spoken).cloned().sendable().run();
}

#[test]
fn a_concurrency_limit_is_caught_holding_permits_where_nobody_calls() {
    let verdicts = Suite::new(|inner: Inner| ConcurrencyLimit::new(inner, ROOM))
        .cloned()
        .sendable()
        .unboxed()
        .errors(ConcurrencyLimitLayer::new(ROOM))
        .sharing(Wear::Load)
        .sharing_by_layer(ConcurrencyLimitLayer::new(ROOM), Wear::Load)
        .waiting(|inner| ConcurrencyLimit::new(inner, 1))
        .verdicts();

    assert_broken(
        &verdicts,
        &[
            "state_is_released_when_ready_not_when_dropped",
            "ready_without_call_holds_nothing",
            "readiness_error_gives_back",
            "services_of_one_layer_share",
            "abandoned_waiter_lets_the_next_through",
        ],
    );
}

#[test]
fn a_global_concurrency_limit_shares_between_the_services_of_its_layer() {
    contract::services_of_one_layer_share(&GlobalConcurrencyLimitLayer::new(ROOM), Wear::Load);
}

#[test]
fn a_full_limit_under_a_load_shed_refuses_as_it_should() {
    let full = || {
        contract::worn(|inner: Inner| LoadShed::new(ConcurrencyLimit::new(inner, ROOM)), Wear::Load)
    };

    contract::rejection_is_never_a_readiness_error(full());
    contract::refuses_without_asking_inner(full());
}

#[test]
fn a_boxed_service_is_caught_allocating() {
    let boxed = |inner: Inner| inner.map_future(Box::pin);

    let verdicts = Suite::new(boxed).cloned().unboxed().verdicts();

    assert_broken(&verdicts, &["no_allocation_per_call"]);
}

#[test]
fn errors_printed_into_text_are_caught() {
    let printed = |inner: Inner| inner.map_err(|error: Failure| error.to_string());

    let verdicts = Suite::new(printed).cloned().verdicts();

    assert_broken(&verdicts, &["error_stays_in_the_chain", "inner_readiness_error_passes_through"]);
}

#[test]
fn a_layer_that_hangs_where_errors_are_boxed_is_caught() {
    use seawall_test::{BoxError, Scripted};
    let hangs = layer_fn(|_: Inner<BoxError>| Scripted::new([Step::Hang]));

    let outcome = std::panic::catch_unwind(|| contract::works_with_box_error(&hangs));

    let panic = outcome.expect_err("the law sees it");
    let text = panic.downcast_ref::<String>().expect("it is a text");
    assert!(text.contains("works_with_box_error"), "{text}");
}
