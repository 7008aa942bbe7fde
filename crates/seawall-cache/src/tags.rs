//! Tags: what belongs together ends together, without a list of who belongs to what.
//!
//! # How it decides
//!
//! There is one count of invalidations, and a table of counters, in which a tag has its place by its
//! hash. To invalidate a tag is to count, and to write that count into the tag's place. An entry keeps
//! the count as it stood before its load began, and the places of its tags: it is valid while none of
//! them has a later one.
//!
//! # What it promises
//!
//! 1. An entry whose load began before `invalidate` was called is not valid after it returned.
//! 2. The memory is bounded however many tags there are: two of them may share a place, and then go
//!    together. Too much is ended, never too little.
//! 3. No clock is read, and an entry without tags pays nothing.
//!
//! # Synchronization
//!
//! The count (`AcqRel`) to who reads it before a load (Acquire): who sees an invalidation's count sees
//! what its caller wrote before, so that the load reads the new. A place (`AcqRel` to Acquire) only grows,
//! and who comes after `invalidate` sees at least its count by the coherence of that one word.

use std::sync::{Arc, OnceLock};

use seawall_core::sync::unmodelled::{
    AtomicU64,
    Ordering::{AcqRel, Acquire},
};

use crate::l2::Tag;

/// 64 KiB, taken when the first tag is invalidated.
const PLACES: usize = 1 << 13;

/// The tags of a cache.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    count: AtomicU64,
    places: OnceLock<Box<[AtomicU64]>>,
}

/// How many tags had been invalidated at some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark(u64);

/// The tags of one entry, and the moment before its load.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tagged(Option<Arc<(Mark, Box<[Tag]>)>>);

impl Tagged {
    pub(crate) fn new(before: Mark, tags: Vec<Tag>) -> Self {
        Self((!tags.is_empty()).then(|| Arc::new((before, tags.into()))))
    }
}

impl Tags {
    /// Read before a load begins, or when a caller comes.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.count.load(Acquire))
    }

    pub(crate) fn invalidate(&self, tag: Tag) {
        let table = self.places.get_or_init(|| (0..PLACES).map(|_| AtomicU64::new(0)).collect());
        let count = self.count.fetch_add(1, AcqRel) + 1;
        place(table, tag).fetch_max(count, AcqRel);
    }

    /// Whether no tag of it was invalidated since its load began.
    #[inline]
    pub(crate) fn are_valid(&self, tagged: &Tagged) -> bool {
        tagged.0.as_ref().is_none_or(|tagged| self.none_later(tagged.0, &tagged.1))
    }

    /// Whether one who came at `came` may get what a load brought that was under way: not if a tag of it
    /// was invalidated between the load's beginning and that moment.
    ///
    /// It errs on the side of no: of a tag that was invalidated twice the place knows the later count.
    pub(crate) fn may_get(&self, came: Mark, tagged: &Tagged) -> bool {
        let began_later = tagged.0.as_ref().is_none_or(|tagged| tagged.0 >= came);
        began_later || self.are_valid(tagged)
    }

    fn none_later(&self, before: Mark, tags: &[Tag]) -> bool {
        let Some(table) = self.places.get() else { return true };
        tags.iter().all(|&tag| place(table, tag).load(Acquire) <= before.0)
    }
}

fn place(table: &[AtomicU64], tag: Tag) -> &AtomicU64 {
    &table[(tag.0 >> 32) as usize % PLACES]
}
