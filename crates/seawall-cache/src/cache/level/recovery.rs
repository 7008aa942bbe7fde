//! What is owed to the second level: invalidations that it has not confirmed.
//!
//! # How it decides
//!
//! A key, a tag or everything that could not be ended there is owed, and told again by a task, every so often,
//! until it is confirmed. Meanwhile this instance does not read from it what is owed.
//!
//! # What it promises
//!
//! 1. What is owed is told, as long as the cache is there: how long the second level was away does not matter.
//! 2. The memory is bounded: above 10 000 keys and tags everything is owed in their place. Too much is ended,
//!    never too little.
//! 3. What is owed anew while it is being told is told once more.

use std::{collections::HashMap, error::Error, fmt, hash::Hash, sync::Arc, time::Duration};

use seawall_core::BoxError;

use super::{Away, Background, Level, Timer, Turn};
use crate::l2::Tag;

const MOST: usize = 10_000;
/// In one call.
const BATCH: usize = 1_000;
const AT_ONCE: Duration = Duration::from_millis(1);
/// After a failure; each is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// Other instances, and the second level, may not know yet.
///
/// This instance obeys: nobody who asks it gets what was. The others are told as soon as the second level is
/// there again; until then they may answer what they have.
#[derive(Debug)]
pub struct NotShared(Option<BoxError>);

impl fmt::Display for NotShared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.0 {
            Some(_) => "it failed",
            None => "it did not answer in time, or is left alone",
        };
        write!(f, "the second level does not know yet: {why}")
    }
}

impl Error for NotShared {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_deref().map(|error| error as _)
    }
}

/// What is to be ended.
#[derive(Clone, Debug)]
pub(crate) struct Ends<K> {
    pub(crate) keys: Vec<K>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) all: bool,
}

impl<K> Ends<K> {
    pub(crate) const fn keys(keys: Vec<K>) -> Self {
        Self { keys, tags: Vec::new(), all: false }
    }

    pub(crate) const fn tags(tags: Vec<Tag>) -> Self {
        Self { keys: Vec::new(), tags, all: false }
    }

    pub(crate) const fn all() -> Self {
        Self { keys: Vec::new(), tags: Vec::new(), all: true }
    }

    pub(in crate::cache) const fn none() -> Self {
        Self::keys(Vec::new())
    }

    const fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.tags.is_empty() && !self.all
    }
}

/// What is owed; the number says when it came to be.
pub(crate) struct Pending<K> {
    keys: HashMap<K, u64>,
    tags: HashMap<Tag, u64>,
    all: Option<u64>,
    pub(crate) count: u64,
    /// Whether a task tells it.
    told: bool,
}

impl<K> Default for Pending<K> {
    fn default() -> Self {
        Self { keys: HashMap::new(), tags: HashMap::new(), all: None, count: 0, told: false }
    }
}

impl<K> Pending<K> {
    pub(crate) fn len(&self) -> usize {
        self.keys.len() + self.tags.len() + usize::from(self.all.is_some())
    }
}

impl<K: Hash + Eq + Clone> Pending<K> {
    pub(crate) fn add(&mut self, ends: Ends<K>) {
        self.count += 1;
        let count = self.count;
        self.keys.extend(ends.keys.into_iter().map(|key| (key, count)));
        self.tags.extend(ends.tags.into_iter().map(|tag| (tag, count)));
        if ends.all || self.len() > MOST {
            self.all = Some(count);
            self.keys = HashMap::new();
            self.tags = HashMap::new();
        }
    }

    pub(crate) fn has(&self, key: &K) -> bool {
        self.all.is_some() || self.keys.contains_key(key)
    }

    pub(crate) fn has_tag(&self, tag: &Tag) -> bool {
        self.all.is_some() || self.tags.contains_key(tag)
    }

    /// These are over, as far as they were owed at `count`.
    pub(crate) fn settle(&mut self, ends: &Ends<K>, count: u64) {
        let over = |at: &u64| *at <= count;
        if ends.all {
            self.all = self.all.filter(|at| !over(at));
            self.keys.retain(|_, at| !over(at));
            self.tags.retain(|_, at| !over(at));
        }
        for key in &ends.keys {
            if self.keys.get(key).is_some_and(over) {
                self.keys.remove(key);
            }
        }
        for tag in &ends.tags {
            if self.tags.get(tag).is_some_and(over) {
                self.tags.remove(tag);
            }
        }
    }

    /// A part of what is owed, as large as a call may be.
    pub(crate) fn part(&self) -> Ends<K> {
        if self.all.is_some() {
            return Ends::all();
        }
        Ends {
            keys: self.keys.keys().take(BATCH).cloned().collect(),
            tags: self.tags.keys().take(BATCH).copied().collect(),
            all: false,
        }
    }
}

impl<K, V> Level<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// Whether what lies there under `key` may be older than an invalidation of this instance.
    pub(in crate::cache) fn is_owed(&self, key: &K) -> bool {
        self.pending.lock().has(key)
    }

    /// The same of what has these tags.
    pub(in crate::cache) fn owes_any(&self, tags: &[Tag]) -> bool {
        let pending = self.pending.lock();
        tags.iter().any(|tag| pending.has_tag(tag))
    }

    /// Tells the others that something is to be ended, and owes it where that fails.
    pub(in crate::cache) async fn end(self: &Arc<Self>, ends: &Ends<K>) -> Result<(), NotShared> {
        self.attend();
        let before = self.pending.lock().count;
        let away = match self.end_parts(ends, false).await {
            Ok(()) => {
                self.pending.lock().settle(ends, before);
                return Ok(());
            }
            Err(away) => away,
        };
        self.owe(ends.clone());
        Err(NotShared(match away {
            Away::Failed(error) => Some(error),
            Away::TimedOut | Away::Skipped => None,
        }))
    }

    /// It is not known whether this was told.
    pub(in crate::cache) fn owe(self: &Arc<Self>, ends: Ends<K>) {
        self.stats.not_told.add(1);
        self.pending.lock().add(ends);
        self.remind();
        self.tell(Turn::NotShared);
    }

    /// Begins to tell what is owed, if nobody does and there is one to run the task.
    pub(super) fn remind(self: &Arc<Self>) {
        let mut pending = self.pending.lock();
        if pending.told || pending.len() == 0 || !self.tasks.can_spawn() {
            return;
        }
        pending.told = true;
        drop(pending);
        let tells = Tells { level: self.clone(), goes_on: true };
        self.tasks.spawn(Background::free(Self::make_good(tells)));
    }

    async fn end_parts(&self, ends: &Ends<K>, anyway: bool) -> Result<(), Away> {
        let store = &self.store;
        let keys = (!ends.keys.is_empty()).then(|| store.invalidate(&ends.keys));
        let tags = (!ends.tags.is_empty()).then(|| store.invalidate_tags(&ends.tags));
        let all = ends.all.then(|| store.clear());
        for work in [keys, tags, all].into_iter().flatten() {
            match anyway {
                true => self.call_anyway(work).await?,
                false => self.call(work).await?,
            }
        }
        Ok(())
    }

    /// Tells what is owed, until nothing is.
    async fn make_good(mut tells: Tells<K, V>) {
        let this = tells.level.clone();
        let mut pause = AT_ONCE; // nobody may have tried yet
        loop {
            let mut timer = Timer::after(Some(pause));
            std::future::poll_fn(|cx| timer.poll(cx)).await;
            let (part, count) = {
                let mut pending = this.pending.lock();
                let part = pending.part();
                pending.told = !part.is_empty();
                tells.goes_on = pending.told;
                (part, pending.count)
            };
            if part.is_empty() {
                this.tell(Turn::Shared);
                return;
            }
            match this.end_parts(&part, true).await {
                Ok(()) => {
                    this.pending.lock().settle(&part, count);
                    pause = AT_ONCE;
                }
                Err(_) if this.closing.is_closed() => return,
                Err(_) => pause = (2 * pause).min(LONGEST_PAUSE).max(FIRST_PAUSE),
            }
        }
    }
}

/// A task that tells; dropped before its end, with its runtime, it lets another one begin.
struct Tells<K, V> {
    level: Arc<Level<K, V>>,
    goes_on: bool,
}

impl<K, V> Drop for Tells<K, V> {
    fn drop(&mut self) {
        if self.goes_on {
            self.level.pending.lock().told = false;
        }
    }
}
