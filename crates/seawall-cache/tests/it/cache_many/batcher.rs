//! The promises of batches that are made of loads of single keys.

use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use futures_util::future::join_all;
use seawall_cache::{Batcher, BatcherBuilder, Cache, Error, LoadError, Reason, SingleFlight};
use seawall_core::sync::Mutex;
use seawall_test::Task;
use tokio::{sync::oneshot, time::Instant};

type Found = Result<HashMap<u32, u32>, io::Error>;
type Users = Batcher<u32, u32, io::Error>;

const MILLISECOND: Duration = Duration::from_millis(1);

/// What a source was asked for, a batch at a time; and calls that end when the test lets them.
#[derive(Clone, Default)]
struct Source {
    asked: Arc<Mutex<Vec<Vec<u32>>>>,
    held: Arc<Mutex<Vec<oneshot::Sender<Found>>>>,
}

impl Source {
    fn asked(&self) -> Vec<Vec<u32>> {
        self.asked.lock().clone()
    }

    /// Answers at once, with ten times each key.
    fn at_once(&self, builder: BatcherBuilder) -> Users {
        let source = self.clone();
        let load = move |keys: Vec<u32>| {
            source.asked.lock().push(keys.clone());
            async move { Ok(tenfold(keys)) }
        };
        builder.build(load).unwrap()
    }

    /// Answers when it is told to.
    fn held(&self, builder: BatcherBuilder) -> Users {
        let source = self.clone();
        let load = move |keys| {
            source.asked.lock().push(keys);
            let (end, ended) = oneshot::channel();
            source.held.lock().push(end);
            async move { ended.await.expect("the test answers") }
        };
        builder.build(load).unwrap()
    }

    fn end(&self, call: usize, found: Found) {
        let keep = |_| oneshot::channel().0;
        let end = std::mem::replace(&mut self.held.lock()[call], keep(()));
        let _ = end.send(found);
    }

    fn is_cancelled(&self, call: usize) -> bool {
        self.held.lock()[call].is_closed()
    }
}

fn tenfold(keys: Vec<u32>) -> HashMap<u32, u32> {
    keys.into_iter().map(|key| (key, 10 * key)).collect()
}

fn users() -> BatcherBuilder {
    Batcher::builder("users")
}

type Answer = Result<Option<u32>, Error<LoadError<io::Error>>>;

/// A load that gathers, which takes one turn.
fn begun<'a>(
    users: &'a Users,
    task: &Task,
    key: u32,
) -> Pin<Box<impl Future<Output = Answer> + use<'a>>> {
    let mut load = Box::pin(users.load(key));
    assert!(task.poll(load.as_mut()).is_pending());
    load
}

/// Polled once, by the task that asks.
async fn polled<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

fn value(polled: Poll<Answer>) -> Option<u32> {
    match polled {
        Poll::Ready(answer) => answer.unwrap(),
        Poll::Pending => panic!("it should be over"),
    }
}

#[tokio::test]
async fn loads_of_one_tick_are_one_call_in_the_order_in_which_they_came() {
    let source = Source::default();
    let users = source.at_once(users());
    let load = |key| {
        let users = users.clone();
        tokio::spawn(async move { users.load(key).await.unwrap() })
    };

    let loads: Vec<_> = [3, 1, 2, 3].into_iter().map(load).collect();
    let mut found = Vec::new();
    for load in loads {
        found.push(load.await.unwrap());
    }

    assert_eq!(found, [Some(30), Some(10), Some(20), Some(30)]);
    assert_eq!(source.asked(), [[3, 1, 2]]);
    let counters = users.snapshot().counters;
    assert_eq!((counters["loads"], counters["keys"], counters["batches"]), (4, 3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_window_counts_from_the_first_key_and_not_from_the_last() {
    let source = Source::default();
    let users = source.at_once(users().window(10 * MILLISECOND));
    let began = Instant::now();
    let load = |key: u32| {
        let users = users.clone();
        async move {
            tokio::time::sleep(4 * key * MILLISECOND).await;
            users.load(key).await.unwrap();
            began.elapsed()
        }
    };

    let took = join_all([load(0), load(1), load(2), load(3)]).await;

    assert_eq!(source.asked(), [vec![0, 1, 2], vec![3]]);
    assert!(took[..3].iter().all(|took| (10..12).contains(&took.as_millis())), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_full_does_not_wait_for_its_window() {
    let source = Source::default();
    let users = source.at_once(users().window(Duration::from_secs(9)).max_batch(2));
    let began = Instant::now();

    join_all((0..4).map(|key| users.load(key))).await;

    assert_eq!(source.asked(), [[0, 1], [2, 3]]);
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_gathers_and_goes_takes_neither_the_window_nor_the_others() {
    let source = Source::default();
    let users = source.at_once(users().window(10 * MILLISECOND));
    let began = Instant::now();
    let mut first = Box::pin(users.load(1));
    assert!(polled(first.as_mut()).await.is_pending());
    let other = users.load(2);
    let other = async {
        let mut other = pin!(other);
        assert!(polled(other.as_mut()).await.is_pending());
        tokio::time::sleep(4 * MILLISECOND).await;
        drop(first);
        other.await
    };

    assert_eq!(other.await.unwrap(), Some(20));

    assert_eq!(source.asked(), [[2]], "nobody waits for 1 any more");
    assert!((10..12).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
}

#[test]
fn a_caller_who_polls_the_call_and_goes_does_not_cancel_it() {
    let source = Source::default();
    let users = source.held(users());
    let (one, two) = (Task::new(), Task::new());
    let mut first = begun(&users, &one, 1);
    let second = begun(&users, &two, 2);
    assert!(one.poll(first.as_mut()).is_pending());
    assert_eq!(source.asked(), [[1, 2]]);

    drop(first);
    let mut second = second;
    assert!(two.poll(second.as_mut()).is_pending());
    source.end(0, Ok(tenfold(vec![1, 2])));

    assert_eq!(value(two.poll(second.as_mut())), Some(20));
    assert_eq!(source.asked().len(), 1, "the same call went on");
}

#[test]
fn the_last_caller_who_goes_takes_the_call_with_him() {
    let source = Source::default();
    let users = source.held(users());
    let task = Task::new();
    let mut load = begun(&users, &task, 1);
    assert!(task.poll(load.as_mut()).is_pending());
    assert!(!source.is_cancelled(0));

    drop(load);

    assert!(source.is_cancelled(0));
    assert_eq!(users.snapshot().state, "idle");
}

#[test]
fn a_batch_that_all_have_left_asks_for_nothing_and_the_next_has_a_window_of_its_own() {
    let source = Source::default();
    let users = source.at_once(users());
    let task = Task::new();
    drop(begun(&users, &task, 1));

    let mut load = begun(&users, &task, 2);

    assert_eq!(value(task.poll(load.as_mut())), Some(20));
    assert_eq!(source.asked(), [[2]]);
}

#[test]
fn a_key_that_is_called_for_is_asked_for_anew_by_who_comes_later() {
    let source = Source::default();
    let users = source.held(users());
    let (one, two) = (Task::new(), Task::new());
    let mut early = begun(&users, &one, 1);
    assert!(one.poll(early.as_mut()).is_pending());

    let mut late = begun(&users, &two, 1);
    assert!(two.poll(late.as_mut()).is_pending());
    source.end(0, Ok([(1, 7)].into()));
    source.end(1, Ok([(1, 8)].into()));

    assert_eq!(value(one.poll(early.as_mut())), Some(7));
    assert_eq!(value(two.poll(late.as_mut())), Some(8));
}

#[tokio::test]
async fn what_the_source_does_not_know_is_none_and_a_failure_is_one_for_all() {
    let none = users().build(|_: Vec<u32>| async { Found::Ok(HashMap::new()) }).unwrap();
    assert_eq!(none.load(1).await.unwrap(), None);

    let fails = users().build(|_: Vec<u32>| async { Found::Err(io::ErrorKind::Other.into()) });
    let fails = fails.unwrap();
    let failed = join_all([fails.load(1), fails.load(2)]).await;
    let errors: Vec<_> = failed.into_iter().map(Result::unwrap_err).collect();
    let [Error::Inner(LoadError::Failed(one)), Error::Inner(LoadError::Failed(two))] = &errors[..]
    else {
        panic!("{errors:?}")
    };
    assert!(Arc::ptr_eq(one, two));
}

#[tokio::test]
async fn a_key_that_fails_fails_alone() {
    let each = |key| match key {
        1 => (key, Ok(10)),
        _ => (key, Err(io::Error::from(io::ErrorKind::InvalidData))),
    };
    let load = move |keys: Vec<u32>| async move { Ok::<_, io::Error>(keys.into_iter().map(each)) };
    let users = users().build_each(load).unwrap();

    let (one, two) = tokio::join!(users.load(1), users.load(2));

    assert_eq!(one.unwrap(), Some(10));
    assert!(matches!(two, Err(Error::Inner(LoadError::Failed(_)))));
}

#[test]
fn a_panic_is_told_to_all_once_and_the_next_batch_works() {
    let load = |keys: Vec<u32>| async move {
        assert_ne!(keys[0], 1, "not that one");
        Ok::<_, io::Error>(tenfold(keys))
    };
    let users = users().build(load).unwrap();
    let (one, two) = (Task::new(), Task::new());
    let mut first = begun(&users, &one, 1);
    let mut second = begun(&users, &two, 2);

    let poll = std::panic::AssertUnwindSafe(|| one.poll(first.as_mut()));
    assert!(std::panic::catch_unwind(poll).is_err());

    let Poll::Ready(Err(Error::Inner(LoadError::Panicked(_)))) = two.poll(second.as_mut()) else {
        panic!("the other learns of it");
    };
    let mut third = begun(&users, &one, 3);
    assert_eq!(value(one.poll(third.as_mut())), Some(30));
}

#[test]
fn a_batch_beyond_the_cap_waits_and_gathers_and_one_beyond_the_queue_is_refused() {
    let source = Source::default();
    let users = source.held(users().max_batch(2).max_batches(1).queue(1));
    let tasks: Vec<_> = (0..6).map(|_| Task::new()).collect();
    let mut running = begun(&users, &tasks[0], 0);
    assert!(tasks[0].poll(running.as_mut()).is_pending());

    let mut waits: Vec<_> = (1..3).map(|key| begun(&users, &tasks[key as usize], key)).collect();
    let mut refused = pin!(users.load(3));

    let Poll::Ready(Err(Error::Rejected(refused))) = tasks[3].poll(refused.as_mut()) else {
        panic!("there is no room for a third batch");
    };
    assert_eq!(refused.reason(), Reason::Overloaded);
    source.end(0, Ok(tenfold(vec![0])));
    assert_eq!(value(tasks[0].poll(running.as_mut())), Some(0));
    assert!(tasks[1].poll(waits[0].as_mut()).is_pending());
    assert_eq!(source.asked(), [vec![0], vec![1, 2]]);
    source.end(1, Ok(tenfold(vec![1, 2])));
    assert_eq!(value(tasks[1].poll(waits[0].as_mut())), Some(10));
    assert_eq!(value(tasks[2].poll(waits[1].as_mut())), Some(20));
}

#[tokio::test]
async fn behind_a_single_flight_a_key_is_loaded_once_also_while_its_batch_is_called() {
    let source = Source::default();
    let users = source.held(users());
    let flights = SingleFlight::builder("users").build().unwrap();
    let load = |key| {
        flights.run(key, {
            let users = users.clone();
            move || async move { users.load(key).await }
        })
    };
    let (one, two) = (Task::new(), Task::new());
    let (mut first, mut second) = (pin!(load(1)), pin!(load(1)));
    for _ in 0..2 {
        assert!(one.poll(first.as_mut()).is_pending());
    }
    assert!(two.poll(second.as_mut()).is_pending());

    source.end(0, Ok(tenfold(vec![1])));

    for answer in [one.poll(first.as_mut()), two.poll(second.as_mut())] {
        assert!(matches!(answer, Poll::Ready(Ok(Some(10)))));
    }
    assert_eq!(source.asked(), [[1]]);
}

#[tokio::test]
async fn behind_a_cache_misses_are_one_call_and_what_was_invalidated_meanwhile_is_asked_for_anew() {
    let source = Source::default();
    let batches = source.held(users());
    let cache = Cache::builder("users").build().unwrap();
    let load = |key| {
        let batches = batches.clone();
        cache.get_or_load(key, move || async move { batches.load(*key).await })
    };
    let (one, two, three) = (Task::new(), Task::new(), Task::new());
    let (mut first, mut second) = (pin!(load(&1)), pin!(load(&2)));
    assert!(one.poll(first.as_mut()).is_pending() && two.poll(second.as_mut()).is_pending());
    assert!(one.poll(first.as_mut()).is_pending());

    drop(cache.invalidate(&1)); // while its old value is read
    let mut third = pin!(load(&1));
    for _ in 0..2 {
        assert!(three.poll(third.as_mut()).is_pending());
    }
    source.end(0, Ok([(1, 6), (2, 20)].into()));
    source.end(1, Ok([(1, 7)].into()));

    assert!(matches!(three.poll(third.as_mut()), Poll::Ready(Ok(7))));
    assert!(matches!(one.poll(first.as_mut()), Poll::Ready(Ok(6))), "it asked before");
    assert!(matches!(two.poll(second.as_mut()), Poll::Ready(Ok(20))));
    assert_eq!((cache.get(&1), cache.get(&2)), (Some(7), Some(20)));
    assert_eq!(source.asked(), [vec![1, 2], vec![1]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_who_come_and_go_on_many_threads_all_get_their_own_value() {
    let load = |keys: Vec<u32>| async move {
        tokio::task::yield_now().await;
        Ok::<_, io::Error>(tenfold(keys))
    };
    let users = users().max_batch(8).build(load).unwrap();
    let callers = (0..2_000_u32).map(|key| {
        let users = users.clone();
        tokio::spawn(async move {
            let mut load = Box::pin(users.load(key));
            if key % 3 == 0 {
                let _ = polled(load.as_mut()).await;
                tokio::task::yield_now().await;
                return; // goes, be it as the driver
            }
            assert_eq!(load.await.unwrap(), Some(10 * key));
        })
    });
    for caller in join_all(callers).await {
        caller.unwrap();
    }
    assert_eq!(users.snapshot().state, "idle");
}

#[test]
fn nonsense_is_refused_by_name() {
    for (builder, field) in [
        (users().max_batch(0), "max_batch"),
        (users().window(Duration::from_secs(61)), "window"),
        (users().max_batches(0), "max_batches"),
        (users().queue(1 << 21), "queue"),
    ] {
        let error = builder.build(|_: Vec<u32>| async { Found::Ok(HashMap::new()) }).unwrap_err();
        assert!(error.to_string().contains(field), "{error}");
    }
}
