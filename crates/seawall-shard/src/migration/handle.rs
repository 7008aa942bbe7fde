//! The handle: workers take jobs from it, and operators steer it.

use std::{fmt, ops::Range, sync::Arc, time::Duration};

use seawall_core::{Clock, ConfigError, Listeners, Observe, Registry, Snapshot, sync::Mutex};

use crate::{
    migration::{
        Event, MigrationSpec, Mover, Progress, Stretch, Turn,
        builder::Settings,
        driver::{Driver, Job, Next, Outcome, Owner},
    },
    shared::Shared,
};

/// Moves the slots of a map to where another topology has them, while they are read and written.
///
/// Cloning is cheap and shares the migration: each clone that [`run`](Self::run)s is one more worker. When the
/// last one is dropped nothing moves any more, and everything stays as it is, to be
/// [resumed](crate::migration::MigrationBuilder::resume).
///
/// See [`migration`](crate::migration) for what it does, and what it asks of the store.
#[derive(Clone)]
pub struct Migration(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    driver: Mutex<Driver>,
    clock: Clock,
    listeners: Listeners<Event>,
}

/// What one step of a worker came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Worked {
    /// It has done something: there may be more.
    Done,
    /// There is nothing to do before that time is over: others are at work, the migration is paused, or it
    /// would be too fast.
    Wait(Duration),
    /// The migration is over.
    Over,
}

impl Migration {
    pub(crate) fn new(
        shared: Arc<Shared>,
        settings: Settings,
        clock: Clock,
        listeners: Listeners<Event>,
        epoch: u64,
        cursors: &[(Range<usize>, String)],
    ) -> Self {
        let driver = {
            let control = shared.control.lock();
            let course = control.course().expect("it is driven, and so not over");
            Driver::new(settings, course, Arc::clone(control.table()), epoch, cursors, clock.now())
        };
        Self(Arc::new(Inner { shared, driver: Mutex::new(driver), clock, listeners }))
    }

    /// Works until the migration is over.
    ///
    /// Several may run at the same time, on one task or on many: as many calls of the mover are under way.
    ///
    /// # Errors
    ///
    /// The mover's. Nothing is lost by it: run again, at once or later.
    ///
    /// # Cancel safety
    ///
    /// What the mover was about is done again by another worker.
    pub async fn run<M: Mover>(&self, mover: &M) -> Result<(), M::Error> {
        loop {
            match self.step(mover).await? {
                Worked::Done => {}
                Worked::Wait(time) => mover.sleep(time).await,
                Worked::Over => return Ok(()),
            }
        }
    }

    /// Does one thing, if there is one to do: one call of the mover.
    ///
    /// # Errors
    ///
    /// The mover's.
    ///
    /// # Cancel safety
    ///
    /// As [`run`](Self::run).
    pub async fn step<M: Mover>(&self, mover: &M) -> Result<Worked, M::Error> {
        let now = self.0.clock.now();
        let next = self.0.driver.lock().next(now);
        let (owner, job) = match next {
            Next::Do(owner, job) => (owner, job),
            Next::Wait(time) => return Ok(Worked::Wait(time)),
            Next::Over => return Ok(Worked::Over),
        };
        let task = Task { inner: &self.0, owner, is_settled: false };
        let outcome = self.work(mover, job).await?;
        task.settle(&outcome);
        Ok(Worked::Done)
    }

    async fn work<M: Mover>(&self, mover: &M, job: Job) -> Result<Outcome, M::Error> {
        let at_most = self.0.driver.lock().rows_per_batch();
        let name = |node| self.0.shared.control.lock().table().member(node).full_name();
        match job {
            Job::Record(step) => {
                mover.record(&step).await?;
                let is_over = self.0.shared.make_step(&step);
                Ok(Outcome::Recorded { is_over })
            }
            Job::Fence { node, slots, epoch } => {
                let node = name(node);
                mover.fence(&node, slots, epoch).await.map(|()| Outcome::Fenced)
            }
            Job::Copy { haul, cursor } => {
                mover.copy(&haul, cursor.as_deref(), at_most).await.map(Outcome::Moved)
            }
            Job::CatchUp { haul } => mover.catch_up(&haul, at_most).await.map(Outcome::Level),
            Job::Verify { haul } => mover.verify(&haul).await.map(Outcome::Verified),
            Job::Delete { haul, node, cursor } => {
                let node = name(node);
                mover.delete(&haul, &node, cursor.as_deref(), at_most).await.map(Outcome::Moved)
            }
        }
    }

    /// Begins nothing new, and moves nothing more, until it is resumed. Hand-offs that have begun go on:
    /// writes wait for them.
    pub fn pause(&self) {
        self.steer(true, Turn::Paused);
    }

    /// Goes on.
    pub fn resume(&self) {
        self.steer(false, Turn::Resumed);
    }

    fn steer(&self, pause: bool, turn: Turn) {
        let was = std::mem::replace(&mut self.0.driver.lock().is_paused, pause);
        if was != pause {
            self.0.tell(turn);
        }
    }

    /// Sends everything back to where it began; it has to be run until it is there.
    ///
    /// Slots whose source is still there turn round. Those that are cleaned up are copied back: so what is
    /// reached in the end is the topology from which it began, whole. Not to be undone; when it is over, start
    /// another one.
    pub fn abort(&self) {
        let aborted = {
            let mut driver = self.0.driver.lock();
            let control = self.0.shared.control.lock();
            control.course().is_some_and(|course| driver.abort(course))
        };
        if aborted {
            self.0.tell(Turn::Aborted);
        }
    }

    /// Other rates from now on; `None` for no bound.
    ///
    /// # Errors
    ///
    /// Where one is 0: [`pause`](Self::pause) it.
    pub fn set_rates(
        &self,
        items_per_second: Option<u64>,
        bytes_per_second: Option<u64>,
    ) -> Result<(), ConfigError> {
        for (field, rate) in
            [("items_per_second", items_per_second), ("bytes_per_second", bytes_per_second)]
        {
            if rate == Some(0) {
                return Err(ConfigError::new(field, 0, "at least 1, or none"));
            }
        }
        self.0.driver.lock().set_rates(items_per_second, bytes_per_second);
        Ok(())
    }

    /// All that another process needs to go on from here, cursors as well; `None` when it is over.
    #[must_use]
    pub fn spec(&self) -> Option<MigrationSpec> {
        let driver = self.0.driver.lock();
        let mut spec = self.0.shared.control.lock().migration_spec()?;
        for (slots, cursor) in driver.cursors() {
            set_cursor(&mut spec.slots, &slots, cursor);
        }
        Some(spec)
    }

    /// Whether all is where it is to be.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.driver.lock().is_over
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let driver = self.0.driver.lock();
        let left = {
            let control = self.0.shared.control.lock();
            control.course().map_or(0, |course| driver.moves_left(course))
        };
        let counts = driver.counts;
        let running_for = self.0.clock.now().since(driver.since);
        let per_second = |count: u64| match running_for.as_secs_f64() {
            seconds if seconds > 0.0 => count as f64 / seconds,
            _ => 0.0,
        };
        let done_here = counts.moves_done - counts.moves_before;
        let eta = match (left, done_here) {
            (0, _) => Some(Duration::ZERO),
            (_, 0) => None,
            (left, done) => {
                Duration::try_from_secs_f64(running_for.as_secs_f64() * left as f64 / done as f64)
                    .ok()
            }
        };
        Progress {
            moves: counts.moves_done + left,
            moves_done: counts.moves_done,
            slots_moving: driver.slots_moving(),
            items: counts.items,
            bytes: counts.bytes,
            items_deleted: counts.items_deleted,
            mismatches: counts.mismatches,
            running_for,
            items_per_second: per_second(counts.items),
            bytes_per_second: per_second(counts.bytes),
            eta,
            is_paused: driver.is_paused,
            goes_back: driver.goes_back(),
            is_over: driver.is_over,
        }
    }

    /// How it stands now; see [`migration`](crate::migration) for the names of the numbers.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }

    /// Adds it to a registry, which does not keep it alive.
    pub fn register(&self, registry: &Registry) {
        registry.add(&self.0);
    }
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migration")
            .field("name", &self.0.shared.name)
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}

impl Observe for Migration {
    fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }
}

impl Inner {
    fn tell(&self, turn: Turn) {
        #[cfg(feature = "tracing")]
        tracing::info!(target: "seawall::shard", name = self.shared.name.as_str(), ?turn, "migration");
        self.listeners.tell(|| Event { name: self.shared.name.clone(), turn });
    }
}

impl Observe for Inner {
    fn snapshot(&self) -> Snapshot {
        let driver = self.driver.lock();
        let counts = driver.counts;
        let state = match (driver.is_over, driver.is_paused, driver.goes_back()) {
            (true, ..) => "over",
            (_, true, _) => "paused",
            (_, _, true) => "aborting",
            _ => "moving",
        };
        Snapshot::new("migration", self.shared.name.as_str(), state)
            .gauge("slots_moving", driver.slots_moving() as f64)
            .counter("moves_done", counts.moves_done)
            .counter("items", counts.items)
            .counter("bytes", counts.bytes)
            .counter("items_deleted", counts.items_deleted)
            .counter("mismatches", counts.mismatches)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.control.lock().let_go();
    }
}

/// What a worker is about: given back if it is dropped before it is settled.
struct Task<'a> {
    inner: &'a Inner,
    owner: Owner,
    is_settled: bool,
}

impl Task<'_> {
    fn settle(mut self, outcome: &Outcome) {
        self.is_settled = true;
        let now = self.inner.clock.now();
        let turns = self.inner.driver.lock().settle(self.owner, outcome, now);
        turns.into_iter().for_each(|turn| self.inner.tell(turn));
    }
}

impl Drop for Task<'_> {
    fn drop(&mut self) {
        if !self.is_settled {
            self.inner.driver.lock().give_back(self.owner);
        }
    }
}

/// Sets the cursor of a range of slots, apart from those beside it.
fn set_cursor(stretches: &mut Vec<Stretch>, slots: &Range<usize>, cursor: &str) {
    let mut first = 0;
    let whole = std::mem::take(stretches);
    for stretch in whole {
        let end = first + stretch.slots as usize;
        let inside = slots.start.clamp(first, end)..slots.end.clamp(first, end);
        let cursor = Some(cursor.to_owned());
        let parts = [
            (first..inside.start, stretch.cursor.clone()),
            (inside.clone(), cursor),
            (inside.end..end, stretch.cursor.clone()),
        ];
        for (range, cursor) in parts.into_iter().filter(|(range, _)| !range.is_empty()) {
            stretches.push(Stretch { slots: range.len() as u32, cursor, ..stretch.clone() });
        }
        first = end;
    }
}
