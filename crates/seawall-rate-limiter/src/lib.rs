// The page shows the layer too, and is tested where that is there.
#![cfg_attr(feature = "tower", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "tower"),
    doc = "Slows down before things fall down: no more calls than a quota says."
)]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg(hide(seawall_loom))))]

mod builder;
mod config;
mod event;
#[cfg(feature = "tower")]
pub mod future;
mod gcra;
mod holes;
mod keyed;
#[cfg(feature = "tower")]
mod layer;
mod ledger;
mod limiter;
#[cfg(feature = "tower")]
mod limits;
mod machine;
mod quota;
mod reservation;
#[cfg(feature = "serde")]
mod serde_form;
#[cfg(feature = "tower")]
mod service;
mod shared;
mod standing;
#[cfg(test)]
mod tests;
#[cfg(feature = "tower")]
mod waiting;

pub use seawall_core::{
    Bound, BoxError, Clock, ConfigError, Error, Nanos, Reason, Registry, Rejection, Snapshot,
};

pub(crate) use self::standing::Denied;
pub use self::{
    builder::RateLimiterBuilder,
    config::Config,
    event::{Event, Turn},
    keyed::{RateLimiters, RateLimitersBuilder, WhenFull},
    limiter::RateLimiter,
    quota::{Policy, Quota},
    reservation::Reservation,
    standing::Standing,
};
#[cfg(feature = "tower")]
pub use self::{
    layer::RateLimiterLayer,
    limits::{ByKey, Costs, Limits, OneCell},
    service::RateLimiterService,
    waiting::{RateLimiterWaiting, RateLimiterWaitingLayer},
};
