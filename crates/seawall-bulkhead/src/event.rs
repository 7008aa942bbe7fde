//! What a bulkhead tells when something rare happens to it.

use seawall_core::Name;

/// A turn of a bulkhead, as its listeners get to know it.
///
/// Told by the call that made the turn, after it was made, outside any lock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The bulkhead's name.
    pub name: Name,
    /// What happened.
    pub turn: Turn,
}

/// What happened to a bulkhead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// The limit is another one.
    #[non_exhaustive]
    LimitChanged {
        /// What it was.
        from: u32,
        /// What it is.
        to: u32,
        /// Whether the latency of the calls changed it, and not a hand.
        adapted: bool,
    },
    /// The queue has not emptied for a while: who waits in it waits too long.
    OverloadBegan,
    /// The queue empties again.
    OverloadEnded,
    /// The least important calls are turned away.
    SheddingBegan,
    /// All calls are important enough again.
    SheddingEnded,
}
