//! What people do with jobs, and what they see of them.

use rusqlite::{OptionalExtension, Row};
use seawall_core::{Name, Nanos};

use super::{Ledger, Result, key};
use crate::{
    job::{Cancelled, JobId, Phase, State},
    sqlite::row::{Lasting, Record, Set, WIDTH, columns, condition, moment, nanos},
    storage::{JobInfo, Look, Progress, Requeued, Stats},
};

/// What is shown of a job beyond what decides.
macro_rules! shown {
    () => {
        ", payload, since, worker, error, result, progress_done, progress_total, progress_note \
        FROM seawall_jobs WHERE "
    };
}

impl Ledger<'_> {
    pub(in crate::sqlite) fn cancel(&mut self, jobs: &[JobId]) -> Result<Vec<Cancelled>> {
        jobs.iter().map(|&id| self.cancel_one(id)).collect()
    }

    fn cancel_one(&mut self, id: JobId) -> Result<Cancelled> {
        let Some(mut job) = self.load(id)? else { return Ok(Cancelled::Unknown) };
        let cancelled = job.life.cancel(self.now);
        match cancelled {
            Cancelled::Now => self.settle_down(job)?,
            Cancelled::Asked => self.put(&mut job)?,
            Cancelled::Over | Cancelled::Unknown => {}
        }
        Ok(cancelled)
    }

    pub(in crate::sqlite) fn requeue(&mut self, jobs: &[JobId]) -> Result<Vec<Requeued>> {
        jobs.iter().map(|&id| self.requeue_one(id)).collect()
    }

    fn requeue_one(&mut self, id: JobId) -> Result<Requeued> {
        let Some(mut job) = self.load(id)? else { return Ok(Requeued::Unknown) };
        if !matches!(job.life.phase, Phase::Dead { .. }) {
            return Ok(Requeued::NotDead);
        }
        if let Some((unique, Lasting::Active)) = &job.unique {
            if let Some(holder) = self.holder(unique)? {
                return Ok(Requeued::Existing(holder));
            }
            self.hold(unique, id, None)?;
        }
        job.life.requeue(self.now);
        self.put(&mut job)?;
        Ok(Requeued::Now)
    }

    pub(in crate::sqlite) fn stats(&self) -> Result<Stats> {
        let mut stats = Stats::default();
        let totals = &self.totals;
        stats.scheduled = totals.of(Set::Scheduled);
        stats.ready = totals.of(Set::Ready) + totals.of(Set::HeldUp);
        stats.held_up = totals.of(Set::HeldUp);
        stats.leased = totals.of(Set::Leased);
        stats.done = totals.of(Set::Done);
        stats.dead = totals.of(Set::Dead);
        stats.cancelled = totals.of(Set::Cancelled);
        stats.pushed = totals.last_id; // one more with each
        stats.paused = totals.paused;
        let ready = [self.first(Set::Ready)?, self.first(Set::HeldUp)?, self.first_put_off()?];
        stats.oldest_ready = ready.into_iter().flatten().min().map(|due| self.now.since(due));
        stats.next_due = self.first(Set::Scheduled)?.map(|due| due.since(self.now));
        Ok(stats)
    }

    /// The first to be due of those whose place in line is behind that.
    fn first_put_off(&self) -> Result<Option<Nanos>> {
        const FIRST: &str = "SELECT due FROM seawall_jobs INDEXED BY seawall_put_off
            WHERE phase = 1 AND moment > due AND due >= 0 ORDER BY due LIMIT 1";
        let mut statement = self.conn.prepare_cached(FIRST)?;
        statement.query_row([], |row| row.get(0).map(nanos)).optional()
    }

    pub(in crate::sqlite) fn inspect(&self, look: &Look) -> Result<Vec<JobInfo<Vec<u8>>>> {
        match look {
            Look::At(ids) => {
                let mut statement = self.conn.prepare_cached(concat!(
                    "SELECT ",
                    columns!(),
                    shown!(),
                    "id = ?1"
                ))?;
                let mut found = Vec::new();
                for &id in ids {
                    let info = statement.query_row([key(id)], |row| info(row, self.now));
                    found.extend(info.optional()?);
                }
                Ok(found)
            }
            Look::In { state, limit, before } => self.page(*state, *limit, *before),
        }
    }

    fn page(
        &self,
        state: State,
        limit: usize,
        before: Option<JobId>,
    ) -> Result<Vec<JobInfo<Vec<u8>>>> {
        let sql = format!(
            "{} {} AND id < ?2 ORDER BY id DESC LIMIT ?3",
            concat!("SELECT ", columns!(), shown!()),
            condition(state)
        );
        let before = before.map_or(i64::MAX, |id| i64::try_from(id.0).unwrap_or(i64::MAX));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self.conn.prepare_cached(&sql)?;
        let found =
            statement.query_map((moment(self.now), before, limit), |row| info(row, self.now))?;
        found.collect()
    }
}

fn info(row: &Row<'_>, now: Nanos) -> Result<JobInfo<Vec<u8>>> {
    let job = Record::read(row)?;
    let mut info = JobInfo::new(job.id, job.life.state(now));
    info.counts = job.life.counts;
    info.priority = job.priority;
    info.cause = job.cause();
    info.key = job.key.map(Into::into);
    info.payload = row.get(WIDTH)?;
    info.age = now.since(nanos(row.get(WIDTH + 1)?));
    info.worker = row.get::<_, Option<String>>(WIDTH + 2)?.map(Name::from);
    info.error = row.get(WIDTH + 3)?;
    info.result = row.get(WIDTH + 4)?;
    if let Some(done) = row.get::<_, Option<i64>>(WIDTH + 5)? {
        info.progress = Some(Progress {
            done: done.cast_unsigned(),
            total: row.get::<_, i64>(WIDTH + 6)?.cast_unsigned(),
            note: row.get(WIDTH + 7)?,
        });
    }
    match job.life.phase {
        Phase::Waiting { due } => info.due_in = due.since(now),
        Phase::Leased { until, .. } => info.lease_left = until.since(now),
        _ => {}
    }
    Ok(info)
}
