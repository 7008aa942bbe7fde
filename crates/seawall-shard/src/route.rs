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

mod bound;
mod candidates;
mod detour;
mod lease;
pub(crate) mod ledger;
mod map;
mod read;
mod routing;

pub(crate) use self::routing::Routing;
pub use self::{
    bound::{BoundedLoad, Overflow},
    candidates::Candidates,
    lease::Lease,
    read::Read,
};
