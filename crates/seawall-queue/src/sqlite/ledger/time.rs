//! What time does to jobs: they come due, their leases end, they are forgotten.

use std::time::Duration;

use super::{Ledger, Result, key};
use crate::{
    job::{JobId, Phase, Swept},
    sqlite::row::{Set, moment},
    storage::Promoted,
};

impl Ledger<'_> {
    /// Makes up to this many scheduled jobs ready that are due.
    pub(super) fn make_ready(&mut self, budget: usize) -> Result<usize> {
        const READY: &str = "UPDATE seawall_jobs SET phase = 1 WHERE id IN
            (SELECT id FROM seawall_jobs WHERE phase = 0 AND lane = ?1 AND moment <= ?2
            ORDER BY moment LIMIT ?3)";
        if self.settings.fair_keys {
            return self.line_up(budget);
        }
        let mut made = 0;
        // The important first, should there be more than may be touched.
        for lane in self.lanes(Set::Scheduled)?.into_iter().rev() {
            made += self.run(READY, &[&lane, &moment(self.now), &(budget - made)])?;
        }
        self.totals.move_jobs(made, Some(Set::Scheduled), Some(Set::Ready));
        Ok(made)
    }

    /// The same where keys take turns: each goes to where its key has it.
    fn line_up(&mut self, budget: usize) -> Result<usize> {
        const DUE: &str =
            "SELECT id FROM seawall_jobs WHERE phase = 0 AND lane = ?1 AND moment <= ?2
            ORDER BY moment LIMIT ?3";
        let mut made = 0;
        for lane in self.lanes(Set::Scheduled)?.into_iter().rev() {
            for id in self.ids(DUE, &[&lane, &moment(self.now), &(budget - made)])? {
                if let Some(mut job) = self.load(id)? {
                    self.put(&mut job)?;
                }
                made += 1;
            }
        }
        Ok(made)
    }

    pub(in crate::sqlite) fn promote(&mut self, mut budget: usize) -> Result<Promoted> {
        const OVER: &str =
            "SELECT id FROM seawall_jobs WHERE phase = 3 AND lane = 0 AND moment <= ?1
            ORDER BY moment LIMIT ?2";
        let mut promoted = Promoted::default();
        for id in self.ids(OVER, &[&moment(self.now), &budget])? {
            budget -= 1;
            self.sweep(id, &mut promoted)?;
        }
        promoted.ready = self.make_ready(budget)?;
        budget -= promoted.ready;
        while budget > 0 && self.forget_one()? {
            budget -= 1;
            promoted.forgotten += 1;
        }
        if budget > 0 && self.totals.timed > 0 {
            const TIMED: &str = "DELETE FROM seawall_uniques WHERE key IN
                (SELECT key FROM seawall_uniques WHERE until <= ?1 ORDER BY until LIMIT ?2)";
            let over = self.run(TIMED, &[&moment(self.now), &budget])?;
            self.totals.timed = self.totals.timed.saturating_sub(over);
        }
        promoted.next = self.next_due()?;
        Ok(promoted)
    }

    fn sweep(&mut self, id: JobId, promoted: &mut Promoted) -> Result<()> {
        let Some(mut job) = self.load(id)? else { return Ok(()) };
        let swept = job.life.sweep(self.now);
        debug_assert!(matches!(swept, Swept::Taken(_)), "its lease is over");
        match job.life.phase {
            Phase::Waiting { .. } => promoted.recovered.push(id),
            Phase::Dead { cause, .. } => promoted.buried.push((id, cause)),
            _ => {} // somebody had asked for it to be stopped
        }
        self.settle_down(job)
    }

    /// How many are known beyond those that are to be.
    pub(super) fn over_done(&self) -> usize {
        let known = self.totals.of(Set::Done).saturating_add(self.totals.of(Set::Cancelled));
        known.saturating_sub(self.settings.keep_done.count)
    }

    pub(super) fn over_dead(&self) -> usize {
        self.totals.of(Set::Dead).saturating_sub(self.settings.keep_dead.count)
    }

    /// The first that was done or cancelled.
    fn first_done(&self) -> Result<Option<(seawall_core::Nanos, Set)>> {
        let mut first = None;
        for set in [Set::Done, Set::Cancelled] {
            let head = self.first(set)?.map(|at| (at, set));
            first = match (first, head) {
                (Some((before, _)), Some((at, _))) if at >= before => first,
                (first, None) => first,
                (_, head) => head,
            };
        }
        Ok(first)
    }

    pub(super) fn forget_done(&mut self) -> Result<()> {
        match self.first_done()? {
            Some((_, set)) => self.forget(set),
            None => Ok(()),
        }
    }

    /// Forgets the first of a set.
    pub(super) fn forget(&mut self, set: Set) -> Result<()> {
        const FIRST: &str = "SELECT id FROM seawall_jobs WHERE phase = ?1 AND lane = 0
            ORDER BY moment, id LIMIT 1";
        if let Some(&id) = self.ids(FIRST, &[&(set as u8)])?.first() {
            self.run("DELETE FROM seawall_jobs WHERE id = ?1", &[&key(id)])?;
            self.totals.move_jobs(1, Some(set), None);
        }
        Ok(())
    }

    /// Forgets the first of those that were kept long enough.
    fn forget_one(&mut self) -> Result<bool> {
        let (done, dead) = (self.first_done()?, self.first(Set::Dead)?);
        let is_done = |at| at + self.settings.keep_done.age <= self.now;
        let is_dead = |at| at + self.settings.keep_dead.age <= self.now;
        if let Some((at, set)) = done
            && (is_done(at) || self.over_done() > 0)
        {
            self.forget(set)?;
        } else if let Some(at) = dead
            && (is_dead(at) || self.over_dead() > 0)
        {
            self.forget(Set::Dead)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// In how long there is something to do.
    fn next_due(&self) -> Result<Option<Duration>> {
        const TIMED: &str = "SELECT until FROM seawall_uniques WHERE until IS NOT NULL
            ORDER BY until LIMIT 1";
        let lease = self.first(Set::Leased)?;
        let due = self.first(Set::Scheduled)?;
        let done = self.first_done()?.map(|(at, _)| at + self.settings.keep_done.age);
        let dead = self.first(Set::Dead)?.map(|at| at + self.settings.keep_dead.age);
        let timed = if self.totals.timed > 0 { self.ids(TIMED, &[])? } else { Vec::new() };
        let timed = timed.first().map(|until| seawall_core::Nanos(until.0));
        let next = [lease, due, done, dead, timed].into_iter().flatten().min();
        Ok(next.map(|next| next.since(self.now)))
    }
}
