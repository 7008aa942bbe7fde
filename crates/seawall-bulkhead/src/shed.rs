//! The level below which calls are turned away, and what moves it.
//!
//! ```text
//!  31           16 15            0
//! +---------------+---------------+     below the priority: all are refused;
//! |   priority    |   fraction    |     at it: this part of 65 536 is; above it: none
//! +---------------+---------------+
//! ```
//!
//! Every call is counted by its priority as it arrives. At the end of a window one caller looks at the
//! counts, tells how many the present level has let in, and sets the level that would have let in a few
//! less, where there was an overload, or a few more. So the level moves in small steps of *calls*, in
//! whatever way these are spread over priorities, and a service all of whose calls are equally
//! important sheds a share of them.
//!
//! # What it promises
//!
//! 1. Of two priorities, the higher one is refused no larger a share.
//! 2. From one window to the next the calls that are let in get fewer by at most `down`, and more by
//!    at most `up` (or one call).
//! 3. [`Priority::CRITICAL`] is never refused.

use seawall_core::{
    Nanos, Priority, Ratio,
    sync::{
        Mutex,
        unmodelled::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
};

use crate::config::Shedding;

/// How many who found no room are no overload yet: one in so many calls.
const TOLERATED: u64 = 100;

/// How much the calls of a bulkhead have suffered, since it was built.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pressure {
    /// How many found no room, or not in time.
    pub(crate) refused: u64,
    /// How many were served after a wait, and for how long they waited.
    pub(crate) served: u64,
    pub(crate) waited: std::time::Duration,
}

/// What becomes of a call, and whether shedding began or ended with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) admits: bool,
    pub(crate) turned: Option<bool>,
}

// Relaxed throughout: the counts and the level carry nothing but themselves, and a call that is counted
// in the next window instead of this one changes nothing that matters.
pub(crate) struct Shed {
    rules: Shedding,
    arrivals: Box<[AtomicU32]>,
    calls: AtomicU32,
    ends: AtomicU64,
    level: AtomicU32,
    /// What had been suffered when the window began; who holds it moves the level.
    before: Mutex<Pressure>,
}

impl Shed {
    pub(crate) fn new(rules: Shedding, now: Nanos) -> Self {
        Self {
            rules,
            arrivals: (0..=u8::MAX).map(|_| AtomicU32::new(0)).collect(),
            calls: AtomicU32::new(0),
            ends: AtomicU64::new((now + rules.window).0),
            level: AtomicU32::new(0),
            before: Mutex::default(),
        }
    }

    /// Whether a call of `priority` is let in; `chance` says what happens with a probability.
    pub(crate) fn decide(
        &self,
        priority: Priority,
        now: Nanos,
        chance: impl FnOnce(Ratio) -> bool,
        pressure: impl FnOnce() -> Pressure,
    ) -> Decision {
        self.arrivals[usize::from(priority.0)].fetch_add(1, Relaxed);
        let calls = self.calls.fetch_add(1, Relaxed) + 1;
        let turned = if calls >= self.rules.calls || now.0 >= self.ends.load(Relaxed) {
            self.end_window(now, pressure)
        } else {
            None
        };
        let (level, fraction) = split(self.level.load(Relaxed));
        let admits = match priority.cmp(&level) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => !(fraction > 0 && chance(share(fraction))),
            std::cmp::Ordering::Greater => true,
        };
        Decision { admits, turned }
    }

    /// The level: the priority from which calls are let in, and the share of it that is refused.
    pub(crate) fn level(&self) -> (Priority, Ratio) {
        let (priority, fraction) = split(self.level.load(Relaxed));
        (priority, share(fraction))
    }

    #[cold]
    fn end_window(&self, now: Nanos, pressure: impl FnOnce() -> Pressure) -> Option<bool> {
        let mut before = self.before.lock();
        if self.calls.load(Relaxed) < self.rules.calls && now.0 < self.ends.load(Relaxed) {
            return None; // another has done it
        }
        self.ends.store((now + self.rules.window).0, Relaxed);
        self.calls.store(0, Relaxed);
        let arrivals: Vec<u32> = self.arrivals.iter().map(|count| count.swap(0, Relaxed)).collect();
        let pressure = pressure();
        let overloaded = self.overloaded(&arrivals, *before, pressure);
        *before = pressure;
        let was = self.level.load(Relaxed);
        let next = moved(was, &arrivals, overloaded, self.rules);
        self.level.store(next, Relaxed);
        ((was == 0) != (next == 0)).then_some(next > 0)
    }

    fn overloaded(&self, arrivals: &[u32], before: Pressure, now: Pressure) -> bool {
        let calls: u64 = arrivals.iter().map(|&count| u64::from(count)).sum();
        let refused = now.refused.saturating_sub(before.refused);
        let served = now.served.saturating_sub(before.served);
        let waited = now.waited.saturating_sub(before.waited).as_nanos();
        let mean_is_long = waited > self.rules.target_wait.as_nanos() * u128::from(served.max(1));
        refused * TOLERATED > calls || mean_is_long
    }
}

/// The level after a window with these arrivals.
fn moved(level: u32, arrivals: &[u32], overloaded: bool, rules: Shedding) -> u32 {
    let admitted = admitted(level, arrivals);
    let step = if overloaded { rules.down } else { rules.up };
    let step = admitted * f64::from(step.parts_per_million()) / 1e6;
    let wanted = if overloaded { admitted - step } else { admitted + step.max(1.0) };
    let mut above = 0.0;
    for (priority, &count) in arrivals.iter().enumerate().rev() {
        let count = f64::from(count);
        if above + count > wanted {
            let refused = (above + count - wanted) / count;
            // A priority that is refused altogether is the next one, refused by nothing.
            let level = ((priority as u32) << 16) + (refused * 65_536.0) as u32;
            return level.min(u32::from(Priority::CRITICAL.0) << 16);
        }
        above += count;
    }
    0
}

/// How many of the arrivals the level lets in.
fn admitted(level: u32, arrivals: &[u32]) -> f64 {
    let (level, fraction) = split(level);
    let above: f64 = arrivals[usize::from(level.0) + 1..].iter().copied().map(f64::from).sum();
    above + f64::from(arrivals[usize::from(level.0)]) * f64::from(65_536 - fraction) / 65_536.0
}

fn split(level: u32) -> (Priority, u32) {
    (Priority((level >> 16) as u8), level & 0xffff)
}

fn share(fraction: u32) -> Ratio {
    Ratio::of(fraction.into(), 65_536)
}

impl std::fmt::Debug for Shed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shed").field("level", &self.level()).finish_non_exhaustive()
    }
}
