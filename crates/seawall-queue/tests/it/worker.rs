//! What the worker promises, on a paused clock where nothing has to block.

mod auto;
mod dropped;
mod jobs;
mod leases;
mod panics;
mod service;
mod shaky;
mod turns;
