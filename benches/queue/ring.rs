//! What does an item cost that goes through a bounded channel?
//!
//! As many senders as receivers, each a task of its own, on a runtime of two workers; an item is a `u64`,
//! and there is room for [`CAPACITY`]. Each sender sends its share one after the other, each receiver
//! receives its own.
//!
//! The figure is the **time of the processor** that the process took an item, all threads together: what
//! a task burns while it waits is counted, and what another process takes is not. Beside it, in a group of
//! the same name with *wall*, stands how long the same runs took: what a user waits, and what a machine
//! that has other work to do makes of it.
//!
//! A runtime likes to run the task that was woken on the thread of who woke it, so that 1:1 mostly
//! measures one core. In the group *two threads*, each end has a runtime and a thread of its own, and each
//! item goes from core to core. There, what counts is how many items go through for each time that a
//! thread is woken, and that is the machine's as much as the channel's.
//!
//! [`instructions`] are those of one thread.
//!
//! # What ours is to be
//!
//! On one runtime at most 15 ns an item, in batches at most 10, and less than any peer everywhere. On two
//! cores of an AMD EPYC at 2.6 GHz on which nothing else ran, 2026-11-28, in ns of the processor, and in
//! brackets of the clock on the wall:
//!
//! | | ours | crossfire, the best peer | `ArrayQueue` and `Notify` | ours, in batches | tokio, in batches |
//! |---|---|---|---|---|---|
//! | 1:1 | 34.7 (17.4) | 47.4 (37.3) | 58.9 (43.3) | 33.0 (18.7) | 87.5 (83.4) |
//! | 2:2 | 34.4 (18.5) | 64.2 (22.4) | 154 (59.7) | 48.5 (26.2) | 230 (93.0) |
//! | 4:4 | 39.4 (18.8) | 72.3 (39.5) | 150 (94.7) | 52.8 (28.0) | 213 (134) |
//! | 1:1, two threads | 36.7 (33.4) | 51.5 (39.8) | 105 (36.7) | 32.6 (21.6) | 227 (145) |
//! | 2:2, two threads | 34.1 (32.5) | 58.7 (32.1) | 125 (70.2) | | |
//!
//! So it is ahead of every peer (in one row level on the wall), and **misses both bars**: where both cores are at
//! work at once, what an item costs is the way of its line of memory from one to the other, and the two together
//! burn twice what passes. Where the two share a core it is 12 to 19 ns, in batches 9 to 17. Before the ends of a
//! ring had patience (`patience`) the rows 2:2 and 4:4 were 280 and 229.

pub(crate) mod instructions;
pub(crate) mod peers;

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkGroup, Criterion, SamplingMode, measurement::WallTime};
use seawall_benches::processor;
use seawall_core::Clock;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};

use self::peers::{
    ArrayAndNotify, AsyncChannel, Batches, Channel, Crossfire, Flume, Loole, Ring, Tokio,
};

/// How many items a channel holds.
pub(crate) const CAPACITY: usize = 1024;
/// How many items a batch is at most.
const BATCH: usize = 64;

pub(crate) fn all(criterion: &mut Criterion) {
    let two = workers(2);
    let one_place = Place { senders: &two, receivers: &two };
    for tasks in [1, 2, 4] {
        let mut cases = Cases::new(&format!("{tasks}:{tasks}"), one_place, tasks);
        cases.singles();
        cases.measure(criterion);
    }
    let (senders, receivers) = (workers(1), workers(1));
    let two_places = Place { senders: &senders, receivers: &receivers };
    for tasks in [1, 2] {
        let mut cases = Cases::new(&format!("{tasks}:{tasks}, two threads"), two_places, tasks);
        cases.singles();
        cases.measure(criterion);
    }
    for (threads, place, tasks) in [
        ("", one_place, 1),
        ("", one_place, 2),
        ("", one_place, 4),
        (", two threads", two_places, 1),
    ] {
        let mut cases = Cases::new(&format!("{tasks}:{tasks}{threads}, batches"), place, tasks);
        cases.many::<Ring>("seawall");
        cases.many::<Tokio>("tokio");
        cases.measure(criterion);
    }
}

fn workers(count: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(count).build().expect("it has what it needs")
}

/// Where the two ends run.
#[derive(Clone, Copy)]
struct Place<'a> {
    senders: &'a Runtime,
    receivers: &'a Runtime,
}

/// What so many items took.
#[derive(Clone, Copy)]
struct Run {
    items: usize,
    /// Of the processor, by all threads together.
    burnt: Duration,
    /// From the first task's start to the last one's end.
    wall: Duration,
}

impl Run {
    /// What `items` of them take, of all that it took.
    fn share_of(self, all: Duration, items: u64) -> Duration {
        all.mul_f64(items as f64 / self.items as f64)
    }
}

/// Cases with as many tasks at each end.
struct Cases<'a> {
    name: String,
    place: Place<'a>,
    tasks: usize,
    cases: Vec<Case<'a>>,
}

struct Case<'a> {
    name: &'static str,
    /// With so many items for each task.
    run: Box<dyn Fn(usize) -> Run + 'a>,
}

impl<'a> Cases<'a> {
    fn new(name: &str, place: Place<'a>, tasks: usize) -> Self {
        Self { name: format!("queue/ring, {name}"), place, tasks, cases: Vec::new() }
    }

    fn singles(&mut self) {
        self.one::<Ring>("seawall");
        self.one::<Tokio>("tokio");
        self.one::<AsyncChannel>("async-channel");
        self.one::<Flume>("flume");
        self.one::<Crossfire>("crossfire");
        self.one::<Loole>("loole");
        self.one::<ArrayAndNotify>("crossbeam, ArrayQueue and Notify");
    }

    /// Received one by one.
    fn one<C: Channel>(&mut self, name: &'static str) {
        self.case::<C>(name, |place, mut receiver, share| {
            place.spawn(async move {
                for _ in 0..share {
                    black_box(C::receive(&mut receiver).await);
                }
            })
        });
    }

    /// Received as many at once as there are.
    fn many<C: Batches>(&mut self, name: &'static str) {
        self.case::<C>(name, |place, mut receiver, share| {
            place.spawn(async move {
                let (mut left, mut items) = (share, Vec::with_capacity(BATCH));
                while left > 0 {
                    left -= C::receive_many(&mut receiver, &mut items, BATCH.min(left)).await;
                    black_box(&items);
                    items.clear();
                }
            })
        });
    }

    fn case<C: Channel>(&mut self, name: &'static str, receive: Receives<C>) {
        let (place, tasks) = (self.place, self.tasks);
        let run = move |share| send_and_receive::<C>(place, tasks, share, receive);
        self.cases.push(Case { name, run: Box::new(run) });
    }

    /// Runs all of them, for a group of what they burnt and one of how long they took.
    fn measure(self, criterion: &mut Criterion) {
        let mut group = flat(criterion, &self.name);
        let mut ran = Vec::new();
        for case in &self.cases {
            let mut runs = Vec::new();
            group.bench_function(case.name, |bencher| {
                bencher.iter_custom(|items| {
                    // The least that is worth a start; what it costs an item is the same.
                    let share = usize::try_from(items).expect("they are few");
                    let run = (case.run)(share.div_ceil(self.tasks).max(1_000));
                    runs.push(run);
                    run.share_of(run.burnt, items)
                });
            });
            ran.push((case.name, runs));
        }
        group.finish();

        let mut group = flat(criterion, &format!("{}, wall", self.name));
        for (name, runs) in ran {
            // Those that were counted; the ones before were to warm up.
            let most = runs.iter().map(|run| run.items).max();
            let mut counted = runs.iter().filter(|run| Some(run.items) == most).cycle();
            group.bench_function(name, |bencher| {
                bencher.iter_custom(|items| {
                    let run = counted.next().expect("both groups are measured, or neither is");
                    run.share_of(run.wall, items)
                });
            });
        }
        group.finish();
    }
}

/// Starts a task that receives its share.
type Receives<C> = fn(&Runtime, <C as Channel>::Receiver, usize) -> JoinHandle<()>;

fn flat<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat);
    group
}

/// Sends and receives: each of so many tasks at each end its share.
fn send_and_receive<C: Channel>(
    place: Place<'_>,
    tasks: usize,
    share: usize,
    receive: Receives<C>,
) -> Run {
    let clock = Clock::system();
    let (began, before) = (clock.now(), processor::time());
    let (sender, receivers) = C::ends(tasks);
    let mut all: Vec<_> =
        receivers.into_iter().map(|receiver| receive(place.receivers, receiver, share)).collect();
    all.extend((0..tasks).map(|_| {
        let sender = sender.clone();
        place.senders.spawn(async move {
            for item in 0..share {
                C::send(&sender, item as u64).await;
            }
        })
    }));
    place.senders.block_on(async {
        for task in all {
            task.await.expect("no task panics");
        }
    });
    let (burnt, wall) = (processor::time() - before, clock.now().since(began));
    Run { items: share * tasks, burnt, wall }
}
