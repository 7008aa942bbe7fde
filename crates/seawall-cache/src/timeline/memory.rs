//! Lists in this process, a bounded number of them.

use std::{collections::BTreeMap, convert::Infallible, fmt, hash::Hash};

use foldhash::quality::RandomState;
use hashbrown::HashMap;
use seawall_core::{ConfigError, sync::Mutex};

use super::{Item, Page, Pushed, Rebuilt, Store, Ticket, list::List};

/// A [`Store`] in memory. When there is a list too many, the longest unread one goes.
pub struct Memory<U, I> {
    lists: Mutex<Lists<U, I>>,
    capacity: usize,
}

struct Lists<U, I> {
    of: HashMap<U, Kept<I>, RandomState>,
    /// By their last read (or opening), the longest unread first.
    unread: BTreeMap<u64, U>,
    /// Numbers reads and tickets.
    next: u64,
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
        let lists = Lists { of: HashMap::default(), unread: BTreeMap::new(), next: 0 };
        Ok(Self { lists: Mutex::new(lists), capacity })
    }

    /// How many lists there are, those that gather too.
    pub fn lists(&self) -> usize {
        self.lists.lock().of.len()
    }
}

impl<U: Hash + Eq + Clone, I> Lists<U, I> {
    fn number(&mut self) -> u64 {
        self.next += 1;
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
            let mut lists = self.lists.lock();
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
            let mut all = self.lists.lock();
            let kept = all.touch(list)?;
            kept.live.then(|| kept.list.page(below, count))
        };
        Ok(lists.iter().map(page).collect())
    }

    async fn open(&self, list: &U) -> Result<Ticket, Infallible> {
        let mut lists = self.lists.lock();
        if let Some(kept) = lists.touch(list) {
            return Ok(kept.ticket);
        }
        if lists.of.len() >= self.capacity
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
        let mut lists = self.lists.lock();
        let Some(kept) = lists.of.get_mut(list).filter(|kept| kept.ticket == ticket) else {
            return Ok(false);
        };
        kept.list.merge(rebuilt, length);
        kept.live = true;
        Ok(true)
    }

    async fn remove(&self, gone: &[U]) -> Result<(), Infallible> {
        for list in gone {
            let mut lists = self.lists.lock();
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
