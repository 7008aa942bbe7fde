#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod alloc;
pub mod contract;
mod failure;
mod held;
mod probe;
mod scripted;
mod task;

pub use self::{
    alloc::{CountingAllocator, allocations},
    failure::{BoxError, Failure},
    held::{Answer, Held, HeldCall, HeldFuture, HeldHandle},
    probe::{Probe, ProbeFuture, ProbeHandle},
    scripted::{Scripted, ScriptedFuture, Step},
    task::{Settled, Task},
};
