//! What the crate promises, in one binary: each file of its own would be linked, and run, alone.

#![cfg(not(seawall_loom))]

mod auto_traits;
mod backoff;
mod backoff_bounds;
mod backoff_serde;
mod chance;
mod clock;
mod clock_tokio;
mod context;
mod duration;
mod error;
mod flatten;
mod keyed;
mod listeners;
mod name;
mod ratio;
mod registry;
mod rejection;
mod snapshot;

use seawall_test::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::system();
