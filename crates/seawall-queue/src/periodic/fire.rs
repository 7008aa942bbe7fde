//! How fires are pushed: what a worker does all the time.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use seawall_core::Nanos;

use super::{Entry, Fire};
use crate::{
    Queue,
    storage::{Enqueued, Room, Scope},
};

/// What came of a [`fire`](Queue::fire).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fired {
    /// How many fires are in that were not.
    pub pushed: usize,
    /// How many were due and are not in, as far as is known: the next one tries again.
    pub failed: usize,
    /// In how long it is worth while to do it again; `None` where no schedule is kept.
    pub next: Option<Duration>,
}

impl<T> Queue<T> {
    /// Pushes what is due now of the periodic jobs that this handle or a clone has [said](Self::every), and says in how
    /// long it is worth while to do it again. It fails never for good: what is not in is tried by the next one.
    ///
    /// Workers do this; it is for processes that push and have none, and for workers of your own.
    ///
    /// # Examples
    ///
    /// How do I have fires pushed by a process that does no jobs?
    ///
    /// ```no_run
    /// # use seawall_queue::Queue;
    /// # use std::time::Duration;
    /// async fn keep_time(queue: Queue<u32>) {
    ///     loop {
    ///         let wait = queue.fire().await.next.unwrap_or(Duration::from_secs(1));
    ///         tokio::time::sleep(wait).await;
    ///     }
    /// }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Dropped, it may have pushed some; the next one pushes none of them again.
    pub async fn fire(&self) -> Fired {
        let kept = self.shared.schedules.0.lock().clone();
        let mut fired = Fired::default();
        for entry in &kept {
            let found = entry.plan.lock().look(entry.clock.now());
            if let Some(at) = found.missed {
                self.shared.missed(&entry.name, at);
            }
            if let Some(at) = found.fire {
                match self.push_fire(entry, at).await {
                    Some(Enqueued::New { .. }) => fired.pushed += 1,
                    Some(_) => {}
                    None => fired.failed += 1,
                }
            }
        }
        // After the last push, which may have taken its time.
        let waits = kept.iter().map(|entry| entry.plan.lock().wait(entry.clock.now()));
        fired.next = waits.min();
        fired
    }

    /// `None` where it is not in, as far as is known.
    async fn push_fire(&self, entry: &Entry<T>, at: Nanos) -> Option<Enqueued> {
        let fire = Fire { name: entry.name.clone(), at };
        // The user's code, and the worker's loop.
        let mut job = catch_unwind(AssertUnwindSafe(|| (entry.make)(fire))).ok()?;
        let hold = entry.plan.lock().hold(at);
        job = job.unique(format!("every/{}/{}", entry.name, at.0), Scope::For(hold));

        let answer = self.offer(job, Room::Refuse).await.ok()?;
        if answer == Enqueued::Full {
            return None;
        }
        entry.plan.lock().pushed(at);
        if matches!(answer, Enqueued::New { .. }) {
            self.shared.fired(&entry.name, at);
        }
        Some(answer)
    }
}
