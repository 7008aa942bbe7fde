//! What people do with jobs, and what they see of them.

use std::sync::Arc;

use super::Core;
use crate::{
    job::{Cancelled, JobId, Phase, State},
    memory::{lanes::Set, places::Place},
    storage::{JobInfo, Look, Requeued, Scope, Stats, Unique},
};

impl<P> Core<P> {
    pub(in crate::memory) fn cancel(&mut self, id: JobId) -> Cancelled {
        let Some(record) = self.jobs.get_mut(&id) else { return Cancelled::Unknown };
        if matches!(record.life.phase, Phase::Waiting { .. }) {
            self.unseat(id);
        }
        let record = self.jobs.get_mut(&id).expect("it was just there");
        let cancelled = record.life.cancel(self.now);
        if cancelled == Cancelled::Now {
            self.settle_down(id);
        }
        cancelled
    }

    pub(in crate::memory) fn requeue(&mut self, id: JobId) -> Requeued {
        let Some(record) = self.jobs.get_mut(&id) else { return Requeued::Unknown };
        let Phase::Dead { at, .. } = record.life.phase else { return Requeued::NotDead };
        if let Some(Unique { key, scope: Scope::Active, .. }) = record.unique.as_deref() {
            if let Some(holder) = self.uniques.holder(self.now, key) {
                return Requeued::Existing(holder);
            }
            self.uniques.hold(key, id, None);
        }
        record.life.requeue(self.now);
        self.dead.remove((at, id));
        self.seat(id);
        Requeued::Now
    }

    pub(in crate::memory) const fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    pub(in crate::memory) fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        stats.scheduled = self.lanes.count(Set::Scheduled);
        stats.ready = self.lanes.len() - stats.scheduled;
        stats.held_up = self.lanes.count(Set::HeldUp);
        stats.leased = self.leased.len();
        stats.done = self.done.len() - self.cancelled;
        stats.dead = self.dead.len();
        stats.cancelled = self.cancelled;
        stats.pushed = self.last_id; // one more with each
        stats.paused = self.paused;
        stats.oldest_ready = self.lanes.oldest_ready().map(|due| self.now.since(due));
        let next = self.lanes.first(Set::Scheduled);
        stats.next_due = next.map(|((due, _), _)| due.since(self.now));
        stats
    }

    pub(in crate::memory) fn inspect(&self, look: Look) -> Vec<JobInfo<Arc<P>>> {
        match look {
            Look::At(ids) => {
                let known = ids.into_iter().filter_map(|id| Some((id, self.jobs.get(&id)?)));
                known.map(|(id, record)| record.info(id, self.now)).collect()
            }
            Look::In { state, limit, before } => {
                let before = before.unwrap_or(JobId(u64::MAX));
                let is_wanted = |id: &JobId| *id < before && self.jobs[id].is(state, self.now);
                let mut ids: Vec<_> = self.ids(state).into_iter().filter(is_wanted).collect();
                ids.sort_unstable_by(|one, other| other.cmp(one));
                ids.truncate(limit);
                ids.iter().map(|id| self.jobs[id].info(*id, self.now)).collect()
            }
        }
    }

    /// All that may be in a state: what is scheduled may be due.
    fn ids(&self, state: State) -> Vec<JobId> {
        let of = |places: &mut dyn Iterator<Item = Place>| places.map(|(_, id)| id).collect();
        match state {
            State::Scheduled | State::Retrying => self.lanes.ids(&[Set::Scheduled]).collect(),
            State::Ready => self.lanes.ids(&[Set::Ready, Set::Scheduled, Set::HeldUp]).collect(),
            State::Leased => of(&mut self.leased.iter()),
            State::Dead => of(&mut self.dead.iter()),
            State::Done | State::Cancelled => of(&mut self.done.iter().copied()),
        }
    }
}
