//! Sending calls to whoever has their data: by key over the nodes of a map, and among replicas without keys.
//!
//! ```text
//!  request ──> key ──> nodes, the best first ──> has a service? ──> has a place? ──> is ready? ──> call
//!                                                     │                │               │            │
//!                                                     └── the next ────┴───────────────┴── refused ─┘
//! ```
//!
//! To be read in this order:
//!
//! | file | what it is |
//! |---|---|
//! | `access` | what a request wants: whom it may ask, and whom first |
//! | `seats` | the services, by the names of their nodes |
//! | `candidate`, `equals` | who is next: of a key's nodes, and of equals |
//! | `looking`, `wait` | until one is ready |
//! | `fail_over` | what happens when that one refuses |
//! | `moving` | what the other side is asked, while a slot moves |
//! | `pool`, `view` | what clones share, and what a call sees of it |
//! | `service`, `replica_set`, `handle`, `future` | for Tower |
//! | `follow`, `discovery` | services from a `Discover` |
//!
//! # Who is asked
//!
//! | a node | | a request goes |
//! |---|---|---|
//! | is down | is passed over | to the next that [it may ask](Access) |
//! | drains | comes last | |
//! | has no service | is passed over | to the next |
//! | is not [as fresh](Access::Fresh) as is asked | is passed over | to the next; where all are behind, to who reports first, and after a short wait to the owner, within a budget |
//! | is at its [bound](crate::route::BoundedLoad) | is passed over | to the next, and where all are, to any node or to none, as the map says; a write to none |
//! | fails to get ready | is passed over, for this call | to the next; the last error comes back where there is none |
//! | is not ready | is waited for: alone for as long as there is [patience](Sharded::patience), and then beside the next | to whoever gets ready first |
//! | refuses the call | is the answer, or [is not](Sharded::fail_over) | to the next, with a copy of the request |
//! | fails | is the answer | |
//!
//! A call tries four members at most. Where nobody can be asked it is [refused](seawall_core::Reason): as
//! `NoShard` where nobody is there, as `Overloaded` where all are at their bounds. It waits without end for
//! members that never get ready, or until others come or may be asked (with the feature `tokio`), but not past its
//! [deadline](seawall_core::deadline): then it ends as `DeadlineExceeded` (with the feature `tokio`).
//!
//! # What it promises
//!
//! 1. It is always ready, and a caller who polls and never calls holds nothing.
//! 2. Nobody needs to clone a request: a node that cannot get ready has never seen it. A call
//!    whose node is ready allocates nothing.
//! 3. A call is made once, unless it was refused and its user has said how to make it again.
//! 4. The place of a call at its node is given back once, when the response is there, or when the call is
//!    dropped, or panics.
//! 5. A write goes to the owner and to nobody else; after it has waited, to whoever is the owner by then.
//! 6. While a slot moves, and where it is [said](Sharded::both_sides) how, a write is acknowledged when both
//!    sides have it, and a read that finds nothing at the one has asked the other.
//!
//! # Services without nodes
//!
//! A service for a node that the map does not have is kept, and used when the map has the node: so endpoints and
//! topology may change in any order. It is dropped when it is removed, or its stream takes it away. Whoever
//! discovers more than nodes keeps more than is used.
//!
//! # While keys move
//!
//! During a [migration](crate::migration) a write goes to where [`write_route`](crate::ShardMap::write_route)
//! says, if it is [said](Sharded::access) to be a write; in the moment of a hand-over it is refused, for a retry
//! to make it again. What there is to do at the [other side](crate::migration::WriteRoute::forward) of a move is
//! done where the user says [how](Sharded::both_sides): a write is told there before it is acknowledged, and a read
//! goes on to the [second node](crate::migration::ReadRoute::fallback) where the first knows nothing of a key.
//! Without that the nodes have to do it, which follow the same migration.

mod access;
mod candidate;
#[cfg(feature = "discover")]
mod discovery;
mod equals;
mod fail_over;
#[cfg(feature = "discover")]
mod follow;
mod future;
mod handle;
mod looking;
mod moving;
pub(crate) mod pool;
mod replica_set;
mod seats;
mod service;
mod view;
mod wait;

pub use self::{
    access::{Access, ChooseAccess, OwnerFirst},
    fail_over::{Again, FailOver, Once, was_refused},
    future::ResponseFuture,
    moving::{BothSides, OneSide, WhileMoving},
    replica_set::ReplicaSet,
    service::Sharded,
};
#[cfg(feature = "discover")]
pub use crate::follow::Follow;
