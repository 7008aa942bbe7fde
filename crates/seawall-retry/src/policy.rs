//! `tower::retry::Policy` as it stands, within the bounds of a [`Retry`](crate::Retry).
//!
//! The policy says whether there is another attempt, changes request and result as it likes, and waits by
//! a future of its own. The retry says how far that may go.
//!
//! ```text
//!            ready                a result, and the policy is content
//!  Readies ----------> Runs ---------------------------------------------> Ended
//!     ^                 |                                                    ^
//!     |  its future     | the policy wants another, and there may be one     |
//!     +---- Waits <-----+                                                    |
//!     |       |                     the time of the whole call is over       |
//!     |       +--------------------------------------------------------------+
//!     |  the backoff    | the attempt took too long
//!     +---- Pauses <----+
//! ```
//!
//! | what | who says so |
//! |---|---|
//! | is the result worth another try | the policy, refusals by patterns further in included |
//! | how long to wait | the policy; after an attempt that took too long, of which it learns nothing, the backoff |
//! | how many attempts, how long in all, and what pays for them | both: the one that allows less |
//!
//! Read `layer`, `service`, `future`.
//!
//! # What it promises
//!
//! 1. Where the retry allows all that the policy wants, a call goes as in tower's own `Retry`.
//! 2. The policy is asked after each attempt whose request it could clone, the last one too: it may count,
//!    or change the result.
//! 3. No wait of the policy's goes on after the deadline, and none is followed by an attempt after it: the
//!    call ends with the last error (where that was a response, which is not kept while others wait for
//!    what it holds, as an attempt that took too long), and what the budget gave goes back.

mod future;
mod layer;
mod service;

pub use self::{future::PolicyFuture, layer::PolicyLayer, service::PolicyService};
