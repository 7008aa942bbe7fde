//! The sampler: what turns single calls into one [`Sample`] a window, without a lock on their way.
//!
//! # How it counts
//!
//! Reading the clock costs more than all else that a bulkhead does, so that at high rates only one
//! call in 2, 4, … 256 is timed: as many as make 200 to 800 samples in a window. Drops are rare and
//! weigh much; they count whoever was timed.
//!
//! ```text
//!              63              48 47                                     0
//!  successes  +------------------+-----------------------------------------+
//!             |      count       |     how long they took, in nanoseconds  |   one word: their ratio is the mean
//!             +------------------+--------------------+--------------------+
//!  drops      |     of calls that were timed          |   of all calls     |   halves
//!             +---------------------------------------+--------------------+
//!  end        |           when the window is over, or CLOSING              |
//!             +------------------------------------------------------------+
//! ```
//!
//! A timed call adds itself, reads `end`, and is done, unless the time is over and there are ten
//! samples: then it tries to swap `end` for [`CLOSING`]. Who succeeds takes both words by a swap,
//! asks the algorithm, and sets the next `end`. Others go on adding meanwhile: to the next window.
//!
//! Where the time is over, there are too few samples, and only a share is timed, then traffic fell:
//! what there is goes, and all calls are timed from there on. Else ten samples could take minutes.
//!
//! # What it promises
//!
//! 1. One call closes a window, and the algorithm is asked about windows in their order.
//! 2. Each success and each drop is in one window: none is lost at a boundary, none counted twice.
//!    (But for a word that is full: what doesn't fit is left out of it, so that the mean stays one.)
//! 3. A window that the algorithm is asked about has at least ten samples.
//!
//! How many calls were in flight at most, and the shortest latency, may at a boundary be those of
//! the neighbouring window.
//!
//! # Synchronization
//!
//! Each word carries no data but itself, and a swap takes all that came before it: Relaxed does for
//! 2. The swap of `end` does for 1: each window has another `end`, and `CLOSING` stands until the
//! algorithm has answered. For 3 there is one edge: who reads an `end` (Acquire) sees that the words
//! were taken before it was set (Release), and counts what came since; if its swap then succeeds,
//! nobody has taken them meanwhile.

use std::{cell::Cell, time::Duration};

use seawall_core::{
    CachePadded, GOLDEN, Nanos, Outcome, Ratio, lane, mix,
    sync::{
        Mutex, Stat,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
        unmodelled::{AtomicU32, AtomicU64 as Unmodelled},
    },
};

use super::{Adaptive, LimitAlgorithm, Sample};

/// With fewer samples than this a mean says little.
const LEAST_SAMPLES: u64 = 10;

/// As many samples as a window should have where only a share of the calls is timed.
const WANTED: std::ops::RangeInclusive<u64> = 200..=800;

/// At least one call in 2^8 is timed.
const MOST_SHIFT: u32 = 8;

/// A window lasts at most this many times as long as it should at least.
const LONGEST: u32 = 10;

/// The `end` of a window while the algorithm is asked: no time is after it.
const CLOSING: u64 = u64::MAX;

/// The shortest latency where there was none.
const NONE: u64 = u64::MAX;

const COUNT_SHIFT: u32 = 48;
const NANOS_MASK: u64 = (1 << COUNT_SHIFT) - 1;
const TIMED_DROP: u64 = 1 << 32;
const DROPS_MASK: u64 = TIMED_DROP - 1;

thread_local! {
    /// Goes round in steps of the golden ratio, each thread from a place of its own: every n-th of
    /// its values, for each n, is spread as evenly as all of them. So no pattern in the order of
    /// calls can hide from it. 0 before the first step.
    static DIAL: Cell<u64> = const { Cell::new(0) };
}

/// Where a thread's dial begins.
#[cold]
fn first_place() -> u64 {
    mix(lane() as u64 + 1)
}

pub(crate) struct Sampler {
    /// A call is timed where the dial stands at most here: `u64::MAX >> shift`.
    timed_to: Unmodelled,
    /// The mean of the last window that had successes, in nanoseconds; 0 before.
    mean: Stat,
    /// What the algorithm takes for the latency without load, in nanoseconds; 0 where it doesn't.
    no_load: Stat,
    rules: Rules,
    window: CachePadded<Window>,
    deciding: Mutex<Deciding>,
}

struct Rules {
    window: Duration,
    least: f64,
    most: f64,
    on_cancel: Outcome,
    on_panic: Outcome,
}

impl Rules {
    /// What a call that nobody waited for counts as.
    const fn given_up(&self, panicked: bool) -> Outcome {
        if panicked { self.on_panic } else { self.on_cancel }
    }
}

struct Deciding {
    algorithm: Box<dyn LimitAlgorithm>,
    limit: f64,
}

impl Sampler {
    pub(crate) fn new(adaptive: &Adaptive, now: Nanos) -> Self {
        Self {
            timed_to: Unmodelled::new(u64::MAX),
            mean: Stat::new(0),
            no_load: Stat::new(0),
            rules: Rules {
                window: adaptive.window,
                least: adaptive.least().into(),
                most: adaptive.most().into(),
                on_cancel: adaptive.on_cancel,
                on_panic: adaptive.on_panic,
            },
            window: CachePadded::new(Window::until(now + adaptive.window)),
            deciding: Mutex::new(Deciding {
                algorithm: adaptive.start(),
                limit: adaptive.first().into(),
            }),
        }
    }

    /// Whether the next call should be timed.
    #[inline]
    pub(crate) fn picks(&self) -> bool {
        let place = match DIAL.get() {
            0 => first_place(),
            place => place.wrapping_add(GOLDEN),
        };
        DIAL.set(place);
        place <= self.timed_to.load(Relaxed)
    }

    /// A call that was timed ended. Returns the new limit where this closed a window and the limit
    /// should change.
    pub(crate) fn timed(
        &self,
        now: Nanos,
        started: Nanos,
        limit: u32,
        in_flight: u32,
        outcome: Outcome,
    ) -> Option<u32> {
        match outcome {
            Outcome::Success => self.window.succeeded(now.since(started)),
            Outcome::Failure => self.window.add_drop(TIMED_DROP + 1),
            Outcome::Ignored => return None,
        }
        self.window.used(in_flight);
        let end = self.window.end.load(Acquire); // pairs with `Closed`: see that it took the words
        if now.0 < end { None } else { self.close(end, now, limit) }
    }

    /// A call ended that nobody timed; `told` is what its caller said, if he waited for that.
    pub(crate) fn untimed(&self, told: Option<Outcome>, panicked: bool) {
        if told.unwrap_or_else(|| self.rules.given_up(panicked)) == Outcome::Failure {
            self.window.add_drop(1);
        }
    }

    /// A call that was timed was cancelled, or panicked.
    ///
    /// Where that is ignored, the time it took counts all the same if it was longer than calls take:
    /// a caller that gives up on a hanging dependency must not hide it.
    pub(crate) fn given_up(
        &self,
        now: Nanos,
        started: Nanos,
        limit: u32,
        in_flight: u32,
        panicked: bool,
    ) -> Option<u32> {
        let mean = self.latency();
        let hung = !mean.is_zero() && now.since(started) > mean;
        let outcome = match self.rules.given_up(panicked) {
            Outcome::Ignored if hung => Outcome::Success,
            outcome => outcome,
        };
        self.timed(now, started, limit, in_flight, outcome)
    }

    #[cold]
    fn close(&self, end: u64, now: Nanos, limit: u32) -> Option<u32> {
        let shift = self.shift();
        let thin = self.window.samples() < LEAST_SAMPLES;
        if thin && shift == 0 {
            return None;
        }
        // Relaxed: what must come before was seen when `end` was read, and `end` never comes back.
        self.window.end.compare_exchange(end, CLOSING, Relaxed, Relaxed).ok()?;
        // However the algorithm ends, also by a panic, the next window begins.
        let mut closed = Closed { window: &self.window, end: now + self.rules.window };
        let taken = self.window.take();
        if thin {
            self.timed_to.store(u64::MAX, Relaxed);
            return None;
        }
        let samples = taken.successes + taken.timed_drops;
        self.timed_to.store(u64::MAX >> shift_for(samples, shift), Relaxed);
        let latency = taken.latency();
        if !latency.is_zero() {
            self.mean.replace(Nanos::from(latency).0);
            // A change shows in the calls that begin after it: two latencies see it in most.
            let longest = self.rules.window.saturating_mul(LONGEST);
            closed.end = now + (latency * 2).clamp(self.rules.window, longest);
        }

        let mut deciding = self.deciding.lock();
        if deciding.limit.round() as u32 != limit {
            deciding.limit = limit.into(); // somebody set it since
        }
        let sample = Sample {
            limit: deciding.limit,
            in_flight: taken.in_flight,
            // Drops that nobody timed can be more than the share of the timed calls stands for.
            calls: (samples << shift).max(taken.successes + taken.drops),
            dropped: taken.drops,
            timed: taken.successes,
            latency,
            shortest: taken.shortest(),
        };
        let wanted = deciding.algorithm.update(&sample);
        if !wanted.is_nan() {
            deciding.limit = wanted.clamp(self.rules.least, self.rules.most);
        }
        let no_load = deciding.algorithm.no_load().unwrap_or_default();
        self.no_load.replace(Nanos::from(no_load).0);
        let next = deciding.limit.round() as u32;
        (next != limit).then_some(next)
    }

    fn shift(&self) -> u32 {
        self.timed_to.load(Relaxed).leading_zeros()
    }

    /// Calls that nobody timed were dropped, in one step.
    #[cfg(all(test, seawall_loom))]
    pub(crate) fn dropped(&self, calls: u64) {
        self.window.add_drop(calls);
    }

    /// How many samples wait for the window to close.
    #[cfg(test)]
    pub(crate) fn samples(&self) -> u64 {
        self.window.samples()
    }

    /// The mean latency of the last window that had one; zero before.
    pub(crate) fn latency(&self) -> Duration {
        Duration::from_nanos(self.mean.get())
    }

    /// What the algorithm takes for the latency without load; zero where it doesn't.
    pub(crate) fn no_load(&self) -> Duration {
        Duration::from_nanos(self.no_load.get())
    }

    /// The share of the calls that is timed.
    pub(crate) fn timed_share(&self) -> Ratio {
        Ratio::of(1, 1 << self.shift())
    }
}

/// One call in how many to time (as a power of two), where there were `samples` at one in 2^`shift`.
fn shift_for(mut samples: u64, mut shift: u32) -> u32 {
    while samples > *WANTED.end() && shift < MOST_SHIFT {
        (samples, shift) = (samples / 2, shift + 1);
    }
    while samples < *WANTED.start() && shift > 0 {
        (samples, shift) = (samples * 2, shift - 1);
    }
    shift
}

struct Window {
    end: AtomicU64,
    successes: AtomicU64,
    drops: AtomicU64,
    in_flight: AtomicU32,
    shortest: Unmodelled,
}

#[derive(Debug)]
struct Taken {
    successes: u64,
    nanos: u64,
    timed_drops: u64,
    drops: u64,
    in_flight: u32,
    shortest: u64,
}

impl Window {
    fn until(end: Nanos) -> Self {
        Self {
            end: AtomicU64::new(end.0),
            successes: AtomicU64::new(0),
            drops: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            shortest: Unmodelled::new(NONE),
        }
    }

    fn succeeded(&self, latency: Duration) {
        let nanos = Nanos::from(latency).0;
        if nanos < self.shortest.load(Relaxed) {
            self.shortest.fetch_min(nanos, Relaxed);
        }
        let mut seen = self.successes.load(Relaxed);
        // Where the count or the sum has no room, the call stays out of both.
        while seen >> COUNT_SHIFT < u64::MAX >> COUNT_SHIFT
            && (seen & NANOS_MASK).saturating_add(nanos) <= NANOS_MASK
        {
            let next = seen + (1 << COUNT_SHIFT) + nanos;
            match self.successes.compare_exchange_weak(seen, next, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    fn add_drop(&self, drop: u64) {
        self.drops.fetch_add(drop, Relaxed);
    }

    fn used(&self, in_flight: u32) {
        if in_flight > self.in_flight.load(Relaxed) {
            self.in_flight.fetch_max(in_flight, Relaxed);
        }
    }

    fn samples(&self) -> u64 {
        let successes = self.successes.load(Relaxed) >> COUNT_SHIFT;
        successes + (self.drops.load(Relaxed) & DROPS_MASK)
    }

    fn take(&self) -> Taken {
        let successes = self.successes.swap(0, Relaxed);
        let drops = self.drops.swap(0, Relaxed);
        Taken {
            successes: successes >> COUNT_SHIFT,
            nanos: successes & NANOS_MASK,
            timed_drops: drops / TIMED_DROP,
            drops: drops & DROPS_MASK,
            in_flight: self.in_flight.swap(0, Relaxed),
            shortest: self.shortest.swap(NONE, Relaxed),
        }
    }
}

impl Taken {
    /// The mean of the successes; zero where there were none.
    fn latency(&self) -> Duration {
        Duration::from_nanos(self.nanos.checked_div(self.successes).unwrap_or(0))
    }

    /// The shortest of the successes; zero where there were none.
    fn shortest(&self) -> Duration {
        Duration::from_nanos(if self.shortest == NONE { 0 } else { self.shortest })
    }
}

/// A window that was closed; the next one begins when this is dropped.
struct Closed<'a> {
    window: &'a Window,
    end: Nanos,
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.window.end.store(self.end.0, Release); // pairs with `timed`: the words were taken
    }
}
