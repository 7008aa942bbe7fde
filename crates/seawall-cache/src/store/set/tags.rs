//! One line of memory that says where in a set a key can be: a byte of the hash for each slot, and two
//! bits of how often the slot was asked for.
//!
//! ```text
//!   word 0: slots 7 … 0          word 1: slots 15 … 8         uses: slot 15 … 1, 0
//!  +----+----+- … -+----+       +----+----+- … -+----+       +----+- … -+----+----+
//!  |tag |tag |     |tag |       |tag |tag |     |tag |       | 2b |     | 2b | 2b |
//!  +----+----+- … -+----+       +----+----+- … -+----+       +----+- … -+----+----+
//!   0: nothing is in the slot
//! ```
//!
//! Tags are written under the set's lock, after the slot. They only say where to look: the key beside
//! the entry decides. So a reader who sees an old tag finds another key, or nothing, which is right as
//! of then; it never takes one key for the other.
//!
//! Uses are a guess. Readers count up to three, and then write nothing more, so that a hot key's line
//! stays in all caches; where two count at once, one of them may not.
//!
//! # Synchronization
//!
//! Relaxed. Whoever knows that an insert is over was told so by something that also shows the tag.

use seawall_core::sync::{
    atomic::{AtomicU64, Ordering::Relaxed},
    unmodelled::AtomicU32,
};

/// How many slots a set has.
pub(super) const WAYS: usize = 16;

/// More uses than this are not told apart.
const MANY: u32 = 3;

#[derive(Debug, Default)]
pub(super) struct Tags([AtomicU64; 2]);

#[derive(Debug, Default)]
pub(super) struct Uses(AtomicU32);

/// A key's tag, which is never that of an empty slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag(u8);

impl Tag {
    /// Of the hash's lowest byte.
    #[inline]
    pub(super) fn of(hash: u64) -> Self {
        Self((hash as u8).max(1))
    }
}

impl Tags {
    /// The first slot with this tag that `is` it.
    #[inline]
    pub(super) fn find<T>(&self, tag: Tag, is: impl Fn(usize) -> Option<T>) -> Option<T> {
        for (word, first) in self.0.iter().zip([0, 8]) {
            let mut found = maybe_equal(word.load(Relaxed), tag.0);
            while found != 0 {
                let slot = first + found.trailing_zeros() as usize / 8;
                if let Some(it) = is(slot) {
                    return Some(it);
                }
                found &= found - 1;
            }
        }
        None
    }

    /// An empty slot. Under the lock.
    pub(super) fn vacant(&self) -> Option<usize> {
        self.0.iter().zip([0, 8]).find_map(|(word, first)| {
            let empty = maybe_equal(word.load(Relaxed), 0); // the lowest is sure
            (empty != 0).then(|| first + empty.trailing_zeros() as usize / 8)
        })
    }

    /// Says what is in a slot. Under the lock.
    pub(super) fn set(&self, slot: usize, tag: Option<Tag>) {
        let (word, shift) = (&self.0[slot / 8], slot % 8 * 8);
        let others = word.load(Relaxed) & !(0xff << shift);
        word.store(others | u64::from(tag.map_or(0, |tag| tag.0)) << shift, Relaxed);
    }
}

impl Uses {
    /// Counts a use. One attempt, and none where there were many.
    #[inline]
    pub(super) fn add(&self, slot: usize) {
        let seen = self.0.load(Relaxed);
        if uses(seen, slot) < MANY {
            let more = seen + (1 << (2 * slot));
            let _ = self.0.compare_exchange(seen, more, Relaxed, Relaxed); // another's count will do
        }
    }

    /// Whether a slot was used, of which one use is taken away. Under the lock.
    pub(super) fn spend(&self, slot: usize) -> bool {
        let spend = |seen| (uses(seen, slot) > 0).then(|| seen - (1 << (2 * slot)));
        self.0.fetch_update(Relaxed, Relaxed, spend).is_ok()
    }

    /// Whether a slot was used, which is forgotten. Under the lock.
    pub(super) fn forget(&self, slot: usize) -> bool {
        uses(self.0.load(Relaxed), slot) > 0 && {
            self.0.fetch_and(!(MANY << (2 * slot)), Relaxed);
            true
        }
    }
}

#[inline]
const fn uses(word: u32, slot: usize) -> u32 {
    word >> (2 * slot) & MANY
}

/// The highest bit of each byte of `word` that is `byte`, and perhaps of some above one that is.
#[inline]
const fn maybe_equal(word: u64, byte: u8) -> u64 {
    let differs = word ^ u64::from_ne_bytes([byte; 8]);
    // To take one away borrows from the byte above where there was none, and it is that which is wrong.
    differs.wrapping_sub(0x0101_0101_0101_0101) & !differs & 0x8080_8080_8080_8080
}

#[cfg(all(test, not(seawall_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::{Tag, Tags, Uses, WAYS, maybe_equal};

    proptest! {
        #[test]
        fn bytes_that_are_equal_are_found_and_the_lowest_is_one_of_them(word: u64, byte: u8, many: bool) {
            let word = if many { word & 0x0101_0101_0101_0101 } else { word };
            let byte = if many { byte & 1 } else { byte };
            let surely = word.to_le_bytes().map(|it| if it == byte { 0x80 } else { 0 });
            let surely = u64::from_le_bytes(surely);

            let found = maybe_equal(word, byte);

            prop_assert_eq!(found & surely, surely);
            prop_assert_eq!(found.trailing_zeros(), surely.trailing_zeros());
        }
    }

    #[test]
    fn uses_are_counted_to_three_and_do_not_reach_the_neighbour() {
        let uses = Uses::default();

        (0..9).for_each(|_| uses.add(4));

        assert!(!uses.spend(3));
        assert!(!uses.spend(5));
        assert_eq!((0..9).filter(|_| uses.spend(4)).count(), 3);
    }

    #[test]
    fn a_tag_is_found_where_it_was_set_last() {
        let tags = Tags::default();
        (0..WAYS).for_each(|slot| tags.set(slot, Some(Tag::of(7))));
        assert_eq!(tags.vacant(), None);

        tags.set(9, Some(Tag::of(8)));
        tags.set(11, None);

        assert_eq!(tags.find(Tag::of(8), Some), Some(9));
        assert_eq!(tags.vacant(), Some(11));
    }
}
