//! The order of what waits: a lane a priority, in each a set for what is ready, what is scheduled and what
//! its key holds up.
//!
//! In a lane, turn is the order of being due (or of when a key was served, should that be later); between lanes, the
//! first ones are compared. So a claim looks at as many jobs as there are priorities in use, and a job that comes or
//! goes at an end of its set touches what is in the cache, however many wait.

use std::collections::{BTreeMap, BTreeSet};

use seawall_core::{Nanos, Priority};

use super::{
    places::{Place, Places},
    record::Record,
};
use crate::{job::JobId, storage::turn::turn};

/// In which of a lane's sets a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    Ready,
    Scheduled,
    /// Ready, but held up by its key.
    HeldUp,
}

#[derive(Default)]
struct Lane([Places; 3]);

/// All that waits.
#[derive(Default)]
pub(super) struct Lanes {
    lanes: BTreeMap<Priority, Lane>,
    counts: [usize; 3],
    /// Ready ones whose place is behind their time, by that time.
    put_off: BTreeSet<Place>,
}

impl Lanes {
    pub(super) const fn count(&self, set: Set) -> usize {
        self.counts[set as usize]
    }

    pub(super) const fn len(&self) -> usize {
        let [ready, scheduled, held_up] = self.counts;
        ready + scheduled + held_up
    }

    /// Puts a waiting job where it belongs, as far as its time says.
    pub(super) fn seat<P>(&mut self, now: Nanos, id: JobId, record: &mut Record<P>) {
        let set = if record.due() <= now { Set::Ready } else { Set::Scheduled };
        self.put(set, Nanos::ZERO, id, record);
    }

    /// Puts a waiting job into a set; it counts since it is due, but not since before `from`.
    pub(super) fn put<P>(&mut self, set: Set, from: Nanos, id: JobId, record: &mut Record<P>) {
        let due = record.due();
        (record.set, record.at) = (set, due.max(from));
        let lane = self.lanes.entry(record.priority).or_default();
        let is_new = lane.0[set as usize].insert(record.place(id));
        debug_assert!(is_new, "a job waits once");
        self.counts[set as usize] += 1;
        if record.at > due {
            self.put_off.insert((due, id));
        }
    }

    /// Takes a waiting job out of its set.
    pub(super) fn take<P>(&mut self, id: JobId, record: &Record<P>) {
        let lane = self.lanes.get_mut(&record.priority).expect("who waits has a lane");
        let was_there = lane.0[record.set as usize].remove(record.place(id));
        debug_assert!(was_there, "a job is where it says it is");
        self.counts[record.set as usize] -= 1;
        self.popped(id, record);
    }

    /// One that was [popped](Self::pop_ready) is put off no more.
    pub(super) fn popped<P>(&mut self, id: JobId, record: &Record<P>) {
        if record.at > record.due() {
            self.put_off.remove(&(record.due(), id));
        }
    }

    /// The ready one whose turn it is, out of its set; then it is [`popped`](Self::popped).
    pub(super) fn pop_ready(&mut self) -> Option<JobId> {
        let first = |(&priority, lane): (&Priority, &Lane)| {
            let (due, id) = lane.0[Set::Ready as usize].first()?;
            Some(((turn(due, priority), id), priority))
        };
        let ((_, id), priority) = self.lanes.iter().filter_map(first).min()?;
        let lane = self.lanes.get_mut(&priority).expect("it was just seen");
        lane.0[Set::Ready as usize].pop_first();
        self.counts[Set::Ready as usize] -= 1;
        Some(id)
    }

    /// The first to be due of all that are ready.
    pub(super) fn oldest_ready(&self) -> Option<Nanos> {
        let sets = [Set::Ready, Set::HeldUp].into_iter();
        let first = sets.filter_map(|set| self.first(set)).map(|(place, _)| place);
        first.chain(self.put_off.first().copied()).min().map(|(due, _)| due)
    }

    /// The first of a set in any lane.
    pub(super) fn first(&self, set: Set) -> Option<(Place, Priority)> {
        let first = |(&priority, lane): (&Priority, &Lane)| {
            lane.0[set as usize].first().map(|place| (place, priority))
        };
        self.lanes.iter().filter_map(first).min()
    }

    /// Of the lowest priority that anybody waits with, if it is below this one: the last of the first of these
    /// groups in which there is somebody.
    pub(super) fn last_below(&self, priority: Priority, groups: &[&[Set]]) -> Option<JobId> {
        let mut below = self.lanes.range(..priority).map(|(_, lane)| lane);
        let last = |lane: &Lane| {
            let last_of = |&set: &Set| lane.0[set as usize].last();
            groups.iter().find_map(|group| group.iter().filter_map(last_of).max())
        };
        below.find_map(last).map(|(_, id)| id)
    }

    /// The jobs in some sets.
    pub(super) fn ids(&self, sets: &'static [Set]) -> impl Iterator<Item = JobId> {
        let places = self
            .lanes
            .values()
            .flat_map(move |lane| sets.iter().flat_map(move |&set| lane.0[set as usize].iter()));
        places.map(|(_, id)| id)
    }
}
