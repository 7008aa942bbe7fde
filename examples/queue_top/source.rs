//! Where looks come from, and what is done about an action: the one place that talks to the queue.
//!
//! Looking opens the file to be read only. A second handle, which may write, is opened when somebody has said
//! yes to the first action, and not before.

use std::{path::PathBuf, time::Duration};

use seawall_core::BoxError;
use seawall_queue::{
    Plain, Queue,
    job::{Cancelled, State},
    sqlite::SqliteError,
    storage::{Keep, Requeued},
};
use tokio::time::Instant;

use crate::model::{Action, Look};

/// How many jobs of a state are looked at: more than fit on a screen.
const ROWS: usize = 200;

/// A file that is looked at.
pub(crate) struct Source {
    path: PathBuf,
    /// Payloads as bytes: whatever they are, they can be shown.
    looks: Queue<Vec<u8>>,
    acts: Option<Queue<Vec<u8>>>,
    began: Instant,
}

impl Source {
    pub(crate) async fn open(path: PathBuf) -> Result<Self, SqliteError> {
        let looks = Queue::sqlite(&path).codec(Plain).read_only().open().await?;
        Ok(Self { path, looks, acts: None, began: Instant::now() })
    }

    pub(crate) async fn look(&self) -> Result<Look, BoxError> {
        let stats = self.looks.stats().await?;
        let leased = self.looks.list(State::Leased, ROWS, None).await?;
        let dead = self.looks.dead_letters().list(ROWS).await?;
        Ok(Look { at: self.began.elapsed(), stats, leased, dead })
    }

    /// Does what was confirmed, and says what became of it.
    pub(crate) async fn act(&mut self, action: Action) -> Result<String, BoxError> {
        let queue = self.writer().await?;
        Ok(match action {
            Action::Pause => {
                queue.pause().await?;
                "Paused: nothing more is claimed, and what runs goes on.".into()
            }
            Action::Resume => {
                queue.resume().await?;
                "It goes on.".into()
            }
            Action::Cancel(id) => match queue.cancel(id).await? {
                Cancelled::Now => format!("Job {id} is cancelled."),
                Cancelled::Asked => format!("Job {id} runs: its worker will stop it."),
                Cancelled::Over => format!("Job {id} was over before."),
                Cancelled::Unknown => format!("Job {id} is not known any more."),
            },
            Action::Requeue(id) => match queue.requeue(id).await? {
                Requeued::Now => format!("Job {id} waits again, with all of its attempts."),
                Requeued::NotDead => format!("Job {id} is not dead."),
                Requeued::Existing(other) => {
                    format!("Job {id} stays dead: job {other} holds its unique key.")
                }
                Requeued::Unknown => format!("Job {id} is not known any more."),
            },
        })
    }

    /// The handle that may write. What it forgets is what nobody would keep: how long jobs are known is for
    /// the service to say, and it would not be asked if this one said a thousand.
    async fn writer(&mut self) -> Result<&Queue<Vec<u8>>, SqliteError> {
        const FOR_EVER: Keep = Keep { count: usize::MAX, age: Duration::MAX };
        if self.acts.is_none() {
            let builder = Queue::sqlite(&self.path).codec(Plain);
            let builder = builder.keep_done(FOR_EVER).keep_dead(FOR_EVER);
            self.acts = Some(builder.open().await?);
        }
        Ok(self.acts.as_ref().expect("it was opened above"))
    }
}

#[cfg(test)]
mod tests {
    use seawall_queue::{Claim, Claimed, job::Verdict, storage::Settlement};

    use super::*;

    #[tokio::test]
    async fn what_others_do_is_seen_and_what_was_confirmed_is_done() -> Result<(), BoxError> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("jobs.db");
        let service = Queue::<String>::sqlite(&path).open().await?;
        let bad = service.push("bad".to_owned()).await?;
        let slow = service.push("slow".to_owned()).await?;
        let mut source = Source::open(path).await?;

        let claim = Claim::new(2, Duration::from_secs(30)).worker("ada");
        let claimed = service.claim(claim).await?;
        service.settle_one(claimed[0].lease, Verdict::refuse("no photo")).await?;
        let look = source.look().await?;

        assert_eq!(look.leased.iter().map(|job| job.id).collect::<Vec<_>>(), [slow]);
        assert_eq!(look.leased[0].worker.as_deref(), Some("ada"));
        assert_eq!(look.dead[0].error.as_deref(), Some("no photo"));
        assert_eq!(look.dead[0].payload.as_deref(), Some(br#""bad""#.as_slice()));
        assert!(source.acts.is_none(), "nobody has said yes to anything");

        assert!(source.act(Action::Cancel(slow)).await?.contains("will stop it"));
        assert!(source.act(Action::Requeue(bad)).await?.contains("waits again"));
        assert!(source.act(Action::Requeue(bad)).await?.contains("is not dead"));
        source.act(Action::Pause).await?;
        let stats = service.stats().await?;
        assert_eq!((stats.ready, stats.dead, stats.paused), (1, 0, true));
        source.act(Action::Resume).await?;
        assert!(!source.look().await?.stats.paused);
        Ok(())
    }

    /// How many done jobs a service wants to be known is its own affair.
    #[tokio::test]
    async fn an_action_forgets_nothing_that_the_service_keeps() -> Result<(), BoxError> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("jobs.db");
        let keep = Keep { count: 5_000, age: Duration::from_secs(3_600) };
        let service = Queue::<u32>::sqlite(&path).keep_done(keep).open().await?;
        service.push_batch(0..1_100).await?;
        for _ in 0..2 {
            let claimed = service.claim(Claim::new(1_000, Duration::from_secs(30))).await?;
            let done = |job: Claimed<u32>| Settlement { lease: job.lease, verdict: Verdict::DONE };
            service.settle(claimed.into_iter().map(done).collect()).await?;
        }
        let id = service.push(7).await?;

        Source::open(path).await?.act(Action::Cancel(id)).await?;

        let stats = service.stats().await?;
        assert_eq!((stats.done, stats.cancelled), (1_100, 1));
        Ok(())
    }
}
