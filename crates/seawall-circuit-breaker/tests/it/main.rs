//! What the crate promises, in one binary: each file of its own would be linked, and run, alone.

#![cfg(not(seawall_loom))]

mod auto_traits;
mod config;
mod contract;
mod keyed;
mod model;
mod rules;
mod tower;
mod turns;

use seawall_test::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::system();
