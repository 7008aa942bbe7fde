//! Tests that need the inside.

#[cfg(seawall_loom)]
mod loom_by_hand;
#[cfg(seawall_loom)]
mod loom_circuit;
#[cfg(seawall_loom)]
mod loom_count_window;
#[cfg(seawall_loom)]
mod loom_in_flight;
#[cfg(seawall_loom)]
mod loom_opening;
#[cfg(seawall_loom)]
mod loom_probes;
#[cfg(seawall_loom)]
mod loom_stale;
#[cfg(seawall_loom)]
mod loom_streak;
#[cfg(seawall_loom)]
mod loom_time_window;
mod outside;
#[cfg(not(seawall_loom))]
mod wrap;
