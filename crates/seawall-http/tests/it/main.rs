//! What the crate promises, in one binary: each file of its own would be linked, and run, alone.

#![cfg(not(seawall_loom))]

mod classify;
mod grpc;
mod quota;
mod refusal;
mod retry;
mod retry_after;
mod time_left;
