//! Who of a key has how many, and who of it waits for that.
//!
//! A ready job is either *in line*, where claims meet it, or *held up* by its key, where none does. There are
//! two rules, each kept by letting the first one in again at the moments that are named; so what a key holds
//! up costs nobody else.
//!
//! **The rule of limits**: *where a key has places left, as many of its jobs as it has places are in line, and
//! those that are held up come after them.* A claim that meets one of a key that has no place left holds it
//! up; for each lease that ends, and for each one that leaves the line unclaimed, the first comes back.
//!
//! **The rule of turns**, where [keys take turns](crate::storage::turn): *where a key has places left, its first
//! job is in line, at the place that the key has; where it has none, nobody of it is.* A claim of one lets the
//! next one in; so does the end of a lease for which it waited, and a leave.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use seawall_core::Nanos;

use crate::{job::JobId, storage::Settings};

/// A job's turn among those of its key.
type Turn = (Nanos, JobId);

#[derive(Default)]
struct Key {
    leased: u32,
    /// By turn.
    held_up: BTreeSet<Turn>,
    /// Who stands in line for it, and since when it has waited for that: where keys take turns. Zero: since it
    /// has jobs.
    in_line: Option<Turn>,
    served: Nanos,
}

/// The keys that somebody has a job of, or waits for.
pub(super) struct Keys {
    keys: HashMap<Arc<str>, Key>,
    limit: u32,
    take_turns: bool,
}

/// Who is let in, and since when his place counts, if he is not due later.
pub(super) type LetIn = Option<(JobId, Nanos)>;

/// Where a ready job of a key belongs.
pub(super) enum Stand {
    InLine,
    HeldUp,
    /// In line, instead of this one, who is held up; at the place that the key has since then.
    InsteadOf(JobId, Nanos),
}

impl Keys {
    /// `None` where keys mean nothing.
    pub(super) fn new(settings: &Settings) -> Option<Self> {
        let matters = settings.fair_keys || settings.key_limit.is_some();
        let limit = settings.key_limit.unwrap_or(u32::MAX);
        matters.then(|| Self { keys: HashMap::new(), limit, take_turns: settings.fair_keys })
    }

    pub(super) const fn take_turns(&self) -> bool {
        self.take_turns
    }

    /// Whether each one that is held up can be claimed as soon as those before it are.
    pub(super) const fn hold_up_for_turns_only(&self) -> bool {
        self.take_turns && self.limit == u32::MAX
    }

    /// One becomes ready, where keys take turns.
    pub(super) fn stand(&mut self, key: &Arc<str>, turn: Turn) -> Stand {
        let found = self.keys.entry(Arc::clone(key)).or_default();
        match found.in_line {
            None if found.leased < self.limit => {
                found.in_line = Some(turn);
                Stand::InLine
            }
            Some(before) if turn < before => {
                found.in_line = Some(turn);
                found.held_up.insert(before);
                Stand::InsteadOf(before.1, found.served)
            }
            _ => {
                found.held_up.insert(turn);
                Stand::HeldUp
            }
        }
    }

    /// Counts a lease, of one that was in line; `None`, and he is held up, if there are as many as may be.
    pub(super) fn lease(&mut self, key: &Arc<str>, turn: Turn, now: Nanos) -> Option<LetIn> {
        let found = self.keys.entry(Arc::clone(key)).or_default();
        if found.leased >= self.limit {
            found.held_up.insert(turn);
            return None;
        }
        found.leased += 1;
        if !self.take_turns {
            return Some(None);
        }
        (found.in_line, found.served) = (None, now);
        let has_place = found.leased < self.limit;
        Some(if has_place { self.let_in(key) } else { None })
    }

    /// A lease ended: who comes for it.
    pub(super) fn end(&mut self, key: &Arc<str>, now: Nanos) -> LetIn {
        let found = self.keys.get_mut(key).expect("a lease of it was counted");
        found.leased -= 1;
        if self.take_turns && found.in_line.is_some() {
            return None;
        }
        found.served = now;
        self.let_in(key)
    }

    /// One leaves the line unclaimed: who comes for him.
    pub(super) fn leave(&mut self, key: &Arc<str>) -> LetIn {
        if let Some(found) = self.keys.get_mut(key) {
            found.in_line = None;
        }
        self.let_in(key)
    }

    /// Who is first of those held up, and is not any more.
    fn let_in(&mut self, key: &Arc<str>) -> LetIn {
        let found = self.keys.get_mut(key)?;
        let first = found.held_up.pop_first();
        if self.take_turns {
            found.in_line = first;
        }
        let let_in =
            first.map(|(_, id)| (id, if self.take_turns { found.served } else { Nanos::ZERO }));
        self.forget_if_idle(key);
        let_in
    }

    /// One that was held up waits no more.
    pub(super) fn gone(&mut self, key: &Arc<str>, turn: Turn) {
        let found = self.keys.get_mut(key).expect("who is held up is known");
        found.held_up.remove(&turn);
        self.forget_if_idle(key);
    }

    fn forget_if_idle(&mut self, key: &Arc<str>) {
        let Some(found) = self.keys.get_mut(key) else { return };
        if found.in_line.is_none() && found.held_up.is_empty() {
            found.served = Nanos::ZERO; // nobody of it has waited since
            if found.leased == 0 {
                self.keys.remove(key);
            }
        }
    }
}
