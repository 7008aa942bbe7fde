//! What is in the store for a key, and what to make of it.

use std::hash::Hash;

use equivalent::Equivalent;
use seawall_core::Nanos;

use super::shared::{Landed, Shared};
use crate::{Entry, Store, freshness::Verdict};

/// What a look at the store gave.
pub(super) enum Found<R> {
    Fresh(R),
    /// Fresh until then, and to be loaded anew before.
    Early(R, Nanos),
    /// Was fresh until then; may be answered, and is to be loaded anew.
    Stale(R, Nanos),
    /// May be answered, and nobody asks the source for now: a load has just failed.
    Kept(R),
    /// It is known that there is no value.
    Absent,
    /// There is a value, for the case that a load fails.
    Spare(R),
    Nothing,
}

impl<R> Found<R> {
    /// The value, if it may be answered without a load.
    pub(super) fn at_once(self) -> Option<R> {
        match self {
            Self::Fresh(value)
            | Self::Early(value, _)
            | Self::Stale(value, _)
            | Self::Kept(value) => Some(value),
            Self::Absent | Self::Spare(_) | Self::Nothing => None,
        }
    }

    /// The value, if it may be answered where a load failed.
    pub(super) fn in_error(self) -> Option<R> {
        match self {
            Self::Spare(value) => Some(value),
            other => other.at_once(),
        }
    }
}

impl<K, V, E, S: Store<K, Entry<V>>> Shared<K, V, E, S> {
    /// Looks at the value of `key`, unless it has expired; reads the clock at most once.
    #[inline]
    pub(super) fn find<Q, R>(&self, key: &Q, look: impl FnOnce(&V) -> R) -> Found<R>
    where
        Q: Hash + Equivalent<K> + ?Sized,
    {
        self.store.with(key, |entry| self.judge(entry, look)).unwrap_or(Found::Nothing)
    }

    #[inline]
    fn judge<R>(&self, entry: &Entry<V>, look: impl FnOnce(&V) -> R) -> Found<R> {
        let verdict = self.verdict(entry, self.policy.beta, || self.share());
        let Some(value) = &entry.value else {
            return if verdict == Verdict::Fresh { Found::Absent } else { Found::Nothing };
        };
        match verdict {
            Verdict::Fresh => Found::Fresh(look(value)),
            Verdict::Early => Found::Early(look(value), entry.life.fresh_until),
            Verdict::Stale => Found::Stale(look(value), entry.life.fresh_until),
            Verdict::Kept => Found::Kept(look(value)),
            Verdict::StaleIfError => Found::Spare(look(value)),
            Verdict::Expired => Found::Nothing,
        }
    }

    /// What has been published meanwhile: fresh, and not what was fresh until `seen`.
    ///
    /// For one who has just got the lead: between its look and the claim another flight may have landed.
    pub(super) fn published<Q>(&self, key: &Q, seen: Option<Nanos>) -> Option<Landed<V>>
    where
        Q: Hash + Equivalent<K> + ?Sized,
        V: Clone,
    {
        let landed = self.store.with(key, |entry| {
            let fresh = self.verdict(entry, 0.0, || 1.0) == Verdict::Fresh
                && Some(entry.life.fresh_until) != seen;
            let landed = || Landed { value: entry.value.clone(), tagged: entry.tagged.clone() };
            fresh.then(landed)
        });
        landed.flatten()
    }

    /// Counts a call that is answered by `found`, or is not.
    #[inline]
    pub(super) fn count<R>(&self, found: &Found<R>) {
        match found {
            Found::Fresh(_) | Found::Early(..) => self.stats.hit(),
            Found::Stale(..) => self.stats.stale.add(1),
            Found::Kept(_) => self.stats.spared.add(1),
            Found::Absent => self.stats.absent.add(1),
            Found::Spare(_) | Found::Nothing => self.stats.misses.add(1),
        }
    }
}
