//! The rate of all keys, read by every call and changed once in a while.
//!
//! Two copies by turns: the one that is written is not the one that is read, and who was slow enough to
//! read one that is written again sees the count move on, and reads once more.

use seawall_core::sync::{
    Mutex,
    atomic::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use crate::gcra::Rate;

#[derive(Debug)]
pub(crate) struct Current {
    /// How often it was changed: its lowest bit says which copy holds.
    changes: AtomicU64,
    copies: [Copy; 2],
    changing: Mutex<()>,
}

#[derive(Debug)]
struct Copy {
    per_cell: AtomicU64,
    most: AtomicU64,
}

impl Copy {
    fn new(rate: Rate) -> Self {
        Self { per_cell: AtomicU64::new(rate.per_cell), most: AtomicU64::new(rate.most) }
    }
}

impl Current {
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            changes: AtomicU64::new(0),
            copies: [Copy::new(rate), Copy::new(rate)],
            changing: Mutex::new(()),
        }
    }

    #[inline]
    pub(crate) fn read(&self, per_nano: u64) -> Rate {
        loop {
            let changes = self.changes.load(Acquire); // pairs with `write`: the copy is written
            let copy = &self.copies[changes as usize % 2];
            // Acquire: a value of the change after the next brings the count of the one between with it.
            let (per_cell, most) = (copy.per_cell.load(Acquire), copy.most.load(Acquire));
            if self.changes.load(Relaxed) == changes {
                return Rate { per_nano, per_cell, most };
            }
        }
    }

    pub(crate) fn write(&self, rate: Rate) {
        let _alone = self.changing.lock();
        let next = self.changes.load(Relaxed) + 1; // only written under this lock
        let copy = &self.copies[next as usize % 2];
        // Release: who reads one of these too early sees the count that was stored before it.
        copy.per_cell.store(rate.per_cell, Release);
        copy.most.store(rate.most, Release);
        self.changes.store(next, Release); // to who reads the count: the copy is written
    }
}
