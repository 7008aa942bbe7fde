//! What can go wrong with a queue, beside that it refuses.

use seawall_core::BoxError;

/// A call of a queue that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The storage failed: what it was to do may be done or not.
    #[error("the queue's storage failed")]
    Failed(#[source] BoxError),
    /// A payload can't be encoded: none of the call's jobs is in.
    #[error("a job's payload can't be encoded")]
    Encode(#[source] BoxError),
}
