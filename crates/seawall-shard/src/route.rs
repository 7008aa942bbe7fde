//! Where a read goes: which of a key's nodes is asked first, and who after that.
//!
//! ```text
//!  key ──▶ slot ──▶ owner, replicas ──▶ by state, by preference ──▶ Candidates: at most four, the first first
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | `read` | what a read wants |
//! | `candidates` | who can be asked, in the order of preference |
//! | `routing` | what a map routes by, beside its table |

mod candidates;
mod map;
mod read;
mod routing;

pub(crate) use self::routing::Routing;
pub use self::{candidates::Candidates, read::Read};
