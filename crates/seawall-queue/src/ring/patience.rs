//! A moment's patience costs less than what haste leads to, where other cores are at work on the same ring.
//!
//! | what happens | in haste | with patience |
//! |---|---|---|
//! | another was faster to [claim](outrun) a place | both go for the next one at once, and the line of memory goes to and fro between them | the slower one stands back, twice as long each time, and the other does some in a row |
//! | [nothing is there](Patience::look) | it sits down, and is called for the next single thing: a lock, often a thread that wakes | it looks again after a while in which the other end does some dozens in a row |
//!
//! The second is in vain where the other end is not at work meanwhile: on one core, or when both ends are one
//! thread's. So after some looks in vain only one wait in many has one, until one is not.
//!
//! Nobody rests on any of it: a model explores what comes first without.

/// How long the other end is let go ahead, and how often, before one sits down: some microseconds.
#[cfg(not(seawall_loom))]
const AHEAD: u32 = 128;
#[cfg(not(seawall_loom))]
const LOOKS: u32 = 2;

/// So many waits in vain, and only one in [`RARELY`] looks again.
#[cfg(not(seawall_loom))]
const OFTEN: u32 = 4;
#[cfg(not(seawall_loom))]
const RARELY: u32 = 32;

/// How long one stands back the first time and at most, as a power of two.
#[cfg(not(seawall_loom))]
const BACK: (u32, u32) = (5, 7);

#[cfg(not(seawall_loom))]
fn pause(times: u32) {
    (0..times).for_each(|_| std::hint::spin_loop());
}

/// After another was faster, for the `before`th time in a row.
#[cfg(not(seawall_loom))]
#[cold]
pub(super) fn outrun(before: &mut u32) {
    pause(1 << (BACK.0 + *before).min(BACK.1));
    *before += 1;
}

#[cfg(seawall_loom)]
pub(super) fn outrun(_: &mut u32) {}

/// Of one end, for all who wait there. What it counts is a guess: a count that gets lost costs a look.
#[cfg(not(seawall_loom))]
pub(super) struct Patience {
    /// Waits since one found something.
    in_vain: std::sync::atomic::AtomicU32,
}

#[cfg(not(seawall_loom))]
impl Patience {
    pub(super) const fn new() -> Self {
        Self { in_vain: std::sync::atomic::AtomicU32::new(0) }
    }

    /// What an attempt gives after a while, if it does.
    pub(super) fn look<R>(&self, mut attempt: impl FnMut() -> Option<R>) -> Option<R> {
        use std::sync::atomic::Ordering::Relaxed; // nothing is told by it

        let in_vain = self.in_vain.load(Relaxed);
        if in_vain < OFTEN || in_vain.is_multiple_of(RARELY) {
            for _ in 0..LOOKS {
                pause(AHEAD);
                if let Some(done) = attempt() {
                    self.in_vain.store(0, Relaxed);
                    return Some(done);
                }
            }
        }
        self.in_vain.store(in_vain.wrapping_add(1), Relaxed);
        None
    }
}

#[cfg(seawall_loom)]
pub(super) struct Patience;

#[cfg(seawall_loom)]
impl Patience {
    pub(super) const fn new() -> Self {
        Self
    }

    pub(super) fn look<R>(&self, _: impl FnMut() -> Option<R>) -> Option<R> {
        None
    }
}
