#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg(hide(seawall_loom))))]

mod backoff;
mod bound;
#[doc(hidden)]
pub mod bucket;
mod chance;
mod clock;
mod config_error;
pub mod context;
pub mod deadline;
#[cfg(feature = "serde")]
pub mod duration;
mod error;
#[cfg(feature = "tower")]
pub mod flatten;
mod inner;
#[doc(hidden)]
#[cfg(feature = "keyed")]
pub mod keyed;
mod lane;
mod listeners;
#[cfg(seawall_loom)]
#[doc(hidden)]
pub mod model;
mod name;
mod nanos;
mod outcome;
mod park;
pub mod priority;
mod ratio;
mod registry;
mod rejection;
mod snapshot;
#[doc(hidden)]
#[allow(missing_docs, reason = "not public API")]
pub mod sync;

#[doc(hidden)]
pub use crossbeam_utils::CachePadded;

#[cfg(feature = "tower")]
pub use self::flatten::Flatten;
pub use self::{
    backoff::{Backoff, Delays, Jitter},
    bound::Bound,
    chance::Chance,
    clock::{Clock, ManualClock},
    config_error::ConfigError,
    context::{Context, Scope},
    deadline::Deadline,
    error::{BoxError, Error},
    listeners::Listeners,
    name::Name,
    nanos::Nanos,
    outcome::{Classify, ErrIsFailure, Outcome},
    priority::Priority,
    ratio::Ratio,
    registry::Registry,
    rejection::{Reason, Rejection},
    snapshot::{Observe, Snapshot},
};
#[doc(hidden)]
pub use self::{
    chance::{GOLDEN, mix},
    lane::{lane, lanes},
    listeners::discard,
    outcome::{meaning, watch, watch_blocking},
    park::{Parker, park},
    rejection::marks,
};
