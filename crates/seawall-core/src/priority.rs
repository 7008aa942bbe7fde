//! How important a call is: what shedding looks at.

use std::future::Future;

use crate::context::{Context, Scope, with_current};

/// A call's importance, from 0 to 255: the higher, the later it is shed.
///
/// The named levels leave room between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Priority(pub u8);

impl Priority {
    /// Work that nobody waits for, such as a prefetch.
    pub const LOWEST: Self = Self(0);
    /// Work that can be late, such as a batch.
    pub const LOW: Self = Self(64);
    /// What a person waits for; where nothing is set.
    pub const NORMAL: Self = Self(128);
    /// What the business lives from.
    pub const HIGH: Self = Self(192);
    /// What keeps the service alive, such as its health checks.
    pub const CRITICAL: Self = Self(255);
}

impl Default for Priority {
    fn default() -> Self {
        Self::NORMAL
    }
}

/// Runs `future` with `priority`.
///
/// # Examples
///
/// ```
/// # use seawall_core::{Priority, priority};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// priority::scope(Priority::LOW, async {
///     assert_eq!(priority::current(), Priority::LOW);
/// })
/// .await;
/// assert_eq!(priority::current(), Priority::NORMAL);
/// # });
/// ```
pub fn scope<F: Future>(priority: Priority, future: F) -> Scope<F> {
    Context::new().with_priority(priority).scope(future)
}

/// The present call's priority; [`Priority::NORMAL`] where none is set.
#[must_use]
pub fn current() -> Priority {
    with_current(Context::priority).unwrap_or_default()
}
