//! Tests that need the inside.

#[cfg(seawall_loom)]
mod loom_memory;
#[cfg(seawall_loom)]
mod loom_ring;
#[cfg(seawall_loom)]
mod loom_slots;
#[cfg(seawall_loom)]
mod sleeper;
#[cfg(not(seawall_loom))]
mod slots;
