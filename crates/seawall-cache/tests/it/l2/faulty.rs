//! A second level with everything that can happen to one.

use std::{
    future::{Future, pending},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use seawall_cache::{
    BoxError,
    l2::{Ask, Ear, Fill, Heard, L2, Lease, Look, Memory, Tag},
};
use seawall_core::sync::Mutex;
use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// Nothing is done.
    Fails,
    /// Nothing is done, and no answer comes.
    Hangs,
    /// It is done, and no answer comes.
    LosesReply,
    /// It is done so much later.
    Slow(Duration),
    /// It is done at once, and answered so much later.
    SlowReply(Duration),
    /// It is done up to so much later, and answered up to so much later.
    Random(Duration),
}

/// What a test does to a store, and sees of it.
#[derive(Clone)]
pub(super) struct Hand(Arc<State>);

struct State {
    fault: watch::Sender<Fault>,
    ear: Mutex<Option<Ear<u32>>>,
    muted: watch::Sender<bool>,
    random: Mutex<fastrand::Rng>,
    pub(super) looks: AtomicU64,
    pub(super) fills: AtomicU64,
    pub(super) calls: AtomicU64,
}

impl Hand {
    pub(super) fn new(seed: u64) -> Self {
        Self(Arc::new(State {
            fault: watch::Sender::new(Fault::None),
            ear: Mutex::new(None),
            muted: watch::Sender::new(false),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
            looks: AtomicU64::new(0),
            fills: AtomicU64::new(0),
            calls: AtomicU64::new(0),
        }))
    }

    pub(super) fn set(&self, fault: Fault) {
        self.0.fault.send_replace(fault);
    }

    /// The connection that tells is lost.
    pub(super) fn mute(&self) {
        self.0.muted.send_replace(true);
    }

    /// It is, and the instance knows.
    pub(super) fn deafen(&self) {
        self.mute();
        self.hear(Heard::Deaf);
    }

    /// It is there again.
    pub(super) fn listen(&self) {
        self.0.muted.send_replace(false);
        self.hear(Heard::Listening);
    }

    fn hear(&self, heard: Heard<u32>) {
        let ear = self.0.ear.lock().clone();
        ear.expect("the cache listens").hear(heard);
    }

    /// How many calls came: looks, fills, and all.
    pub(super) fn calls(&self) -> (u64, u64, u64) {
        let State { looks, fills, calls, .. } = &*self.0;
        (looks.load(Relaxed), fills.load(Relaxed), calls.load(Relaxed))
    }

    pub(super) fn random(&self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_micros()).unwrap();
        Duration::from_micros(self.0.random.lock().u64(0..=most))
    }
}

/// An instance's way to what is shared, with faults.
pub(super) struct Faulty<L> {
    pub(super) inner: L,
    pub(super) hand: Hand,
}

pub(super) fn faulty(between: &Memory<u32, u32>, seed: u64) -> (Faulty<Memory<u32, u32>>, Hand) {
    let hand = Hand::new(seed);
    (Faulty { inner: between.instance(), hand: hand.clone() }, hand)
}

impl<L: L2<u32, u32>> Faulty<L> {
    async fn call<T>(
        &self,
        work: impl Future<Output = Result<T, L::Error>> + Send,
    ) -> Result<T, BoxError> {
        self.hand.0.calls.fetch_add(1, Relaxed);
        let fault = *self.hand.0.fault.borrow();
        match fault {
            Fault::None | Fault::SlowReply(_) => {}
            Fault::Fails => return Err("it fails".into()),
            Fault::Hangs => return pending().await,
            Fault::LosesReply => {
                drop(work.await);
                return pending().await;
            }
            Fault::Slow(time) => sleep(time).await,
            Fault::Random(most) => sleep(self.hand.random(most)).await,
        }
        let answer = work.await.map_err(Into::into);
        match fault {
            Fault::SlowReply(time) => sleep(time).await,
            Fault::Random(most) => sleep(self.hand.random(most)).await,
            _ => {}
        }
        answer
    }
}

impl<L: L2<u32, u32>> L2<u32, u32> for Faulty<L> {
    type Error = BoxError;

    async fn look(&self, keys: &[u32], ask: Ask) -> Result<Vec<Look<u32>>, BoxError> {
        self.hand.0.looks.fetch_add(1, Relaxed);
        self.call(self.inner.look(keys, ask)).await
    }

    async fn fill(&self, fills: &[Fill<u32, u32>]) -> Result<Vec<bool>, BoxError> {
        self.hand.0.fills.fetch_add(1, Relaxed);
        self.call(self.inner.fill(fills)).await
    }

    async fn release(&self, leases: &[(u32, Lease)]) -> Result<(), BoxError> {
        self.call(self.inner.release(leases)).await
    }

    async fn invalidate(&self, keys: &[u32]) -> Result<(), BoxError> {
        self.call(self.inner.invalidate(keys)).await
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<(), BoxError> {
        self.call(self.inner.invalidate_tags(tags)).await
    }

    async fn clear(&self) -> Result<(), BoxError> {
        self.call(self.inner.clear()).await
    }

    /// Tells in order, each a while later; nothing while it is muted.
    async fn listen(&self, ear: Ear<u32>) {
        *self.hand.0.ear.lock() = Some(ear.clone());
        let (send, mut told) = mpsc::unbounded_channel();
        let muted = self.hand.0.muted.subscribe();
        let hears = Ear::new(move |heard| {
            if !*muted.borrow() {
                drop(send.send(heard));
            }
        });
        let relay = async {
            while let Some(heard) = told.recv().await {
                let fault = *self.hand.0.fault.borrow();
                if let Fault::Random(most) = fault {
                    sleep(self.hand.random(most)).await;
                }
                ear.hear(heard);
            }
        };
        tokio::select! {
            () = self.inner.listen(hears) => {}
            () = relay => {}
        }
    }
}
