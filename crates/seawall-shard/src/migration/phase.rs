//! The phases of a move.

use std::fmt;

/// In which phase of its move a slot is; see [the page](crate::migration) for who does what in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Phase {
    /// The target is given what the source has.
    Copying = 1,
    /// It is given what has changed since.
    CatchUp = 2,
    /// Nobody writes, until it has the last of it.
    HandOff = 3,
    /// The target owns; what it does not know is asked of the source.
    DualRead = 4,
    /// The target owns; what the source has is deleted.
    CleanUp = 5,
}

impl Phase {
    /// The phase as one lower-case word, for labels of metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Copying => "copying",
            Self::CatchUp => "catch_up",
            Self::HandOff => "hand_off",
            Self::DualRead => "dual_read",
            Self::CleanUp => "clean_up",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
