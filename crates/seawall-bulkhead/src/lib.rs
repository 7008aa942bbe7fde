// The page shows the layer too, and is tested where that is there.
#![cfg_attr(feature = "tower", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "tower"),
    doc = "Keeps one failure in one compartment: a bounded number of calls at once."
)]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg(hide(seawall_loom))))]

mod acquire;
pub mod adaptive;
mod builder;
mod bulkhead;
mod call;
mod compartment;
mod config;
mod demand;
mod event;
#[cfg(feature = "tower")]
pub mod future;
#[cfg(feature = "tower")]
mod gate;
mod keyed;
#[cfg(feature = "tower")]
mod keyed_layer;
#[cfg(feature = "tower")]
mod layer;
mod machine;
mod outside;
mod permit;
#[cfg(feature = "tower")]
mod rejecting;
#[cfg(feature = "serde")]
mod serde_form;
#[cfg(feature = "tower")]
mod service;
mod shared;
mod shed;
#[cfg(test)]
mod tests;
mod word;

pub use seawall_core::{
    Bound, BoxError, Classify, Clock, ConfigError, ErrIsFailure, Error, Outcome, Priority, Ratio,
    Reason, Registry, Rejection, Snapshot,
};

#[cfg(feature = "tokio")]
pub use self::acquire::Acquire;
pub use self::{
    adaptive::Adaptive,
    builder::BulkheadBuilder,
    bulkhead::Bulkhead,
    call::Classified,
    compartment::{
        Compartment, CompartmentBuilder, CompartmentEvent, CompartmentTurn, Drained, Panicked,
    },
    config::{Codel, Config, Order, Partition, Shedding},
    demand::{Demand, Demands, OnePlace},
    event::{Event, Turn},
    keyed::{Bulkheads, BulkheadsBuilder},
    permit::Permit,
};
#[cfg(feature = "tower")]
pub use self::{
    gate::{BulkheadGate, BulkheadGateLayer},
    keyed_layer::{BulkheadsLayer, ByKey},
    layer::BulkheadLayer,
    rejecting::{BulkheadRejecting, BulkheadRejectingLayer},
    service::{BulkheadService, Which},
};
