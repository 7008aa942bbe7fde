//! Who holds which unique key, and until when.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use seawall_core::Nanos;

use crate::job::JobId;

/// How many keys can be held for a time: what else a flood of them would fill the memory with.
const MOST_TIMED: usize = 1 << 20;

#[derive(Default)]
pub(super) struct Uniques {
    held: HashMap<Arc<str>, Holder>,
    /// Those that are held for a time, the first to be over first.
    timed: BTreeSet<(Nanos, Arc<str>)>,
}

struct Holder {
    id: JobId,
    /// `None`: until it is given back.
    until: Option<Nanos>,
}

impl Uniques {
    pub(super) fn holder(&self, now: Nanos, key: &str) -> Option<JobId> {
        let holder = self.held.get(key)?;
        holder.until.is_none_or(|until| until > now).then_some(holder.id)
    }

    /// Whether one more can be held for a time.
    pub(super) fn has_room(&self) -> bool {
        self.timed.len() < MOST_TIMED
    }

    /// Gives a key, which nobody holds now, to a job.
    pub(super) fn hold(&mut self, key: &Arc<str>, id: JobId, until: Option<Nanos>) {
        let before = self.held.insert(Arc::clone(key), Holder { id, until });
        if let Some(until) = before.and_then(|holder| holder.until) {
            self.timed.remove(&(until, Arc::clone(key)));
        }
        if let Some(until) = until {
            self.timed.insert((until, Arc::clone(key)));
        }
    }

    /// A job gives back what it holds, unless it holds it for a time.
    pub(super) fn give_back(&mut self, key: &str, id: JobId) {
        if self.held.get(key).is_some_and(|holder| holder.id == id && holder.until.is_none()) {
            self.held.remove(key);
        }
    }

    pub(super) fn next_over(&self) -> Option<Nanos> {
        self.timed.first().map(|&(until, _)| until)
    }

    /// Forgets the first one whose time is over; says whether there was one.
    pub(super) fn forget(&mut self, now: Nanos) -> bool {
        let is_over = self.next_over().is_some_and(|until| until <= now);
        if is_over && let Some((_, key)) = self.timed.pop_first() {
            self.held.remove(&key);
        }
        is_over
    }
}
