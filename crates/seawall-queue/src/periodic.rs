//! Jobs that come again and again: each fire of a schedule is pushed once, however many processes keep it.
//!
//! Read in this order: this page; `schedule`, when it fires, and `cron`; `plan`, which fire is to be pushed now: all
//! pure; then `every`, what a user says, and `fire`, what is done.
//!
//! ```text
//!   process 1   every("0 3 * * *") ──┐
//!   process 2   every("0 3 * * *") ──┼──▶ push, unique "every/NAME/03:00" ──▶ New: one job a fire
//!   process 3   every("0 3 * * *") ──┘                                        Existing: somebody was faster
//! ```
//!
//! There is no leader, and nothing that is kept but the unique key: all who [say](crate::Queue::every) a schedule work out its
//! fires, each pushes what is due, and the storage takes the first. Who is dead is not missed as long as one lives.
//! A fire is pushed at its moment and not ahead of it: a schedule that is changed or stopped leaves nothing behind in
//! the storage, and how late a fire may be is the schedule's to say, not that of a backlog.
//!
//! # What it promises
//!
//! 1. **Once a fire.** All processes that say a schedule of one name push each of its fires once together: through
//!    restarts, and though answers are lost. Their clocks may be up to five minutes apart from the storage's, and a
//!    call may take five minutes.
//! 2. **No storm.** Of the fires that nobody was there for, at most the last is pushed, if it is no later than
//!    [`late`](Every::late) says: a minute, where not set, which a restart takes. A process that slept for a day is as
//!    one that was not there.
//! 3. **A storage that fails** is asked again each second, as long as the fire is not too late. A queue that is full
//!    is such a one: nobody is shed for a fire.
//! 4. **Back in time, nothing comes again.** A process remembers the last 128 fires that it pushed; beyond these, and
//!    for one that has begun since, the storage does for as long as a fire could be late and a quarter of an hour.
//! 5. **Ahead of time, nothing is lost.** A clock that was wrong by years, and is right again, holds up no fire.
//! 6. **Nothing runs by itself.** Fires are pushed by a worker of this queue's handle or of a clone as long as it
//!    runs, or by whoever calls [`fire`](crate::Queue::fire). When they end, it ends.
//!
//! # What it does not do
//!
//! Know that it is new. A schedule that is said for the first time pushes the last fire too, where that is no later
//! than `late`: whether it was there before, nobody knows.

#[cfg(feature = "cron")]
mod cron;
mod every;
mod fire;
mod plan;
mod schedule;

use std::{fmt, sync::Arc};

use seawall_core::{Clock, Name, Nanos, sync::Mutex};

use self::plan::Plan;
pub use self::{
    every::{Every, Periodic},
    fire::Fired,
    schedule::{IntoSchedule, Schedule},
};
use crate::storage::NewJob;

/// One fire of a schedule, as the maker of its job is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fire {
    /// The schedule's name.
    pub name: Name,
    /// When it was to be, in time since 1970; now is up to [`late`](Every::late) after it.
    pub at: Nanos,
}

/// All schedules of a queue's handle and its clones.
pub(crate) struct Schedules<T>(Mutex<Vec<Arc<Entry<T>>>>);

/// Makes the job of a fire.
type Make<T> = dyn Fn(Fire) -> NewJob<T> + Send + Sync;

struct Entry<T> {
    name: Name,
    clock: Clock,
    make: Box<Make<T>>,
    plan: Mutex<Plan>,
}

impl<T> Default for Schedules<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> fmt::Debug for Entry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).finish_non_exhaustive()
    }
}
