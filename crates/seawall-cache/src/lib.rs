#![doc = include_str!("../README.md")]
#![deny(unsafe_code)] // but for `store/set/slot.rs`
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg(hide(seawall_loom))))]

#[cfg(feature = "tower")]
mod coalesce;
mod flight;
mod store;
#[cfg(test)]
mod tests;

pub use seawall_core::{
    Bound, BoxError, Clock, ConfigError, Error, Reason, Registry, Rejection, Snapshot,
};

#[cfg(feature = "tower")]
pub use self::coalesce::{CoalesceLayer, CoalesceService, ResponseFuture as CoalesceFuture};
pub use self::flight::{
    Detached, LoadError, LoadTask, Panicked, Run, RunMany, SingleFlight, SingleFlightBuilder,
};
#[cfg(feature = "quick-cache")]
pub use self::store::QuickStore;
pub use self::store::{Cause, Equivalent, SetStore, Store};
