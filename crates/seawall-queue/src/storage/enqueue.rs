//! What goes in.

use std::{sync::Arc, time::Duration};

use seawall_core::Priority;

use crate::job::JobId;

/// A job that is not in a queue yet: a payload, and when, before whom and how often.
///
/// # Examples
///
/// How do I put a job off, and before others?
///
/// ```
/// # use seawall_queue::{Priority, storage::NewJob};
/// # use std::time::Duration;
/// let job = NewJob::new("resize photo 7")
///     .delay(Duration::from_secs(60))
///     .priority(Priority::HIGH)
///     .key("user:42");
/// assert_eq!(job.priority, Priority::HIGH);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "a job does nothing until it is in a queue"]
pub struct NewJob<P> {
    /// What there is to do.
    pub payload: P,
    /// For how long not; none where not set.
    pub delay: Duration,
    /// Before whom: see [`turn`](super::turn).
    pub priority: Priority,
    /// Whom it shares the key's limit and turns with; nobody where not set.
    pub key: Option<Arc<str>>,
    /// What there can be one of; nothing where not set.
    pub unique: Option<Unique>,
    /// How many attempts it has, whatever its worker says.
    pub max_attempts: Option<u32>,
}

impl<P> NewJob<P> {
    /// A job of normal priority, to be done at once.
    pub const fn new(payload: P) -> Self {
        Self {
            payload,
            delay: Duration::ZERO,
            priority: Priority::NORMAL,
            key: None,
            unique: None,
            max_attempts: None,
        }
    }

    /// Not before this long from now, by the storage's clock.
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// How important it is. A point is worth a second of waiting: see [`turn`](super::turn).
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Counts against the [limit](super::Settings::key_limit) of this key, "one job of a user at a time", and takes
    /// [turns](super::Settings::fair_keys) with the other keys.
    pub fn key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Only if there is none of this key within the scope; a [`Scope`] alone will do for the second part.
    pub fn unique(mut self, key: impl Into<Arc<str>>, scope: Scope) -> Self {
        self.unique = Some(Unique { key: key.into(), scope, replace: false });
        self
    }

    /// As [`unique`](Self::unique), but where one of this key waits, this one takes its place: the same id,
    /// with what is new.
    pub fn replace(mut self, key: impl Into<Arc<str>>, scope: Scope) -> Self {
        self.unique = Some(Unique { key: key.into(), scope, replace: true });
        self
    }

    /// How many attempts it has, whatever its worker says; at least one.
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    /// The same job with another payload, if there can be one.
    ///
    /// # Errors
    ///
    /// Those of `payload`.
    pub fn try_map<Q, E>(self, payload: impl FnOnce(P) -> Result<Q, E>) -> Result<NewJob<Q>, E> {
        Ok(NewJob {
            payload: payload(self.payload)?,
            delay: self.delay,
            priority: self.priority,
            key: self.key,
            unique: self.unique,
            max_attempts: self.max_attempts,
        })
    }
}

impl<P> From<P> for NewJob<P> {
    fn from(payload: P) -> Self {
        Self::new(payload)
    }
}

/// What there can be one of.
///
/// A unique key's holder keeps it as long as its scope says. Meanwhile another job of that key does not go
/// in; it may replace what the holder carries, if that waits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unique {
    /// Of what: `"photo:7"`. Another thing than a job's [key](NewJob::key), and they don't meet.
    pub key: Arc<str>,
    /// For how long.
    pub scope: Scope,
    /// Whether a job of this key that waits takes over the payload, the priority, the key and the delay of
    /// this one.
    pub replace: bool,
}

/// For how long a unique key is held.
///
/// Whether somebody holds it is asked before whether there is room. A dead job that is requeued takes its
/// key again where its scope is [`Active`](Self::Active); with the other two it does without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Until it is claimed for the first time, or over: what changes while it runs is worth another run.
    Queued,
    /// Until it is over: done, dead or cancelled.
    #[default]
    Active,
    /// For this long since it was enqueued, whatever becomes of it.
    For(Duration),
}

/// What is done where no room is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Room {
    /// What does not fit is refused.
    #[default]
    Refuse,
    /// A job that waits and is of lower priority is shed for it: of the lowest, the last to be due. Where none
    /// is lower, what does not fit is refused. Where [keys take turns](super::turn), those who stand in line
    /// are shed after the others of their priority: who pushed less than all others loses nothing.
    Shed,
}

/// What became of a job that was to go in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// It is in.
    New {
        /// Its name from now on.
        id: JobId,
        /// Who is a [dead letter](crate::job::Cause::Shed) for it.
        shed: Option<JobId>,
    },
    /// It is not: this one holds its unique key.
    Existing(JobId),
    /// It is not, but this one, who holds its unique key and waits, carries what it carried.
    Replaced(JobId),
    /// It is not: there is no room.
    Full,
}

impl Enqueued {
    /// Who stands for it now: it, or who holds its unique key.
    #[must_use]
    pub const fn id(self) -> Option<JobId> {
        match self {
            Self::New { id, .. } | Self::Existing(id) | Self::Replaced(id) => Some(id),
            Self::Full => None,
        }
    }
}
