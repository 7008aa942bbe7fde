//! A storage under test, and the hand of its clock.

use std::{fmt, time::Duration};

use crate::{
    job::{JobId, Lease, Settled, State, Verdict},
    storage::{
        Claim, Claimed, Enqueued, Heartbeat, JobInfo, Look, NewJob, Promoted, Room, Settlement,
        Stats, Storage,
    },
};

/// How long leases of tests are.
pub(super) const LEASE: Duration = Duration::from_secs(30);
/// How many jobs a promote of tests may work on.
pub(super) const BUDGET: usize = 1_000;

/// A storage under test, whose time somebody else moves.
pub struct Stand<S> {
    pub(super) storage: S,
    advance: Box<dyn Fn(Duration) + Send + Sync>,
}

/// What a test pushes.
pub(super) type Job = NewJob<Vec<u8>>;

/// A job that is told from others by its name.
pub(super) fn job(name: &str) -> Job {
    NewJob::new(name.as_bytes().to_vec())
}

/// A failure, as the tests give it.
pub(super) fn retry(secs: u64) -> Verdict {
    Verdict::Retry { delay: Duration::from_secs(secs), error: "it failed".to_owned() }
}

impl<S: Storage> Stand<S> {
    /// An empty storage, and what moves its time on. What is to live as long as the storage (a directory, a
    /// server) can live in `advance`.
    pub fn new(storage: S, advance: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        Self { storage, advance: Box::new(advance) }
    }

    /// Some seconds pass.
    pub(super) fn pass(&self, secs: u64) {
        (self.advance)(Duration::from_secs(secs));
    }

    pub(super) async fn enqueue(&self, jobs: Vec<Job>, room: Room) -> Vec<Enqueued> {
        let count = jobs.len();
        let answers = well(self.storage.enqueue(jobs, room).await);
        assert_eq!(answers.len(), count, "enqueue answers for each job");
        answers
    }

    /// What became of one job.
    pub(super) async fn offer(&self, job: Job) -> Enqueued {
        self.enqueue(vec![job], Room::Refuse).await[0]
    }

    /// A job that is in now.
    pub(super) async fn push(&self, job: Job) -> JobId {
        match self.offer(job).await {
            Enqueued::New { id, shed: None } => id,
            other => panic!("a job goes in where there is room, and was told {other:?}"),
        }
    }

    /// Jobs that are claimed after all that is due was promoted.
    pub(super) async fn claim(&self, max: usize) -> Vec<Claimed<Vec<u8>>> {
        self.claim_by(Claim::new(max, LEASE)).await
    }

    pub(super) async fn claim_by(&self, claim: Claim) -> Vec<Claimed<Vec<u8>>> {
        self.promote().await;
        let max = claim.max;
        let claimed = well(self.storage.claim(claim).await);
        assert!(claimed.len() <= max, "asked for {max}, and got {}", claimed.len());
        claimed
    }

    /// The names of up to so many jobs, in the order in which they are claimed.
    pub(super) async fn names(&self, max: usize) -> Vec<String> {
        let claimed = self.claim(max).await;
        claimed.into_iter().map(|job| String::from_utf8_lossy(&job.payload).into_owned()).collect()
    }

    /// The only job that can be claimed.
    pub(super) async fn only(&self) -> Claimed<Vec<u8>> {
        let mut claimed = self.claim(10).await;
        assert_eq!(claimed.len(), 1, "one job can be claimed: {claimed:?}");
        claimed.remove(0)
    }

    pub(super) async fn settle(&self, lease: Lease, verdict: Verdict) -> Settled {
        let answers = well(self.storage.settle(vec![Settlement { lease, verdict }]).await);
        assert_eq!(answers.len(), 1, "settle answers for each");
        answers[0]
    }

    pub(super) async fn keep(&self, lease: Lease) -> crate::job::Kept {
        let answers = well(self.storage.heartbeat(vec![Heartbeat::of(lease)], LEASE).await);
        assert_eq!(answers.len(), 1, "heartbeat answers for each");
        answers[0]
    }

    /// All that is due, step by step.
    pub(super) async fn promote(&self) -> Promoted {
        /// What is forgotten of keys is counted nowhere, so a step may seem to do nothing.
        const IDLE: usize = 100;
        let mut all = Promoted::default();
        let mut idle = 0;
        loop {
            let step = well(self.storage.promote(BUDGET).await);
            let did = step.ready + step.recovered.len() + step.buried.len() + step.forgotten;
            assert!(did <= BUDGET, "a promote works on no more than it may: {did}");
            idle = if did == 0 { idle + 1 } else { 0 };
            assert!(idle <= IDLE, "a promote says that there is more, and does nothing: {step:?}");
            all.ready += step.ready;
            all.recovered.extend(step.recovered);
            all.buried.extend(step.buried);
            all.forgotten += step.forgotten;
            all.next = step.next;
            if all.next != Some(Duration::ZERO) {
                return all;
            }
        }
    }

    pub(super) async fn info(&self, id: JobId) -> JobInfo<Vec<u8>> {
        self.find(id).await.unwrap_or_else(|| panic!("job {id} is known"))
    }

    pub(super) async fn find(&self, id: JobId) -> Option<JobInfo<Vec<u8>>> {
        well(self.storage.inspect(Look::At(vec![id])).await).pop()
    }

    pub(super) async fn state(&self, id: JobId) -> State {
        self.info(id).await.state
    }

    pub(super) async fn stats(&self) -> Stats {
        well(self.storage.stats().await)
    }
}

/// What a storage that does not fail says.
#[track_caller]
pub(super) fn well<R, E: fmt::Debug>(answer: Result<R, E>) -> R {
    answer.unwrap_or_else(|error| panic!("the storage failed: {error:?}"))
}

impl<S> fmt::Debug for Stand<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stand").finish_non_exhaustive()
    }
}
