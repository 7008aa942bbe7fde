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
//! cores of an AMD EPYC that were busy with other work, 2026-11-28, the least and the median of fifteen
//! runs of 50 000 items each, one case after the other in turn, in ns of the processor:
//!
//! | | ours | the best peer, `ArrayQueue` and `Notify` | ours, in batches |
//! |---|---|---|---|
//! | 1:1 | 12.2, 19.1 | 14.5, 23.9 | 11.2, 16.1 |
//! | 2:2 | 11.6, 18.3 | 14.6, 22.8 | 9.2, 17.1 |
//! | 4:4 | 17.9, 19.0 | 17.7, 23.4 | 12.3, 16.9 |
//! | 1:1, two threads | 20.6, 37.2 | 26.7, 39.8 | 34.2, 44.0 |
//! | 2:2, two threads | 26.0, 35.9 | 35.1, 39.1 | 38.6, 44.9 |
//!
//! So it is ahead of the peers; the bars in ns are met where little else runs, and not beside others.
//! Between two threads a batch makes an item dearer, not cheaper: a receiver that takes all that there is
//! sleeps the more often, and a thread is woken for it each time.

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
