//! What each call does to the file, within a transaction that somebody else has begun and ends.
//!
//! A job's [`Life`](crate::job::Life) decides, as it does in memory: a row is read, moved, and written to its
//! new place. How many jobs are where is read when a ledger is opened and written when it is closed, in the
//! same transaction; so it is right however many processes write.
//!
//! Read on in `enqueue`, `claim`, `settle`: what goes in, comes out, and is said by workers; `keys`, `uniques`,
//! `totals`, what is known beside the jobs; `people`, what people do, and `time`, what time does.

mod claim;
mod enqueue;
mod keys;
mod people;
mod settle;
mod time;
mod totals;
mod uniques;

use rusqlite::{Connection, OptionalExtension, ToSql, params};
use seawall_core::Nanos;

pub(super) use self::totals::Totals;
use super::row::{Record, Set, columns, moment, nanos};
use crate::{
    job::{JobId, Life},
    storage::Settings,
};

/// The statement by which a job moves to its new place.
macro_rules! moves {
    ($more:literal) => {
        concat!(
            "UPDATE seawall_jobs SET phase = ?2, lane = ?3, moment = ?4, due = ?5, attempts = ?6, ",
            "crashes = ?7, snoozes = ?8, redrives = ?9, token = ?10, settled = ?11, cancel = ?12, ",
            "limit_attempts = ?13, limit_crashes = ?14, cause = ?15, served = ?16",
            $more,
            " WHERE id = ?1"
        )
    };
}

pub(super) type Result<T> = rusqlite::Result<T>;

/// A job by its id: all that decides, and with what it carries.
const BY_ID: &str = concat!("SELECT ", columns!(), " FROM seawall_jobs WHERE id = ?1");
const WHOLE_BY_ID: &str =
    concat!("SELECT ", columns!(), ", payload FROM seawall_jobs WHERE id = ?1");

/// A job moves; what will never run again loses its payload, too.
const MOVE: &str = moves!("");
const MOVE_AND_CLEAR: &str = moves!(", payload = NULL");

/// The number after the last one, which it is then.
fn number_after(last: &mut u64) -> Result<u64> {
    /// What a column can hold.
    const MOST: u64 = i64::MAX.cast_unsigned();
    if *last >= MOST {
        return Err(rusqlite::Error::IntegralValueOutOfRange(0, i64::MAX));
    }
    *last += 1;
    Ok(*last)
}

/// How a statement names a job.
const fn key(id: JobId) -> i64 {
    id.0.cast_signed()
}

/// A moment, where there was one.
fn known(served: Nanos) -> Option<i64> {
    (served > Nanos::ZERO).then(|| moment(served))
}

/// The queue in a transaction.
pub(super) struct Ledger<'a> {
    conn: &'a Connection,
    settings: &'a Settings,
    now: Nanos,
    pub(super) totals: Totals,
    before: Totals,
}

impl<'a> Ledger<'a> {
    pub(super) fn open(conn: &'a Connection, settings: &'a Settings, now: Nanos) -> Result<Self> {
        const TOTALS: &str = "SELECT last_id, last_token, paused, scheduled, ready, held_up, leased, \
            done, cancelled, dead, timed, served FROM seawall_queue";
        let totals = conn.prepare_cached(TOTALS)?.query_row([], |row| {
            let mut jobs = [0; 7];
            for (at, count) in jobs.iter_mut().enumerate() {
                *count = row.get(3 + at)?;
            }
            Ok(Totals {
                last_id: row.get::<_, i64>(0)?.cast_unsigned(),
                last_token: row.get::<_, i64>(1)?.cast_unsigned(),
                paused: row.get(2)?,
                jobs,
                timed: row.get(10)?,
                served: nanos(row.get(11)?),
            })
        })?;
        Ok(Self { conn, settings, now, totals, before: totals })
    }

    /// Writes the totals down. Without it, all that the ledger did is wrong: then the transaction must not be
    /// committed.
    pub(super) fn close(self) -> Result<Totals> {
        const TOTALS: &str = "UPDATE seawall_queue SET last_id = ?1, last_token = ?2, paused = ?3, \
            scheduled = ?4, ready = ?5, held_up = ?6, leased = ?7, done = ?8, cancelled = ?9, \
            dead = ?10, timed = ?11, served = ?12";
        let Totals { last_id, last_token, paused, jobs: [a, b, c, d, e, f, g], timed, served } =
            self.totals;
        if self.totals != self.before {
            let (id, token) = (last_id.cast_signed(), last_token.cast_signed());
            let totals = params![id, token, paused, a, b, c, d, e, f, g, timed, moment(served)];
            self.conn.prepare_cached(TOTALS)?.execute(totals)?;
        }
        Ok(self.totals)
    }

    fn run(&self, sql: &str, values: &[&dyn ToSql]) -> Result<usize> {
        self.conn.prepare_cached(sql)?.execute(values)
    }

    /// The ids that a statement finds.
    fn ids(&self, sql: &str, values: &[&dyn ToSql]) -> Result<Vec<JobId>> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let ids = statement.query_map(values, |row| row.get::<_, i64>(0))?;
        ids.map(|id| Ok(JobId(id?.cast_unsigned()))).collect()
    }

    // Where jobs are.

    fn load(&self, id: JobId) -> Result<Option<Record>> {
        self.conn.prepare_cached(BY_ID)?.query_row([key(id)], Record::read).optional()
    }

    const fn count(&mut self, from: Set, to: Set) {
        self.totals.move_jobs(1, Some(from), Some(to));
    }

    /// Writes a job to where it belongs, after its life has changed.
    fn put(&mut self, job: &mut Record) -> Result<()> {
        let (mut set, lane, mut at) = job.place(self.now);
        job.served = Nanos::ZERO;
        if set == Set::Ready {
            let due = job.due();
            (set, job.served) = self.stand(job.id, job.key.as_deref(), due, job.priority)?;
            at = due.max(job.served);
        }
        let keeps = !matches!(set, Set::Done | Set::Cancelled);
        // Nobody needs the payload of what will never run again.
        let sql = if keeps { MOVE } else { MOVE_AND_CLEAR };
        let Life { counts, token, settled, cancel, limits, .. } = job.life;
        self.conn.prepare_cached(sql)?.execute(params![
            key(job.id),
            set as u8,
            lane,
            moment(at),
            moment(job.due()),
            counts.attempts,
            counts.crashes,
            counts.snoozes,
            counts.redrives,
            token.0.cast_signed(),
            settled,
            cancel,
            limits.attempts,
            limits.crashes,
            job.cause().map(|cause| cause.as_str()),
            known(job.served),
        ])?;
        let before = std::mem::replace(&mut job.set, set);
        self.count(before, set);
        Ok(())
    }

    /// A job has come to another phase: puts it where it belongs now, and does what follows from that.
    fn settle_down(&mut self, mut job: Record) -> Result<()> {
        self.make_way(&job)?;
        self.put(&mut job)?;
        if !job.life.state(self.now).is_over() {
            return Ok(());
        }
        if let Some((unique, _)) = &job.unique {
            self.give_back(unique, job.id)?;
        }
        if self.over_done() > 0 {
            self.forget_done()?;
        }
        if self.over_dead() > 0 {
            self.forget(Set::Dead)?;
        }
        Ok(())
    }

    /// The lanes of a phase that somebody is in: as many look-ups as there are priorities in use.
    fn lanes(&self, set: Set) -> Result<Vec<u8>> {
        const NEXT: &str = "SELECT lane FROM seawall_jobs WHERE phase = ?1 AND lane > ?2
            ORDER BY lane LIMIT 1";
        let mut lanes = Vec::new();
        if self.totals.of(set) == 0 {
            return Ok(lanes);
        }
        let mut statement = self.conn.prepare_cached(NEXT)?;
        let mut last = -1_i64;
        while let Some(lane) =
            statement.query_row((set as u8, last), |row| row.get::<_, u8>(0)).optional()?
        {
            lanes.push(lane);
            last = i64::from(lane);
        }
        Ok(lanes)
    }

    /// The first moment of a phase, in any of its lanes.
    fn first(&self, set: Set) -> Result<Option<Nanos>> {
        const FIRST: &str = "SELECT moment FROM seawall_jobs WHERE phase = ?1 AND lane = ?2
            ORDER BY moment LIMIT 1";
        let mut first = None;
        for lane in self.lanes(set)? {
            let mut statement = self.conn.prepare_cached(FIRST)?;
            let head: i64 = statement.query_row((set as u8, lane), |row| row.get(0))?;
            let head = nanos(head);
            first = Some(first.map_or(head, |first: Nanos| first.min(head)));
        }
        Ok(first)
    }
}
