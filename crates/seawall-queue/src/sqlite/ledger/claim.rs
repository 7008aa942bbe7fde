//! What comes out.

use std::{collections::BTreeSet, sync::Arc};

use seawall_core::Priority;

use super::{Ledger, Result, WHOLE_BY_ID, key, keys::Turn, number_after};
use crate::{
    job::{JobId, Lease, Phase, Token},
    sqlite::row::{Lasting, Record, Set, WIDTH, nanos, strange},
    storage::{Claim, Claimed, MAX_BATCH, turn::turn},
};

impl Ledger<'_> {
    pub(in crate::sqlite) fn claim(&mut self, claim: &Claim) -> Result<Vec<Claimed<Vec<u8>>>> {
        let mut claimed = Vec::new();
        if self.totals.paused {
            return Ok(claimed);
        }
        self.make_ready(MAX_BATCH)?;
        let max = claim.max.min(MAX_BATCH);
        let mut seen = 0;
        while claimed.len() < max && seen < MAX_BATCH {
            let wanted = max - claimed.len();
            let mut next = self.next(wanted)?;
            if next.is_empty() {
                break;
            }
            // Whoever comes after the last one is not among them: there may be others before him.
            let last = next.last().copied().filter(|_| next.len() == wanted);
            while claimed.len() < max
                && seen < MAX_BATCH
                && let Some((_, id)) = next.pop_first()
            {
                seen += 1;
                let (job, payload) = self.load_whole(id)?;
                let of = job.key.clone();
                let may_be_leased = match &of {
                    Some(of) => self.has_place(of, id)?,
                    None => true,
                };
                if !may_be_leased {
                    self.hold_up(id)?;
                    continue;
                }
                claimed.push(self.lease(job, payload, claim)?);
                if let Some(of) = &of
                    && let Some(turn) = self.serve(of)?
                    && last.is_none_or(|last| turn < last)
                {
                    next.insert(turn);
                }
            }
        }
        Ok(claimed)
    }

    /// The next ready ones in turn.
    fn next(&self, count: usize) -> Result<BTreeSet<Turn>> {
        const NEXT: &str = "SELECT moment, id FROM seawall_jobs WHERE phase = 1 AND lane = ?1
            ORDER BY moment, id LIMIT ?2";
        let mut next = BTreeSet::new();
        for lane in self.lanes(Set::Ready)? {
            let mut statement = self.conn.prepare_cached(NEXT)?;
            let places = statement.query_map((lane, count), |row| {
                Ok((nanos(row.get(0)?), JobId(row.get::<_, i64>(1)?.cast_unsigned())))
            })?;
            for place in places {
                let (since, id) = place?;
                next.insert((turn(since, Priority(lane)), id));
                if next.len() > count {
                    next.pop_last();
                }
            }
        }
        Ok(next)
    }

    fn load_whole(&self, id: JobId) -> Result<(Record, Vec<u8>)> {
        let mut statement = self.conn.prepare_cached(WHOLE_BY_ID)?;
        statement.query_row([key(id)], |row| Ok((Record::read(row)?, row.get(WIDTH)?)))
    }

    fn lease(
        &mut self,
        mut job: Record,
        payload: Vec<u8>,
        claim: &Claim,
    ) -> Result<Claimed<Vec<u8>>> {
        let token = Token(number_after(&mut self.totals.last_token)?);
        if job.life.token >= token {
            return Err(strange(job.id, 9, "token"));
        }
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
}
