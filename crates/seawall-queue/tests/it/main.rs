//! What the worker promises, in one binary: each file of its own would be linked, and run, alone.

#![cfg(not(seawall_loom))]

#[cfg(feature = "worker")]
mod worker;
