//! Bursts: many short measurements, of which the median is kept.

#![expect(clippy::disallowed_types, reason = "what is measured here is time itself")]

use std::{
    sync::{Barrier, LazyLock},
    thread,
    time::{Duration, Instant},
};

use core_affinity::CoreId;

/// Of this many bursts a sample consists.
const BURSTS: u64 = 256;

/// The fewest calls in a burst of two threads: with less, the clock would be much of it.
const CALLS_TOGETHER: u64 = 200;

/// Of so many bursts of two threads at least a sample's figure is made.
const ENOUGH: usize = 16;

/// The cores that the threads are pinned to; asked for once, since a thread that is pinned to one of
/// them is told of no other.
static CORES: LazyLock<Vec<CoreId>> =
    LazyLock::new(|| core_affinity::get_core_ids().unwrap_or_default());

/// How long `calls` calls take one thread.
///
/// It is a thread of its own: if the main one were pinned, whatever is built there later would take
/// this for a machine with one core.
pub fn alone<Op: FnMut()>(calls: u64, make: &(impl Fn() -> Op + Sync)) -> Duration {
    let each = calls.div_ceil(BURSTS);
    let run = || {
        pin(0);
        let mut op = make();
        (0..BURSTS).map(|_| Burst::run(each, &mut op).length()).collect()
    };
    let bursts = thread::scope(|scope| scope.spawn(run).join().expect("a case does not panic"));
    of_median(bursts, each, calls)
}

/// How long `calls` calls take each of two threads that make them at once.
pub fn together<Op: FnMut()>(calls: u64, make: &(impl Fn() -> Op + Sync)) -> Duration {
    let each = calls.div_ceil(BURSTS).max(CALLS_TOGETHER);
    let start = Barrier::new(2);
    let run = |core| {
        pin(core);
        let mut op = make();
        start.wait();
        let bursts = (0..BURSTS).map(|_| Burst::run(each, &mut op));
        bursts.filter(|burst| !burst.slept).collect::<Vec<_>>()
    };
    let mut kept = Vec::new();
    while kept.len() < ENOUGH {
        let [left, right] = thread::scope(|scope| {
            [0, 1]
                .map(|core| scope.spawn(move || run(core)))
                .map(|thread| thread.join().expect("a case does not panic"))
        });
        kept.extend(contended(&left, &right).chain(contended(&right, &left)));
    }
    of_median(kept, each, calls)
}

/// The lengths of those bursts of `own` for nine tenths of which `others` were at it too.
fn contended(own: &[Burst], others: &[Burst]) -> impl Iterator<Item = Duration> {
    own.iter().filter_map(|own| {
        let both: Duration = others.iter().map(|other| own.overlap(*other)).sum();
        (both >= own.length().mul_f64(0.9)).then(|| own.length())
    })
}

/// How long `calls` calls take if `each` of them take as long as the median of `bursts`.
#[must_use]
pub fn of_median(mut bursts: Vec<Duration>, each: u64, calls: u64) -> Duration {
    bursts.sort_unstable();
    bursts[bursts.len() / 2].mul_f64(calls as f64 / each as f64)
}

/// From when to when calls were made.
#[derive(Clone, Copy, Debug)]
pub struct Burst {
    start: Instant,
    end: Instant,
    /// Whether the thread was taken from its core meanwhile.
    slept: bool,
}

impl Burst {
    /// Makes `calls` calls.
    #[inline]
    pub fn run(calls: u64, op: &mut impl FnMut()) -> Self {
        let before = times_taken_away();
        let start = Instant::now();
        for _ in 0..calls {
            op();
        }
        let end = Instant::now();
        Self { start, end, slept: times_taken_away() != before }
    }

    /// How long it took.
    #[must_use]
    pub fn length(self) -> Duration {
        self.end - self.start
    }

    fn overlap(self, other: Self) -> Duration {
        self.end.min(other.end).saturating_duration_since(self.start.max(other.start))
    }
}

/// How often this thread was taken from its core so far, where the system tells.
fn times_taken_away() -> i64 {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::resource::{UsageWho, getrusage};
        getrusage(UsageWho::RUSAGE_THREAD).map_or(0, |usage| usage.involuntary_context_switches())
    }
    #[cfg(not(target_os = "linux"))]
    0
}

/// Where the system has no pinning, the threads run where it likes them to.
fn pin(core: usize) {
    if let Some(&core) = CORES.get(core) {
        core_affinity::set_for_current(core);
    }
}
