//! Tests that need the inside.

#[cfg(not(seawall_loom))]
mod flights;
#[cfg(not(seawall_loom))]
mod freshness;
#[cfg(seawall_loom)]
mod loom_flight;
#[cfg(seawall_loom)]
mod loom_loads;
#[cfg(seawall_loom)]
mod loom_publish;
#[cfg(not(seawall_loom))]
mod owed;
