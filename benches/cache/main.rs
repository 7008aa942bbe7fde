//! The cache's store beside its peers and the floor: `cargo xtask bench cache`.
//!
//! How it is measured stands in the library's page; what is set equal, and what cannot be, in
//! [`peers`].
//!
//! | file | question |
//! |---|---|
//! | [`hits`] | what does it cost to find an entry, alone and beside another thread, of many keys and of a hot one? |
//! | [`handle`] | what does a fresh hit cost through the handle, and as a layer? |
//! | [`writes`] | what does it cost to put one in, for which another goes? |
//! | [`memory`] | how many bytes is that an entry? |
//! | [`ratios`] | how many requests find their entry, on six traces? |
//! | [`instructions`] | hits and writes in instructions: `cargo xtask bench cache --instructions` |
//!
//! The last two tables, which nothing disturbs, alone: `cargo bench -p seawall-benches --bench cache -- --tables`.

mod handle;
mod hits;
mod instructions;
mod memory;
mod peers;
mod ratios;
mod traces;
mod writes;

use std::alloc::System;

use seawall_benches::instructions::Instructions;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// Counts bytes for [`memory`]; to whoever allocates it adds two additions.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    if let Some(mut counted) = Instructions::asked_for() {
        return instructions::all(&mut counted);
    }
    if std::env::args().any(|arg| arg == "--tables") {
        return tables();
    }
    let mut criterion = seawall_benches::criterion();
    hits::all(&mut criterion);
    handle::all(&mut criterion);
    writes::all(&mut criterion);
    criterion.final_summary();
    tables();
}

fn tables() {
    memory::all();
    ratios::all();
}
