//! The slot table: what every look-up reads, and one updater writes.
//!
//! ```text
//!   hash of a key                     slots                       members
//!  +------+---------------+       +-----------+               +---+----------+
//!  |  k   |     64 - k    |       | word      |               | 0 | db-a     |  with the table
//!  +------+---------------+       | word      |          +--> | 1 | db-b     |
//!     |                           | word  ●───+-- 1 -----+    +---+----------+
//!     +-------------------------> | …  2^k    |               | 2 | (empty)  |  later: written once
//!                                 +-----------+               +---+----------+
//!                                  one atomic each
//! ```
//!
//! The top k bits of a hash choose a slot, so that a slot is a contiguous range of hashes. Its [`Word`] names
//! the owner and the replicas by index; an index is resolved in the table of members. Those who are there when
//! a table is made are part of it, and where one of them is, is known without a look at it; for those who join
//! there are cells. So most look-ups read nothing but the word.
//!
//! # What it promises
//!
//! 1. A look-up is wait-free: a fixed number of loads, whatever the updater does; no lock, no allocation.
//! 2. During an update a slot is as it was or as it will be, never a mixture. Different slots may be of
//!    different ages until the update returns.
//! 3. Who reads an index can resolve it, to the node that the slot belonged to when the word was read; also
//!    if that node leaves in between, and another one comes.
//! 4. A member stays as long as the handle that found it: look-ups hand out references.
//!
//! # How an index is never the wrong one's
//!
//! Within a table an index means one node for ever: its cell is written once, before any word names it. When
//! the cells are used up, a second table follows, in which those nodes that are left are numbered anew. It is
//! filled before it can be found, and a reader that has begun in a table reads words and members of that
//! table alone. So an index is used again only where no word of its old meaning can be.
//!
//! What that costs: a table that is left behind, and the members in it, are kept as long as there is a handle
//! that began in it (a clone begins in the newest): about 300 bytes for each node that joined since. A node that
//! returns under its name and zone finds its old cell. Freeing earlier would take counting the readers, which
//! is what makes a look-up dear.
//!
//! # Synchronization
//!
//! | edge | from | to | carries |
//! |---|---|---|---|
//! | a word | `store` (Release) | `word` (Acquire) | the cells of the joiners that it names |
//! | `next` | `follow_with` (a write-once cell: Release) | `newest` (Acquire) | all of the new table, its members with it |

use std::sync::Arc;

use seawall_core::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use crate::{
    node::Member,
    once::Once,
    word::{NOBODY, Word},
};

/// 2^k words, the members that they name, and the table that comes after this one.
pub(crate) struct Table {
    slots: Box<[AtomicU64]>,
    /// 64 - k.
    shift: u32,
    /// Those of the first indexes.
    members: Box<[Member]>,
    /// Those of the indexes after them.
    joiners: Box<[Once<Member>]>,
    next: Once<Arc<Self>>,
}

impl Table {
    /// A table of these words, which name none but these members; the number of words is a power of two, two
    /// at least, and there are `cells` indexes in all.
    pub(crate) fn new(words: &[Word], members: Vec<Member>, cells: usize) -> Self {
        debug_assert!(words.len().is_power_of_two() && words.len() > 1, "the top bits find a slot");
        debug_assert!((members.len()..=NOBODY.into()).contains(&cells), "a lane can name them");
        Self {
            slots: words.iter().map(|word| AtomicU64::new(word.bits())).collect(),
            shift: u64::BITS - words.len().trailing_zeros(),
            joiners: (members.len()..cells).map(|_| Once::new()).collect(),
            members: members.into(),
            next: Once::new(),
        }
    }

    /// How many slots there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// How many members it can have, and so how many indexes there are.
    pub(crate) fn cells(&self) -> usize {
        self.members.len() + self.joiners.len()
    }

    /// The slot that a hash falls into.
    #[inline]
    pub(crate) const fn slot_of(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize
    }

    /// Who has the keys of a slot now.
    #[inline]
    pub(crate) fn word(&self, slot: usize) -> Word {
        Word::from_bits(self.slots[slot].load(Acquire)) // pairs with `store`: see whom it names
    }

    /// The member in a lane of a word of this table; `None` of the index that is nobody's, as no table has a
    /// cell for that.
    #[inline]
    pub(crate) fn resolve(&self, index: u16) -> Option<&Member> {
        match self.members.get(usize::from(index)) {
            None => self.joiner(index),
            there => there,
        }
    }

    /// The member that a word of this table names.
    #[inline]
    pub(crate) fn member(&self, index: u16) -> &Member {
        match self.members.get(usize::from(index)) {
            None => self.joiner_named(index),
            Some(there) => there,
        }
    }

    // Out of line, both: what most look-ups do is short without them.
    #[inline(never)]
    fn joiner(&self, index: u16) -> Option<&Member> {
        self.joiners.get(usize::from(index) - self.members.len()).and_then(Once::get)
    }

    #[inline(never)]
    fn joiner_named(&self, index: u16) -> &Member {
        self.joiner(index).expect("a word names members that have a cell")
    }

    /// What `look` finds in the table that is current.
    #[inline]
    pub(crate) fn in_newest<'a, R>(&'a self, look: impl FnOnce(&'a Self) -> R) -> R {
        match self.next.get() {
            None => look(self),
            Some(next) => out_of_line(|| look(Self::newest_of(next))),
        }
    }

    /// The table that is current: this one, or the last that came after it.
    #[inline]
    pub(crate) fn newest(&self) -> &Self {
        match self.next.get() {
            None => self,
            Some(next) => Self::newest_of(next),
        }
    }

    /// The same, for who is to hold it.
    // Out of line: most tables are the last one, and a loop in each look-up would be all that it does.
    #[inline(never)]
    pub(crate) fn newest_of(table: &Arc<Self>) -> &Arc<Self> {
        let mut newest = table;
        while let Some(next) = newest.next.get() {
            newest = next;
        }
        newest
    }

    /// All words. For the updater, who alone writes them.
    pub(crate) fn words(&self) -> Vec<Word> {
        (0..self.len()).map(|slot| self.word_here(slot)).collect()
    }

    /// Who has the keys of a slot. For the updater.
    pub(crate) fn word_here(&self, slot: usize) -> Word {
        // Relaxed: the updater's own stores, handed on by the lock that makes it the only one.
        Word::from_bits(self.slots[slot].load(Relaxed))
    }

    /// Gives a slot to others, whose members have a cell. For the updater.
    pub(crate) fn store(&self, slot: usize, word: Word) {
        self.slots[slot].store(word.bits(), Release); // pairs with `word`
    }

    /// Writes a joiner's cell. For the updater, and once for each.
    pub(crate) fn admit(&self, index: u16, member: Member) {
        let set = self.joiners[usize::from(index) - self.members.len()].set(member);
        debug_assert!(set.is_ok(), "an index means one node for ever");
    }

    /// Sends all readers on to another table. For the updater, and once.
    pub(crate) fn follow_with(&self, next: Arc<Self>) {
        let set = self.next.set(next);
        debug_assert!(set.is_ok(), "one table comes after another");
    }
}

/// What few do: where it is called, nothing is kept in registers for it.
#[cold]
#[inline(never)]
fn out_of_line<R>(rarely: impl FnOnce() -> R) -> R {
    rarely()
}
