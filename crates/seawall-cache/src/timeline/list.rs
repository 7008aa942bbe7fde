//! One list: its items, and the floor below which it knows nothing.

use std::{collections::BTreeSet, ops::Bound};

use super::{Item, Page, Rebuilt, Rest};

#[derive(Debug)]
pub(super) struct List<I> {
    items: BTreeSet<Item<I>>,
    /// All that was given at it or above it is here; nothing below it is. `None`: nothing was cut.
    floor: Option<Item<I>>,
}

impl<I: Ord + Clone> List<I> {
    pub(super) const fn new() -> Self {
        Self { items: BTreeSet::new(), floor: None }
    }

    /// Inserts and trims in one step; true if an item was cut, this one perhaps.
    pub(super) fn insert(&mut self, item: Item<I>, length: usize) -> bool {
        if self.floor.as_ref().is_some_and(|floor| item < *floor) {
            return true; // it would stand below a gap
        }
        self.items.insert(item);
        self.trim(length)
    }

    /// Takes in what a loader found: what was gathered meanwhile stays, as far as it is above the floor.
    pub(super) fn merge(&mut self, rebuilt: Rebuilt<I>, length: usize) {
        let lowest = rebuilt.items.iter().min().filter(|_| !rebuilt.complete).cloned();
        self.floor = self.floor.take().max(lowest);
        self.items.extend(rebuilt.items);
        if let Some(floor) = &self.floor {
            self.items = self.items.split_off(floor);
        }
        self.trim(length);
    }

    fn trim(&mut self, length: usize) -> bool {
        let over = self.items.len() > length;
        while self.items.len() > length {
            self.items.pop_first();
        }
        if over {
            self.floor = self.items.first().cloned();
        }
        over
    }

    pub(super) fn page(&self, below: Option<&Item<I>>, count: usize) -> Page<I> {
        let until = below.map_or(Bound::Unbounded, Bound::Excluded);
        let mut left = self.items.range((Bound::Unbounded, until)).rev();
        let items: Vec<_> = left.by_ref().take(count).cloned().collect();
        let rest = match (left.next(), items.last(), &self.floor) {
            (Some(_), Some(last), _) => Rest::More(last.clone()),
            (_, _, None) => Rest::Complete,
            // A cursor can be below the floor: it was read before a trim, or comes from another list.
            (_, _, Some(floor)) => {
                Rest::TruncatedBelow(below.map_or(floor, |below| below.min(floor)).clone())
            }
        };
        Page { items, rest }
    }
}
