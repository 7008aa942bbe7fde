//! What the crate promises, in one binary: each file of its own would be linked, and run, alone.

#![cfg(not(seawall_loom))]

mod attempts;
mod auto_traits;
mod backoff;
mod blocking;
mod budget;
mod config;
mod contract;
mod contract_fallback;
mod contract_hedge;
mod contract_policy;
mod contract_timeout;
mod deadline;
mod fallback;
mod hedge;
mod policy;
mod pushback;
mod reconfigure;
mod timeout;
mod tower;

use seawall_test::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::system();
