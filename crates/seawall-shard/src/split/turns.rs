//! Whose turn it is: one word that counts, and two tables of which it names one.
//!
//! # How it decides
//!
//! ```text
//!  63     62                                                0
//! +-------+--------------------------------------------------+      table 0   8 parts to a word
//! | table |                      call                        | ───> table 1   part of call % length
//! +-------+--------------------------------------------------+
//! ```
//!
//! | event | what happens |
//! |---|---|
//! | `next` | call + 1; the part is read from the table that the word named |
//! | `exchange` | the table that is not named is written, and then named, from a call of its own on |
//!
//! A call that has read the word and sleeps through two changes reads a table that was written again: it gets
//! the part of another call of those weights. So parts are never added or taken away, and any number that was
//! ever written is a part.
//!
//! # What it promises
//!
//! 1. Each call gets a turn of its own: none is given twice, none is left out.
//! 2. Who sees the word of a change sees its table.
//!
//! # Synchronization
//!
//! `exchange` (Release, after the table is written) to `next` (Acquire): steps in between go on with the same
//! release. The length (Release) after its slots, so that who sleeps through changes finds a part in each slot
//! below the length that it reads (Acquire).

use seawall_core::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

const CALLS: u64 = u64::MAX >> 1;
/// How many parts stand in a word.
const IN_WORD: usize = 8;

#[derive(Debug)]
pub(crate) struct Turns {
    cursor: AtomicU64,
    tables: [Table; 2],
}

#[derive(Debug)]
struct Table {
    length: AtomicU32,
    words: Box<[AtomicU64]>,
}

impl Turns {
    /// Room for sequences of at most `room` turns, of which the first begins at `start`.
    pub(crate) fn new(room: usize, sequence: &[u8], start: u64) -> Self {
        let table = || Table {
            length: AtomicU32::new(1),
            words: (0..room.div_ceil(IN_WORD)).map(|_| AtomicU64::new(0)).collect(),
        };
        let turns = Self { cursor: AtomicU64::new(0), tables: [table(), table()] };
        turns.exchange(sequence, start);
        turns
    }

    /// The next call's part.
    #[inline]
    pub(crate) fn next(&self) -> u8 {
        let seen = self.cursor.fetch_add(1, Acquire); // pairs with `exchange`: sees the table
        let table = &self.tables[(seen >> 63) as usize];
        let length = u64::from(table.length.load(Acquire)); // pairs with `write`: sees the slots below it
        let at = ((seen & CALLS) % length) as usize;
        (table.words[at / IN_WORD].load(Relaxed) >> (at % IN_WORD * 8)) as u8
    }

    /// The calls from now on get their turns from this sequence; one thread at a time.
    pub(crate) fn exchange(&self, sequence: &[u8], start: u64) {
        let other = (self.cursor.load(Relaxed) >> 63) ^ 1; // nobody else exchanges
        self.tables[other as usize].write(sequence);
        self.cursor.store(other << 63 | start, Release); // pairs with `next`: after the table
    }

    /// Which call is next, counted from the start of the sequence that is used.
    pub(crate) fn call(&self) -> u64 {
        self.cursor.load(Relaxed) & CALLS
    }
}

impl Table {
    fn write(&self, sequence: &[u8]) {
        for (word, parts) in self.words.iter().zip(sequence.chunks(IN_WORD)) {
            let pack = |word, (at, &part)| word | u64::from(part) << (at * 8);
            word.store(parts.iter().enumerate().fold(0, pack), Relaxed);
        }
        self.length.store(sequence.len() as u32, Release); // pairs with `next`: after the slots
    }
}
