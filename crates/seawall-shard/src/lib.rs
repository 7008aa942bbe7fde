#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg(hide(seawall_loom))))]

pub mod balance;
mod builder;
mod control;
mod event;
mod explicit;
pub mod fleet;
#[cfg(feature = "discover")]
mod follow;
#[cfg(feature = "tokio")]
pub mod health;
mod key;
pub mod migration;
mod node;
mod once;
mod plan;
#[cfg(any(feature = "tower", seawall_loom))]
mod published;
mod rendezvous;
mod replicas;
mod roster;
pub mod route;
mod shard_map;
#[cfg(feature = "tower")]
pub mod sharded;
mod shared;
mod slots;
mod spec;
pub mod split;
#[cfg(test)]
mod tests;
mod topology;
mod word;
mod zone_skew;

pub use seawall_core::{ConfigError, Registry, Rejection, Snapshot};

#[cfg(feature = "tower")]
pub use self::sharded::{ReplicaSet, Sharded};
pub use self::{
    balance::Balance,
    builder::ShardMapBuilder,
    event::{Event, Turn, Update},
    key::{ShardKey, hash},
    migration::Migration,
    node::{Member, Node, NodeState},
    plan::{Move, Plan, PlanStats, Role},
    replicas::{Replicas, ReplicasIter},
    route::{Candidates, Read},
    shard_map::ShardMap,
    spec::{Algorithm, KeyHash, PlacementSpec, Run},
    split::Split,
    topology::Topology,
    zone_skew::ZoneSkew,
};
