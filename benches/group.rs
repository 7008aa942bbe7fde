//! Cases that compare: one after the other in the same run, by as many threads.

use std::{fmt, time::Duration};

use criterion::{BenchmarkGroup, Criterion, SamplingMode, measurement::WallTime};

use crate::bursts;

/// How many threads make the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// One.
    One,
    /// Two, on two cores.
    Two,
}

impl Threads {
    /// What this machine can measure: two threads need two cores.
    pub fn all() -> impl Iterator<Item = Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        [Self::One, Self::Two].into_iter().take(cores.min(2))
    }
}

impl fmt::Display for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::One => "1 thread",
            Self::Two => "2 threads",
        })
    }
}

/// A group of cases.
#[expect(missing_debug_implementations, reason = "criterion's group has none")]
pub struct Group<'a> {
    group: BenchmarkGroup<'a, WallTime>,
    threads: Threads,
}

impl<'a> Group<'a> {
    /// The group called `name`, whose cases are run by `threads`.
    pub fn new(criterion: &'a mut Criterion, name: &str, threads: Threads) -> Self {
        let mut group = criterion.benchmark_group(format!("{name}, {threads}"));
        // Samples of one length: each is as good as the others, and a median of them means something.
        group.sampling_mode(SamplingMode::Flat);
        Self { group, threads }
    }

    /// Times `op`, which the threads share.
    pub fn case(&mut self, name: &str, op: impl Fn() + Sync) {
        self.case_each(name, || &op);
    }

    /// Times what `make` makes, for each thread its own.
    pub fn case_each<Op: FnMut()>(&mut self, name: &str, make: impl Fn() -> Op + Sync) {
        let threads = self.threads;
        self.case_timed(name, move |calls| match threads {
            Threads::One => bursts::alone(calls, &make),
            Threads::Two => bursts::together(calls, &make),
        });
    }

    /// Takes the times that `time` says: how long a number of calls took.
    pub fn case_timed(&mut self, name: &str, mut time: impl FnMut(u64) -> Duration) {
        self.group.bench_function(name, |bencher| bencher.iter_custom(&mut time));
    }
}
