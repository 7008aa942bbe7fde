//! What can be sent, shared and unpinned: part of the interface, though no signature says so.

use seawall_shard::{
    Candidates, Event, Member, Move, Node, PlacementSpec, Plan, Read, Replicas, ReplicasIter,
    ShardMap, ShardMapBuilder, Topology, Update,
    migration::{
        Batch, Fence, Haul, Level, Migration, MigrationBuilder, MigrationSpec, Pass, Phase,
        Progress, ReadRoute, Refused, Step, WriteRoute,
    },
    route::{BoundedLoad, Fresh, FreshReads, Lease, Session, Token},
};

const fn all<T: Send + Sync + Unpin>() {}

const _: () = {
    all::<Event>();
    all::<Member>();
    all::<Move>();
    all::<Batch>();
    all::<Fence>();
    all::<Haul>();
    all::<Level>();
    all::<Migration>();
    all::<MigrationBuilder>();
    all::<MigrationSpec>();
    all::<Pass<'_>>();
    all::<Phase>();
    all::<Progress>();
    all::<ReadRoute<'_>>();
    all::<Refused>();
    all::<Step>();
    all::<WriteRoute<'_>>();
    all::<Candidates<'_>>();
    all::<Read>();
    all::<BoundedLoad>();
    all::<Lease>();
    all::<Fresh>();
    all::<FreshReads>();
    all::<Session>();
    all::<Token>();
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

#[cfg(feature = "tokio")]
const _: fn(&ShardMap) = |shards| {
    const fn can_be_sent(_: &impl Send) {}
    can_be_sent(&shards.route_fresh(b"k", Read::Any, Fresh::default()));
};
