//! Who of a key is in line, and who of it is held up: by the same two rules as in memory.
//!
//! **The rule of limits**: *where a key has places left, as many of its jobs as it has places are in line, and
//! those that are held up come after them.* **The rule of turns**, where
//! [keys take turns](crate::storage::turn): *where a key has places left, its first job is in line, at the place
//! that the key has; where it has none, nobody of it is.*
//!
//! Nothing is written down but where each job is, so processes that go by different rules can work on one
//! file: a claim holds up whom it must not lease, and each lease that ends lets somebody in. Then turns are as
//! fair as those who say so can make them.

use std::time::Duration;

use rusqlite::OptionalExtension;
use seawall_core::{Nanos, Priority};

use super::{Ledger, Result, key, known};
use crate::{
    job::JobId,
    sqlite::row::{Record, Set, nanos},
    storage::turn::turn,
};

/// Where a job stands in a line: its turn, which it is.
pub(super) type Turn = (Nanos, JobId);

/// How a statement names nobody: ids begin with 1.
const NOBODY: JobId = JobId(0);

impl Ledger<'_> {
    /// In which set a ready job belongs, and when its key was served, for whom it stands in line.
    pub(super) fn stand(
        &mut self,
        id: JobId,
        of: Option<&str>,
        due: Nanos,
        priority: Priority,
    ) -> Result<(Set, Nanos)> {
        let Some(of) = of.filter(|_| self.settings.fair_keys) else {
            return Ok((Set::Ready, Nanos::ZERO));
        };
        match self.in_line(of, id)? {
            Some((before, served)) if (turn(due, priority), id) < before => {
                self.hold_up(before.1)?;
                Ok((Set::Ready, served))
            }
            None if self.has_place(of, id)? => Ok((Set::Ready, Nanos::ZERO)),
            _ => Ok((Set::HeldUp, Nanos::ZERO)),
        }
    }

    /// Who stands in line for a key besides this one, with his turn in it; and when the key was served.
    fn in_line(&self, of: &str, besides: JobId) -> Result<Option<(Turn, Nanos)>> {
        const IN_LINE: &str = "SELECT id, due, priority, served FROM seawall_jobs
            WHERE phase = 1 AND key = ?1 AND id <> ?2 LIMIT 1";
        let mut statement = self.conn.prepare_cached(IN_LINE)?;
        let found = statement.query_row((of, key(besides)), |row| {
            let id = JobId(row.get::<_, i64>(0)?.cast_unsigned());
            let turn = turn(nanos(row.get(1)?), Priority(row.get(2)?));
            let served = row.get::<_, Option<i64>>(3)?;
            Ok(((turn, id), served.map_or(Nanos::ZERO, nanos)))
        });
        found.optional()
    }

    /// Whether a key has a place left, counted from the leases themselves, but for this one's.
    pub(super) fn has_place(&self, of: &str, besides: JobId) -> Result<bool> {
        const LEASED: &str = "SELECT count(*) FROM
            (SELECT 1 FROM seawall_jobs WHERE phase = 3 AND key = ?1 AND id <> ?3 LIMIT ?2)";
        let Some(limit) = self.settings.key_limit else { return Ok(true) };
        let mut statement = self.conn.prepare_cached(LEASED)?;
        let leased: u32 = statement.query_row((of, limit, key(besides)), |row| row.get(0))?;
        Ok(leased < limit)
    }

    /// Puts a ready one aside.
    pub(super) fn hold_up(&mut self, id: JobId) -> Result<()> {
        const HOLD_UP: &str =
            "UPDATE seawall_jobs SET phase = 2, moment = due, served = NULL WHERE id = ?1";
        self.run(HOLD_UP, &[&key(id)])?;
        self.count(Set::Ready, Set::HeldUp);
        Ok(())
    }

    /// A job is about to leave its place, with which another of its key may be let in: its lease, or one in
    /// line that it leaves unclaimed.
    pub(super) fn make_way(&mut self, job: &Record) -> Result<()> {
        let Some(of) = &job.key else { return Ok(()) };
        let takes_turns = self.settings.fair_keys;
        let served = match job.set {
            // The place is the key's.
            Set::Ready => job.served,
            Set::Leased if takes_turns => {
                if self.in_line(of, job.id)?.is_some() || !self.has_place(of, job.id)? {
                    return Ok(());
                }
                self.next_served()
            }
            Set::Leased => Nanos::ZERO,
            _ => return Ok(()),
        };
        self.let_in(of, served).map(drop)
    }

    /// A job of a key was claimed: where keys take turns, the next one steps in at the end of the line. With
    /// his turn there.
    pub(super) fn serve(&mut self, of: &str) -> Result<Option<Turn>> {
        if !self.settings.fair_keys || !self.has_place(of, NOBODY)? {
            return Ok(None);
        }
        let served = self.next_served();
        self.let_in(of, served)
    }

    /// Lets the first one in that is held up by this key; with his turn in line.
    fn let_in(&mut self, of: &str, served: Nanos) -> Result<Option<Turn>> {
        const FIRST: &str =
            "SELECT id, due, priority FROM seawall_jobs WHERE phase = 2 AND key = ?1
            ORDER BY moment + (255 - priority) * 1000000000, id LIMIT 1";
        const LET_IN: &str = "UPDATE seawall_jobs SET phase = 1, moment = max(due, ifnull(?2, 0)),
            served = ?2 WHERE id = ?1";
        if self.totals.of(Set::HeldUp) == 0 {
            return Ok(None);
        }
        let mut statement = self.conn.prepare_cached(FIRST)?;
        let first = statement.query_row([of], |row| {
            let id = JobId(row.get::<_, i64>(0)?.cast_unsigned());
            Ok((turn(nanos(row.get::<_, i64>(1)?).max(served), Priority(row.get(2)?)), id))
        });
        let first = first.optional()?;
        if let Some((_, id)) = first {
            self.run(LET_IN, &[&key(id), &known(served)])?;
            self.count(Set::HeldUp, Set::Ready);
        }
        Ok(first)
    }

    /// The moment at which a key is served now, behind all before; should the clock have stepped back, not far
    /// behind.
    fn next_served(&mut self) -> Nanos {
        let soon = self.now + Duration::from_secs(1);
        let last = self.totals.served.min(soon).max(self.now);
        self.totals.served = Nanos(last.0.saturating_add(1));
        self.totals.served
    }
}
