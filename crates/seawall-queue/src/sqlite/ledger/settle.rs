//! What workers say.

use std::time::Duration;

use super::{Ledger, Result, key};
use crate::{
    job::{JobId, Kept, Lease, Settled, Verdict},
    storage::{Heartbeat, Settlement},
};

impl Ledger<'_> {
    pub(in crate::sqlite) fn settle(&mut self, settlements: &[Settlement]) -> Result<Vec<Settled>> {
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

    pub(in crate::sqlite) fn heartbeat(
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
