//! Which generation a call counts in, and whether that is over.
//!
//! What the windows hold is tagged with some bits of a generation. Another tag than one's own can be an
//! earlier one or a later one, and the tags alone cannot tell: in a long outage a circuit turns
//! thousands of times without a call that is counted. So who finds another tag asks the circuit's
//! word. While that still says one's own generation, the other tag is an earlier one.
//!
//! The answer can be late by the time it is used. Then a swap that rests on it fails, since a recorder of
//! the new generation was here; or it leaves the tag of a generation that is over, which is as empty to
//! all who come as the one before.
//!
//! # Synchronization
//!
//! One edge: the swap that writes a tag (Release) to the fence of who finds it (Acquire). Who finds the
//! tag of a later generation sees the turn that began it, and so that its own is over. Swaps that keep
//! the tag carry the edge on, Relaxed as they are.

use seawall_core::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed},
    fence,
};

use crate::word::Word;

/// The generation that let a call in.
#[derive(Clone, Copy)]
pub(crate) struct Generation<'a> {
    number: u32,
    word: &'a AtomicU64,
}

impl<'a> Generation<'a> {
    /// The generation with `number` of the circuit whose word it is.
    #[inline]
    pub(crate) const fn new(number: u32, word: &'a AtomicU64) -> Self {
        Self { number, word }
    }

    #[inline]
    pub(crate) const fn number(self) -> u32 {
        self.number
    }

    /// Whether the circuit has turned since; to be asked after another tag was found.
    #[cold]
    pub(crate) fn is_over(self) -> bool {
        fence(Acquire); // pairs with the swap that wrote the tag
        Word(self.word.load(Relaxed)).generation() != self.number
    }
}
