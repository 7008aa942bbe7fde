//! What the worker promises, on a paused clock where nothing has to block.

mod auto;
mod dropped;
mod ends;
mod jobs;
mod leases;
mod panics;
mod service;
mod settings;
mod shaky;
mod turns;
