//! Tests that need the inside.

#[cfg(seawall_loom)]
mod loom_flight;
#[cfg(seawall_loom)]
mod loom_loads;
