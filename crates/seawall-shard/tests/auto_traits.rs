//! What can be sent, shared and unpinned: part of the interface, though no signature says so.

#![cfg(not(seawall_loom))]

use seawall_shard::{
    Event, Member, Move, Node, PlacementSpec, Plan, Replicas, ReplicasIter, ShardMap,
    ShardMapBuilder, Topology, Update,
};

const fn all<T: Send + Sync + Unpin>() {}

const _: () = {
    all::<Event>();
    all::<Member>();
    all::<Move>();
    all::<Node>();
    all::<PlacementSpec>();
    all::<Plan>();
    all::<Replicas<'_>>();
    all::<ReplicasIter<'_>>();
    all::<ShardMap>();
    all::<ShardMapBuilder>();
    all::<Topology>();
    all::<Update>();
};
