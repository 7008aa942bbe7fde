//! Middlewares with one fault each: the law that names the fault sees it, and no other law does.

#[path = "../common/mod.rs"]
mod common;
mod door;
mod gate;
mod queue;

use common::assert_broken;
use door::{Door, DoorLayer, Fault};
use gate::Gate;
use queue::Queue;
use seawall_test::{
    CountingAllocator,
    contract::{self, Inner, Suite, Verdict, Wear},
};
use tower::layer::{Layer, layer_fn};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::system();

const ROOM: usize = 8;

fn door(fault: Fault) -> Vec<Verdict> {
    Suite::new(move |inner: Inner| DoorLayer::new(ROOM, fault).layer(inner))
        .cloned()
        .sendable()
        .unboxed()
        .errors(DoorLayer::new(ROOM, fault))
        .sharing(Wear::Load)
        .sharing_by_layer(DoorLayer::new(ROOM, fault), Wear::Load)
        .refusing(move |inner| DoorLayer::shut(fault).layer(inner))
        .verdicts()
}

fn queue(fault: queue::Fault) -> Vec<Verdict> {
    Suite::new(move |inner: Inner| Queue::new(inner, ROOM, fault))
        .cloned()
        .sendable()
        .unboxed()
        .sharing(Wear::Load)
        .waiting(move |inner| Queue::new(inner, 1, fault))
        .verdicts()
}

#[test]
fn a_door_without_fault_keeps_every_law() {
    assert_broken(&door(Fault::None), &[]);
}

#[test]
fn a_queue_without_fault_keeps_every_law() {
    assert_broken(&queue(queue::Fault::None), &[]);
}

/// One test a fault: what the middleware does wrong, and the one law that says so.
macro_rules! caught {
    ($($name:ident: $verdicts:ident($fault:expr) => $law:literal;)*) => {$(
        #[test]
        fn $name() {
            assert_broken(&$verdicts($fault), &[$law]);
        }
    )*};
}

caught! {
    a_call_of_a_fresh_clone_is_caught:
        door(Fault::CallsAClone) => "calls_the_instance_that_was_ready";
    a_changed_response_is_caught:
        door(Fault::ChangesResponse) => "response_passes_unchanged";
    a_swallowed_error_is_caught:
        door(Fault::SwallowsErrors) => "error_stays_in_the_chain";
    a_swallowed_readiness_error_is_caught:
        door(Fault::SwallowsReadinessErrors) => "inner_readiness_error_passes_through";
    a_readiness_that_is_taken_back_is_caught:
        door(Fault::TakesReadyBack) => "ready_is_kept_until_call";
    a_lost_wake_up_is_caught:
        door(Fault::LosesWakeUps) => "wakes_when_the_inner_service_is_ready";
    a_busy_wait_is_caught:
        door(Fault::Spins) => "waits_without_spinning";
    a_permit_leaked_by_a_dropped_call_is_caught:
        door(Fault::LeaksOnDrop) => "dropped_future_gives_back";
    a_permit_leaked_by_a_panic_is_caught:
        door(Fault::LeaksOnPanic) => "panic_gives_back";
    a_permit_kept_until_the_future_is_dropped_is_caught:
        door(Fault::HoldsUntilDropped) => "state_is_released_when_ready_not_when_dropped";
    a_box_a_call_is_caught:
        door(Fault::Boxes) => "no_allocation_per_call";
    a_copied_readiness_is_caught:
        door(Fault::CopiesReadiness) => "clone_resets_readiness";
    a_permit_taken_by_readiness_is_caught:
        door(Fault::TakesPermitWhenReady) => "ready_without_call_holds_nothing";
    a_permit_kept_beside_an_error_is_caught:
        door(Fault::KeepsPermitBesideError) => "readiness_error_gives_back";
    a_state_for_each_clone_is_caught:
        door(Fault::StateForEachClone) => "clones_share";
    a_state_for_each_service_is_caught:
        door(Fault::StateForEachService) => "services_of_one_layer_share";
    a_refusal_by_poll_ready_is_caught:
        door(Fault::RejectsFromPollReady) => "rejection_is_never_a_readiness_error";
    a_refusal_that_asks_first_is_caught:
        door(Fault::AsksInnerFirst) => "refuses_without_asking_inner";
    a_refusal_that_comes_late_is_caught:
        door(Fault::RefusesLate) => "refuses_without_asking_inner";
    a_readiness_held_while_waiting_is_caught:
        queue(queue::Fault::HoldsReadinessWhileWaiting) => "waiting_holds_no_inner_readiness";
    a_wake_up_that_leaves_with_its_waiter_is_caught:
        queue(queue::Fault::WakesOneAndForgets) => "dropped_waiter_lets_the_next_through";
}

#[test]
fn a_gate_that_wakes_its_callers_keeps_the_law_for_balancers() {
    let (gate, key) = Gate::shut(gate::Fault::None);

    contract::wakes_when_it_stops_refusing(|inner| gate.wrap(inner), || key.open());
}

#[test]
fn a_gate_that_forgets_its_callers_is_caught() {
    let law = "`wakes_when_it_stops_refusing` is broken: it refuses no more";
    assert_panics(law, || {
        let (gate, key) = Gate::shut(gate::Fault::ForgetsWaker);
        contract::wakes_when_it_stops_refusing(|inner| gate.wrap(inner), || key.open());
    });
}

#[test]
fn a_gate_that_polls_itself_is_caught() {
    let law =
        "`wakes_when_it_stops_refusing` is broken: while it refuses, `poll_ready` wakes itself";
    assert_panics(law, || {
        let (gate, key) = Gate::shut(gate::Fault::Spins);
        contract::wakes_when_it_stops_refusing(|inner| gate.wrap(inner), || key.open());
    });
}

#[test]
fn a_limit_that_is_never_reached_is_no_proof_of_sharing() {
    assert_panics("set its limits lower", || {
        contract::clones_share(|inner: Inner| inner, Wear::Traffic);
    });
}

#[test]
fn a_broken_law_fails_the_run_and_an_exception_saves_it() {
    let boxing = || Suite::new(|inner: Inner| Door::new(inner, ROOM, Fault::Boxes)).unboxed();
    assert_panics("`no_allocation_per_call` is broken", || boxing().run());

    boxing().except("no_allocation_per_call", "the future is boxed by choice").run();
}

#[test]
fn an_exception_from_no_law_is_refused() {
    assert_panics("no law `no_alocation`", || {
        Suite::new(|inner: Inner| inner).except("no_alocation", "a slip of the pen").run();
    });
}

#[test]
fn a_panic_of_the_middleware_itself_is_a_broken_law() {
    let panics = layer_fn(|_: Inner| -> Inner { panic!("not today") });

    let verdicts = Suite::new(move |inner| panics.layer(inner)).verdicts();

    let text = format!("{:?}", verdicts[0].outcome);
    assert!(text.contains("a panic came through: not today"), "{text}");
}

#[track_caller]
fn assert_panics(expected: &str, f: impl FnOnce()) {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f))
        .expect_err("it should have panicked");
    let text = panic.downcast_ref::<String>().map_or("it is no text", String::as_str);
    assert!(text.contains(expected), "{text}");
}
