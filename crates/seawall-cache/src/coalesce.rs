//! The layer: equal requests that are in flight at the same time share one response. It needs no cache,
//! and remembers nothing.
//!
//! | a call                                   | needs the inner service |
//! |------------------------------------------|-------------------------|
//! | has no key: passes by                    | ready                   |
//! | leads: its response is everybody's       | ready                   |
//! | follows: takes the leader's response     | not at all              |
//! | takes over from a leader that was dropped| ready by then           |
//!
//! What a call will be is known by its request, and so only in `call`. A service whose inner one is not
//! ready is ready nevertheless while anything is in flight: the call may be one that follows. If it is
//! not, its future waits for the readiness of a clone.

mod future;
mod inner;
mod layer;
mod service;

pub(crate) use self::inner::Inner;
pub use self::{future::ResponseFuture, layer::CoalesceLayer, service::CoalesceService};
