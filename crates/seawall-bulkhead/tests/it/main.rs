//! What the crate promises, in one binary: each file of its own would be linked, and run, alone.

#![cfg(not(seawall_loom))]

mod adaptive_limits;
mod auto_traits;
mod config;
mod contract;
mod events;
mod keyed;
mod model;
mod order;
mod partitions;
mod places;
mod shedding;
mod tower;
mod waiting;

use seawall_test::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::system();
