//! The promises that a Tower middleware makes, each as a function that finds out whether it is kept.
//!
//! A law takes a closure that wraps an [`Inner`] service in the middleware, drives the result by hand
//! (no runtime, no sleep), and panics with its own name and with what it saw where the law is broken.
//! [`Suite`] runs all that apply.
//!
//! Requests and responses are numbers; [`answer`] tells what the inner service says to each. A
//! middleware that wants other types is put between `map_request`s of tower, which pass readiness on
//! as it is:
//!
//! ```
//! # use seawall_test::contract::{self, Inner};
//! # use tower::ServiceExt;
//! # #[derive(Clone)] struct MyLayer;
//! # impl<S> tower::Layer<S> for MyLayer { type Service = S; fn layer(&self, inner: S) -> S { inner } }
//! # let my_layer = MyLayer;
//! # use tower::Layer;
//! contract::response_passes_unchanged(|inner: Inner| {
//!     let inner = inner.map_request(|text: String| text.parse().unwrap());
//!     my_layer.layer(inner).map_request(|number: u64| number.to_string())
//! });
//! ```
//!
//! # The laws
//!
//! Of every service, while it lets calls through and has room for a few (but for fewer than [`CROWD`]
//! at once, or a leak goes unseen):
//!
//! | law | what it forbids |
//! |---|---|
//! | [`calls_the_instance_that_was_ready`] | to poll one instance and call another |
//! | [`response_passes_unchanged`] | to touch what is not its own |
//! | [`error_stays_in_the_chain`] | to lose the inner error |
//! | [`inner_readiness_error_passes_through`] | to swallow "discard this instance" |
//! | [`ready_is_kept_until_call`] | to say `Ready` and take it back |
//! | [`wakes_when_the_inner_service_is_ready`] | to lose a wake-up |
//! | [`waits_without_spinning`] | to wake itself while nothing happens |
//! | [`dropped_future_gives_back`] | to leak what a cancelled call held |
//! | [`panic_gives_back`] | to leak what a panicking call held |
//! | [`state_is_released_when_ready_not_when_dropped`] | to hold on after the answer |
//! | [`no_allocation_per_call`] | to box each future |
//! | [`is_send_and_static`] | to be of no use to a server |
//!
//! Of services that can be cloned:
//!
//! | law | what it forbids |
//! |---|---|
//! | [`clone_resets_readiness`] | to copy a promise that was made to one instance |
//! | [`ready_without_call_holds_nothing`] | to take what others need before there is a call |
//! | [`readiness_error_gives_back`] | to keep a permit beside an error |
//! | [`clones_share`] | a state for each clone |
//! | [`services_of_one_layer_share`] | a state for each route and connection |
//!
//! Of services that refuse, in the state in which they do:
//!
//! | law | what it forbids |
//! |---|---|
//! | [`rejection_is_never_a_readiness_error`] | to have the instance discarded for a refusal |
//! | [`refuses_without_asking_inner`] | to wait for a stuck service before refusing |
//! | [`wakes_when_it_stops_refusing`] | (where it is unready instead) to leave its callers asleep |
//!
//! Of services that make callers wait, with room for one call at a time:
//!
//! | law | what it forbids |
//! |---|---|
//! | [`waiting_holds_no_inner_readiness`] | to tie up the inner service while waiting for oneself |
//! | [`dropped_waiter_lets_the_next_through`] | to lose a free place with the one who waited for it |
//! | [`abandoned_waiter_lets_the_next_through`] | to give a free place to an instance that nobody polls |
//!
//! Of layers, whatever the inner error is: [`works_with_box_error`], [`works_with_infallible`],
//! [`works_with_an_unclonable_error`].

mod abandoned_waiter_lets_the_next_through;
mod bench;
mod caller;
mod calls_the_instance_that_was_ready;
mod clone_resets_readiness;
mod clones_share;
mod dropped_future_gives_back;
mod dropped_waiter_lets_the_next_through;
mod error_stays_in_the_chain;
mod inner_readiness_error_passes_through;
mod is_send_and_static;
mod law;
mod no_allocation_per_call;
mod panic_gives_back;
mod readiness_error_gives_back;
mod ready_is_kept_until_call;
mod ready_without_call_holds_nothing;
mod refuses_without_asking_inner;
mod rejection_is_never_a_readiness_error;
mod response_passes_unchanged;
mod services_of_one_layer_share;
mod state_is_released_when_ready_not_when_dropped;
mod suite;
mod waiting_holds_no_inner_readiness;
mod waits_without_spinning;
mod wakes_when_it_stops_refusing;
mod wakes_when_the_inner_service_is_ready;
mod wear;
mod works_with;

pub use self::{
    abandoned_waiter_lets_the_next_through::abandoned_waiter_lets_the_next_through,
    bench::{CROWD, Inner, Middleware, answer},
    calls_the_instance_that_was_ready::calls_the_instance_that_was_ready,
    clone_resets_readiness::clone_resets_readiness,
    clones_share::clones_share,
    dropped_future_gives_back::dropped_future_gives_back,
    dropped_waiter_lets_the_next_through::dropped_waiter_lets_the_next_through,
    error_stays_in_the_chain::error_stays_in_the_chain,
    inner_readiness_error_passes_through::inner_readiness_error_passes_through,
    is_send_and_static::is_send_and_static,
    no_allocation_per_call::no_allocation_per_call,
    panic_gives_back::panic_gives_back,
    readiness_error_gives_back::readiness_error_gives_back,
    ready_is_kept_until_call::ready_is_kept_until_call,
    ready_without_call_holds_nothing::ready_without_call_holds_nothing,
    refuses_without_asking_inner::refuses_without_asking_inner,
    rejection_is_never_a_readiness_error::rejection_is_never_a_readiness_error,
    response_passes_unchanged::response_passes_unchanged,
    services_of_one_layer_share::services_of_one_layer_share,
    state_is_released_when_ready_not_when_dropped::state_is_released_when_ready_not_when_dropped,
    suite::{Outcome, Suite, Verdict},
    waiting_holds_no_inner_readiness::waiting_holds_no_inner_readiness,
    waits_without_spinning::waits_without_spinning,
    wakes_when_it_stops_refusing::wakes_when_it_stops_refusing,
    wakes_when_the_inner_service_is_ready::wakes_when_the_inner_service_is_ready,
    wear::{Wear, worn},
    works_with::{
        Unclonable, works_with_an_unclonable_error, works_with_box_error, works_with_infallible,
    },
};
