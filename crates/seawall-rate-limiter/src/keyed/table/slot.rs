//! A slot, and what is done to it without a lock; the promises are those of [`table`](super).

use std::array;

use seawall_core::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use crate::{Denied, gcra::Rate};

/// The word of a slot that is being given to another key.
///
/// It owes more than any quota allows at any time that is counted, so that only who is refused has to ask
/// whether it is this.
pub(super) const LOCKED: u64 = u64::MAX;

/// Whose it is, and when all is paid off that was charged to it.
#[derive(Debug, Default)]
pub(super) struct Slot {
    key: AtomicU64,
    word: AtomicU64,
}

/// The slots among which a key may have one: whole lines of a cache.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Set<const WAYS: usize>([Slot; WAYS]);

#[cfg(not(seawall_loom))]
const _: () = assert!(size_of::<Set<16>>() == 4 * 64, "four lines, without a gap");

/// What a call asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) key: u64,
    pub(super) rate: Rate,
    pub(super) at: u64,
    pub(super) cells: u32,
    pub(super) patience: u64,
}

/// What a call was charged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Charge {
    /// When all is paid off, this included.
    pub(super) end: u64,
    /// What it left in its key's slot.
    pub(super) mark: u64,
}

impl Call {
    /// Whether who has to wait so many nanoseconds waits for more than its own cells: then more than a burst
    /// is owed.
    #[inline]
    pub(super) fn owes_beyond_a_burst(&self, wait: u64) -> bool {
        let price = self.rate.per_cell.saturating_mul(u64::from(self.cells));
        wait > price.div_ceil(self.rate.per_nano)
    }

    /// The word after this call, if it is let in by one that says `paid_off`.
    #[inline]
    pub(super) fn on(&self, paid_off: u64) -> Result<u64, Denied> {
        self.rate.charge(paid_off, self.at, self.cells, self.patience)
    }
}

impl Charge {
    /// The mark of what was charged to all who find no room: no word is zero once it was charged.
    pub(super) const OF_ALL: u64 = 0;

    #[inline]
    pub(super) fn of_slot(end: u64) -> Self {
        Self { end, mark: end }
    }
}

impl<const WAYS: usize> Set<WAYS> {
    pub(super) fn new() -> Self {
        Self(array::from_fn(|_| Slot::default()))
    }

    /// The ways as `key` tries them: its home, the others of that line, those of the next line.
    #[inline]
    pub(super) fn in_order(&self, key: u64) -> impl Iterator<Item = (usize, &Slot)> {
        (0..WAYS).map(move |step| {
            let way = (key as usize ^ step) % WAYS;
            (way, &self.0[way])
        })
    }

    /// The slot of `key`, if it has one.
    #[inline]
    pub(super) fn find(&self, key: u64) -> Option<(usize, &Slot)> {
        // Relaxed: a word of an earlier key may still be seen, and cannot be swapped. Nor can it refuse
        // anybody whom the present one would let in: it lies before that.
        self.in_order(key).find(|(_, slot)| slot.key.load(Relaxed) == key)
    }

    /// The earliest moment at which one of the ways is paid off.
    pub(super) fn soonest(&self) -> u64 {
        self.0.iter().map(|slot| slot.word.load(Relaxed)).min().unwrap_or(LOCKED)
    }

    /// In how many ways something is owed.
    pub(super) fn busy(&self, at: u64) -> usize {
        self.0.iter().filter(|slot| slot.word.load(Relaxed) > at).count()
    }
}

impl Slot {
    /// Charges `call` to its key, or says why not; nothing where the slot is not its key's any more.
    ///
    /// Lock-free: fails to swap only where another call succeeded. A refusal is only read.
    #[inline]
    pub(super) fn charge(&self, call: &Call) -> Option<Result<u64, Denied>> {
        let mut seen = self.word.load(Acquire); // pairs with `give_to`: sees whose word it is
        loop {
            // The second look: between the first one and the word the slot may have gone to another.
            if self.key.load(Relaxed) != call.key {
                return None;
            }
            match call.on(seen) {
                // Relaxed: the word is all there is to tell. What `give_to` released goes on with it.
                Ok(end) => match self.word.compare_exchange_weak(seen, end, Relaxed, Acquire) {
                    Ok(_) => return Some(Ok(end)),
                    Err(now) => seen = now,
                },
                Err(_) if seen == LOCKED => return None,
                Err(denied) => return Some(Err(denied)),
            }
        }
    }

    /// When all is paid off that `key` owes, if the slot is its own.
    pub(super) fn word_of(&self, key: u64) -> Option<u64> {
        let word = self.word.load(Acquire); // as in `charge`
        (word != LOCKED && self.key.load(Relaxed) == key).then_some(word)
    }

    /// Whether all was paid off before `latest`: then it may be another's.
    pub(super) fn is_idle(&self, latest: u64) -> bool {
        self.word.load(Relaxed) < latest // a hint: `give_to` swaps
    }

    /// Makes it the slot of `key`, which owes up to `end`, and says whether it still was idle.
    ///
    /// Under the lock of its stripe.
    pub(super) fn give_to(&self, key: u64, latest: u64, end: u64) -> bool {
        let lock = |word| (word < latest).then_some(LOCKED);
        // Relaxed: what its key does meanwhile is in the word. From here on nobody else can change it.
        if self.word.fetch_update(Relaxed, Relaxed, lock).is_err() {
            return false;
        }
        self.key.store(key, Relaxed);
        self.word.store(end, Release); // to `charge`, for its second look: the key has been stored
        true
    }

    /// Makes of the word what `to` says, and returns what it was; nothing where `to` leaves it.
    ///
    /// Under the lock of its stripe: it is nobody else's meanwhile.
    pub(super) fn lower(&self, to: impl Fn(u64) -> Option<u64>) -> Option<u64> {
        // Relaxed, as in `charge`.
        self.word.fetch_update(Relaxed, Relaxed, to).ok()
    }
}
