// The page shows the layer too, and is tested where that is there.
#![cfg_attr(feature = "tower", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "tower"), doc = "Makes calls slow, fail, hang or panic on purpose.")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg(hide(seawall_loom))))]

mod builder;
mod chaos;
mod drill;
mod event;
mod fate;
#[cfg(feature = "tower")]
pub mod future;
mod injected;
#[cfg(feature = "tower")]
pub mod layer;
mod pass;
mod plan;
#[cfg(feature = "tower")]
mod service;
mod state;
mod strike;
#[cfg(test)]
mod tests;

pub use self::{
    builder::ChaosBuilder,
    chaos::Chaos,
    drill::Drill,
    event::Event,
    injected::Injected,
    pass::Pass,
    plan::{Delay, Plan},
    strike::{Strike, Strikes},
};
#[cfg(feature = "tower")]
pub use self::{layer::ChaosLayer, service::ChaosService};
pub use seawall_core::{Clock, ConfigError, Name, Observe, Registry, Snapshot};
