//! How a worker gets jobs, keeps them and gives them back: what `Worker` is made of, and one of your own.
//!
//! Whoever works on a queue does four things, again and again: [`claim`](Queue::claim), and
//! [`settle`](Queue::settle) how it went; meanwhile a [`heartbeat`](Queue::heartbeat), well before a lease is
//! over; and [`promote`](Queue::promote), for what time makes due.

use std::time::Duration;

use super::{Queue, StorageError, Turn, shared::Local};
use crate::{
    job::{Cause, Kept, Lease, Settled, State, Verdict},
    storage::{Claim, Claimed, Heartbeat, Hint, Promoted, Settlement, Stats},
};

impl<T> Queue<T> {
    /// Leases up to as many jobs as are asked for; none while the queue is paused. It does not wait for any.
    ///
    /// What can't be decoded is buried, and not among them.
    ///
    /// # Errors
    ///
    /// Where the storage fails. It may have leased some: they come back when their leases are over.
    ///
    /// # Cancel safety
    ///
    /// As where it fails.
    pub async fn claim(&self, claim: Claim) -> Result<Vec<Claimed<T>>, StorageError> {
        if let Some(Local { memory, own }) = &self.shared.local {
            let claimed = memory.claim_now(&claim);
            self.shared.tally.claimed.add(claimed.len() as u64);
            return Ok(claimed.into_iter().map(|job| job.map(own)).collect());
        }
        let claims = self.shared.storage.claim(claim).await?;
        self.shared.tally.claimed.add(claims.jobs.len() as u64);
        for id in claims.undecodable {
            self.shared.died(id, Cause::Undecodable);
        }
        Ok(claims.jobs)
    }

    /// Says how runs ended. Answers for each, in their order.
    ///
    /// # Errors
    ///
    /// Where the storage fails. It may have taken some: to say it again is harmless.
    pub async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, StorageError> {
        // What each is to be told as, should it be dead of it; in place before it is given away.
        let told: Vec<_> = settlements.iter().map(Told::of).collect();
        let answers: Vec<_> = match &self.shared.local {
            Some(local) => local.memory.settle_now(settlements),
            None => self.shared.storage.settle(settlements).await?,
        };
        for (told, answer) in told.into_iter().zip(&answers) {
            self.settled(told, *answer);
        }
        Ok(answers)
    }

    /// Says how one run ended.
    ///
    /// # Errors
    ///
    /// Those of [`settle`](Self::settle).
    pub async fn settle_one(
        &self,
        lease: Lease,
        verdict: Verdict,
    ) -> Result<Settled, StorageError> {
        let settlement = Settlement { lease, verdict };
        let told = Told::of(&settlement);
        let answer = match &self.shared.local {
            Some(local) => local.memory.settle_now::<Only>([settlement]).0,
            None => self.shared.storage.settle(vec![settlement]).await?.first().copied(),
        };
        let answer = answer.unwrap_or(Settled::Lost); // who answers for nothing has taken nothing
        self.settled(told, answer);
        Ok(answer)
    }

    fn settled(&self, told: Told, answer: Settled) {
        let tally = &self.shared.tally;
        match answer {
            Settled::Already => tally.already.add(1),
            Settled::Lost => tally.lost.add(1),
            Settled::Done(State::Done) => tally.done.add(1),
            Settled::Done(State::Dead) => self.shared.died(told.lease.id, told.cause),
            Settled::Done(_) => tally.retried.add(u64::from(told.is_retry)),
        }
    }

    /// Keeps leases for `lease` from now on, and writes down how far their jobs are. Answers for each.
    ///
    /// # Errors
    ///
    /// Where the storage fails: whether the leases are kept is not known then. Only [`Kept::Lost`] means
    /// that one is gone.
    pub async fn heartbeat(
        &self,
        heartbeats: Vec<Heartbeat>,
        lease: Duration,
    ) -> Result<Vec<Kept>, StorageError> {
        self.shared.storage.heartbeat(heartbeats, lease).await
    }

    /// Does what time has made due, for at most `budget` jobs, and says in how long it is worth while to do
    /// it again.
    ///
    /// # Errors
    ///
    /// Where the storage fails.
    pub async fn promote(&self, budget: usize) -> Result<Promoted, StorageError> {
        let promoted = self.shared.storage.promote(budget).await?;
        self.shared.tally.recovered.add(promoted.recovered.len() as u64);
        for &id in &promoted.recovered {
            self.shared.tell(Turn::Recovered { id });
        }
        for &(id, cause) in &promoted.buried {
            self.shared.died(id, cause);
        }
        Ok(promoted)
    }

    /// Returns when it may be worth while to look again: a hint, that may come for nothing and may not come.
    pub async fn wait(&self, hint: Hint) {
        self.shared.storage.wait(hint).await;
    }

    /// How many jobs are where.
    ///
    /// # Errors
    ///
    /// Where the storage fails.
    pub async fn stats(&self) -> Result<Stats, StorageError> {
        let stats = self.shared.storage.stats().await?;
        self.shared.seen.lock().clone_from(&stats);
        Ok(stats)
    }
}

/// The first of some answers.
struct Only(Option<Settled>);

impl FromIterator<Settled> for Only {
    fn from_iter<I: IntoIterator<Item = Settled>>(answers: I) -> Self {
        Self(answers.into_iter().next())
    }
}

/// What is remembered of a settlement while the storage has it.
#[derive(Clone, Copy)]
struct Told {
    lease: Lease,
    /// Why it is dead, if it is.
    cause: Cause,
    is_retry: bool,
}

impl Told {
    const fn of(settlement: &Settlement) -> Self {
        let cause = match settlement.verdict {
            Verdict::Bury { cause, .. } => cause,
            _ => Cause::Attempts,
        };
        let is_retry = matches!(settlement.verdict, Verdict::Retry { .. });
        Self { lease: settlement.lease, cause, is_retry }
    }
}
