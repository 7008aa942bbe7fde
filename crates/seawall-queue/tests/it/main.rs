//! What the crate promises, in one binary: each file of its own would be linked, and run, alone.

#![cfg(not(seawall_loom))]

mod allocations;
mod auto_traits;
#[cfg(feature = "conformance")]
mod conformance;
#[cfg(feature = "tower")]
mod contract;
#[cfg(all(feature = "tower", feature = "worker"))]
mod layer;
mod pass_on;
#[cfg(feature = "worker")]
mod periodic;
mod queue;
mod ring;
mod ring_model;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "worker")]
mod watch;
#[cfg(feature = "worker")]
mod worker;

use seawall_test::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::system();
