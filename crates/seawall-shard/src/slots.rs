//! The slot table: what every look-up reads, and one updater writes.
//!
//! ```text
//!   hash of a key                     slots                       members
//!  +------+---------------+       +-----------+               +---+----------+
//!  |  k   |     64 - k    |       | word      |          +--> | 1 | db-b     |
//!  +------+---------------+       | word      |          |    | 2 | (empty)  |
//!     |                           | word  ●───+-- 1 -----+    +---+----------+
//!     +-------------------------> | …  2^k    |                written once
//!                                 +-----------+
//!                                  one atomic each
//! ```
//!
//! The top k bits of a hash choose a slot, so that a slot is a contiguous range of hashes. Its [`Word`] names
//! the owner and the replicas by index; an index is resolved in the table of members.
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
//! | a word | `store` (Release) | `word` (Acquire) | the cells of the members that it names |
//! | `next` | `follow_with` (a write-once cell: Release) | `newest` (Acquire) | all of the new table |

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
    members: Box<[Once<Member>]>,
    next: Once<Arc<Self>>,
}

impl Table {
    /// A table of these words, which name nobody who has no cell yet; their number is a power of two, two
    /// at least.
    pub(crate) fn new(words: &[Word], cells: usize) -> Self {
        debug_assert!(words.len().is_power_of_two() && words.len() > 1, "the top bits find a slot");
        debug_assert!(cells <= NOBODY.into(), "a lane can name them");
        Self {
            slots: words.iter().map(|word| AtomicU64::new(word.bits())).collect(),
            shift: u64::BITS - words.len().trailing_zeros(),
            members: (0..cells).map(|_| Once::new()).collect(),
            next: Once::new(),
        }
    }

    /// How many slots there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// How many members have a cell, at most.
    pub(crate) fn cells(&self) -> usize {
        self.members.len()
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
        self.members.get(usize::from(index)).and_then(Once::get)
    }

    /// The member that a word of this table names.
    #[inline]
    pub(crate) fn member(&self, index: u16) -> &Member {
        self.resolve(index).expect("a word names members that have a cell")
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
        // Relaxed: the updater's own stores, handed on by the lock that makes it the only one.
        self.slots.iter().map(|slot| Word::from_bits(slot.load(Relaxed))).collect()
    }

    /// Gives a slot to others, whose members have a cell. For the updater.
    pub(crate) fn store(&self, slot: usize, word: Word) {
        self.slots[slot].store(word.bits(), Release); // pairs with `word`
    }

    /// Writes a member's cell. For the updater, and once for each.
    pub(crate) fn admit(&self, index: u16, member: Member) {
        let set = self.members[usize::from(index)].set(member);
        debug_assert!(set.is_ok(), "an index means one node for ever");
    }

    /// Sends all readers on to another table. For the updater, and once.
    pub(crate) fn follow_with(&self, next: Arc<Self>) {
        let set = self.next.set(next);
        debug_assert!(set.is_ok(), "one table comes after another");
    }
}
