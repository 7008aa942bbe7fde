//! What worker and layer promise, in one binary: each file of its own would be linked, and run, alone.

#![cfg(not(seawall_loom))]

#[cfg(all(feature = "tower", feature = "worker"))]
mod layer;
#[cfg(feature = "worker")]
mod watch;
#[cfg(feature = "worker")]
mod worker;
