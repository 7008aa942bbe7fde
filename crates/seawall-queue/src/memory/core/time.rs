//! What time does to jobs: they come due, their leases end, they are forgotten.

use std::time::Duration;

use seawall_core::Nanos;

use super::Core;
use crate::{
    job::{JobId, Phase, Swept},
    memory::lanes::Set,
    storage::Promoted,
};

impl<P> Core<P> {
    /// Makes up to this many scheduled jobs ready that are due.
    pub(super) fn make_ready(&mut self, budget: usize) -> usize {
        let mut made = 0;
        while made < budget
            && let Some(((due, id), _)) = self.lanes.first(Set::Scheduled)
            && due <= self.now
        {
            self.lanes.take(id, &self.jobs[&id]);
            self.seat(id);
            made += 1;
        }
        made
    }

    pub(in crate::memory) fn promote(&mut self, mut budget: usize) -> Promoted {
        let mut promoted = Promoted::default();
        while budget > 0
            && let Some((until, id)) = self.leased.first()
            && until <= self.now
        {
            budget -= 1;
            self.sweep(id, until, &mut promoted);
        }
        promoted.ready = self.make_ready(budget);
        budget -= promoted.ready;
        while budget > 0 && self.forget() {
            budget -= 1;
            promoted.forgotten += 1;
        }
        while budget > 0 && self.uniques.forget(self.now) {
            budget -= 1;
        }
        promoted.next = self.next();
        promoted
    }

    fn sweep(&mut self, id: JobId, until: Nanos, promoted: &mut Promoted) {
        let record = self.jobs.get_mut(&id).expect("who is leased is there");
        let swept = record.life.sweep(self.now);
        debug_assert!(matches!(swept, Swept::Taken(_)), "its lease is over");
        match record.life.phase {
            Phase::Waiting { .. } => promoted.recovered.push(id),
            Phase::Dead { cause, .. } => promoted.buried.push((id, cause)),
            _ => {} // somebody had asked for it to be stopped
        }
        self.end_lease(id, until);
        self.settle_down(id);
    }

    /// Forgets the first of those that were kept long enough.
    fn forget(&mut self) -> bool {
        if self.done.front().is_some_and(|&(at, _)| at + self.keep_done.age <= self.now) {
            self.forget_done();
        } else if self.dead.first().is_some_and(|(at, _)| at + self.keep_dead.age <= self.now) {
            self.forget_dead();
        } else {
            return false;
        }
        true
    }

    /// In how long there is something to do.
    fn next(&self) -> Option<Duration> {
        let lease = self.leased.first().map(|(until, _)| until);
        let due = self.lanes.first(Set::Scheduled).map(|((due, _), _)| due);
        let done = self.done.front().map(|&(at, _)| at + self.keep_done.age);
        let dead = self.dead.first().map(|(at, _)| at + self.keep_dead.age);
        let next = [lease, due, done, dead, self.uniques.next_over()].into_iter().flatten().min();
        next.map(|next| next.since(self.now))
    }
}
