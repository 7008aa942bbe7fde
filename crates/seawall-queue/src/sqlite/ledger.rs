//! What each call does to the file, within a transaction that somebody else has begun and ends.
//!
//! A job's [`Life`](crate::job::Life) decides, as it does in memory: a row is read, moved, and written to its
//! new place. How many jobs are where is read when a ledger is opened and written when it is closed, in the
//! same transaction; so it is right however many processes write.
//!
//! Read on in `people`, what people do, and `time`, what time does.

mod people;
mod time;

use std::{sync::Arc, time::Duration};

use rusqlite::{Connection, OptionalExtension, ToSql, params};
use seawall_core::{Nanos, Priority};

use super::row::{Lasting, Record, Set, WIDTH, columns, moment, nanos};
use crate::{
    job::{JobId, Kept, Lease, Life, Limits, Phase, Settled, Token, Verdict},
    storage::{
        Claim, Claimed, Enqueued, Heartbeat, MAX_BATCH, NewJob, Room, Scope, Settings, Settlement,
        Unique, turn::turn,
    },
};

/// The statement by which a job moves to its new place.
macro_rules! moves {
    ($more:literal) => {
        concat!(
            "UPDATE seawall_jobs SET phase = ?2, lane = ?3, moment = ?4, due = ?5, attempts = ?6, ",
            "crashes = ?7, snoozes = ?8, redrives = ?9, token = ?10, settled = ?11, cancel = ?12, ",
            "limit_attempts = ?13, limit_crashes = ?14, cause = ?15",
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

/// How a statement names a job.
const fn key(id: JobId) -> i64 {
    id.0.cast_signed()
}

/// What is counted of the whole queue: its one row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    last_id: u64,
    last_token: u64,
    pub(super) paused: bool,
    /// By set.
    jobs: [usize; 7],
    /// How many unique keys are held for a time.
    timed: usize,
}

impl Totals {
    pub(super) const fn of(&self, set: Set) -> usize {
        self.jobs[set as usize]
    }

    /// Some jobs go from one set to another. What somebody else wrote into the file can make this wrong, but
    /// never make it panic.
    const fn move_jobs(&mut self, count: usize, from: Option<Set>, to: Option<Set>) {
        if let Some(from) = from {
            self.jobs[from as usize] = self.jobs[from as usize].saturating_sub(count);
        }
        if let Some(to) = to {
            self.jobs[to as usize] += count;
        }
    }

    const fn waiting(&self) -> usize {
        self.of(Set::Scheduled) + self.of(Set::Ready) + self.of(Set::HeldUp)
    }

    /// How many may be claimed now, as far as is known.
    pub(super) const fn work(&self) -> usize {
        if self.paused { 0 } else { self.of(Set::Ready) }
    }

    /// How many may go in now.
    pub(super) const fn room(&self, capacity: usize) -> usize {
        capacity.saturating_sub(self.waiting())
    }
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
            done, cancelled, dead, timed FROM seawall_queue";
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
            })
        })?;
        Ok(Self { conn, settings, now, totals, before: totals })
    }

    /// Writes the totals down. Without it, all that the ledger did is wrong: then the transaction must not be
    /// committed.
    pub(super) fn close(self) -> Result<Totals> {
        const TOTALS: &str = "UPDATE seawall_queue SET last_id = ?1, last_token = ?2, paused = ?3, \
            scheduled = ?4, ready = ?5, held_up = ?6, leased = ?7, done = ?8, cancelled = ?9, \
            dead = ?10, timed = ?11";
        let Totals { last_id, last_token, paused, jobs: [a, b, c, d, e, f, g], timed } =
            self.totals;
        if self.totals != self.before {
            let (id, token) = (last_id.cast_signed(), last_token.cast_signed());
            let totals = params![id, token, paused, a, b, c, d, e, f, g, timed];
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
        let (set, lane, at) = job.place(self.now);
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
        ])?;
        let before = std::mem::replace(&mut job.set, set);
        self.count(before, set);
        Ok(())
    }

    /// A job has left `before`: puts it where it belongs now, and does what follows from that.
    fn settle_down(&mut self, mut job: Record) -> Result<()> {
        let before = job.set;
        self.put(&mut job)?;
        if let Some(of) = &job.key {
            // A place of its key is free: the lease's, or one that a ready job leaves unused.
            if matches!(before, Set::Leased | Set::Ready) {
                self.let_back(of)?;
            }
        }
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

    /// Lets the first job back that is held up by this key.
    ///
    /// **The rule**, as in memory: *where a key has places left, as many of its jobs as it has places are
    /// among the ready ones, and those that are held up come after them.*
    fn let_back(&mut self, of: &str) -> Result<()> {
        const FIRST: &str = "SELECT id FROM seawall_jobs WHERE phase = 2 AND key = ?1
            ORDER BY moment + (255 - priority) * 1000000000, id LIMIT 1";
        if self.totals.of(Set::HeldUp) == 0 {
            return Ok(());
        }
        if let Some(&id) = self.ids(FIRST, &[&of])?.first() {
            self.set_phase(id, Set::HeldUp, Set::Ready)?;
        }
        Ok(())
    }

    fn set_phase(&mut self, id: JobId, from: Set, to: Set) -> Result<()> {
        self.run("UPDATE seawall_jobs SET phase = ?2 WHERE id = ?1", &[&key(id), &(to as u8)])?;
        self.count(from, to);
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

    // What goes in.

    pub(super) fn enqueue(
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
            limit_attempts, limit_crashes, max_attempts, key, unique_key, unique_scope, payload)
            VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?3, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        self.totals.last_id += 1;
        let id = JobId(self.totals.last_id);
        if let Some(Unique { key, scope, .. }) = &job.unique {
            let until = match scope {
                Scope::For(time) => Some(self.now + *time),
                Scope::Queued | Scope::Active => None,
            };
            self.hold(key, id, until)?;
        }
        let due = self.now + job.delay;
        let set = if due <= self.now { Set::Ready } else { Set::Scheduled };
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
        ])?;
        self.totals.move_jobs(1, None, Some(set));
        Ok(id)
    }

    fn replace(&mut self, mut waiting: Record, job: &NewJob<Vec<u8>>) -> Result<Enqueued> {
        const REPLACE: &str = "UPDATE seawall_jobs SET priority = ?2, key = ?3, max_attempts = ?4, \
            payload = ?5 WHERE id = ?1";
        let (id, before, of) = (waiting.id, waiting.set, waiting.key.take());
        let values = params![key(id), job.priority.0, job.key, job.max_attempts, job.payload];
        self.conn.prepare_cached(REPLACE)?.execute(values)?;
        waiting.priority = job.priority;
        waiting.life.phase = Phase::Waiting { due: self.now + job.delay };
        self.put(&mut waiting)?;
        if let (Set::Ready, Some(of)) = (before, of) {
            self.let_back(&of)?;
        }
        Ok(Enqueued::Replaced(id))
    }

    /// Of the lowest priority that anybody waits with, if it is below this one: the last in turn.
    fn last_below(&self, priority: Priority) -> Result<Option<Record>> {
        const LAST: &str = "SELECT id, moment FROM seawall_jobs WHERE phase = ?1 AND lane = ?2
            ORDER BY moment DESC, id DESC LIMIT 1";
        let sets = [Set::Scheduled, Set::Ready, Set::HeldUp];
        let mut lowest = None;
        for set in sets {
            lowest = [lowest, self.lanes(set)?.first().copied()].into_iter().flatten().min();
        }
        let Some(lane) = lowest.filter(|&lane| lane < priority.0) else { return Ok(None) };
        let mut last = None;
        for set in sets {
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

    // Who holds which unique key.

    fn holder(&self, unique: &str) -> Result<Option<JobId>> {
        const HOLDER: &str = "SELECT id FROM seawall_uniques
            WHERE key = ?1 AND (until IS NULL OR until > ?2)";
        Ok(self.ids(HOLDER, &[&unique, &moment(self.now)])?.first().copied())
    }

    /// Gives a key, which nobody holds now, to a job.
    fn hold(&mut self, unique: &str, id: JobId, until: Option<Nanos>) -> Result<()> {
        // What may be there was held for a time that is over.
        let over = self.run("DELETE FROM seawall_uniques WHERE key = ?1", &[&unique])?;
        self.totals.timed = self.totals.timed.saturating_sub(over) + usize::from(until.is_some());
        let until = until.map(moment);
        let hold = "INSERT INTO seawall_uniques (key, id, until) VALUES (?1, ?2, ?3)";
        self.run(hold, &[&unique, &key(id), &until])?;
        Ok(())
    }

    /// A job gives back what it holds, unless it holds it for a time.
    fn give_back(&self, unique: &str, id: JobId) -> Result<()> {
        const GIVE_BACK: &str =
            "DELETE FROM seawall_uniques WHERE key = ?1 AND id = ?2 AND until IS NULL";
        self.run(GIVE_BACK, &[&unique, &key(id)]).map(drop)
    }

    // What comes out.

    pub(super) fn claim(&mut self, claim: &Claim) -> Result<Vec<Claimed<Vec<u8>>>> {
        let mut claimed = Vec::new();
        if self.totals.paused {
            return Ok(claimed);
        }
        self.make_ready(MAX_BATCH)?;
        let max = claim.max.min(MAX_BATCH);
        let mut seen = 0;
        while claimed.len() < max && seen < MAX_BATCH {
            let next = self.next(max - claimed.len())?;
            if next.is_empty() {
                break;
            }
            for id in next {
                seen += 1;
                let (job, payload) = self.load_whole(id)?;
                if self.may_be_leased(&job)? {
                    claimed.push(self.lease(job, payload, claim)?);
                } else {
                    self.set_phase(id, Set::Ready, Set::HeldUp)?;
                }
            }
        }
        Ok(claimed)
    }

    /// The next ready ones in turn.
    fn next(&self, count: usize) -> Result<Vec<JobId>> {
        const NEXT: &str = "SELECT moment, id FROM seawall_jobs WHERE phase = 1 AND lane = ?1
            ORDER BY moment, id LIMIT ?2";
        let mut next = Vec::new();
        for lane in self.lanes(Set::Ready)? {
            let mut statement = self.conn.prepare_cached(NEXT)?;
            let places = statement.query_map((lane, count), |row| {
                Ok((nanos(row.get(0)?), JobId(row.get::<_, i64>(1)?.cast_unsigned())))
            })?;
            for place in places {
                let (due, id) = place?;
                next.push((turn(due, Priority(lane)), id));
            }
        }
        next.sort_unstable();
        next.truncate(count);
        Ok(next.into_iter().map(|(_, id)| id).collect())
    }

    fn load_whole(&self, id: JobId) -> Result<(Record, Vec<u8>)> {
        let mut statement = self.conn.prepare_cached(WHOLE_BY_ID)?;
        statement.query_row([key(id)], |row| Ok((Record::read(row)?, row.get(WIDTH)?)))
    }

    /// Whether its key has a place left, counted from the leases themselves.
    fn may_be_leased(&self, job: &Record) -> Result<bool> {
        const LEASED: &str = "SELECT count(*) FROM
            (SELECT 1 FROM seawall_jobs WHERE phase = 3 AND key = ?1 LIMIT ?2)";
        let (Some(limit), Some(of)) = (self.settings.key_limit, &job.key) else { return Ok(true) };
        let mut statement = self.conn.prepare_cached(LEASED)?;
        let leased: u32 = statement.query_row((of, limit), |row| row.get(0))?;
        Ok(leased < limit)
    }

    fn lease(
        &mut self,
        mut job: Record,
        payload: Vec<u8>,
        claim: &Claim,
    ) -> Result<Claimed<Vec<u8>>> {
        self.totals.last_token += 1;
        let token = Token(self.totals.last_token);
        let waited = self.now.since(job.due());
        let limits = claim.limits.or_own(job.max_attempts);
        // It may have become ready by a clock that was ahead of ours.
        let now = self.now.max(job.due());
        job.life.claim(now, token, claim.lease, limits);
        if let Phase::Leased { until, .. } = &mut job.life.phase {
            *until = self.now + claim.lease;
        }
        self.put(&mut job)?;
        if !claim.worker.is_empty() {
            let worker = "UPDATE seawall_jobs SET worker = ?2 WHERE id = ?1";
            self.run(worker, &[&key(job.id), &&*claim.worker])?;
        }
        if let Some((unique, Lasting::Queued)) = &job.unique {
            self.give_back(unique, job.id)?;
        }
        let lease = Lease { id: job.id, token };
        let mut claimed = Claimed::new(lease, payload, job.life.counts, limits);
        claimed.priority = job.priority;
        claimed.key = job.key.map(Arc::from);
        claimed.waited = waited;
        Ok(claimed)
    }

    // What workers say.

    pub(super) fn settle(&mut self, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        settlements.iter().map(|one| self.settle_one(one.lease, &one.verdict)).collect()
    }

    fn settle_one(&mut self, lease: Lease, verdict: &Verdict) -> Result<Settled> {
        let Some(mut job) = self.load(lease.id)? else { return Ok(Settled::Lost) };
        let settled = job.life.settle(self.now, lease.token, verdict);
        if let Settled::Done(_) = settled {
            self.note(lease.id, verdict)?;
            self.settle_down(job)?;
        }
        Ok(settled)
    }

    fn note(&self, id: JobId, verdict: &Verdict) -> Result<()> {
        if let Verdict::Done { result: Some(result) } = verdict {
            self.run("UPDATE seawall_jobs SET result = ?2 WHERE id = ?1", &[&key(id), result])?;
        }
        if let Some(error) = verdict.error() {
            self.run("UPDATE seawall_jobs SET error = ?2 WHERE id = ?1", &[&key(id), &error])?;
        }
        Ok(())
    }

    pub(super) fn heartbeat(
        &mut self,
        heartbeats: &[Heartbeat],
        lease: Duration,
    ) -> Result<Vec<Kept>> {
        heartbeats.iter().map(|one| self.keep(one, lease)).collect()
    }

    fn keep(&mut self, heartbeat: &Heartbeat, lease: Duration) -> Result<Kept> {
        const PROGRESS: &str = "UPDATE seawall_jobs SET progress_done = ?2, progress_total = ?3, \
            progress_note = ?4 WHERE id = ?1";
        let Lease { id, token } = heartbeat.lease;
        let Some(mut job) = self.load(id)? else { return Ok(Kept::Lost) };
        let kept = job.life.heartbeat(self.now, token, lease);
        if kept == Kept::Lost {
            return Ok(kept);
        }
        self.put(&mut job)?;
        if let Some(progress) = &heartbeat.progress {
            let (done, total) = (progress.done.cast_signed(), progress.total.cast_signed());
            self.run(PROGRESS, &[&key(id), &done, &total, &progress.note])?;
        }
        Ok(kept)
    }
}
