//! The shard map beside its peers and the floor: `cargo xtask bench shard`.
//!
//! How it is measured stands in the library's page; what is set equal, and what cannot be, in
//! [`settings`] and [`peers`].
//!
//! | file | question |
//! |---|---|
//! | [`lookup`] | what does it cost to find the owner of a key, among 10 to 10 000 nodes? |
//! | [`replicas`] | what do two replicas cost more? |
//! | [`fleet`] | what do the placements cost that are shared with others? |
//! | [`join`] | how long does it take a node to join a hundred? |
//! | [`pick`] | what does it cost to pick one of several equals? |
//! | [`calls`] | what does a call cost on its way to the node that has its key? |
//! | [`memory`] | how many bytes is that a node? |
//! | [`instructions`] | the same in instructions: `cargo xtask bench shard --instructions` |

mod calls;
mod fleet;
mod instructions;
mod join;
mod lookup;
mod memory;
mod peers;
mod pick;
mod replicas;
mod settings;

use std::alloc::System;

use seawall_benches::instructions::Instructions;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// Counts bytes for [`memory`]; to a peer that allocates in a look-up it adds two additions.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    if let Some(mut counted) = Instructions::asked_for() {
        return instructions::all(&mut counted);
    }
    let mut criterion = seawall_benches::criterion();
    lookup::all(&mut criterion);
    replicas::all(&mut criterion);
    fleet::all(&mut criterion);
    join::all(&mut criterion);
    pick::all(&mut criterion);
    calls::all(&mut criterion);
    criterion.final_summary();
    memory::all();
}
