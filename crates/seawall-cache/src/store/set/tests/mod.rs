//! Tests that need the inside.

#[cfg(seawall_loom)]
mod loom_set;
#[cfg(seawall_loom)]
mod loom_slot;
