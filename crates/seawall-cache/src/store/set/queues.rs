//! Who goes when a set is full: S3-FIFO among sixteen.
//!
//! A new entry is on probation. The next one that comes pushes it on: into the main queue if it was
//! asked for meanwhile, else out, and then a ghost of it stays, sixteen bits of its hash. A key that
//! comes again while its ghost is there was pushed out too early, and goes to the main queue at once.
//! In the main queue the oldest goes, unless it was used: then it spends one use and goes to the end.
//!
//! ```text
//!   new ──▶ probation (1) ──used──▶ main (15) ──unused──▶ out
//!                │    ▲               │   ▲ ▲
//!              unused └ its length ┐  └───┘ │
//!                ▼      at most ───┘ used:  │ came again
//!               out ──▶ ghosts (16) ────────┘ one less
//! ```
//!
//! A scan so passes through one slot of sixteen, and what is asked for twice soon enough stays. Yang
//! and others, "FIFO queues are all you need for cache eviction" (SOSP 2023); the sizes are those that
//! did best among sixteen.
//!
//! The queues are written under the set's lock alone. Both are in one word, four bits a slot, oldest
//! first, those on probation before those in main; so the head of a set stays in one line of memory.

use super::tags::{Uses, WAYS};

/// How many may be on probation when the set is full.
const PROBATION: u8 = 1;

/// What stays of an entry that was pushed out: bits of its hash, never zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ghost(u16);

impl Ghost {
    /// Of bits that neither the tag nor the choice of the set uses.
    #[inline]
    pub(super) fn of(hash: u64) -> Self {
        Self(((hash >> 8) as u16).max(1))
    }
}

/// What the writers of a set share. Two bytes aligned, so that it fits beside its lock and the tags.
#[derive(Debug, Default)]
pub(super) struct Queues {
    /// Newest first; zero is none.
    ghosts: [Ghost; WAYS],
    order: Order,
    probation: u8,
    len: u8,
}

/// Slots in a row, four bits each, the first in the lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Order([u8; 8]);

impl Queues {
    /// A new entry is in `slot`.
    pub(super) fn enter(&mut self, slot: usize, ghost: Ghost) {
        if self.lay(ghost) {
            self.order.insert(self.len, slot);
        } else {
            self.order.insert(self.probation, slot);
            self.probation += 1;
        }
        self.len += 1;
    }

    /// What was in `slot` is gone, not for want of room.
    pub(super) fn leave(&mut self, slot: usize) {
        if let Some(at) = (0..self.len).find(|at| self.order.at(*at) == slot) {
            self.remove(at);
        }
    }

    /// Takes out the slot that is worth least, and whether it leaves a ghost.
    pub(super) fn evict(&mut self, uses: &Uses) -> Option<(usize, bool)> {
        // Each step ends here or spends a use. Readers may add some meanwhile; we don't run after them.
        for _ in 0..4 * WAYS {
            let (slot, on_probation) = self.oldest()?;
            let stays = if on_probation { uses.forget(slot) } else { uses.spend(slot) };
            if !stays {
                return Some((slot, on_probation));
            }
            self.order.insert(self.len, slot);
            self.len += 1;
        }
        self.oldest()
    }

    /// Remembers what was pushed out.
    pub(super) fn haunt(&mut self, ghost: Ghost) {
        self.ghosts.copy_within(..WAYS - 1, 1);
        self.ghosts[0] = ghost;
    }

    /// Whether there was a ghost, which is laid to rest.
    fn lay(&mut self, ghost: Ghost) -> bool {
        let found = self.ghosts.iter().position(|other| *other == ghost);
        if let Some(at) = found {
            self.ghosts.copy_within(at + 1.., at);
            self.ghosts[WAYS - 1] = Ghost::default();
        }
        found.is_some()
    }

    /// Takes out the oldest of the queue whose turn it is, and whether that was on probation.
    fn oldest(&mut self) -> Option<(usize, bool)> {
        let on_probation = self.probation >= PROBATION;
        (self.len > 0).then(|| (self.remove(0), on_probation))
    }

    fn remove(&mut self, at: u8) -> usize {
        if at < self.probation {
            self.probation -= 1;
        }
        self.len -= 1;
        self.order.remove(at)
    }
}

impl Order {
    fn at(self, at: u8) -> usize {
        (u64::from_le_bytes(self.0) >> (4 * at) & 0xf) as usize
    }

    fn insert(&mut self, at: u8, slot: usize) {
        let word = u64::from_le_bytes(self.0);
        let below = word & ((1 << (4 * at)) - 1);
        let moved = word & !((1 << (4 * at)) - 1);
        self.0 = (below | moved << 4 | (slot as u64) << (4 * at)).to_le_bytes();
    }

    fn remove(&mut self, at: u8) -> usize {
        let word = u64::from_le_bytes(self.0);
        let below = word & ((1 << (4 * at)) - 1);
        let moved = word >> 4 & !((1 << (4 * at)) - 1);
        let slot = self.at(at);
        self.0 = (below | moved).to_le_bytes();
        slot
    }
}

#[cfg(all(test, not(seawall_loom)))]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::{super::tags::Uses, Ghost, Queues, WAYS};

    /// The same with lists.
    #[derive(Default)]
    struct Model {
        probation: VecDeque<usize>,
        main: VecDeque<usize>,
        ghosts: VecDeque<u64>,
        uses: [u8; WAYS],
    }

    impl Model {
        fn enter(&mut self, slot: usize, key: u64) {
            let ghost = self.ghosts.iter().position(|ghost| *ghost == key);
            let queue = match ghost.and_then(|at| self.ghosts.remove(at)) {
                Some(_) => &mut self.main,
                None => &mut self.probation,
            };
            queue.push_back(slot);
            self.uses[slot] = 0;
        }

        fn leave(&mut self, slot: usize) {
            self.probation.retain(|other| *other != slot);
            self.main.retain(|other| *other != slot);
        }

        fn evict(&mut self) -> Option<(usize, bool)> {
            loop {
                if let Some(slot) = self.probation.pop_front() {
                    if self.uses[slot] == 0 {
                        return Some((slot, true));
                    }
                    self.uses[slot] = 0;
                    self.main.push_back(slot);
                } else {
                    let slot = self.main.pop_front()?;
                    if self.uses[slot] == 0 {
                        return Some((slot, false));
                    }
                    self.uses[slot] -= 1;
                    self.main.push_back(slot);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_word_and_a_few_bytes_do_as_the_lists_do(
            steps in prop::collection::vec((0..10_u8, 0..WAYS, 0..40_u64), 0..400)
        ) {
            let (mut queues, uses, mut model) = (Queues::default(), Uses::default(), Model::default());
            let mut keys = [None; WAYS];
            for (step, slot, key) in steps {
                match step {
                    0..5 => {
                        let slot = match keys.iter().position(Option::is_none) {
                            Some(free) => free,
                            None => {
                                let (slot, haunts) = queues.evict(&uses).expect("it is full");
                                prop_assert_eq!(Some((slot, haunts)), model.evict());
                                let gone = keys[slot].take().expect("it was in");
                                if haunts {
                                    queues.haunt(Ghost::of(gone << 8));
                                    model.ghosts.push_front(gone);
                                    model.ghosts.truncate(WAYS);
                                }
                                slot
                            }
                        };
                        uses.forget(slot);
                        queues.enter(slot, Ghost::of((key + 1) << 8));
                        model.enter(slot, key + 1);
                        keys[slot] = Some(key + 1);
                    }
                    5..9 => {
                        uses.add(slot);
                        model.uses[slot] = (model.uses[slot] + 1).min(3);
                    }
                    _ => {
                        queues.leave(slot);
                        model.leave(slot);
                        keys[slot] = None;
                    }
                }
            }
            while let Some(gone) = model.evict() {
                prop_assert_eq!(queues.evict(&uses), Some(gone));
            }
            prop_assert_eq!(queues.evict(&uses), None);
        }
    }
}
