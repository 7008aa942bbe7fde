// The page shows the layer too, and is tested where that is there.
#![cfg_attr(feature = "tower", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "tower"),
    doc = "Tries a call again where that may help, and not where it would make things worse."
)]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg(hide(seawall_loom))))]

mod attempt;
mod budget;
mod builder;
mod call;
mod config;
mod course;
mod decision;
#[cfg(feature = "tokio")]
mod drive;
mod error;
mod event;
#[cfg(feature = "tokio")]
mod ext;
pub mod fallback;
#[cfg(feature = "tower")]
pub mod future;
#[cfg(feature = "tokio")]
mod hedge;
#[cfg(feature = "tower")]
mod layer;
mod limit;
#[cfg(feature = "tower-policy")]
mod policy;
#[cfg(feature = "tower")]
mod replay;
mod retry;
mod rules;
#[cfg(feature = "tower")]
mod service;
mod shared;
#[cfg(test)]
mod tests;
#[cfg(feature = "tokio")]
pub mod timeout;

pub use seawall_core::{
    Backoff, BoxError, Clock, ConfigError, Error, Jitter, Outcome, Ratio, Reason, Registry,
    Rejection, Snapshot,
};

#[cfg(feature = "tower-policy")]
pub use self::policy::{PolicyFuture, PolicyLayer, PolicyService};
pub use self::{
    attempt::Attempt,
    budget::{Costs, RetryBudget, RetryBudgetBuilder, Withdrawal},
    builder::RetryBuilder,
    call::Deciding,
    config::Config,
    decision::{Decide, Decision, RetryErrors, When},
    error::{GaveUp, RetryError},
    event::{Event, Turn},
    fallback::{Fallback, FallbackBuilder},
    retry::Retry,
};
#[cfg(feature = "tokio")]
pub use self::{
    ext::{Retried, RetriedFuture, RetryExt},
    hedge::{
        After, Hedge, HedgeBuilder, HedgeConfig, HedgeDecided, HedgeEvent, HedgeTurn, Percentile,
    },
    timeout::{Timeout, TimeoutBuilder},
};
#[cfg(feature = "tower")]
pub use self::{
    fallback::{FallbackLayer, FallbackService},
    hedge::{HedgeFuture, HedgeLayer, HedgeService, NoReplay},
    layer::RetryLayer,
    replay::{CloneRequest, Replay},
    service::RetryService,
    timeout::{TimeoutLayer, TimeoutService},
};
