//! What the crate promises, in one binary: each file of its own would be linked, and run, alone.

#![cfg(not(seawall_loom))]

mod auto_traits;
mod cache;
mod cache_layer;
mod cache_many;
mod cache_model;
mod coalesce;
mod l2;
mod many;
mod model;
mod single_flight;
mod store;
mod store_model;
mod timeline;

use seawall_test::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::system();
