//! What all clones of a queue share: its storage, what it counts, who is told.

use std::sync::Arc;

use seawall_core::{
    Listeners, Name, Nanos, Observe, Reason, Rejection, Snapshot,
    sync::{Mutex, Stat},
};

use super::{Event, Turn, erased::Erased};
use crate::{
    job::{Cause, JobId},
    memory::Memory,
    periodic::Schedules,
    storage::{Enqueued, Stats},
};

pub(crate) struct Shared<T> {
    pub(super) name: Name,
    pub(super) storage: Box<dyn Erased<T>>,
    pub(super) local: Option<Local<T>>,
    pub(super) listeners: Listeners<Event>,
    /// What comes again and again.
    pub(crate) schedules: Schedules<T>,
    pub(super) tally: Tally,
    /// What was seen last of a storage that must be asked.
    pub(super) seen: Mutex<Stats>,
}

/// The storage, where it is in this process: what is ready at once need not be boxed.
pub(super) struct Local<T> {
    pub(super) memory: Memory<T>,
    /// Makes a payload the handler's own. That it can be cloned is known where the queue is built.
    pub(super) own: fn(Arc<T>) -> T,
}

/// What went through this handle and its clones.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) pushed: Stat,
    pub(super) existing: Stat,
    pub(super) refused: Stat,
    pub(super) shed: Stat,
    pub(super) claimed: Stat,
    pub(super) done: Stat,
    pub(super) retried: Stat,
    pub(super) died: Stat,
    pub(super) recovered: Stat,
    pub(super) already: Stat,
    pub(super) lost: Stat,
    pub(super) fired: Stat,
    pub(super) missed: Stat,
}

impl<T> Shared<T> {
    pub(super) fn tell(&self, turn: Turn) {
        #[cfg(feature = "tracing")]
        trace(&self.name, turn);
        self.listeners.tell(|| Event { name: self.name.clone(), turn });
    }

    pub(super) fn died(&self, id: JobId, cause: Cause) {
        self.tally.died.add(1);
        self.tell(Turn::Died { id, cause });
    }

    /// A fire of a schedule is in.
    pub(crate) fn fired(&self, schedule: &Name, at: Nanos) {
        self.tally.fired.add(1);
        #[cfg(feature = "tracing")]
        tracing::debug!(target: TARGET, name = self.name.as_str(), schedule = schedule.as_str(), at = at.0, "fired");
        #[cfg(not(feature = "tracing"))]
        let _ = (schedule, at);
    }

    /// A fire of a schedule is too late to be pushed.
    pub(crate) fn missed(&self, schedule: &Name, at: Nanos) {
        self.tally.missed.add(1);
        #[cfg(feature = "tracing")]
        tracing::warn!(target: TARGET, name = self.name.as_str(), schedule = schedule.as_str(), at = at.0, "fire missed");
        #[cfg(not(feature = "tracing"))]
        let _ = (schedule, at);
    }

    /// Counts what became of jobs that were to go in, and tells who made room for them.
    pub(super) fn entered(&self, answers: &[Enqueued]) {
        for answer in answers {
            match *answer {
                Enqueued::New { shed, .. } => {
                    self.tally.pushed.add(1);
                    if let Some(id) = shed {
                        self.tally.shed.add(1);
                        self.died(id, Cause::Shed);
                    }
                }
                Enqueued::Existing(_) | Enqueued::Replaced(_) => self.tally.existing.add(1),
                Enqueued::Full => self.tally.refused.add(1),
            }
        }
    }

    pub(super) fn full(&self) -> Rejection {
        Rejection::new(Reason::QueueFull, self.name.clone())
    }

    fn stats(&self) -> Stats {
        match &self.local {
            Some(local) => local.memory.glance(),
            None => self.seen.lock().clone(),
        }
    }
}

impl<T: Send + Sync> Observe for Shared<T> {
    fn snapshot(&self) -> Snapshot {
        let stats = self.stats();
        let state = if stats.paused { "paused" } else { "running" };
        let seconds = |time: Option<std::time::Duration>| time.unwrap_or_default().as_secs_f64();
        let Tally { pushed, existing, refused, shed, claimed, done, .. } = &self.tally;
        let Tally { retried, died, recovered, already, lost, fired, missed, .. } = &self.tally;
        let mut snapshot = Snapshot::new("queue", self.name.as_str(), state)
            .gauge("scheduled", stats.scheduled as f64)
            .gauge("ready", stats.ready as f64)
            .gauge("leased", stats.leased as f64)
            .gauge("dead", stats.dead as f64)
            .gauge("oldest_ready_seconds", seconds(stats.oldest_ready))
            .limit("capacity", self.storage.settings().capacity as f64);
        if let Some(limit) = self.storage.settings().key_limit {
            snapshot = snapshot.limit("key_limit", f64::from(limit));
        }
        let counters = [
            ("pushed", pushed),
            ("existing", existing),
            ("refused", refused),
            ("shed", shed),
            ("claimed", claimed),
            ("done", done),
            ("retried", retried),
            ("died", died),
            ("recovered", recovered),
            ("settled_already", already),
            ("leases_lost", lost),
            ("fired", fired),
            ("fires_missed", missed),
        ];
        let count =
            |snapshot: Snapshot, (name, stat): (_, &Stat)| snapshot.counter(name, stat.get());
        counters.into_iter().fold(snapshot, count)
    }
}

#[cfg(feature = "tracing")]
const TARGET: &str = "seawall::queue";

#[cfg(feature = "tracing")]
fn trace(name: &str, turn: Turn) {
    match turn {
        Turn::Died { id, cause } => {
            tracing::warn!(target: TARGET, name, job = id.0, cause = cause.as_str(), "job died");
        }
        Turn::Recovered { id } => {
            tracing::warn!(target: TARGET, name, job = id.0, "job recovered from its worker");
        }
        Turn::Requeued { id } => tracing::info!(target: TARGET, name, job = id.0, "job requeued"),
        Turn::Paused => tracing::info!(target: TARGET, name, "paused"),
        Turn::Resumed => tracing::info!(target: TARGET, name, "resumed"),
    }
}
