//! Who of a key may be leased, and who of it waits for that.
//!
//! **The rule**, as in memory: *where a key has places left, as many of its jobs as it has places are
//! among the ready ones, and those that are held up come after them.*

use super::{Ledger, Result};
use crate::sqlite::row::{Record, Set};

impl Ledger<'_> {
    /// Whether its key has a place left, counted from the leases themselves.
    pub(super) fn may_be_leased(&self, job: &Record) -> Result<bool> {
        const LEASED: &str = "SELECT count(*) FROM
            (SELECT 1 FROM seawall_jobs WHERE phase = 3 AND key = ?1 LIMIT ?2)";
        let (Some(limit), Some(of)) = (self.settings.key_limit, &job.key) else { return Ok(true) };
        let mut statement = self.conn.prepare_cached(LEASED)?;
        let leased: u32 = statement.query_row((of, limit), |row| row.get(0))?;
        Ok(leased < limit)
    }

    /// Lets the first job back that is held up by this key.
    pub(super) fn let_back(&mut self, of: &str) -> Result<()> {
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
}
