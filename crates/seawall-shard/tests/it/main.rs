//! What the crate promises, in one binary: each file of its own would be linked, and run, alone.

#![cfg(not(seawall_loom))]

mod auto_traits;
mod balance;
mod balance_config;
mod balance_simulation;
mod balance_subset;
mod balance_tower;
mod cost;
mod fleet_config;
mod fleet_hashes;
mod fleet_jump;
mod fleet_ketama;
mod fleet_maglev;
mod fleet_memento;
mod fleet_ring_hash;
mod fleet_support;
mod golden;
mod health;
mod migration;
mod migration_simulation;
mod migration_support;
mod placement;
mod plan;
mod replica_set;
mod replicas;
mod route_bound;
mod route_candidates;
mod route_fresh;
mod route_fresh_wait;
mod sharded;
mod sharded_discover;
mod sharded_support;
mod sharded_time;
mod split;
mod split_tower;
mod support;
mod topology;

use seawall_test::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::system();
