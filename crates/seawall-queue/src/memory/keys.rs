//! Who of a key has how many, and who of it waits for that.
//!
//! A ready job is *held up* when a claim meets it while as many of its key are leased as may be; then no claim
//! meets it again, until one of the key's leases ends. So a job is put aside once and comes back once, and
//! what a key holds up costs nobody else.
//!
//! **The rule**: *where a key has places left, as many of its jobs as it has places are among the ready ones,
//! and those that are held up come after them.* It is kept by letting the first one back for each lease that
//! ends, and for each ready one that goes unclaimed.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use seawall_core::Nanos;

use crate::job::JobId;

#[derive(Default)]
struct Key {
    leased: u32,
    /// By turn.
    held_up: BTreeSet<(Nanos, JobId)>,
}

/// The keys that somebody has a job of, or waits for.
pub(super) struct Keys {
    keys: HashMap<Arc<str>, Key>,
    limit: u32,
}

impl Keys {
    pub(super) fn new(limit: u32) -> Self {
        Self { keys: HashMap::new(), limit }
    }

    /// Counts a lease; `false`, and nothing is done, if there are as many as may be.
    pub(super) fn lease(&mut self, key: &Arc<str>) -> bool {
        let key = self.keys.entry(Arc::clone(key)).or_default();
        let may = key.leased < self.limit;
        key.leased += u32::from(may);
        may
    }

    pub(super) fn hold_up(&mut self, key: &Arc<str>, turn: (Nanos, JobId)) {
        self.keys.entry(Arc::clone(key)).or_default().held_up.insert(turn);
    }

    /// A lease ended: who may come back.
    pub(super) fn end(&mut self, key: &Arc<str>) -> Option<JobId> {
        let found = self.keys.get_mut(key).expect("a lease of it was counted");
        found.leased -= 1;
        self.let_back(key)
    }

    /// Who is first of those held up, and is not any more.
    pub(super) fn let_back(&mut self, key: &Arc<str>) -> Option<JobId> {
        let found = self.keys.get_mut(key)?;
        let first = found.held_up.pop_first().map(|(_, id)| id);
        self.forget_if_idle(key);
        first
    }

    /// One that was held up waits no more.
    pub(super) fn gone(&mut self, key: &Arc<str>, turn: (Nanos, JobId)) {
        let found = self.keys.get_mut(key).expect("who is held up is known");
        found.held_up.remove(&turn);
        self.forget_if_idle(key);
    }

    fn forget_if_idle(&mut self, key: &Arc<str>) {
        if self.keys.get(key).is_some_and(|key| key.leased == 0 && key.held_up.is_empty()) {
            self.keys.remove(key);
        }
    }
}
