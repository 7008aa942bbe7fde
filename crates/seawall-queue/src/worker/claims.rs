//! The first loop: claims what there are places for, and begins it.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use futures_util::future::{Either, select};
use tokio::time::{Instant, sleep, timeout};

use super::{crew::Crew, run::Run, runs::Ties, shared::Shared};
use crate::{
    job::Verdict,
    poll_once::poll_once,
    storage::{Claim, Claimed, Hint, MAX_BATCH},
};

/// A hint that comes again and again for nothing is followed this often.
const BREATH: Duration = Duration::from_millis(1);

/// Claims until `shutdown`. It never leaves a claim half way: what was leased is run or given back.
pub(super) async fn claim<T: Send + Sync + 'static>(
    shared: &Arc<Shared<T>>,
    crew: &Crew<T>,
    shutdown: impl Future<Output = ()>,
) {
    let mut shutdown = pin!(shutdown);
    loop {
        let room = match select(
            shutdown.as_mut(),
            pin!(shared.runs.room(|| shared.scale.lock().places())),
        )
        .await
        {
            Either::Left(_) => return,
            Either::Right((room, _)) => room.min(MAX_BATCH),
        };

        // He waits before he looks: what comes in between is told to him.
        let mut hint = pin!(shared.queue.wait(Hint::Work));
        let is_told = poll_once(hint.as_mut()).await;
        let sent = Instant::now();
        // As long as what it gives can still be begun: a storage may act on what nobody waits for, and jobs
        // that nobody has begun would be counted as crashed.
        let claim = timeout(shared.terms.safe(), shared.queue.claim(shared.ask(room)));
        let (claimed, is_over) = match select(shutdown.as_mut(), pin!(claim)).await {
            Either::Left(((), claim)) => (claim.await, true),
            Either::Right((claimed, shutdown)) => (claimed, poll_once(shutdown).await),
        };

        let news = match claimed {
            Ok(Ok(jobs)) if is_over => return shared.give_back(&jobs),
            Ok(Ok(jobs)) if jobs.len() == room => {
                shared.begin(jobs, sent, crew);
                continue; // there may be more
            }
            Ok(Ok(jobs)) => {
                shared.begin(jobs, sent, crew);
                true
            }
            Ok(Err(_)) | Err(_) => {
                shared.tally.failed_calls.add(1);
                false
            }
        };
        if is_over {
            return;
        }
        let pause = pin!(async {
            match (news, is_told) {
                (false, _) => sleep(shared.terms.rest()).await,
                (true, true) => sleep(BREATH).await, // told, and there was too little: a hint may be wrong
                (true, false) => {
                    let work = pin!(shared.work.notified());
                    select(select(hint, work), pin!(sleep(shared.terms.poll))).await;
                }
            }
        });
        if let Either::Left(_) = select(shutdown.as_mut(), pause).await {
            return;
        }
    }
}

impl<T: Send + Sync + 'static> Shared<T> {
    fn ask(&self, room: usize) -> Claim {
        let terms = &self.terms;
        Claim::new(room, terms.lease).limits(terms.limits).worker(terms.name.clone())
    }

    fn begin(self: &Arc<Self>, jobs: Vec<Claimed<T>>, sent: Instant, crew: &Crew<T>) {
        let ties = self.enter(&jobs, sent);
        let run = |(job, ties)| Run::new(Arc::clone(self), job, ties);
        crew.begin(jobs.into_iter().zip(ties).map(run));
    }

    /// They came when nothing is begun any more: back to their old places.
    fn give_back(&self, jobs: &[Claimed<T>]) {
        for ties in self.enter(jobs, Instant::now()) {
            self.outbox.put(&ties, Verdict::Release);
        }
    }

    fn enter(&self, jobs: &[Claimed<T>], sent: Instant) -> Vec<Arc<Ties>> {
        self.tally.claimed.add(jobs.len() as u64);
        self.runs.enter(jobs.iter().map(|job| job.lease), sent + self.terms.safe())
    }
}
