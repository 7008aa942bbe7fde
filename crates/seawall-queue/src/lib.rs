#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg(hide(seawall_loom))))]

mod clock;
mod codec;
#[cfg(all(feature = "conformance", not(seawall_loom)))]
pub mod conformance;
pub mod job;
#[cfg(feature = "tower")]
mod layer;
mod memory;
pub mod periodic;
mod poll_once;
mod queue;
pub mod ring;
#[cfg(all(feature = "sqlite", not(seawall_loom)))]
pub mod sqlite;
pub mod storage;
#[cfg(test)]
mod tests;
#[cfg(all(feature = "worker", not(seawall_loom)))]
pub mod worker;

pub use seawall_core::{BoxError, ConfigError, Error, Priority};

#[cfg(feature = "json")]
pub use self::codec::Json;
#[cfg(feature = "tower")]
pub use self::layer::{EnqueueError, EnqueueLayer, EnqueueService, Enqueueing};
#[cfg(all(feature = "worker", not(seawall_loom)))]
pub use self::queue::Watch;
#[cfg(all(feature = "worker", not(seawall_loom)))]
pub use self::worker::{Concurrency, Report, Worker, WorkerBuilder};
pub use self::{
    codec::{Codec, Plain},
    memory::Memory,
    queue::{DeadLetters, Event, Job, MemoryBuilder, Queue, QueueBuilder, StorageError, Turn},
    storage::{Claim, Claimed, NewJob, Storage},
};
