//! What is known under a lock, so that a slot goes to another key only when nobody can mistake its words.

/// How many neighbouring slots have a lock in common.
pub(super) const SLOTS_A_STRIPE: usize = 256;

/// How many moments a stripe keeps up to which slots are held: one for four slots.
const HOLDS: usize = 64;

/// The clock of some slots, and how long those are held that were lowered.
///
/// Whoever read a word before it was lowered may still swap it, should it come again. By another key it
/// cannot, if the slot goes to one only after that word has passed. A moment is kept for several slots,
/// the latest of theirs: so there is always room for it, and a slot is held too long at worst, which
/// takes nothing from its own key.
#[derive(Debug)]
pub(super) struct Stripe {
    latest: u64,
    holds: [u64; HOLDS],
}

impl Stripe {
    pub(super) const fn new() -> Self {
        Self { latest: 0, holds: [0; HOLDS] }
    }

    /// The latest moment that anybody has brought here, `at` included: who read a clock earlier and came
    /// later takes nothing back.
    pub(super) fn arrive(&mut self, at: u64) -> u64 {
        self.latest = self.latest.max(at);
        self.latest
    }

    /// Keeps `slot` for its key until the word `from` has passed.
    pub(super) fn hold(&mut self, slot: usize, from: u64) {
        let until = &mut self.holds[slot % HOLDS];
        *until = from.max(*until);
    }

    /// Whether `slot` is kept for its key, though it is idle.
    pub(super) fn holds(&self, slot: usize) -> bool {
        self.holds[slot % HOLDS] >= self.latest
    }
}
