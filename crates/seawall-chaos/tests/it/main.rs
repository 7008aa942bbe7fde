//! What the crate promises, in one binary: each file of its own would be linked, and run, alone.

#![cfg(not(seawall_loom))]

mod cost;
mod handle;
mod layer;
mod plan;
mod strikes;

use seawall_test::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::system();
