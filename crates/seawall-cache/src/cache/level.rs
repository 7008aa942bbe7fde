//! The second level as the cache sees it: every call bounded in time, skipped while it is away, and what could
//! not be told to it told later.
//!
//! # How it decides
//!
//! | a call                     | while it is away                   | what the cache does then                   |
//! |----------------------------|------------------------------------|--------------------------------------------|
//! | `look`                     | gives up after the timeout, or is skipped | loads without a lease; what it brings is fresh for the gutter time at most |
//! | `fill`                     | the same                           | keeps it for the gutter time at most       |
//! | ... refused                |                                    | the same                                   |
//! | `invalidate`, tags, `clear` | the same                          | owes it: see [`recovery`]                  |
//! | `release`                  | the same                           | nothing: the lease has its time            |
//!
//! # What it promises
//!
//! 1. A call takes no longer than the timeout. After five failures in a row calls are skipped, but for one in a
//!    while.
//! 2. No failure of it reaches a reader.
//! 3. What is owed is not read from it: an instance sees its own invalidations, whatever happens.

mod breaker;
pub(crate) mod recovery;
mod stats;

use std::{
    future::poll_fn,
    hash::Hash,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use seawall_core::{
    BoxError, Clock, Listeners, Name, Snapshot,
    sync::{
        Mutex,
        unmodelled::{AtomicBool, Ordering::Relaxed},
    },
};

use self::{breaker::Breaker, recovery::Pending, stats::Stats};
use super::{Background, Event, Turn, tasks::Tasks, timer::Timer};
use crate::l2::{Ask, Ear, Erased, Fill, Heard, Lease, Look, Record, Told};

/// What the builder says of it.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    /// Of each call.
    pub(super) timeout: Duration,
    /// How long to wait for what another instance loads.
    pub(super) wait: Duration,
    /// How long what it can't vouch for is fresh.
    pub(super) gutter: Duration,
    /// How long it is left alone when it has failed.
    pub(super) pause: Duration,
}

pub(super) struct Level<K, V> {
    store: Arc<dyn Erased<K, V>>,
    pub(super) bounds: Bounds,
    clock: Clock,
    pub(super) tasks: Tasks,
    breaker: Breaker,
    pending: Mutex<Pending<K>>,
    pub(super) stats: Stats,
    listeners: Listeners<Event>,
    name: Name,
    ear: Ear<K>,
    attends: AtomicBool,
    closing: Closing,
}

/// Why a call gave no answer.
#[derive(Debug)]
pub(super) enum Away {
    Skipped,
    TimedOut,
    Failed(BoxError),
}

impl<K, V> Level<K, V> {
    pub(super) fn new(
        store: Arc<dyn Erased<K, V>>,
        bounds: Bounds,
        ear: Ear<K>,
        (clock, tasks): (Clock, Tasks),
        (name, listeners): (Name, Listeners<Event>),
    ) -> Self {
        Self {
            store,
            breaker: Breaker::new(bounds.pause),
            bounds,
            clock,
            tasks,
            pending: Mutex::default(),
            stats: Stats::default(),
            listeners,
            name,
            ear,
            attends: AtomicBool::new(false),
            closing: Closing::default(),
        }
    }

    pub(super) fn tell(&self, turn: Turn) {
        #[cfg(feature = "tracing")]
        turn.trace(&self.name);
        self.listeners.tell(|| Event { name: self.name.clone(), turn });
    }

    /// Makes a call that is due, or skips it.
    async fn call<T>(&self, work: Told<'_, T>) -> Result<T, Away> {
        if self.breaker.admits(self.clock.now()) {
            return self.call_anyway(work).await;
        }
        self.stats.skipped.add(1);
        Err(Away::Skipped)
    }

    async fn call_anyway<T>(&self, mut work: Told<'_, T>) -> Result<T, Away> {
        let mut timer = Timer::after(Some(self.bounds.timeout));
        let ended = poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => timer.poll(cx).map(|()| None),
        });
        let (away, turn) = match ended.await {
            Some(Ok(answer)) => {
                if self.breaker.succeeds() {
                    self.tell(Turn::L2Back);
                }
                return Ok(answer);
            }
            Some(Err(error)) => {
                self.stats.failed.add(1);
                (Away::Failed(error), Turn::L2Failed)
            }
            None => {
                self.stats.timed_out.add(1);
                (Away::TimedOut, Turn::L2TimedOut)
            }
        };
        self.tell(turn);
        if self.breaker.fails(self.clock.now()) {
            self.tell(Turn::L2Away);
        }
        Err(away)
    }

    /// Nobody has the cache any more.
    pub(super) fn close(&self) {
        self.closing.close();
    }

    pub(super) fn write(&self, snapshot: Snapshot) -> Snapshot {
        let owed = self.pending.lock().len();
        self.stats
            .write(snapshot)
            .gauge("l2_owed", owed as f64)
            .gauge("l2_away", f64::from(u8::from(self.breaker.is_open())))
    }
}

impl<K, V> Level<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// What there is for each of `keys`; nothing is asked for what is owed.
    pub(super) async fn look(self: &Arc<Self>, keys: &[K], ask: Ask) -> Result<Vec<Look<V>>, Away> {
        self.attend();
        let looks: Vec<Look<V>> = self.call(self.store.look(keys, ask)).await?;
        if looks.len() == keys.len() {
            return Ok(looks);
        }
        self.stats.failed.add(1);
        Err(Away::Failed("the second level answered for another number of keys".into()))
    }

    /// Puts in what was loaded under leases: which of it was put in.
    pub(super) async fn fill(&self, fills: &[Fill<K, V>]) -> Result<Vec<bool>, Away> {
        let mut filled = self.call(self.store.fill(fills)).await?;
        filled.resize(fills.len(), false); // what it does not vouch for was not put in
        let put_in = filled.iter().filter(|filled| **filled).count() as u64;
        self.stats.fills.add(put_in);
        self.stats.refused.add(fills.len() as u64 - put_in);
        Ok(filled)
    }

    /// Gives a lease back, by a task: nobody waits for that.
    fn release(self: &Arc<Self>, key: K, lease: Lease) {
        if !self.tasks.can_spawn() {
            return; // it has its time
        }
        let level = self.clone();
        let release = async move {
            let leases = [(key, lease)];
            drop(level.call(level.store.release(&leases)).await);
        };
        self.tasks.spawn(Background::free(release));
    }

    /// Begins to listen, and to tell what is owed, if nobody does and there is one to run the task.
    fn attend(self: &Arc<Self>) {
        self.remind();
        if self.attends.load(Relaxed) || !self.tasks.can_spawn() || self.attends.swap(true, Relaxed)
        {
            return;
        }
        let attends = Attends { level: self.clone(), again: true };
        let listen = async move {
            let mut attends = attends; // whole, not field by field
            let level = attends.level.clone();
            let mut listen = level.store.listen(level.ear.clone());
            poll_fn(|cx| match level.closing.poll(cx) {
                Poll::Ready(()) => Poll::Ready(()),
                Poll::Pending => listen.as_mut().poll(cx),
            })
            .await;
            attends.again = false; // it tells nothing any more
        };
        self.tasks.spawn(Background::free(listen));
    }
}

/// The right to load, as the cache holds it: given back when it is dropped unused.
pub(super) struct Held<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    level: Arc<Level<K, V>>,
    of: Option<(K, Lease)>,
}

impl<K, V> Held<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    pub(super) fn new(level: &Arc<Level<K, V>>, key: &K, lease: Lease) -> Self {
        Self { level: level.clone(), of: Some((key.clone(), lease)) }
    }

    /// What is to be put in under it.
    pub(super) fn fill(mut self, record: Record<V>) -> Fill<K, V> {
        let (key, lease) = self.of.take().expect("it is used once");
        Fill { key, lease, record }
    }
}

impl<K, V> Drop for Held<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    fn drop(&mut self) {
        if let Some((key, lease)) = self.of.take() {
            self.level.release(key, lease);
        }
    }
}

/// The task that listens. When it is gone nothing is heard; where it was dropped, with its runtime, the next call
/// begins another one.
struct Attends<K, V> {
    level: Arc<Level<K, V>>,
    again: bool,
}

impl<K, V> Drop for Attends<K, V> {
    fn drop(&mut self) {
        self.level.ear.hear(Heard::Deaf);
        self.level.attends.store(!self.again, Relaxed);
    }
}

/// Ends the task that listens.
#[derive(Default)]
struct Closing(Mutex<(bool, Option<Waker>)>);

impl Closing {
    fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        let mut closing = self.0.lock();
        if closing.0 {
            return Poll::Ready(());
        }
        let old = closing.1.replace(cx.waker().clone());
        drop(closing);
        drop(old); // the user's own
        Poll::Pending
    }

    fn is_closed(&self) -> bool {
        self.0.lock().0
    }

    fn close(&self) {
        let mut closing = self.0.lock();
        closing.0 = true;
        let waker = closing.1.take();
        drop(closing);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
