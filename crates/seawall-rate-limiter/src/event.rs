//! What a limiter tells when something rare happens to it.

use seawall_core::Name;

use crate::Quota;

/// A turn of a limiter, as its listeners get to know it.
///
/// Told by the thread that made the turn, after it was made, outside any lock. A refusal is no turn: it
/// is told to whoever was refused, and counted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The limiter's name.
    pub name: Name,
    /// What happened.
    pub turn: Turn,
}

/// What happened to a limiter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// Its quotas are others.
    #[non_exhaustive]
    QuotaChanged {
        /// What they were.
        from: Vec<Quota>,
        /// What they are.
        to: Vec<Quota>,
    },
    /// A limiter of many keys finds no room for a key any more: more of them are in use at once than it
    /// was built for.
    KeysCrowded,
}
