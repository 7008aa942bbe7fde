//! What is counted of a job, and how much of it is allowed.

/// How often what happened to a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Counts {
    /// It was given to a handler, and that was not taken back by a snooze or a release. The first run is
    /// attempt 1.
    pub attempts: u32,
    /// Its lease ended without a word from its worker.
    pub crashes: u32,
    /// A handler put it off.
    pub snoozes: u32,
    /// Somebody took it out of the dead letters.
    pub redrives: u32,
}

/// How much a job may fail before it is dead; comes with each claim, and holds until the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// How many attempts it has.
    pub attempts: u32,
    /// After how many crashes it is dead, though attempts are left.
    pub crashes: u32,
}

impl Limits {
    /// The same, with the attempts that a job has of its own, if it has.
    #[must_use]
    pub fn or_own(self, attempts: Option<u32>) -> Self {
        Self { attempts: attempts.unwrap_or(self.attempts), ..self }
    }
}

impl Default for Limits {
    /// Five attempts, three crashes.
    fn default() -> Self {
        Self { attempts: 5, crashes: 3 }
    }
}
