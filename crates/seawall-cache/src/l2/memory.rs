//! A second level in memory: the table of the [module's page](super) in code.

use std::{
    collections::HashMap, convert::Infallible, fmt, future::pending, hash::Hash, sync::Arc,
    time::Duration,
};

use seawall_core::{Clock, Nanos, sync::Mutex};

use super::{Ask, Ear, Fill, Heard, L2, Lease, Life, Look, Record, Tag};

/// A second level in this process, for tests of what several instances do: each gets one by
/// [`instance`](Self::instance), and all share what is in it.
///
/// It has no bound, and forgets what has ended only when it is asked for.
///
/// # Examples
///
/// How do I test two instances of my service in one process?
///
/// ```
/// # use seawall_cache::{Cache, l2::Memory};
/// # use std::{convert::Infallible, time::Duration};
/// # #[cfg(not(feature = "tokio"))] fn main() {}
/// # #[cfg(feature = "tokio")]
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let between = Memory::new(Duration::from_secs(3));
/// let one = Cache::builder("users").l2(between.instance()).build()?;
/// let other = Cache::builder("users").l2(between.instance()).build()?;
///
/// one.get_or_load(&7, || async { Ok::<_, Infallible>("Ada") }).await?;
/// let ada = other.get_or_load(&7, || async { Ok::<_, Infallible>("not asked") }).await?;
///
/// assert_eq!(ada, "Ada");
/// # Ok(()) }
/// ```
pub struct Memory<K, V> {
    shared: Arc<Shared<K, V>>,
    /// Which instance it is: it is not told of what it does itself.
    number: u64,
}

struct Shared<K, V> {
    all: Mutex<All<K, V>>,
    clock: Clock,
    lease_time: Duration,
}

struct All<K, V> {
    keys: HashMap<K, Key<V>>,
    /// How many invalidations of tags there were, and when which tag had its last.
    count: u64,
    tags: HashMap<Tag, u64>,
    ears: Vec<(u64, u64, Ear<K>)>,
    /// The next token, instance and ear.
    next: u64,
}

struct Key<V> {
    record: Option<(Record<V>, Lease)>,
    lease: Option<Lease>,
}

impl<K, V> Memory<K, V> {
    /// Empty; a lease is held for `lease_time` at most.
    #[must_use]
    pub fn new(lease_time: Duration) -> Self {
        Self::with_clock(lease_time, Clock::default())
    }

    /// The same by another clock.
    #[must_use]
    pub fn with_clock(lease_time: Duration, clock: Clock) -> Self {
        let all =
            All { keys: HashMap::new(), count: 0, tags: HashMap::new(), ears: Vec::new(), next: 1 };
        Self { shared: Arc::new(Shared { all: Mutex::new(all), clock, lease_time }), number: 0 }
    }

    /// For one more instance.
    #[must_use]
    pub fn instance(&self) -> Self {
        let number = self.shared.all.lock().number();
        Self { shared: self.shared.clone(), number }
    }

    /// Loses all that is in it, as a server does that comes back empty, and tells everybody.
    pub fn flush(&self) {
        let mut all = self.shared.all.lock();
        let gone = std::mem::take(&mut all.keys);
        all.tags.clear();
        drop(all);
        drop(gone);
        self.tell(None, || Heard::All);
    }

    /// Tells all instances but `but`, outside the lock.
    fn tell(&self, but: Option<u64>, heard: impl Fn() -> Heard<K>) {
        let ears: Vec<_> = {
            let all = self.shared.all.lock();
            let others = all.ears.iter().filter(|(number, ..)| Some(*number) != but);
            others.map(|(_, _, ear)| ear.clone()).collect()
        };
        for ear in ears {
            ear.hear(heard());
        }
    }
}

impl<K, V> All<K, V> {
    const fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

impl<K: Hash + Eq + Clone, V: Clone> All<K, V> {
    fn look(&mut self, key: &K, ask: Ask, now: Nanos, lease_time: Duration) -> Look<V> {
        let token = self.number();
        let lease = Lease { token, mark: self.count, since: now.0 };
        let kept = self.keys.entry(key.clone()).or_insert(Key { record: None, lease: None });
        kept.lease = kept.lease.filter(|lease| now < Nanos(lease.since) + lease_time);
        let valid = kept.record.as_ref().filter(|(record, under)| {
            let none_later =
                record.tags.iter().all(|tag| self.tags.get(tag).is_none_or(|at| *at <= under.mark));
            none_later && now < Nanos(under.since) + record.life.whole()
        });
        let Some((record, under)) = valid else {
            kept.record = None;
            return match kept.lease {
                Some(_) => Look::Busy,
                None => Look::Lease(*kept.lease.insert(lease)),
            };
        };
        let life = record.life.after(now.since(Nanos(under.since)));
        let record = Record { life, ..record.clone() };
        if ask == Ask::Value && life.fresh > Duration::ZERO {
            return Look::Hit(record);
        }
        let got = kept.lease.is_none().then(|| *kept.lease.insert(lease));
        Look::Stale(record, got)
    }

    fn fill(&mut self, fill: &Fill<K, V>, now: Nanos, lease_time: Duration) -> bool {
        let Fill { key, lease, record } = fill;
        let Some(kept) = self.keys.get_mut(key) else { return false };
        let held = kept.lease == Some(*lease) && now < Nanos(lease.since) + lease_time;
        let none_later =
            record.tags.iter().all(|tag| self.tags.get(tag).is_none_or(|at| *at <= lease.mark));
        if !held || !none_later {
            return false;
        }
        *kept = Key { record: Some((record.clone(), *lease)), lease: None };
        true
    }
}

impl<K, V> L2<K, V> for Memory<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    type Error = Infallible;

    async fn look(&self, keys: &[K], ask: Ask) -> Result<Vec<Look<V>>, Infallible> {
        let Shared { all, clock, lease_time } = &*self.shared;
        let look = |key| all.lock().look(key, ask, clock.now(), *lease_time);
        Ok(keys.iter().map(look).collect())
    }

    async fn fill(&self, fills: &[Fill<K, V>]) -> Result<Vec<bool>, Infallible> {
        let Shared { all, clock, lease_time } = &*self.shared;
        let fill = |fill| all.lock().fill(fill, clock.now(), *lease_time);
        Ok(fills.iter().map(fill).collect())
    }

    async fn release(&self, leases: &[(K, Lease)]) -> Result<(), Infallible> {
        let mut all = self.shared.all.lock();
        for (key, lease) in leases {
            if let Some(kept) = all.keys.get_mut(key) {
                kept.lease = kept.lease.filter(|held| held != lease);
            }
        }
        Ok(())
    }

    async fn invalidate(&self, keys: &[K]) -> Result<(), Infallible> {
        let mut all = self.shared.all.lock();
        let gone: Vec<_> = keys.iter().filter_map(|key| all.keys.remove(key)).collect();
        drop(all);
        drop(gone);
        keys.iter().for_each(|key| self.tell(Some(self.number), || Heard::Key(key.clone())));
        Ok(())
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<(), Infallible> {
        let mut all = self.shared.all.lock();
        all.count += 1;
        let count = all.count;
        all.tags.extend(tags.iter().map(|tag| (*tag, count)));
        drop(all);
        tags.iter().for_each(|tag| self.tell(Some(self.number), || Heard::Tag(*tag)));
        Ok(())
    }

    async fn clear(&self) -> Result<(), Infallible> {
        let gone = std::mem::take(&mut self.shared.all.lock().keys);
        drop(gone);
        self.tell(Some(self.number), || Heard::All);
        Ok(())
    }

    async fn listen(&self, ear: Ear<K>) {
        let own = {
            let mut all = self.shared.all.lock();
            let own = all.number();
            all.ears.push((self.number, own, ear.clone()));
            own
        };
        let _listens = Listens { shared: &self.shared, own };
        ear.hear(Heard::Listening);
        pending().await
    }
}

/// Until it is dropped.
struct Listens<'a, K, V> {
    shared: &'a Shared<K, V>,
    own: u64,
}

impl<K, V> Drop for Listens<'_, K, V> {
    fn drop(&mut self) {
        self.shared.all.lock().ears.retain(|(_, own, _)| *own != self.own);
    }
}

impl Life {
    /// What is left of it after `time`.
    const fn after(self, time: Duration) -> Self {
        const fn left(of: Duration, time: Duration) -> Duration {
            match of {
                Duration::MAX => of,
                of => of.saturating_sub(time),
            }
        }
        Self {
            fresh: left(self.fresh, time),
            stale: left(self.stale, time),
            error: left(self.error, time),
            took: self.took,
        }
    }
}

impl<K, V> Clone for Memory<K, V> {
    /// The same instance.
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), number: self.number }
    }
}

impl<K, V> fmt::Debug for Memory<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("keys", &self.shared.all.lock().keys.len())
            .finish_non_exhaustive()
    }
}
