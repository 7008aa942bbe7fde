//! The promises of a bulk get; and, in modules, of batches made of single gets, and of writes behind.

#![cfg(feature = "tokio")]

mod batcher;
mod behind;

use std::{
    cell::RefCell,
    collections::HashMap,
    future::{Future, pending, ready},
    io,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use seawall_cache::{Cache, Clock, Error, LoadError, Loaded};
use seawall_core::sync::Mutex;
use seawall_test::Task;
use tokio::sync::oneshot;

type Users = Cache<u32, u32, io::Error>;
type Batch = HashMap<u32, u32>;

const SECOND: Duration = Duration::from_secs(1);

#[track_caller]
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it should not wait"),
    }
}

fn users() -> Users {
    Cache::builder("users").build().unwrap()
}

fn doubled(keys: Vec<u32>) -> Result<Batch, io::Error> {
    Ok(keys.into_iter().map(|key| (key, 2 * key)).collect())
}

fn values(answers: Vec<Result<u32, Error<LoadError<io::Error>>>>) -> Vec<Option<u32>> {
    answers.into_iter().map(Result::ok).collect()
}

#[test]
fn what_is_there_is_answered_and_the_rest_is_one_load() {
    let users = users();
    drop(users.insert(2, 20));
    let asked = RefCell::new(Vec::new());
    let load = |keys: Vec<u32>| {
        asked.borrow_mut().push(keys.clone());
        ready(doubled(keys))
    };

    let answers = now(users.get_or_load_many([1, 2, 3, 1], load));

    assert_eq!(values(answers), [Some(2), Some(20), Some(6), Some(2)]);
    assert_eq!(asked.into_inner(), [[1, 3]]);
    assert_eq!(users.get(&3), Some(6));
    assert_eq!(users.snapshot().counters["loads"], 1);
}

#[test]
fn nothing_missing_is_nothing_loaded() {
    let users = users();
    drop(users.insert(1, 1));
    let load = |_| -> std::future::Ready<Result<Batch, _>> { panic!("nobody should load") };

    assert_eq!(values(now(users.get_or_load_many([1], load))), [Some(1)]);
    assert!(now(users.get_or_load_many([], load)).is_empty());
}

#[test]
fn what_a_batch_does_not_give_is_absent_and_known_to_be() {
    let users: Users = Cache::builder("users").negative_ttl(SECOND).build().unwrap();
    let none = |_| ready(Ok(Batch::new()));

    let answers = now(users.get_or_load_many([1], none));

    assert!(matches!(answers[0], Err(Error::Inner(LoadError::Absent))));
    let load = || -> std::future::Ready<Result<u32, _>> { panic!("nobody should load") };
    assert!(now(users.get_or_load(&1, load)).is_err());
}

#[test]
fn a_single_and_a_bulk_get_share_a_load() {
    let users = users();
    let (end, ended) = oneshot::channel();
    let (one, many) = (Task::new(), Task::new());
    let mut single = Box::pin(users.get_or_load(&1, || async { Ok(ended.await.unwrap()) }));
    let mut bulk = Box::pin(users.get_or_load_many([1, 2], |keys| {
        assert_eq!(keys, [2]);
        ready(doubled(keys))
    }));
    assert!(one.poll(single.as_mut()).is_pending());
    assert!(many.poll(bulk.as_mut()).is_pending());
    assert_eq!(users.get(&2), Some(4), "kept as its batch ends");

    end.send(9).unwrap();
    assert!(one.poll(single.as_mut()).is_ready());

    assert_eq!(many.poll(bulk.as_mut()).map(values), Poll::Ready(vec![Some(9), Some(4)]));
}

#[test]
fn a_batch_that_fails_is_answered_with_what_is_stale() {
    let (clock, hand) = Clock::manual();
    let users: Users =
        Cache::builder("users").clock(clock).ttl(SECOND).stale_if_error(SECOND).build().unwrap();
    drop(users.insert(1, 1));
    hand.advance(SECOND);

    let fails = |_| ready(Err::<Batch, _>(io::Error::other("away")));
    let answers = now(users.get_or_load_many([1, 2], fails));

    assert_eq!(*answers[0].as_ref().unwrap(), 1);
    assert!(matches!(answers[1], Err(Error::Inner(LoadError::Failed(_)))));
}

#[test]
fn a_batch_that_is_dropped_leaves_its_keys_to_others() {
    let users = users();
    let task = Task::new();
    let hangs = |_| pending::<Result<Batch, io::Error>>();
    let mut first = Box::pin(users.get_or_load_many([1, 2], hangs));
    let mut second = Box::pin(users.get_or_load_many([2, 1], |keys| ready(doubled(keys))));
    assert!(Task::new().poll(first.as_mut()).is_pending());
    assert!(task.poll(second.as_mut()).is_pending());

    drop(first);

    assert_eq!(task.poll(second.as_mut()).map(values), Poll::Ready(vec![Some(4), Some(2)]));
    assert_eq!(users.snapshot().state, "idle");
}

/// The late-set race, in bulk: of a batch, what was invalidated meanwhile is not kept.
#[test]
fn what_is_invalidated_while_its_batch_runs_is_not_kept() {
    let users = users();
    let (end, ended) = oneshot::channel();
    let mut ended = Some(ended);
    let load = |keys: Vec<u32>| {
        let ended = ended.take().unwrap();
        async move {
            let _: Result<(), _> = ended.await;
            let tagged = |key: u32| (key, Loaded::new(2 * key).tags([format!("of {key}")]));
            Ok(keys.into_iter().map(tagged).collect::<Vec<_>>())
        }
    };
    let task = Task::new();
    let mut batch = Box::pin(users.get_or_load_many([1, 2, 3], load));
    assert!(task.poll(batch.as_mut()).is_pending());

    drop(users.invalidate(&1));
    drop(users.invalidate_tag("of 2"));
    end.send(()).unwrap();

    let all = vec![Some(2), Some(4), Some(6)];
    assert_eq!(task.poll(batch.as_mut()).map(values), Poll::Ready(all));
    assert_eq!([users.get(&1), users.get(&2), users.get(&3)], [None, None, Some(6)]);
}

#[test]
fn who_asks_in_bulk_after_a_tag_was_invalidated_does_not_get_what_a_load_from_before_brings() {
    let users = users();
    let (end, ended) = oneshot::channel();
    let load = || async { Ok(Loaded::new(ended.await.unwrap()).tags(["team"])) };
    let (before, after) = (Task::new(), Task::new());
    let mut early = Box::pin(users.get_or_load(&1, load));
    assert!(before.poll(early.as_mut()).is_pending());
    drop(users.invalidate_tag("team"));
    let mut late = Box::pin(users.get_or_load_many([1], |keys| ready(doubled(keys))));
    assert!(after.poll(late.as_mut()).is_pending());

    end.send(9).unwrap();
    assert!(before.poll(early.as_mut()).is_ready());

    assert_eq!(after.poll(late.as_mut()).map(values), Poll::Ready(vec![Some(2)]));
}

#[test]
fn a_cache_is_warmed_up_by_one_batch() {
    let users = users();

    let there = now(users.warm(0..100, |keys| ready(doubled(keys))));

    assert_eq!((there, users.get(&99)), (100, Some(198)));
    assert_eq!(users.snapshot().counters["loads"], 1);
}

#[tokio::test]
async fn what_is_stale_is_answered_at_once_and_loaded_anew_by_one_batch_behind() {
    let (clock, hand) = Clock::manual();
    let users: Users = Cache::builder("users")
        .clock(clock)
        .ttl(SECOND)
        .stale_while_revalidate(SECOND)
        .build()
        .unwrap();
    drop(users.insert_many([(1, 10), (2, 20)]));
    hand.advance(SECOND);
    let asked = RefCell::new(Vec::new());
    let load = |keys: Vec<u32>| {
        asked.borrow_mut().push(keys.clone());
        async {
            tokio::task::yield_now().await;
            doubled(keys)
        }
    };

    let answers = users.get_or_load_many([1, 3, 2, 1], load).await;

    assert_eq!(values(answers), [Some(10), Some(6), Some(20), Some(10)]);
    assert_eq!(asked.into_inner(), [vec![1, 2], vec![3]]);
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    assert_eq!((users.get(&1), users.get(&2)), (Some(2), Some(4)));
    let counters = users.snapshot().counters;
    assert_eq!((counters["hits_stale"], counters["refreshes"], counters["loads"]), (3, 1, 2));
}

#[test]
fn where_nobody_takes_a_task_the_caller_loads_what_is_stale_before_it_answers() {
    let (clock, hand) = Clock::manual();
    let builder = Cache::builder("users").clock(clock).ttl(SECOND).stale_while_revalidate(SECOND);
    let users: Users = builder.build().unwrap();
    drop(users.insert(1, 10));
    hand.advance(SECOND);

    assert_eq!(values(now(users.get_or_load_many([1], |keys| ready(doubled(keys))))), [Some(10)]);

    assert_eq!(users.get(&1), Some(2));
}

#[test]
fn a_refresh_too_many_is_left_out_and_what_is_stale_is_answered_all_the_same() {
    let (clock, hand) = Clock::manual();
    let tasks = Arc::new(Mutex::new(Vec::new()));
    let spawned = tasks.clone();
    let users: Users = Cache::builder("users")
        .clock(clock)
        .ttl(SECOND)
        .stale_while_revalidate(SECOND)
        .max_refreshes(1)
        .spawn(move |task| spawned.lock().push(task)) // and polls none of them
        .build()
        .unwrap();
    drop(users.insert_many([(1, 10), (2, 20)]));
    hand.advance(SECOND);

    for key in [1, 2, 1] {
        let answers = now(users.get_or_load_many([key], |keys| ready(doubled(keys))));
        assert_eq!(values(answers), [Some(10 * key)]);
    }

    assert_eq!(tasks.lock().len(), 1);
    assert_eq!(users.snapshot().counters["refreshes_refused"], 1, "2; of 1 one is under way");
}

#[test]
fn a_refresh_in_bulk_does_not_go_beyond_the_cap_on_loads() {
    let (clock, hand) = Clock::manual();
    let builder = Cache::builder("users").clock(clock).ttl(SECOND).stale_while_revalidate(SECOND);
    let users: Users = builder.max_loads(1).build().unwrap();
    drop(users.insert(1, 10));
    hand.advance(SECOND);
    let mut other = pin!(users.get_or_load(&2, pending::<Result<u32, io::Error>>));
    assert!(Task::new().poll(other.as_mut()).is_pending());

    let load = |_| -> std::future::Ready<Result<Batch, io::Error>> { panic!("there is no place") };
    assert_eq!(values(now(users.get_or_load_many([1], load))), [Some(10)]);

    assert_eq!(users.snapshot().counters["refreshes_refused"], 1);
}

fn entries(users: &Users) -> u64 {
    users.snapshot().gauges["entries"] as u64
}

#[tokio::test(start_paused = true)]
async fn a_sweeper_goes_round_once_in_its_time_and_ends_with_the_cache() {
    let clock = Clock::manual();
    let users: Users =
        Cache::builder("users").clock(clock.0).capacity(5_000).ttl(SECOND).build().unwrap();
    let sweeper = tokio::spawn(users.sweep_every(10 * SECOND));
    drop(users.insert_many((0..3_000).map(|key| (key, key))));
    let held = entries(&users); // a set or two may have been full

    tokio::time::sleep(10 * SECOND + SECOND / 2).await;
    assert_eq!(entries(&users), held, "all are fresh");
    clock.1.advance(SECOND);
    tokio::time::sleep(5 * SECOND).await;
    let left = entries(&users);
    assert!((1_200..1_800).contains(&left), "half of the store is swept: {left}");
    tokio::time::sleep(6 * SECOND).await;

    assert_eq!(entries(&users), 0);
    drop(users);
    sweeper.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sweeper_goes_round_a_large_store_in_a_short_time_too() {
    let (clock, hand) = Clock::manual();
    let users: Users =
        Cache::builder("users").clock(clock).capacity(5_000).ttl(SECOND).build().unwrap();
    drop(users.insert_many((0..3_000).map(|key| (key, key))));
    hand.advance(SECOND);
    let sweeper = tokio::spawn(users.sweep_every(SECOND / 20)); // hundreds of sets at one tick

    tokio::time::sleep(SECOND / 10).await;

    assert_eq!(entries(&users), 0);
    drop(users);
    sweeper.await.unwrap();
}
