//! Places in order, of jobs that mostly come and go in order.
//!
//! A sorted set of [`Place`]s. Most jobs are due when they come, and most leases end as they began: such a place goes
//! in at the end of a *line* and comes out near its front, which costs a few instructions and touches what is in the
//! cache, however many stand in it. What comes out of order is a *stray*, in a tree.
//!
//! ```text
//!  line     │ 3 │ 5 │ · │ · │ 9 │ 12 │ ◀── greater than the last: at the end
//!             ▲ first     ▲ holes: gone from the middle
//!  strays   { 4, 7, 8 }                ◀── all others
//! ```
//!
//! The first and the last of the line are there. Holes between them are closed once they are more than half of it: each
//! is paid for by the removal that made it.

use std::collections::{BTreeSet, VecDeque};

use seawall_core::Nanos;

use crate::job::JobId;

/// When something is or was due to happen to a job, and to which.
pub(super) type Place = (Nanos, JobId);

#[derive(Default)]
pub(super) struct Places {
    line: VecDeque<Slot>,
    holes: usize,
    strays: BTreeSet<Place>,
}

#[derive(Clone, Copy)]
struct Slot {
    place: Place,
    is_there: bool,
}

impl Places {
    pub(super) fn len(&self) -> usize {
        self.line.len() - self.holes + self.strays.len()
    }

    /// `false` where it was there already.
    pub(super) fn insert(&mut self, place: Place) -> bool {
        if self.line.back().is_none_or(|last| last.place < place) {
            // Where it is a stray, for it came when others stood in the line, it stays one.
            let is_new = self.strays.is_empty() || !self.strays.contains(&place);
            if is_new {
                self.line.push_back(Slot { place, is_there: true });
            }
            return is_new;
        }
        match self.find(place) {
            Ok(at) => {
                let is_new = !self.line[at].is_there; // back to the hole that it left
                self.line[at].is_there = true;
                self.holes -= usize::from(is_new);
                is_new
            }
            Err(_) => self.strays.insert(place),
        }
    }

    /// `false` where it was not there.
    pub(super) fn remove(&mut self, place: Place) -> bool {
        match self.find(place) {
            Ok(at) if self.line[at].is_there => {
                self.line[at].is_there = false;
                self.holes += 1;
                self.tidy();
                true
            }
            _ => self.strays.remove(&place),
        }
    }

    pub(super) fn first(&self) -> Option<Place> {
        let line = self.line.front().map(|slot| slot.place);
        match self.strays.first() {
            None => line,
            Some(&stray) => Some(line.map_or(stray, |line| line.min(stray))),
        }
    }

    pub(super) fn last(&self) -> Option<Place> {
        let line = self.line.back().map(|slot| slot.place);
        line.max(self.strays.last().copied())
    }

    pub(super) fn pop_first(&mut self) -> Option<Place> {
        let first = self.first()?;
        if self.line.pop_front_if(|slot| slot.place == first).is_some() {
            self.tidy();
        } else {
            self.strays.pop_first();
        }
        Some(first)
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Place> {
        let line = self.line.iter().filter(|slot| slot.is_there).map(|slot| slot.place);
        line.chain(self.strays.iter().copied())
    }

    /// Where it stands in the line, or has stood. Mostly that is the front.
    fn find(&self, place: Place) -> Result<usize, usize> {
        match self.line.front() {
            Some(first) if first.place == place => Ok(0),
            _ => self.line.binary_search_by_key(&place, |slot| slot.place),
        }
    }

    fn tidy(&mut self) {
        while self.line.pop_front_if(|slot| !slot.is_there).is_some() {
            self.holes -= 1;
        }
        while self.line.pop_back_if(|slot| !slot.is_there).is_some() {
            self.holes -= 1;
        }
        if self.holes > self.line.len() / 2 {
            self.line.retain(|slot| slot.is_there);
            self.holes = 0;
        }
    }
}

#[cfg(all(test, not(seawall_loom)))]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection::vec, prelude::*};
    use seawall_core::Nanos;

    use super::Places;
    use crate::job::JobId;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// Of few places, so that many come back to where they were.
        #[test]
        fn they_are_a_sorted_set(steps in vec((0..4u8, 0..40u64), 0..200)) {
            let (mut places, mut model) = (Places::default(), BTreeSet::new());
            for (step, time) in steps {
                let place = (Nanos(time / 2), JobId(time));
                match step {
                    0 | 1 => prop_assert_eq!(places.insert(place), model.insert(place)),
                    2 => prop_assert_eq!(places.remove(place), model.remove(&place)),
                    _ => prop_assert_eq!(places.pop_first(), model.pop_first()),
                }
                prop_assert_eq!(places.len(), model.len());
                prop_assert_eq!(places.first(), model.first().copied());
                prop_assert_eq!(places.last(), model.last().copied());
                prop_assert_eq!(&places.iter().collect::<BTreeSet<_>>(), &model);
                prop_assert!(places.holes * 2 <= places.line.len(), "holes take no more than half");
            }
        }
    }
}
