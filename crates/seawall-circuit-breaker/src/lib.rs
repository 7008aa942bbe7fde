// The page shows the layer too, and is tested where that is there.
#![cfg_attr(feature = "tower", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "tower"),
    doc = "Stops calling what is broken, and finds out by itself when it is well again."
)]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg(hide(seawall_loom))))]

mod breaker;
mod builder;
mod call;
mod config;
mod event;
#[cfg(feature = "tower")]
pub mod future;
#[cfg(all(feature = "tower", feature = "tokio"))]
mod gate;
mod keyed;
#[cfg(feature = "tower")]
mod keyed_layer;
#[cfg(feature = "tower")]
mod layer;
mod machine;
mod outside;
mod permit;
mod rules;
#[cfg(feature = "serde")]
mod serde_form;
#[cfg(feature = "tower")]
mod service;
#[cfg(test)]
mod tests;
mod window;
mod word;

pub use seawall_core::{
    Backoff, BoxError, Classify, Clock, ConfigError, ErrIsFailure, Error, Jitter, Outcome, Ratio,
    Reason, Registry, Rejection, Snapshot,
};

#[cfg(all(feature = "tower", feature = "tokio"))]
pub use self::gate::{CircuitBreakerGate, CircuitBreakerGateLayer};
pub use self::{
    breaker::CircuitBreaker,
    builder::CircuitBreakerBuilder,
    call::Classified,
    config::{Config, HungCalls, Ramp, SlowCall, Throttle},
    event::{Cause, Event, Turn},
    keyed::{CircuitBreakers, CircuitBreakersBuilder},
    permit::Permit,
    window::Window,
    word::State,
};
#[cfg(feature = "tower")]
pub use self::{
    keyed_layer::{CircuitBreakersLayer, CircuitBreakersService},
    layer::CircuitBreakerLayer,
    service::CircuitBreakerService,
};
