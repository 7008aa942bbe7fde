//! How many jobs a second, in memory?
//!
//! A job is a `u64`, and its handler counts it. All that is around it is measured: pushed one by one, claimed, run,
//! settled; on a runtime of two workers, with one thread for the handles, which nobody but them is on. The figure is the
//! **time on the clock** a job, so that what two threads do at once counts once: a million a second are 1 000 ns.
//!
//! | group | what it shows |
//! |---|---|
//! | one by one | what a queue's own calls cost, without a worker, beside a locked deque |
//! | pushed ahead | all is pushed, then a worker does it: the only order in which apalis' own is safe to push to |
//! | four producers | they push and wait for room, and the worker works meanwhile |
//! | a million | what a push, a claim and a settle cost where a million wait, or are done |
//!
//! On two cores of an AMD EPYC at 2.6 GHz on which nothing else ran, 2026-11-28, a job in ns:
//!
//! | | ours | apalis 1.0 |
//! |---|---|---|
//! | one by one; pushed one by one, claimed and settled by 64 | 496; 333 | |
//! | pushed ahead: inline; a task each | 774; 1 006 | 1 196; 5 698 |
//! | four producers: inline; a task each | 508; 979 | not safe |
//! | a million wait; a million done: one by one | 1.03; 1.19 times | |
//! | the same by 64 | 1.12; 0.94 times | |
//!
//! What is set equal, and what cannot be, in [`peers`].

mod peers;

use std::{
    collections::VecDeque,
    hint::black_box,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use criterion::{BenchmarkGroup, Criterion, SamplingMode, measurement::WallTime};
use seawall_benches::poll;
use seawall_core::{BoxError, Clock, sync::Mutex};
use seawall_queue::{
    Job, Queue, Worker, WorkerBuilder,
    job::Verdict,
    storage::{Claim, Keep, Settlement},
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::Notify,
};

/// How many jobs wait at most while somebody works.
const CAPACITY: usize = 10_000;
/// How many jobs a worker has at most.
const PLACES: usize = 1_000;
const LEASE: Duration = Duration::from_secs(30);
const MILLION: usize = 1_000_000;
/// The least that is worth a start.
const LEAST: usize = 20_000;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

pub(crate) fn all(criterion: &mut Criterion) {
    one_by_one(&mut group(criterion, "one by one"));
    pushed_ahead(&mut group(criterion, "pushed ahead"));
    four_producers(&mut group(criterion, "four producers"));
    a_million(&mut group(criterion, "a million"));
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> Group<'a> {
    let mut group = criterion.benchmark_group(format!("queue/jobs, {name}"));
    group.sampling_mode(SamplingMode::Flat);
    group
}

/// A case that does so many jobs at once, however few criterion asks for.
fn case(group: &mut Group<'_>, name: &str, run: impl Fn(usize) -> Duration) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|jobs| {
            let many = usize::try_from(jobs).expect("they are few").max(LEAST);
            run(many).mul_f64(jobs as f64 / many as f64)
        });
    });
}

// Without a worker.

fn one_by_one(group: &mut Group<'_>) {
    group.bench_function("floor: a locked deque", |bencher| {
        let deque = Mutex::new(VecDeque::new());
        bencher.iter(|| {
            deque.lock().push_back(black_box(7_u64));
            deque.lock().pop_front()
        });
    });
    let ours = queue(CAPACITY);
    group.bench_function("seawall", |bencher| bencher.iter(|| cycle(&ours)));
    group.bench_function("seawall, a waiting push of 64, then 64 at once", |bencher| {
        bencher.iter_custom(|jobs| {
            let clock = Clock::system();
            let batches = jobs.div_ceil(64);
            let began = clock.now();
            (0..batches).for_each(|_| batch(&ours, 64));
            clock.now().since(began).mul_f64(jobs as f64 / (64 * batches) as f64)
        });
    });
}

fn queue(capacity: usize) -> Queue<u64> {
    let kept = Keep { count: 2 * MILLION, age: LEASE * 1_000 };
    let builder = Queue::memory("jobs").capacity(capacity);
    // What is kept when it is done is a setting of its own: as many as by default, where a million are not the question.
    let builder = if capacity > CAPACITY { builder.keep_done(kept) } else { builder };
    builder.build().expect("it is allowed")
}

/// What is ready at once, in memory.
fn now<F: Future>(future: F) -> F::Output {
    poll::ready(pin!(future))
}

/// Pushes one, claims one, settles it.
pub(crate) fn cycle(queue: &Queue<u64>) {
    now(queue.push(7)).expect("there is room");
    let claimed = now(queue.claim(Claim::new(1, LEASE))).expect("it can't fail");
    for job in claimed {
        now(queue.settle_one(job.lease, Verdict::DONE)).expect("it can't fail");
    }
}

/// Pushes one by one, claims and settles all at once.
pub(crate) fn batch(queue: &Queue<u64>, many: usize) {
    for job in 0..many {
        now(queue.push(job as u64)).expect("there is room");
    }
    work(queue, many);
}

fn work(queue: &Queue<u64>, many: usize) {
    let claimed = now(queue.claim(Claim::new(many, LEASE))).expect("it can't fail");
    let done = claimed.iter().map(|job| Settlement { lease: job.lease, verdict: Verdict::DONE });
    now(queue.settle(done.collect())).expect("it can't fail");
}

// With one.

fn pushed_ahead(group: &mut Group<'_>) {
    let runtime = runtime();
    case(group, "floor: a task each, spawned and joined", |jobs| {
        timed(&runtime, async move {
            let mut tasks = VecDeque::with_capacity(jobs);
            tasks.extend((0..jobs).map(|job| tokio::spawn(async move { black_box(job) })));
            for task in tasks {
                task.await.expect("it does not panic");
            }
        })
    });
    for (name, is_inline) in OURS {
        case(group, name, |jobs| timed(&runtime, ahead(jobs, is_inline)));
    }
    case(group, "apalis", |jobs| timed(&runtime, peers::apalis(jobs)));
    case(group, "apalis, 16 tasks", |jobs| timed(&runtime, peers::apalis_in_tasks(jobs)));
}

const OURS: [(&str, bool); 2] = [("seawall, inline", true), ("seawall, a task each", false)];

fn four_producers(group: &mut Group<'_>) {
    let runtime = runtime();
    for (name, is_inline) in OURS {
        case(group, name, |jobs| timed(&runtime, meanwhile(jobs, is_inline)));
    }
}

fn runtime() -> Runtime {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build();
    runtime.expect("it has what it needs")
}

fn timed(runtime: &Runtime, run: impl Future<Output = ()>) -> Duration {
    let clock = Clock::system();
    let began = clock.now();
    runtime.block_on(run);
    clock.now().since(began)
}

async fn ahead(jobs: usize, is_inline: bool) {
    let queue = queue(jobs.max(LEAST));
    let (worker, all_done) = worker(&queue, jobs, is_inline);
    let push = async move {
        for job in 0..jobs {
            queue.push(job as u64).await.expect("there is room");
        }
    };
    tokio::spawn(push).await.expect("it does not panic");
    finish(worker, all_done, jobs).await;
}

async fn meanwhile(jobs: usize, is_inline: bool) {
    const PRODUCERS: usize = 4;
    let queue = queue(CAPACITY);
    let jobs = jobs.next_multiple_of(PRODUCERS);
    let (worker, all_done) = worker(&queue, jobs, is_inline);
    for _ in 0..PRODUCERS {
        let queue = queue.clone();
        tokio::spawn(async move {
            for job in 0..jobs / PRODUCERS {
                queue.push(job as u64).await.expect("it waits for room");
            }
        });
    }
    finish(worker, all_done, jobs).await;
}

/// A worker that counts, and what is told when it has counted that many.
fn worker(queue: &Queue<u64>, jobs: usize, is_inline: bool) -> (Worker<u64>, Arc<Notify>) {
    let all_done = Arc::new(Notify::new());
    let count = Arc::new(Count { left: AtomicUsize::new(jobs), all_done: Arc::clone(&all_done) });
    let handler = move |job: Job<u64>| {
        let count = Arc::clone(&count);
        async move {
            black_box(job.payload());
            count.one();
            Ok::<_, BoxError>(())
        }
    };
    let builder = Worker::builder(queue.clone()).concurrency(PLACES).handler(handler);
    let inline = if is_inline { WorkerBuilder::inline } else { |builder| builder };
    (inline(builder).build().expect("it is allowed"), all_done)
}

/// Until all are done and settled.
async fn finish(worker: Worker<u64>, all_done: Arc<Notify>, jobs: usize) {
    let working = async move { worker.run_until(all_done.notified()).await };
    let report = tokio::spawn(working).await.expect("it does not panic");
    assert_eq!(report.done, jobs as u64);
}

struct Count {
    left: AtomicUsize,
    all_done: Arc<Notify>,
}

impl Count {
    fn one(&self) {
        if self.left.fetch_sub(1, Relaxed) == 1 {
            self.all_done.notify_one();
        }
    }
}

// What a million cost.

fn a_million(group: &mut Group<'_>) {
    for (name, many) in [("one by one", 1), ("by 64", 64)] {
        let (idle, waiting, done) = (queue(2 * MILLION), queue(2 * MILLION), queue(2 * MILLION));
        for _ in 0..MILLION {
            now(waiting.push(7)).expect("there is room");
            now(done.push(7)).expect("there is room");
        }
        (0..MILLION / 1_000).for_each(|_| work(&done, 1_000));
        for (state, queue) in
            [("nothing", &idle), ("a million wait", &waiting), ("a million done", &done)]
        {
            case(group, &format!("seawall, {name}, {state}"), |jobs| {
                let clock = Clock::system();
                let began = clock.now();
                match many {
                    1 => (0..jobs).for_each(|_| cycle(queue)),
                    _ => (0..jobs / many).for_each(|_| batch(queue, many)),
                }
                clock.now().since(began)
            });
        }
    }
}
