#![doc = include_str!("../README.md")]
#![deny(unsafe_code)] // but for `store/set/slot.rs`
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg(hide(seawall_loom))))]

mod batcher;
mod behind;
mod cache;
#[cfg(feature = "tower")]
mod coalesce;
mod entry;
mod flight;
mod freshness;
pub mod l2;
mod loaded;
mod store;
mod tags;
#[cfg(test)]
mod tests;
pub mod timeline;

pub use seawall_core::{
    Bound, BoxError, Clock, ConfigError, Error, Ratio, Reason, Registry, Rejection, Snapshot,
};

pub use self::batcher::{Batcher, BatcherBuilder};
pub use self::behind::{Behind, BehindBuilder, Failed, Write, WriteQueue, Writer};
pub use self::cache::{
    Background, Cache, CacheBuilder, DefaultStore, Event, NotShared, Room, Turn,
};
#[cfg(feature = "tower")]
pub use self::cache::{CacheLayer, CacheService, ResponseFuture as CacheFuture};
#[cfg(feature = "tower")]
pub use self::coalesce::{CoalesceLayer, CoalesceService, ResponseFuture as CoalesceFuture};
pub use self::flight::{
    Detached, LoadError, LoadTask, Panicked, Run, RunMany, SingleFlight, SingleFlightBuilder,
};
#[cfg(feature = "quick-cache")]
pub use self::store::QuickStore;
pub use self::store::{Cause, Equivalent, SetStore, Store};
pub use self::{entry::Entry, loaded::Loaded};
