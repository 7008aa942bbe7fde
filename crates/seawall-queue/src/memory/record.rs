//! A job as it is kept in memory, and how it is found.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
};

use seawall_core::{Name, Nanos, Priority};

use super::{lanes::Set, places::Place};
use crate::{
    job::{Cause, JobId, Life, Phase, State, Verdict},
    storage::{JobInfo, Progress, Unique, turn::turn},
};

pub(super) struct Record<P> {
    pub(super) life: Life,
    /// Where it is in its lane, while it waits, and since when it counts there.
    pub(super) set: Set,
    pub(super) at: Nanos,
    pub(super) priority: Priority,
    /// Shared, so that it is cloned and dropped outside the lock: that is other people's code. `None` once
    /// nobody needs it.
    pub(super) payload: Option<Arc<P>>,
    pub(super) key: Option<Arc<str>>,
    pub(super) unique: Option<Box<Unique>>,
    pub(super) max_attempts: Option<u32>,
    pub(super) since: Nanos,
    pub(super) worker: Option<Name>,
    /// What most jobs have nothing of.
    notes: Option<Box<Notes>>,
}

#[derive(Default)]
struct Notes {
    progress: Option<Progress>,
    error: Option<String>,
    result: Option<Vec<u8>>,
}

impl<P> Record<P> {
    pub(super) fn new(now: Nanos, due: Nanos, priority: Priority, payload: P) -> Self {
        Self {
            life: Life::new(due),
            set: Set::Scheduled,
            at: due,
            priority,
            payload: Some(Arc::new(payload)),
            key: None,
            unique: None,
            max_attempts: None,
            since: now,
            worker: None,
            notes: None,
        }
    }

    /// When it was or is due.
    pub(super) const fn due(&self) -> Nanos {
        match self.life.phase {
            Phase::Waiting { due } | Phase::Leased { due, .. } => due,
            Phase::Done { at } | Phase::Dead { at, .. } | Phase::Cancelled { at } => at,
        }
    }

    /// Its place in its set.
    pub(super) const fn place(&self, id: JobId) -> Place {
        (self.at, id)
    }

    /// Its turn among those of its key.
    pub(super) fn turn(&self, id: JobId) -> (Nanos, JobId) {
        (turn(self.due(), self.priority), id)
    }

    pub(super) fn note_verdict(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Done { result: Some(result) } => self.notes().result = Some(result),
            Verdict::Retry { error, .. } | Verdict::Bury { error, .. } => {
                self.notes().error = Some(error);
            }
            _ => {}
        }
    }

    pub(super) fn note_progress(&mut self, progress: Progress) {
        self.notes().progress = Some(progress);
    }

    fn notes(&mut self) -> &mut Notes {
        self.notes.get_or_insert_default()
    }

    /// The payload is shared: whoever asked makes it his own outside the lock.
    pub(super) fn info(&self, id: JobId, now: Nanos) -> JobInfo<Arc<P>> {
        let mut info = JobInfo::new(id, self.life.state(now));
        info.payload.clone_from(&self.payload);
        info.counts = self.life.counts;
        info.priority = self.priority;
        info.key.clone_from(&self.key);
        info.age = now.since(self.since);
        info.cause = self.cause();
        info.worker.clone_from(&self.worker);
        match self.life.phase {
            Phase::Waiting { due } => info.due_in = due.since(now),
            Phase::Leased { until, .. } => info.lease_left = until.since(now),
            _ => {}
        }
        if let Some(notes) = &self.notes {
            info.progress.clone_from(&notes.progress);
            info.error.clone_from(&notes.error);
            info.result.clone_from(&notes.result);
        }
        info
    }

    const fn cause(&self) -> Option<Cause> {
        match self.life.phase {
            Phase::Dead { cause, .. } => Some(cause),
            _ => None,
        }
    }

    pub(super) fn is(&self, state: State, now: Nanos) -> bool {
        self.life.state(now) == state
    }
}

/// Payloads that nobody needs any more. There is one at most, mostly: then nothing is allocated.
pub(super) struct Trash<P> {
    first: Option<Arc<P>>,
    more: Vec<Arc<P>>,
}

impl<P> Trash<P> {
    pub(super) fn put(&mut self, payload: Option<Arc<P>>) {
        match payload {
            Some(payload) if self.first.is_some() => self.more.push(payload),
            Some(payload) => self.first = Some(payload),
            None => {}
        }
    }
}

impl<P> Default for Trash<P> {
    fn default() -> Self {
        Self { first: None, more: Vec::new() }
    }
}

/// The jobs by their ids.
///
/// Ids are given in order and nobody can choose one, so they need not be mixed: jobs that came together
/// lie together, and a million that wait are not touched by those that come and go.
pub(super) type Records<P> = HashMap<JobId, Record<P>, BuildHasherDefault<InOrder>>;

#[derive(Default)]
pub(super) struct InOrder(u64);

impl Hasher for InOrder {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, id: u64) {
        // The map finds a group by the low bits and tells its members apart by the top seven.
        self.0 = self.0.rotate_left(8) ^ id ^ (id << 57);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
