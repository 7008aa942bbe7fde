//! A storage in memory whose enqueues, heartbeats and settles can be made to fail, to hang, or to say that all is lost
//! (an enqueue: to lose its answer), and whose claims and heartbeats can be made to answer late.

use std::{
    convert::Infallible,
    io,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use seawall_core::Clock;
use seawall_queue::{
    Claim, Claimed, Memory, NewJob, Queue, Storage,
    job::{Cancelled, JobId, Kept, Settled},
    storage::{
        Enqueued, Heartbeat, Hint, JobInfo, Look, Promoted, Requeued, Room, Settings, Settlement,
        Stats,
    },
};

/// How a kind of call fares. All fare well at first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fare(Arc<AtomicU8>);

impl Fare {
    const WELL: u8 = 0;
    const FAILS: u8 = 1;
    const HANGS: u8 = 2;
    const IS_LOST: u8 = 3;

    pub(crate) fn is_well(&self) {
        self.0.store(Self::WELL, Ordering::Relaxed);
    }

    pub(crate) fn fails(&self) {
        self.0.store(Self::FAILS, Ordering::Relaxed);
    }

    pub(crate) fn hangs(&self) {
        self.0.store(Self::HANGS, Ordering::Relaxed);
    }

    pub(crate) fn is_lost(&self) {
        self.0.store(Self::IS_LOST, Ordering::Relaxed);
    }

    /// Whether all is lost, where there is an answer.
    async fn is_lost_or_fails(&self) -> io::Result<bool> {
        match self.0.load(Ordering::Relaxed) {
            Self::FAILS => Err(io::Error::other("the line is down")),
            Self::HANGS => std::future::pending().await,
            mode => Ok(mode == Self::IS_LOST),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Shaky {
    memory: Memory<u32>,
    pub(crate) enqueues: Fare,
    pub(super) heartbeats: Fare,
    pub(super) settles: Fare,
    /// After how many milliseconds a claim is answered that has been done.
    pub(super) claims_late_by: Arc<AtomicU64>,
    /// After how many milliseconds a heartbeat is answered that has been done.
    pub(super) heartbeats_late_by: Arc<AtomicU64>,
    /// How many leases were kept so far, each as often as it was.
    pub(super) leases_kept: Arc<AtomicUsize>,
}

/// A queue on such a storage, and its switches.
pub(crate) fn shaky(clock: Clock) -> (Queue<u32>, Shaky) {
    let memory = Memory::new(Settings::new(1_000), clock).expect("sound settings");
    let shaky = Shaky {
        memory,
        enqueues: Fare::default(),
        heartbeats: Fare::default(),
        settles: Fare::default(),
        claims_late_by: Arc::default(),
        heartbeats_late_by: Arc::default(),
        leases_kept: Arc::default(),
    };
    (Queue::builder("shaky").storage(shaky.clone()), shaky)
}

async fn late_by(millis: &AtomicU64) {
    tokio::time::sleep(Duration::from_millis(millis.load(Ordering::Relaxed))).await;
}

fn never<R>(answer: Result<R, Infallible>) -> io::Result<R> {
    answer.map_err(|never| match never {})
}

impl Storage<u32> for Shaky {
    type Error = io::Error;

    fn settings(&self) -> &Settings {
        self.memory.settings()
    }

    async fn enqueue(&self, jobs: Vec<NewJob<u32>>, room: Room) -> io::Result<Vec<Enqueued>> {
        match self.enqueues.is_lost_or_fails().await? {
            true => {
                never(self.memory.enqueue(jobs, room).await)?;
                Err(io::Error::other("the line went down after it"))
            }
            false => never(self.memory.enqueue(jobs, room).await),
        }
    }

    async fn claim(&self, claim: Claim) -> io::Result<Vec<Claimed<u32>>> {
        let claimed = never(Storage::claim(&self.memory, claim).await);
        late_by(&self.claims_late_by).await;
        claimed
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> io::Result<Vec<Settled>> {
        match self.settles.is_lost_or_fails().await? {
            true => Ok(vec![Settled::Lost; settlements.len()]),
            false => never(self.memory.settle(settlements).await),
        }
    }

    async fn heartbeat(&self, beats: Vec<Heartbeat>, lease: Duration) -> io::Result<Vec<Kept>> {
        match self.heartbeats.is_lost_or_fails().await? {
            true => Ok(vec![Kept::Lost; beats.len()]),
            false => {
                self.leases_kept.fetch_add(beats.len(), Ordering::Relaxed);
                let kept = never(self.memory.heartbeat(beats, lease).await);
                late_by(&self.heartbeats_late_by).await;
                kept
            }
        }
    }

    async fn promote(&self, budget: usize) -> io::Result<Promoted> {
        never(self.memory.promote(budget).await)
    }

    async fn cancel(&self, jobs: Vec<JobId>) -> io::Result<Vec<Cancelled>> {
        never(self.memory.cancel(jobs).await)
    }

    async fn requeue(&self, jobs: Vec<JobId>) -> io::Result<Vec<Requeued>> {
        never(self.memory.requeue(jobs).await)
    }

    async fn pause(&self, paused: bool) -> io::Result<()> {
        never(self.memory.pause(paused).await)
    }

    async fn stats(&self) -> io::Result<Stats> {
        never(self.memory.stats().await)
    }

    async fn inspect(&self, look: Look) -> io::Result<Vec<JobInfo<u32>>> {
        never(self.memory.inspect(look).await)
    }

    async fn wait(&self, hint: Hint) {
        self.memory.wait(hint).await;
    }
}
