//! Tests that need the inside.

#[cfg(not(seawall_loom))]
mod gcra;
#[cfg(not(seawall_loom))]
mod ledger;
#[cfg(seawall_loom)]
mod loom_current;
#[cfg(seawall_loom)]
mod loom_gcra;
#[cfg(seawall_loom)]
mod loom_table;
#[cfg(not(seawall_loom))]
mod table;
