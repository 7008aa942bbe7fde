//! How an author's items get to readers: pushed to their lists, or pulled from the author's own.
//!
//! ```text
//!            followers >= threshold
//!    Push --------------------------> Pull <-------+
//!     ^                                |           | followers >= threshold
//!     |                                | followers < threshold - margin
//!     +----------- `settled` -------- Both <-------+
//! ```
//!
//! An author who comes back from `Pull` has items that no reader's list holds. So `Both` stays until the
//! caller has pushed the author's own list to the followers (items that stand already stand once), and
//! says so. `Both` pushes and is pulled: the merge drops what it finds twice.

use seawall_core::ConfigError;

/// How an author's items get to readers now. Keep it with the author.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Pushed to followers' lists.
    #[default]
    Push,
    /// Pushed, and pulled until what was not pushed earlier is.
    Both,
    /// Pulled by readers from the author's own list.
    Pull,
}

impl Delivery {
    /// Whether a new item is fanned out to followers. It always goes to the author's own list.
    #[must_use]
    pub const fn pushes(self) -> bool {
        matches!(self, Self::Push | Self::Both)
    }

    /// Whether a reader merges the author's own list.
    #[must_use]
    pub const fn pulls(self) -> bool {
        matches!(self, Self::Both | Self::Pull)
    }

    /// The author's own list has been fanned out since `Pull` was left: followers need not pull any more.
    #[must_use]
    pub const fn settled(self) -> Self {
        match self {
            Self::Both => Self::Push,
            other => other,
        }
    }
}

/// From how many followers on an author is pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    pull_from: u64,
    push_below: u64,
}

impl Threshold {
    /// Pulls from `pull_from` followers on, and pushes again below `push_below`.
    ///
    /// # Errors
    ///
    /// Unless `1 <= push_below <= pull_from`.
    pub fn new(pull_from: u64, push_below: u64) -> Result<Self, ConfigError> {
        if !(1..=pull_from).contains(&push_below) {
            return Err(ConfigError::new("push_below", push_below, "from 1 to `pull_from`"));
        }
        Ok(Self { pull_from, push_below })
    }

    /// What follows, with so many followers now. Between the two marks nothing changes.
    #[must_use]
    pub const fn next(self, now: Delivery, followers: u64) -> Delivery {
        match now {
            _ if followers >= self.pull_from => Delivery::Pull,
            Delivery::Pull if followers < self.push_below => Delivery::Both,
            _ => now,
        }
    }
}
