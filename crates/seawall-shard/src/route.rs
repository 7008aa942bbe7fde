//! Where a call goes: which of a key's nodes is asked first, who after that, and who has a place left.
//!
//! ```text
//!  key ──▶ slot ──▶ owner, replicas ──▶ by state, by preference ──▶ Candidates: at most four, the best first
//!                                                                        │
//!                        refused ◀── all full ◀── a place left? ◀────────┘
//!                                                      │
//!                                                      └──▶ Lease: counts until it is dropped
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | `read` | what a read wants |
//! | `candidates` | who can be asked, in the order of preference |
//! | `bound` | how much more than its share a node may carry |
//! | `ledger` | calls in flight, and who has a place left: lock-free |
//! | `detour` | where a call goes whose own nodes are full |
//! | `lease` | a place at a node |
//! | `map` | all of it, as a map's methods |
//! | `token` | how far a write has got, and what a session has seen |
//! | `progress` | how far a node has come, as it was reported |
//! | `fresh`, `fresh_reads` | what a read must not be behind, and how such reads behave |
//! | `fresh_route` | reads that must be fresh: a replica, a short wait, the primary within a budget |
//! | `report` | how a map is told of its nodes' progress |

mod bound;
mod candidates;
mod detour;
mod fresh;
mod fresh_reads;
pub(crate) mod fresh_route;
mod lease;
pub(crate) mod ledger;
mod map;
pub(crate) mod progress;
mod read;
mod report;
mod routing;
mod token;

pub(crate) use self::routing::Routing;
pub use self::{
    bound::{BoundedLoad, Overflow},
    candidates::Candidates,
    fresh::Fresh,
    fresh_reads::FreshReads,
    lease::Lease,
    read::Read,
    token::{Session, Token},
};
