//! Lists in this process, a bounded number of them, in shards that do not wait for each other.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    fmt,
    hash::{BuildHasher, Hash},
};

use foldhash::quality::RandomState;
use hashbrown::HashMap;
use seawall_core::{CachePadded, ConfigError, lanes, sync::Mutex};

use super::{Item, Page, Pushed, Rebuilt, Store, Ticket, list::List};

/// A [`Store`] in memory. When there is a list too many, the longest unread one goes.
///
/// From 128 lists on they are in shards, each with a lock and an equal part of the room: the longest unread
/// one of a shard goes then, which is not always that of all.
pub struct Memory<U, I> {
    shards: Box<[Shard<U, I>]>,
    hasher: RandomState,
    capacity: usize,
}

type Shard<U, I> = CachePadded<Mutex<Lists<U, I>>>;

/// A shard has at least so much room, so that chance fills all of them about equally.
const SMALLEST: usize = 64;

struct Lists<U, I> {
    of: HashMap<U, Kept<I>, RandomState>,
    /// By their last read (or opening), the longest unread first.
    unread: BTreeMap<u64, U>,
    /// Numbers reads and tickets, by steps, so that no other shard gives the same one.
    next: u64,
    step: u64,
    capacity: usize,
}

struct Kept<I> {
    list: List<I>,
    live: bool,
    ticket: Ticket,
    read: u64,
}

impl<U, I> Memory<U, I> {
    /// Room for this many lists.
    ///
    /// # Errors
    ///
    /// If `capacity` is zero.
    pub fn new(capacity: usize) -> Result<Self, ConfigError> {
        if capacity == 0 {
            return Err(ConfigError::new("capacity", capacity, "at least 1"));
        }
        let shards = (4 * lanes()).min(capacity / SMALLEST).max(1);
        let shard = |index| {
            let lists = Lists {
                of: HashMap::default(),
                unread: BTreeMap::new(),
                next: index as u64,
                step: shards as u64,
                capacity: capacity / shards + usize::from(index < capacity % shards),
            };
            CachePadded::new(Mutex::new(lists))
        };
        let shards = (0..shards).map(shard).collect();
        Ok(Self { shards, hasher: RandomState::default(), capacity })
    }

    /// How many lists there are, those that gather too.
    #[must_use]
    pub fn lists(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().of.len()).sum()
    }
}

impl<U: Hash, I> Memory<U, I> {
    fn shard(&self, list: &U) -> &Mutex<Lists<U, I>> {
        let hash = self.hasher.hash_one(list);
        &self.shards[(hash % self.shards.len() as u64) as usize]
    }
}

impl<U: Hash + Eq + Clone, I> Lists<U, I> {
    fn number(&mut self) -> u64 {
        self.next += self.step;
        self.next
    }

    /// The list, which counts as read now.
    fn touch(&mut self, list: &U) -> Option<&mut Kept<I>> {
        let now = self.number();
        let kept = self.of.get_mut(list)?;
        self.unread.remove(&kept.read);
        self.unread.insert(now, list.clone());
        kept.read = now;
        Some(kept)
    }
}

impl<U, I> Store<U, I> for Memory<U, I>
where
    U: Hash + Eq + Clone + Send + Sync,
    I: Ord + Clone + Send + Sync,
{
    type Error = Infallible;

    async fn push(&self, to: &[U], item: &Item<I>, length: usize) -> Result<Pushed, Infallible> {
        let mut pushed = Pushed::default();
        for user in to {
            // Taken once a list, so that a reader waits for one insertion at most.
            let mut lists = self.shard(user).lock();
            let Some(kept) = lists.of.get_mut(user) else {
                pushed.absent += 1;
                continue;
            };
            pushed.reached += 1;
            pushed.trimmed += u64::from(kept.list.insert(item.clone(), length));
        }
        Ok(pushed)
    }

    async fn read(
        &self,
        lists: &[U],
        below: Option<&Item<I>>,
        count: usize,
    ) -> Result<Vec<Option<Page<I>>>, Infallible> {
        let page = |list: &U| {
            let mut all = self.shard(list).lock();
            let kept = all.touch(list)?;
            kept.live.then(|| kept.list.page(below, count))
        };
        Ok(lists.iter().map(page).collect())
    }

    async fn open(&self, list: &U) -> Result<Ticket, Infallible> {
        let mut lists = self.shard(list).lock();
        if let Some(kept) = lists.touch(list) {
            return Ok(kept.ticket);
        }
        if lists.of.len() >= lists.capacity
            && let Some((_, longest)) = lists.unread.pop_first()
        {
            lists.of.remove(&longest);
        }
        let now = lists.number();
        let ticket = Ticket(now);
        lists.of.insert(list.clone(), Kept { list: List::new(), live: false, ticket, read: now });
        lists.unread.insert(now, list.clone());
        Ok(ticket)
    }

    async fn install(
        &self,
        list: &U,
        ticket: Ticket,
        rebuilt: Rebuilt<I>,
        length: usize,
    ) -> Result<bool, Infallible> {
        let mut lists = self.shard(list).lock();
        let Some(kept) = lists.of.get_mut(list).filter(|kept| kept.ticket == ticket) else {
            return Ok(false);
        };
        kept.list.merge(rebuilt, length);
        kept.live = true;
        Ok(true)
    }

    async fn remove(&self, gone: &[U]) -> Result<(), Infallible> {
        for list in gone {
            let mut lists = self.shard(list).lock();
            if let Some(kept) = lists.of.remove(list) {
                lists.unread.remove(&kept.read);
            }
        }
        Ok(())
    }
}

impl<U, I> fmt::Debug for Memory<U, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}
