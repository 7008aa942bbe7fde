//! Who holds which unique key.

use seawall_core::Nanos;

use super::{Ledger, Result, key};
use crate::{job::JobId, sqlite::row::moment};

impl Ledger<'_> {
    pub(super) fn holder(&self, unique: &str) -> Result<Option<JobId>> {
        const HOLDER: &str = "SELECT id FROM seawall_uniques
            WHERE key = ?1 AND (until IS NULL OR until > ?2)";
        Ok(self.ids(HOLDER, &[&unique, &moment(self.now)])?.first().copied())
    }

    /// Gives a key, which nobody holds now, to a job.
    pub(super) fn hold(&mut self, unique: &str, id: JobId, until: Option<Nanos>) -> Result<()> {
        // What may be there was held for a time that is over.
        let over = self.run("DELETE FROM seawall_uniques WHERE key = ?1", &[&unique])?;
        self.totals.timed = self.totals.timed.saturating_sub(over) + usize::from(until.is_some());
        let until = until.map(moment);
        let hold = "INSERT INTO seawall_uniques (key, id, until) VALUES (?1, ?2, ?3)";
        self.run(hold, &[&unique, &key(id), &until])?;
        Ok(())
    }

    /// A job gives back what it holds, unless it holds it for a time.
    pub(super) fn give_back(&self, unique: &str, id: JobId) -> Result<()> {
        const GIVE_BACK: &str =
            "DELETE FROM seawall_uniques WHERE key = ?1 AND id = ?2 AND until IS NULL";
        self.run(GIVE_BACK, &[&unique, &key(id)]).map(drop)
    }
}
