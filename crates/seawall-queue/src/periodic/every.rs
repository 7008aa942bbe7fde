//! What a user says of a periodic job.

use std::{
    fmt,
    future::{IntoFuture, Ready, ready},
    sync::{Arc, Weak},
    time::Duration,
};

use seawall_core::{Clock, ConfigError, Name, Nanos, sync::Mutex};

use super::{Entry, Fire, IntoSchedule, Make, Plan, Schedule, plan::LATE};
use crate::{
    clock::wall_clock,
    queue::{Queue, Shared},
    storage::NewJob,
};

impl<T> Queue<T> {
    /// Pushes a copy of a job at each fire of a schedule, once for all processes that say the same. Await it, after
    /// what is special about it was said; a worker of this queue does the rest.
    ///
    /// The job may have a priority, a key and all else; its unique key is the fire's. What a queue promises of it is on
    /// the page of [`periodic`](crate::periodic).
    ///
    /// # Examples
    ///
    /// How do I clean up at three each night, on however many machines my service runs?
    ///
    /// ```
    /// # #[cfg(feature = "cron")] {
    /// # use seawall_queue::{BoxError, Queue};
    /// # use std::time::Duration;
    /// #[derive(Clone)]
    /// struct Cleanup;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// let queue = Queue::<Cleanup>::memory("upkeep").build()?;
    /// queue.every("0 3 * * *", Cleanup).await?;
    ///
    /// // And if all machines are down at three: as soon as one is up again, until noon.
    /// queue.every("30 3 * * *", Cleanup).late(Duration::from_secs(9 * 3600)).await?;
    /// # Ok::<(), BoxError>(())
    /// # })?;
    /// # }
    /// # Ok::<(), seawall_queue::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Awaited, where there is no such schedule, or one of this name already. The storage is not asked: that it fails
    /// now is no error, and the fires come when it is back.
    pub fn every(&self, schedule: impl IntoSchedule, job: impl Into<NewJob<T>>) -> Every<'_, T>
    where
        T: Clone + Send + Sync + 'static,
    {
        let job = job.into();
        self.every_with(schedule, move |_| job.clone())
    }

    /// As [`every`](Self::every), with a job that is made when it fires.
    ///
    /// It may be made several times for one fire, where a storage fails and by each process. Where it panics, the fire
    /// is tried again as if the storage had failed.
    ///
    /// # Examples
    ///
    /// How do I tell the job which hour it is for?
    ///
    /// ```
    /// # use seawall_core::{Clock, Nanos};
    /// # use seawall_queue::{BoxError, Claim, Queue};
    /// # use std::time::Duration;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// # let (clock, _hand) = Clock::manual(); // it is one in the night, on the first of January 1970
    /// const HOUR: Duration = Duration::from_secs(3600);
    ///
    /// let queue = Queue::<Nanos>::memory("reports").build()?;
    /// queue.every_with(HOUR, |fire| fire.at - HOUR).name("hourly report")
    /// #   .clock(clock)
    ///     .await?;
    ///
    /// queue.fire().await; // what a worker does all the time
    /// # let claimed = queue.claim(Claim::new(10, HOUR)).await?;
    /// # assert_eq!(claimed[0].payload, Nanos::ZERO);
    /// # Ok::<(), BoxError>(())
    /// # })?;
    /// # Ok::<(), BoxError>(())
    /// ```
    pub fn every_with<J: Into<NewJob<T>>>(
        &self,
        schedule: impl IntoSchedule,
        make: impl Fn(Fire) -> J + Send + Sync + 'static,
    ) -> Every<'_, T> {
        Every {
            queue: self,
            schedule: schedule.into_schedule(),
            make: Box::new(move |fire| make(fire).into()),
            name: None,
            late: LATE,
            clock: None,
        }
    }
}

/// A periodic job that is not kept yet: made by [`Queue::every`], and kept once it is awaited.
///
/// | setting | default | why |
/// |---|---|---|
/// | `name` | the schedule's text | needs no thought where each schedule has one job |
/// | `late` | a minute | a restart, or a storage that is away for a moment, misses nothing; nobody is surprised at noon |
/// | `clock` | the system's wall clock | schedules are about what clocks show |
#[must_use = "no fire comes of it until it is awaited"]
pub struct Every<'a, T> {
    queue: &'a Queue<T>,
    schedule: Result<Schedule, ConfigError>,
    make: Box<Make<T>>,
    name: Option<Name>,
    late: Duration,
    clock: Option<Clock>,
}

impl<T> Every<'_, T> {
    /// What makes it the same for all processes, and another one than those of other names. Where not set, it is the
    /// schedule's text, as in `"0 3 * * * UTC"`: two jobs of one schedule need names.
    ///
    /// Under a name that was kept, a schedule can be changed: what both fire at the same moment is still pushed once.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How late a fire may be pushed, when nobody was there for it or the storage has failed: a minute where not set;
    /// from a second to a year.
    ///
    /// Of several that were missed, only the last is pushed.
    pub const fn late(mut self, late: Duration) -> Self {
        self.late = late;
        self
    }

    /// What tells the time: nanoseconds since 1970. The system's wall clock where not set.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    fn keep(self) -> Result<Periodic<T>, ConfigError> {
        let schedule = self.schedule?;
        let name = self.name.unwrap_or_else(|| schedule.to_string().into());
        let entry = Arc::new(Entry {
            name,
            clock: self.clock.unwrap_or_else(wall_clock),
            make: self.make,
            plan: Mutex::new(Plan::new(schedule, self.late)?),
        });
        let mut kept = self.queue.shared.schedules.0.lock();
        if kept.iter().any(|other| other.name == entry.name) {
            let rule = "one that no other schedule of this queue has";
            return Err(ConfigError::new("name", &entry.name, rule));
        }
        kept.push(Arc::clone(&entry));
        Ok(Periodic { shared: Arc::downgrade(&self.queue.shared), entry })
    }
}

impl<T> IntoFuture for Every<'_, T> {
    type Output = Result<Periodic<T>, ConfigError>;
    type IntoFuture = Ready<Self::Output>;

    /// Ready at once.
    fn into_future(self) -> Self::IntoFuture {
        ready(self.keep())
    }
}

impl<T> fmt::Debug for Every<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Every")
            .field("schedule", &self.schedule)
            .field("name", &self.name)
            .field("late", &self.late)
            .finish_non_exhaustive()
    }
}

/// A periodic job that is kept, as long as the queue's handle or a clone is: from [`Queue::every`].
///
/// Dropped, it is still kept: [`stop`](Self::stop) ends it.
pub struct Periodic<T> {
    shared: Weak<Shared<T>>,
    entry: Arc<Entry<T>>,
}

impl<T> Periodic<T> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.entry.name
    }

    /// When it fires next, in time since 1970; `None` where there is nothing to come, or it is stopped.
    #[must_use]
    pub fn next(&self) -> Option<Nanos> {
        let shared = self.shared.upgrade()?;
        let is_kept = shared.schedules.0.lock().iter().any(|kept| Arc::ptr_eq(kept, &self.entry));
        is_kept.then(|| self.entry.plan.lock().next(self.entry.clock.now()))?
    }

    /// Pushes no more fires from this process; what is on its way may go in yet, and what is in stays. To stop again
    /// is harmless.
    pub fn stop(&self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.schedules.0.lock().retain(|kept| !Arc::ptr_eq(kept, &self.entry));
        }
    }
}

impl<T> fmt::Debug for Periodic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Periodic").field("name", &self.entry.name).finish_non_exhaustive()
    }
}
