//! What does an item cost that goes through a bounded channel?
//!
//! As many senders as receivers, each a task of its own, on a runtime of two workers; an item is a `u64`,
//! and there is room for [`CAPACITY`]. Each sender sends its share one after the other, each receiver
//! receives its own.
//!
//! The figure is the **time of the processor** that the process took an item, all threads together: what
//! a task burns while it waits is counted, and what another process takes is not. A runtime likes to run
//! the task that was woken on the thread of who woke it, so that 1:1 mostly measures one core. In the
//! group *two threads*, each end has a runtime and a thread of its own, and each item goes from core to
//! core.

pub(crate) mod peers;

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkGroup, Criterion, SamplingMode, measurement::WallTime};
use seawall_benches::processor;
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
        Cases::new(criterion, &format!("{tasks}:{tasks}"), one_place, tasks).singles();
    }
    for tasks in [1, 2, 4] {
        let name = format!("{tasks}:{tasks}, batches");
        let mut cases = Cases::new(criterion, &name, one_place, tasks);
        cases.many::<Ring>("seawall");
        cases.many::<Tokio>("tokio");
    }
    let (senders, receivers) = (workers(1), workers(1));
    let two_places = Place { senders: &senders, receivers: &receivers };
    for tasks in [1, 2] {
        let name = format!("{tasks}:{tasks}, two threads");
        Cases::new(criterion, &name, two_places, tasks).singles();
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

/// Cases with as many tasks at each end.
struct Cases<'a> {
    group: BenchmarkGroup<'a, WallTime>,
    place: Place<'a>,
    tasks: usize,
}

impl<'a> Cases<'a> {
    fn new(criterion: &'a mut Criterion, name: &str, place: Place<'a>, tasks: usize) -> Self {
        let mut group = criterion.benchmark_group(format!("queue/ring, {name}"));
        group.sampling_mode(SamplingMode::Flat);
        Self { group, place, tasks }
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
    fn one<C: Channel>(&mut self, name: &str) {
        self.case::<C>(name, |place, mut receiver, share| {
            place.spawn(async move {
                for _ in 0..share {
                    black_box(C::receive(&mut receiver).await);
                }
            })
        });
    }

    /// Received as many at once as there are.
    fn many<C: Batches>(&mut self, name: &str) {
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

    fn case<C: Channel>(
        &mut self,
        name: &str,
        receive: impl Fn(&Runtime, C::Receiver, usize) -> JoinHandle<()>,
    ) {
        let Self { group, place, tasks } = self;
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|items| {
                // The least that is worth a start; what it costs an item is the same.
                let share =
                    usize::try_from(items).expect("they are few").div_ceil(*tasks).max(1_000);
                let spent = spent_on::<C>(*place, *tasks, share, &receive);
                spent.mul_f64(items as f64 / (share * *tasks) as f64)
            });
        });
    }
}

/// The processor's time that it takes to send and to receive: for each of so many tasks, its share.
fn spent_on<C: Channel>(
    place: Place<'_>,
    tasks: usize,
    share: usize,
    receive: impl Fn(&Runtime, C::Receiver, usize) -> JoinHandle<()>,
) -> Duration {
    let before = processor::time();
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
    processor::time() - before
}
