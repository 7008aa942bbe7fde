//! Models of a compartment's word and line; the promises are those of [`super::places`] and
//! [`super::pool`].
//!
//! Each was seen to fail with the broken variant that it names.

use std::{
    future::{Future, pending, ready},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use loom::{model, thread};
use seawall_core::{
    Clock, Error, Listeners, Reason,
    sync::{
        atomic::AtomicU64,
        unmodelled::{AtomicUsize, Ordering::Relaxed},
    },
};

use super::{
    job::Job,
    places::Places,
    pool::{Limits, Pool},
    waiting::Waiting,
};

fn pool(running: usize, queue: usize) -> Arc<Pool> {
    let limits = Limits { threads: running, running, queue, max_wait: None };
    // A manual clock, which costs nothing; no model asks it.
    Arc::new(Pool::new("model".into(), Clock::manual().0, Listeners::new(), limits))
}

fn submit(pool: &Arc<Pool>) -> Waiting<'_, u8> {
    pool.submit(|| ready(7)).expect("there is room")
}

/// Whether it was woken.
#[derive(Default)]
struct Flag(AtomicUsize);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl Flag {
    fn is_up(&self) -> bool {
        self.0.load(Relaxed) > 0
    }
}

fn poll<F: Future + Unpin>(future: &mut F, flag: &Arc<Flag>) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(&flag.clone().into()))
}

/// What a thread does with a job whose future is done at once.
fn run(job: Job) {
    let ended = pin!(job.run()).poll(&mut Context::from_waker(Waker::noop()));
    assert!(ended.is_ready());
}

/// All places are back, and nobody waits or runs.
fn is_empty(pool: &Pool) {
    pool.places.close();
    assert!(pool.places.is_drained(), "{:?}", pool.places);
    let line = pool.line.lock();
    assert_eq!((line.waiting(), line.running), (0, 0));
}

/// Places, promise 1: of three callers as many get in as there is room for.
///
/// Caught when broken: with a look at the count and a `fetch_add` to take the place, all three do.
#[test]
fn never_more_than_there_is_room_for() {
    model(|| {
        let places = Arc::new(Places::new(2));
        let enter = |places: Arc<Places>| move || u8::from(places.admit().is_ok());
        let first = thread::spawn(enter(places.clone()));
        let second = thread::spawn(enter(places.clone()));
        let third = enter(places)();

        assert_eq!(first.join().unwrap() + second.join().unwrap() + third, 2);
    });
}

/// Places, promise 1: a place that is given back is taken by one of those who ask.
///
/// Caught when broken: as [`never_more_than_there_is_room_for`], two take it.
#[test]
fn a_place_given_back_is_taken_once() {
    model(|| {
        let places = Arc::new(Places::new(1));
        places.admit().expect("it is empty");
        let enter = |places: Arc<Places>| move || u8::from(places.admit().is_ok());
        let first = thread::spawn(enter(places.clone()));
        let second = thread::spawn(enter(places.clone()));
        places.give_back();

        let taken = first.join().unwrap() + second.join().unwrap();
        assert!(taken <= 1);
        assert_eq!(places.admit().is_ok(), taken == 0);
    });
}

/// Places, promises 2 and 3: the last to leave a closed compartment knows, alone, or it was empty
/// when it was closed.
///
/// Caught when broken: with `close` as a load and a store, a place that comes back meanwhile is
/// lost; with a `give_back` that loads the word again to compare, two are the last.
#[test]
fn it_is_drained_once() {
    model(|| {
        let places = Arc::new(Places::new(2));
        places.admit().expect("it is empty");
        places.admit().expect("there is room for two");
        let leave = |places: Arc<Places>| move || u8::from(places.give_back());
        let first = thread::spawn(leave(places.clone()));
        let second = thread::spawn(leave(places.clone()));
        places.close();
        let empty = places.is_drained();

        let last = first.join().unwrap() + second.join().unwrap();
        assert!(last == 1 || (last == 0 && empty), "{last}, {empty}");
        assert!(places.is_drained());
        assert_eq!(places.admit(), Err(Reason::ShuttingDown));
    });
}

/// Places, promise 4, also for the one that was not the last.
///
/// Caught when broken: with a Relaxed `fetch_sub`, and with a Relaxed load in `is_drained`, what the
/// jobs wrote is not there.
#[test]
fn who_sees_it_drained_sees_what_was_done() {
    model(|| {
        let places = Arc::new(Places::new(2));
        let done = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        places.admit().expect("it is empty");
        places.admit().expect("there is room for two");
        let leave = |job: usize| {
            let (places, done) = (places.clone(), done.clone());
            move || {
                done[job].store(1, Relaxed);
                places.give_back();
            }
        };
        let first = thread::spawn(leave(0));
        let second = thread::spawn(leave(1));
        places.close();
        if places.is_drained() {
            assert_eq!(done[0].load(Relaxed) + done[1].load(Relaxed), 2);
        }
        first.join().unwrap();
        second.join().unwrap();
    });
}

/// Pool, promises 1 and 3: a job whose caller goes as a thread comes is run or cancelled, and its
/// place comes back once.
///
/// Caught when broken: with a place that is given back when the job leaves the line, and again when
/// it is dropped, the word wraps; with a `running` that is not counted down, one runs for ever.
#[test]
fn a_job_is_run_or_cancelled() {
    model(|| {
        let pool = pool(1, 0);
        let waiting = submit(&pool);
        let of_thread = pool.clone();
        let runner = thread::spawn(move || {
            while let Some(job) = of_thread.next() {
                run(job);
            }
        });
        drop(waiting);
        pool.places.close();
        pool.end();
        runner.join().unwrap();

        is_empty(&pool);
        assert_eq!(pool.stats.completed.get() + pool.stats.cancelled.get(), 1);
    });
}

/// Pool, promise 1: a panic is an end as any other.
///
/// Caught when broken: without the `catch_unwind` around the poll, the thread dies and this with it.
#[test]
fn a_job_that_panics_gives_its_place_back_once() {
    model(|| {
        let pool = pool(1, 0);
        let panics = || -> std::future::Ready<()> { std::panic::resume_unwind(Box::new("no")) };
        let mut waiting = pool.submit(panics).expect("there is room");
        let of_thread = pool.clone();
        let runner = thread::spawn(move || run(of_thread.next().expect("it has not ended")));
        let flag = Arc::new(Flag::default());
        let polled = poll(&mut waiting, &flag);
        runner.join().unwrap();

        is_empty(&pool);
        match polled {
            Poll::Ready(outcome) => assert!(matches!(outcome, Err(Error::Inner(_)))),
            Poll::Pending => assert!(flag.is_up()),
        }
        assert_eq!(pool.stats.panicked.get(), 1);
    });
}

/// Pool, promise 2: a job that comes as a thread lies down is taken.
///
/// Caught when broken: with a bell that is rung before the job is in the line, or not at all, the
/// thread sleeps for ever, and loom says so; with one that is rung only where the line was empty,
/// the second of two jobs waits for a thread that sleeps.
#[test]
fn no_thread_sleeps_through_a_job() {
    model(|| {
        let pool = pool(2, 0);
        let take_one = |pool: Arc<Pool>| move || run(pool.next().expect("it has not ended"));
        let first = thread::spawn(take_one(pool.clone()));
        let second = thread::spawn(take_one(pool.clone()));
        let mut waiting = [submit(&pool), submit(&pool)];
        first.join().unwrap();
        second.join().unwrap();

        let flag = Arc::new(Flag::default());
        for waiting in &mut waiting {
            assert!(matches!(poll(waiting, &flag), Poll::Ready(Ok(7))));
        }
        is_empty(&pool);
    });
}

/// Pool, promise 2, as a runtime does it: who hands a job in and who ends one each start one if they
/// can, and one of them does.
///
/// Caught when broken: with an end that does not count itself out before the line is looked at,
/// neither does.
#[test]
fn a_job_that_comes_as_another_ends_is_started() {
    model(|| {
        let pool = pool(1, 1);
        let waiting = submit(&pool);
        let job = pool.next().expect("it waits");
        let of_thread = pool.clone();
        let runner = thread::spawn(move || {
            run(job);
            of_thread.line.lock().take(1)
        });
        let second = submit(&pool);
        let here = pool.line.lock().take(1);
        let there = runner.join().unwrap();

        assert!(here.is_some() != there.is_some());
        drop((here, there, waiting, second));
        is_empty(&pool);
    });
}

/// Pool, promise 4: a caller who waits is woken by the end, and finds a place when it is.
///
/// Caught when broken: with the outcome published before the waker is looked for, each under a lock
/// of its own, a caller sleeps on; with the outcome told before the place is given back, it is
/// refused.
#[test]
fn who_waits_is_woken_and_finds_a_place() {
    model(|| {
        let pool = pool(1, 0);
        let mut waiting = submit(&pool);
        let job = pool.next().expect("it waits");
        let runner = thread::spawn(move || run(job));
        let flag = Arc::new(Flag::default());
        let polled = poll(&mut waiting, &flag);
        if polled.is_ready() {
            assert_eq!(pool.places.admit(), Ok(()));
            pool.places.give_back();
        }
        runner.join().unwrap();

        assert!(polled.is_ready() || flag.is_up());
        drop(waiting);
        is_empty(&pool);
    });
}

/// Pool, promise 4: a future that runs learns that its caller went.
///
/// Caught when broken: with a waker that is kept in a step after the look, the caller goes in
/// between, and the future keeps its place for good.
#[test]
fn a_future_learns_that_its_caller_went() {
    model(|| {
        let pool = pool(1, 0);
        let waiting = pool.submit(pending::<()>).expect("there is room");
        let mut running = Box::pin(pool.next().expect("it waits").run());
        let flag = Arc::new(Flag::default());
        let of_thread = flag.clone();
        let runner = thread::spawn(move || {
            let polled = poll(&mut running, &of_thread);
            (running, polled)
        });
        drop(waiting);
        let (mut running, polled) = runner.join().unwrap();

        if polled.is_pending() {
            assert!(flag.is_up());
            assert!(poll(&mut running, &flag).is_ready());
        }
        is_empty(&pool);
        assert_eq!(pool.stats.cancelled.get(), 1);
    });
}

/// Pool, promise 5: a job that was let in as the compartment ends is told so.
///
/// Caught when broken: with a line that takes a job after its end, its caller waits for ever.
#[test]
fn no_job_is_left_behind_at_the_end() {
    model(|| {
        let pool = pool(1, 0);
        let other = pool.clone();
        let closer = thread::spawn(move || {
            other.places.close();
            other.end();
        });
        let handed_in = pool.submit(|| ready(()));
        let flag = Arc::new(Flag::default());
        let told = handed_in.map(|mut waiting| {
            let polled = poll(&mut waiting, &flag);
            (waiting, polled)
        });
        closer.join().unwrap();

        is_empty(&pool);
        assert_eq!(pool.stats.dropped.get() + pool.stats.rejected.get(), 1);
        if let Ok((_waiting, polled)) = told {
            assert!(polled.is_ready() || flag.is_up());
        }
    });
}

/// Pool, promise 4, for who waits for the end: the last job wakes it.
///
/// Caught when broken: with a look at the word before the waker is kept, and not under one lock, the
/// last job passes in between.
#[test]
fn the_last_job_wakes_who_shuts_down() {
    model(|| {
        let pool = pool(1, 0);
        let waiting = submit(&pool);
        let job = pool.next().expect("it waits");
        let runner = thread::spawn(move || run(job));
        pool.places.close();
        let flag = Arc::new(Flag::default());
        let waker = flag.clone().into();
        let polled = pool.poll_drained(&Context::from_waker(&waker));
        runner.join().unwrap();

        assert!(polled.is_ready() || flag.is_up());
        assert!(pool.poll_drained(&Context::from_waker(&waker)).is_ready());
        drop(waiting);
    });
}
