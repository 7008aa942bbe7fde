//! The order of what waits: a lane a priority, in each a set for what is ready, what is scheduled and what
//! its key holds up.
//!
//! In a lane, turn is the order of being due; between lanes, the first ones are compared. So a claim looks
//! at as many jobs as there are priorities in use, and a job that comes or goes at an end of its set touches
//! what is in the cache, however many wait.

use std::collections::{BTreeMap, BTreeSet};

use seawall_core::{Nanos, Priority};

use super::record::Record;
use crate::{job::JobId, storage::turn::turn};

/// When a job was or is due, and which it is.
pub(super) type Place = (Nanos, JobId);

/// In which of a lane's sets a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    Ready,
    Scheduled,
    /// Ready, but as many of its key are leased as may be.
    HeldUp,
}

#[derive(Default)]
struct Lane([BTreeSet<Place>; 3]);

/// All that waits.
#[derive(Default)]
pub(super) struct Lanes {
    lanes: BTreeMap<Priority, Lane>,
    counts: [usize; 3],
}

impl Lanes {
    pub(super) const fn count(&self, set: Set) -> usize {
        self.counts[set as usize]
    }

    pub(super) const fn len(&self) -> usize {
        let [ready, scheduled, held_up] = self.counts;
        ready + scheduled + held_up
    }

    /// Puts a waiting job where it belongs.
    pub(super) fn seat<P>(&mut self, now: Nanos, id: JobId, record: &mut Record<P>) {
        let place = record.place(id);
        record.set = if place.0 <= now { Set::Ready } else { Set::Scheduled };
        self.insert(record.set, record.priority, place);
    }

    pub(super) fn insert(&mut self, set: Set, priority: Priority, place: Place) {
        let is_new = self.lanes.entry(priority).or_default().0[set as usize].insert(place);
        debug_assert!(is_new, "a job waits once");
        self.counts[set as usize] += 1;
    }

    pub(super) fn remove(&mut self, set: Set, priority: Priority, place: Place) {
        let lane = self.lanes.get_mut(&priority).expect("who waits has a lane");
        let was_there = lane.0[set as usize].remove(&place);
        debug_assert!(was_there, "a job is where it says it is");
        self.counts[set as usize] -= 1;
    }

    /// The ready one whose turn it is, out of its set.
    pub(super) fn pop_ready(&mut self) -> Option<JobId> {
        let first = |(&priority, lane): (&Priority, &Lane)| {
            let &(due, id) = lane.0[Set::Ready as usize].first()?;
            Some(((turn(due, priority), id), priority))
        };
        let ((_, id), priority) = self.lanes.iter().filter_map(first).min()?;
        let lane = self.lanes.get_mut(&priority).expect("it was just seen");
        lane.0[Set::Ready as usize].pop_first();
        self.counts[Set::Ready as usize] -= 1;
        Some(id)
    }

    /// The first of a set to be due in any lane.
    pub(super) fn first_due(&self, set: Set) -> Option<(Place, Priority)> {
        let first = |(&priority, lane): (&Priority, &Lane)| {
            lane.0[set as usize].first().map(|&place| (place, priority))
        };
        self.lanes.iter().filter_map(first).min()
    }

    /// Of the lowest priority that anybody waits with, if it is below this one: the last in turn.
    pub(super) fn last_below(&self, priority: Priority) -> Option<JobId> {
        let mut below = self.lanes.range(..priority).map(|(_, lane)| lane);
        below.find_map(|lane| lane.0.iter().filter_map(|set| set.last()).max()).map(|&(_, id)| id)
    }

    /// The jobs in some sets.
    pub(super) fn ids(&self, sets: &'static [Set]) -> impl Iterator<Item = JobId> {
        let places = self
            .lanes
            .values()
            .flat_map(move |lane| sets.iter().flat_map(move |&set| lane.0[set as usize].iter()));
        places.map(|&(_, id)| id)
    }
}
