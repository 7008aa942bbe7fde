//! What goes in.

use rusqlite::{OptionalExtension, params};
use seawall_core::{Nanos, Priority};

use super::{Ledger, Result, key, known, number_after};
use crate::{
    job::{JobId, Limits, Phase},
    sqlite::row::{Lasting, Record, Set, moment},
    storage::{Enqueued, NewJob, Room, Scope, Unique},
};

impl Ledger<'_> {
    pub(in crate::sqlite) fn enqueue(
        &mut self,
        jobs: &[NewJob<Vec<u8>>],
        room: Room,
    ) -> Result<Vec<Enqueued>> {
        jobs.iter().map(|job| self.enqueue_one(job, room)).collect()
    }

    fn enqueue_one(&mut self, job: &NewJob<Vec<u8>>, room: Room) -> Result<Enqueued> {
        /// How many keys can be held for a time: what else a flood of them would fill the file with.
        const MOST_TIMED: usize = 1 << 20;
        if let Some(unique) = &job.unique {
            if let Some(holder) = self.holder(&unique.key)? {
                let waiting = self.load(holder)?.filter(|holder| holder.set.waits());
                return match waiting {
                    Some(waiting) if unique.replace => self.replace(waiting, job),
                    _ => Ok(Enqueued::Existing(holder)),
                };
            }
            if matches!(unique.scope, Scope::For(_)) && self.totals.timed >= MOST_TIMED {
                return Ok(Enqueued::Full);
            }
        }
        let shed = if self.totals.room(self.settings.capacity) > 0 {
            None
        } else if room == Room::Refuse {
            return Ok(Enqueued::Full);
        } else {
            let Some(last) = self.last_below(job.priority)? else { return Ok(Enqueued::Full) };
            let id = last.id;
            self.shed(last)?;
            Some(id)
        };
        Ok(Enqueued::New { id: self.insert(job)?, shed })
    }

    fn insert(&mut self, job: &NewJob<Vec<u8>>) -> Result<JobId> {
        const INSERT: &str =
            "INSERT INTO seawall_jobs (id, phase, lane, moment, due, since, priority, \
            limit_attempts, limit_crashes, max_attempts, key, unique_key, unique_scope, payload, served)
            VALUES (?1, ?2, ?3, ?13, ?4, ?5, ?3, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?14)";
        let id = JobId(number_after(&mut self.totals.last_id)?);
        if let Some(Unique { key, scope, .. }) = &job.unique {
            let until = match scope {
                Scope::For(time) => Some(self.now + *time),
                Scope::Queued | Scope::Active => None,
            };
            self.hold(key, id, until)?;
        }
        let due = self.now + job.delay;
        let (set, served) = if due <= self.now {
            self.stand(id, job.key.as_deref(), due, job.priority)?
        } else {
            (Set::Scheduled, Nanos::ZERO)
        };
        let Limits { attempts, crashes } = Limits::default();
        self.conn.prepare_cached(INSERT)?.execute(params![
            key(id),
            set as u8,
            job.priority.0,
            moment(due),
            moment(self.now),
            attempts,
            crashes,
            job.max_attempts,
            job.key,
            job.unique.as_ref().map(|unique| &*unique.key),
            job.unique.as_ref().map(|unique| Lasting::from(unique.scope) as u8),
            job.payload,
            moment(due.max(served)),
            known(served),
        ])?;
        self.totals.move_jobs(1, None, Some(set));
        Ok(id)
    }

    fn replace(&mut self, mut waiting: Record, job: &NewJob<Vec<u8>>) -> Result<Enqueued> {
        const REPLACE: &str = "UPDATE seawall_jobs SET priority = ?2, key = ?3, max_attempts = ?4, \
            payload = ?5 WHERE id = ?1";
        let id = waiting.id;
        self.make_way(&waiting)?;
        let values = params![key(id), job.priority.0, job.key, job.max_attempts, job.payload];
        self.conn.prepare_cached(REPLACE)?.execute(values)?;
        waiting.priority = job.priority;
        waiting.key = job.key.as_deref().map(str::to_owned);
        waiting.life.phase = Phase::Waiting { due: self.now + job.delay };
        self.put(&mut waiting)?;
        Ok(Enqueued::Replaced(id))
    }

    /// Of the lowest priority that anybody waits with, if it is below this one: the last to be due. Where keys
    /// take turns, one in line only where nobody else is.
    fn last_below(&self, priority: Priority) -> Result<Option<Record>> {
        const LAST: &str = "SELECT id, moment FROM seawall_jobs WHERE phase = ?1 AND lane = ?2
            ORDER BY moment DESC, id DESC LIMIT 1";
        let sets = [Set::Scheduled, Set::HeldUp, Set::Ready];
        let mut lowest = None;
        for set in sets {
            lowest = [lowest, self.lanes(set)?.first().copied()].into_iter().flatten().min();
        }
        let Some(lane) = lowest.filter(|&lane| lane < priority.0) else { return Ok(None) };
        let mut last = None;
        for set in sets {
            if set == Set::Ready && self.settings.fair_keys && last.is_some() {
                break;
            }
            let mut statement = self.conn.prepare_cached(LAST)?;
            let found = statement.query_row((set as u8, lane), |row| {
                Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(0)?))
            });
            last = last.max(found.optional()?);
        }
        last.map_or(Ok(None), |(_, id)| self.load(JobId(id.cast_unsigned())))
    }

    fn shed(&mut self, mut last: Record) -> Result<()> {
        last.life.shed(self.now);
        self.settle_down(last)
    }
}
