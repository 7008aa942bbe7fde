//! One batch: its keys while it gathers, and its work, which goes from driver to driver.

use std::{
    collections::HashMap,
    hash::Hash,
    pin::Pin,
    sync::Arc,
    task::{Context, Waker},
};

use seawall_core::sync::Mutex;

use crate::cache::Timer;

/// What a call gave for each of its keys that it knows.
pub(super) type Found<K, V, E> = Arc<HashMap<K, Result<V, Arc<E>>>>;

/// A call of the source under way.
pub(super) type Call<K, V, E> =
    Pin<Box<dyn Future<Output = Result<Found<K, V, E>, E>> + Send + 'static>>;

/// What is to be done for a batch.
pub(super) enum Work<K, V, E> {
    Gathers {
        /// `None`: its window is one turn of the scheduler.
        window: Option<Timer>,
        yielded: bool,
    },
    Calls(Call<K, V, E>),
}

/// One batch. Its number is the key of its flight.
pub(super) struct Batch<K, V, E> {
    pub(super) number: u64,
    keys: Mutex<Keys<K>>,
    work: Mutex<Kept<K, V, E>>,
}

/// Under the gate, but for the waker.
struct Keys<K> {
    /// When each came, and how many wait for it.
    of: HashMap<K, (usize, usize)>,
    came: usize,
    is_full: bool,
    /// Who gathers, to be told that it is full.
    driver: Option<Waker>,
}

struct Kept<K, V, E> {
    /// `None` while somebody polls it.
    work: Option<Work<K, V, E>>,
    /// The next driver, who came before the former had put it back.
    next: Option<Waker>,
}

impl<K, V, E> Batch<K, V, E> {
    pub(super) fn new(number: u64, window: Option<Timer>) -> Self {
        let keys = Keys { of: HashMap::new(), came: 0, is_full: false, driver: None };
        let work = Some(Work::Gathers { window, yielded: false });
        Self { number, keys: Mutex::new(keys), work: Mutex::new(Kept { work, next: None }) }
    }

    /// Takes the work out, to poll it; if another has it still, the task is woken when it is put back.
    pub(super) fn take_work(&self, cx: &Context<'_>) -> Option<Work<K, V, E>> {
        let mut kept = self.work.lock();
        let work = kept.work.take();
        let former = if work.is_none() { kept.next.replace(cx.waker().clone()) } else { None };
        drop(kept);
        drop(former);
        work
    }

    pub(super) fn put_back(&self, work: Work<K, V, E>) {
        let mut kept = self.work.lock();
        kept.work = Some(work);
        let next = kept.next.take();
        drop(kept);
        next.into_iter().for_each(Waker::wake);
    }

    /// Whether it is full; if not, the task is woken when it is.
    pub(super) fn is_full(&self, cx: &Context<'_>) -> bool {
        let mut keys = self.keys.lock();
        let former = if keys.is_full { None } else { keys.driver.replace(cx.waker().clone()) };
        let is_full = keys.is_full;
        drop(keys);
        drop(former);
        is_full
    }
}

impl<K: Hash + Eq, V, E> Batch<K, V, E> {
    /// A further caller for `key`; who is to be told, if it is full now. Under the gate.
    pub(super) fn add(&self, key: K, max: usize) -> (bool, Option<Waker>) {
        let mut keys = self.keys.lock();
        let place = keys.came;
        keys.came += 1;
        keys.of.entry(key).or_insert((place, 0)).1 += 1;
        keys.is_full = keys.of.len() >= max;
        let driver = if keys.is_full { keys.driver.take() } else { None };
        (keys.is_full, driver)
    }

    /// A caller for `key` goes: whether none is left. Under the gate.
    pub(super) fn leave(&self, key: &K) -> (bool, Option<K>) {
        let mut keys = self.keys.lock();
        let Some((_, waiting)) = keys.of.get_mut(key) else { return (false, None) }; // it is called
        *waiting -= 1;
        let gone = if *waiting == 0 { keys.of.remove_entry(key) } else { None };
        (keys.of.is_empty(), gone.map(|(key, _)| key))
    }

    /// The keys to ask for, in the order in which they came. Under the gate: nobody comes after it.
    pub(super) fn take_keys(&self) -> Vec<K> {
        let of = std::mem::take(&mut self.keys.lock().of);
        let mut keys: Vec<_> = of.into_iter().collect();
        keys.sort_unstable_by_key(|(_, (place, _))| *place);
        keys.into_iter().map(|(key, _)| key).collect()
    }
}
