//! The promises of a cache, as its users see them.

#![cfg(feature = "tokio")]

use std::{
    future::{Future, pending, ready},
    hash::Hash,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_util::future::join_all;
use seawall_cache::{
    Background, Cache, CacheBuilder, Clock, Entry, Equivalent, Error, LoadError, Loaded, NotShared,
    Ratio, Reason, Room, SetStore, Store, Turn,
};
use seawall_core::ManualClock;
use seawall_test::{Task, allocations};
use tokio::sync::{mpsc, oneshot};

type Users = Cache<u32, u32, io::Error>;
type Builder = CacheBuilder<u32, u32, io::Error>;
type Load = Pin<Box<dyn Future<Output = Result<Loaded<u32>, io::Error>> + Send>>;

const SECOND: Duration = Duration::from_secs(1);

fn users() -> (Builder, ManualClock) {
    let (clock, hand) = Clock::manual();
    (Cache::builder("users").clock(clock).seed(7), hand)
}

fn plain() -> Users {
    users().0.build().unwrap()
}

/// Tasks in the background are for the test to poll.
fn spawner(builder: Builder) -> (Builder, mpsc::UnboundedReceiver<Background>) {
    let (send, tasks) = mpsc::unbounded_channel();
    (builder.spawn(move |task| drop(send.send(task))), tasks)
}

/// A load that ends when the test says so.
fn held() -> (oneshot::Sender<u32>, impl Future<Output = Result<u32, io::Error>> + Send + 'static) {
    let (end, ended) = oneshot::channel();
    (end, async { Ok(ended.await.expect("the test ends it")) })
}

fn gives(value: impl Into<Loaded<u32>>) -> impl FnOnce() -> Load + Send + 'static {
    let loaded = value.into();
    move || Box::pin(ready(Ok(loaded)))
}

fn fails() -> Load {
    Box::pin(ready(Err(io::Error::other("away"))))
}

fn never() -> Load {
    panic!("nobody should load")
}

/// What is done without a second level is done at once, and well.
fn done<T>(future: impl Future<Output = Result<T, NotShared>>) -> T {
    now(future).unwrap()
}

#[track_caller]
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it should not wait"),
    }
}

fn counter(users: &Users, name: &str) -> u64 {
    users.snapshot().counters[name]
}

fn is_failure<T>(answer: &Result<T, Error<LoadError<io::Error>>>) -> bool {
    matches!(answer, Err(Error::Inner(LoadError::Failed(_))))
}

fn is_absent<T>(answer: &Result<T, Error<LoadError<io::Error>>>) -> bool {
    matches!(answer, Err(Error::Inner(LoadError::Absent)))
}

#[test]
fn what_was_loaded_is_not_loaded_again() {
    let users = plain();

    assert_eq!(now(users.get_or_load(&7, gives(1))).unwrap(), 1);

    assert_eq!(now(users.get_or_load(&7, never)).unwrap(), 1);
    assert_eq!(users.get(&7), Some(1));
    assert_eq!(users.read(&7, |value| value + 1), Some(2));
    assert_eq!((counter(&users, "hits"), counter(&users, "misses")), (3, 1));
}

#[test]
fn ten_thousand_callers_on_a_cold_key_load_once() {
    let users = plain();
    let (end, load) = held();
    let mut first = Box::pin(users.get_or_load(&7, || load));
    let task = Task::new();
    assert!(task.poll(first.as_mut()).is_pending());
    let mut others: Vec<_> =
        (1..10_000).map(|_| (Task::new(), Box::pin(users.get_or_load(&7, never)))).collect();
    for (task, call) in &mut others {
        assert!(task.poll(call.as_mut()).is_pending());
    }

    end.send(1).unwrap();

    assert_eq!(task.poll(first.as_mut()).map(Result::unwrap), Poll::Ready(1));
    for (task, call) in &mut others {
        assert_eq!(task.wakes(), 1);
        assert_eq!(task.poll(call.as_mut()).map(Result::unwrap), Poll::Ready(1));
    }
    assert_eq!((counter(&users, "loads"), counter(&users, "joins")), (1, 9_999));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_tasks_on_two_threads_load_once() {
    let users = plain();
    let loads = Arc::new(AtomicU32::new(0));
    let call = |_| {
        let (users, loads) = (users.clone(), loads.clone());
        tokio::spawn(async move {
            let load = move || async move {
                loads.fetch_add(1, Relaxed);
                tokio::task::yield_now().await;
                Ok(1)
            };
            users.get_or_load(&7, load).await.unwrap()
        })
    };

    let values = join_all((0..10_000).map(call)).await;

    assert!(values.into_iter().all(|value| value.unwrap() == 1));
    assert_eq!(loads.load(Relaxed), 1, "who comes later finds it in the store, or in flight");
}

/// A load read the old value; then somebody wrote, and invalidated. The old value must not come late.
#[test]
fn the_late_set_race_is_closed() {
    let endings: [fn(&Users); 4] = [
        |users| assert!(!done(users.invalidate(&7))),
        |users| done(users.insert(7, 2)),
        |users| done(users.clear()),
        |users| now(users.write_through(7, 2, || ready(Ok::<_, ()>(())))).unwrap(),
    ];
    for (number, ending) in endings.into_iter().enumerate() {
        let users = plain();
        let (end, load) = held();
        let mut early = Box::pin(users.get_or_load(&7, || load));
        let task = Task::new();
        assert!(task.poll(early.as_mut()).is_pending());

        ending(&users);
        end.send(1).unwrap();
        let _ = task.poll(early.as_mut());

        let value = now(users.get_or_load(&7, gives(2))).unwrap();
        assert_eq!(value, 2, "the old value came back after ending {number}");
    }
}

#[test]
fn who_comes_after_an_invalidation_does_not_join_the_load_that_began_before() {
    let users = plain();
    let (end, load) = held();
    let mut early = Box::pin(users.get_or_load(&7, || load));
    let task = Task::new();
    assert!(task.poll(early.as_mut()).is_pending());

    done(users.invalidate(&7));

    assert_eq!(now(users.get_or_load(&7, gives(2))).unwrap(), 2);
    end.send(1).unwrap();
    assert_eq!(task.poll(early.as_mut()).map(Result::unwrap), Poll::Ready(1), "it overlaps");
    assert_eq!(users.get(&7), Some(2));
}

#[test]
fn who_comes_after_a_tag_was_invalidated_does_not_get_what_a_load_from_before_brings() {
    let users = plain();
    let (end, ended) = oneshot::channel();
    let load = async { Ok(Loaded::new(ended.await.unwrap()).tags(["team:7"])) };
    let (before, after) = (Task::new(), Task::new());
    let mut early = Box::pin(users.get_or_load(&7, || load));
    assert!(before.poll(early.as_mut()).is_pending());

    done(users.invalidate_tag("team:7"));
    let mut late = Box::pin(users.get_or_load(&7, gives(2)));
    assert!(after.poll(late.as_mut()).is_pending(), "it does not know the tags yet");
    end.send(1).unwrap();

    assert_eq!(before.poll(early.as_mut()).map(Result::unwrap), Poll::Ready(1));
    assert_eq!(after.poll(late.as_mut()).map(Result::unwrap), Poll::Ready(2));
    assert_eq!(users.get(&7), Some(2));
}

#[test]
fn a_tag_ends_all_that_has_it_and_nothing_else() {
    let users = plain();
    done(users.insert(1, Loaded::new(1).tags(["team:7", "all"])));
    done(users.insert(2, Loaded::new(2).tags(["team:8", "all"])));
    done(users.insert(3, 3));

    done(users.invalidate_tag("team:7"));
    assert_eq!([users.get(&1), users.get(&2), users.get(&3)], [None, Some(2), Some(3)]);

    done(users.invalidate_tags(["all"]));
    assert_eq!([users.get(&2), users.get(&3)], [None, Some(3)]);
}

#[test]
fn a_value_ends_with_its_ttl_which_counts_from_the_beginning_of_its_load() {
    let (builder, hand) = users();
    let users = builder.ttl(10 * SECOND).build().unwrap();
    let (end, load) = held();
    let mut call = Box::pin(users.get_or_load(&7, || load));
    let task = Task::new();
    assert!(task.poll(call.as_mut()).is_pending());
    hand.advance(4 * SECOND);
    end.send(1).unwrap();
    assert!(task.poll(call.as_mut()).is_ready());

    hand.advance(6 * SECOND - Duration::from_nanos(1));
    assert_eq!(users.get(&7), Some(1));

    hand.advance(Duration::from_nanos(1));
    assert_eq!(users.get(&7), None);
}

#[test]
fn jitter_spreads_ends_and_never_lengthens() {
    let (builder, hand) = users();
    let jitter = Ratio::percent(10.0).unwrap();
    let users = builder.ttl(100 * SECOND).jitter(jitter).build().unwrap();
    for key in 0..1_000 {
        done(users.insert(key, key));
    }
    let alive = |users: &Users| (0..1_000).filter(|key| users.get(key).is_some()).count();

    hand.advance(90 * SECOND - Duration::from_nanos(1));
    assert_eq!(alive(&users), 1_000);
    hand.advance(5 * SECOND);
    assert!((400..600).contains(&alive(&users)), "{}", alive(&users));
    hand.advance(5 * SECOND + Duration::from_nanos(1));
    assert_eq!(alive(&users), 0);
}

#[test]
fn a_stale_value_is_answered_at_once_while_one_load_brings_the_new_one() {
    let (builder, hand) = users();
    let builder = builder.ttl(10 * SECOND).stale_while_revalidate(5 * SECOND);
    let (builder, mut tasks) = spawner(builder);
    let users = builder.build().unwrap();
    done(users.insert(7, 1));
    hand.advance(12 * SECOND);

    for _ in 0..100 {
        assert_eq!(now(users.get_or_load(&7, gives(2))).unwrap(), 1);
    }
    let refresh = tasks.try_recv().expect("one load");
    assert!(tasks.try_recv().is_err(), "and no second one");
    now(refresh);

    assert_eq!(now(users.get_or_load(&7, never)).unwrap(), 2);
    assert_eq!((counter(&users, "refreshes"), counter(&users, "hits_stale")), (1, 100));
}

#[test]
fn after_the_time_to_revalidate_all_wait() {
    let (builder, hand) = users();
    let (builder, mut tasks) = spawner(builder.ttl(10 * SECOND).stale_while_revalidate(5 * SECOND));
    let users = builder.build().unwrap();
    done(users.insert(7, 1));
    hand.advance(15 * SECOND);

    assert_eq!(now(users.get_or_load(&7, gives(2))).unwrap(), 2);

    assert!(tasks.try_recv().is_err());
}

#[test]
fn without_anybody_who_takes_tasks_the_caller_refreshes_before_it_answers() {
    let (builder, hand) = users();
    let users = builder.ttl(SECOND).stale_while_revalidate(SECOND).build().unwrap();
    done(users.insert(7, 1));
    hand.advance(SECOND);

    assert_eq!(now(users.get_or_load(&7, gives(2))).unwrap(), 1);

    assert_eq!(users.get(&7), Some(2));
}

#[tokio::test]
async fn a_refresh_is_a_task_of_tokio() {
    let (builder, hand) = users();
    let users = builder.ttl(SECOND).stale_while_revalidate(SECOND).build().unwrap();
    done(users.insert(7, 1));
    hand.advance(SECOND);
    let (end, load) = held();

    assert_eq!(users.get_or_load(&7, || load).await.unwrap(), 1);
    end.send(2).unwrap();
    while users.snapshot().gauges["refreshing"] > 0.0 {
        tokio::task::yield_now().await;
    }

    assert_eq!(users.get(&7), Some(2));
}

#[test]
fn refreshes_are_bounded_and_what_is_left_out_is_counted() {
    let (builder, hand) = users();
    let builder = builder.ttl(SECOND).stale_while_revalidate(SECOND).max_refreshes(2);
    let (builder, mut tasks) = spawner(builder);
    let users = builder.build().unwrap();
    done(users.insert_many((0..5).map(|key| (key, key))));
    hand.advance(SECOND);

    for key in 0..5 {
        assert_eq!(now(users.get_or_load(&key, gives(9))).unwrap(), key);
    }
    assert_eq!((counter(&users, "refreshes"), counter(&users, "refreshes_refused")), (2, 3));

    drop(tasks.try_recv().unwrap());
    assert_eq!(now(users.get_or_load(&4, gives(9))).unwrap(), 4);
    assert_eq!(counter(&users, "refreshes"), 3);
}

#[test]
fn a_refresh_that_was_begun_before_an_invalidation_is_not_kept() {
    let (builder, hand) = users();
    let (builder, mut tasks) = spawner(builder.ttl(SECOND).stale_while_revalidate(SECOND));
    let users = builder.build().unwrap();
    done(users.insert(7, 1));
    hand.advance(SECOND);
    assert_eq!(now(users.get_or_load(&7, gives(2))).unwrap(), 1);

    done(users.invalidate(&7));
    now(tasks.try_recv().unwrap());

    assert_eq!(users.get(&7), None);
}

#[test]
fn a_load_that_fails_is_told_to_all_and_the_next_one_loads_anew() {
    let users = plain();
    let (end, ended) = oneshot::channel::<()>();
    let load = async move {
        let _ = ended.await;
        Err::<u32, _>(io::Error::other("away"))
    };
    let mut first = Box::pin(users.get_or_load(&7, || load));
    let mut second = Box::pin(users.get_or_load(&7, never));
    let task = Task::new();
    assert!(task.poll(first.as_mut()).is_pending());
    assert!(task.poll(second.as_mut()).is_pending());
    end.send(()).unwrap();

    let Poll::Ready(answer) = task.poll(first.as_mut()) else { panic!("it is over") };
    assert!(is_failure(&answer));
    let Poll::Ready(answer) = task.poll(second.as_mut()) else { panic!("it is over") };
    assert!(is_failure(&answer));

    assert_eq!(now(users.get_or_load(&7, gives(1))).unwrap(), 1);
}

#[test]
fn a_load_that_fails_is_answered_with_the_stale_value_and_the_source_is_left_alone_for_a_while() {
    let (builder, hand) = users();
    let turns = Arc::new(AtomicU32::new(0));
    let told = turns.clone();
    let users = builder
        .ttl(10 * SECOND)
        .stale_if_error(60 * SECOND)
        .pause_after_error(2 * SECOND)
        .on_event(move |event| {
            told.fetch_add(u32::from(event.turn == Turn::AnsweredInError), Relaxed);
        })
        .build()
        .unwrap();
    done(users.insert(7, 1));
    hand.advance(20 * SECOND);

    assert_eq!(users.get(&7), None, "for errors alone");
    assert_eq!(now(users.get_or_load(&7, fails)).unwrap(), 1);
    assert_eq!(now(users.get_or_load(&7, never)).unwrap(), 1, "the source is left alone");
    assert_eq!(turns.load(Relaxed), 1);

    hand.advance(2 * SECOND);
    assert_eq!(now(users.get_or_load(&7, fails)).unwrap(), 1);
    assert_eq!(counter(&users, "loads"), 2);

    hand.advance(48 * SECOND);
    assert!(is_failure(&now(users.get_or_load(&7, fails))));
}

#[test]
fn what_was_invalidated_is_not_answered_in_error() {
    let (builder, hand) = users();
    let users = builder.ttl(SECOND).stale_if_error(60 * SECOND).build().unwrap();
    done(users.insert(7, 1));
    hand.advance(2 * SECOND);
    let (end, ended) = oneshot::channel::<()>();
    let load = async move {
        let _ = ended.await;
        Err::<u32, _>(io::Error::other("away"))
    };
    let mut call = Box::pin(users.get_or_load(&7, || load));
    let task = Task::new();
    assert!(task.poll(call.as_mut()).is_pending());

    done(users.invalidate(&7));
    end.send(()).unwrap();

    let Poll::Ready(answer) = task.poll(call.as_mut()) else { panic!("it is over") };
    assert!(is_failure(&answer));
}

#[test]
fn an_absence_is_known_for_its_own_time_and_a_write_ends_it() {
    let (builder, hand) = users();
    let users = builder.ttl(60 * SECOND).negative_ttl(5 * SECOND).build().unwrap();
    let absent = || ready(Ok::<Option<u32>, _>(None));

    assert!(is_absent(&now(users.get_or_load(&7, absent))));
    assert!(is_absent(&now(users.get_or_load(&7, never))));
    assert_eq!(users.get(&7), None);
    hand.advance(5 * SECOND);
    assert!(is_absent(&now(users.get_or_load(&7, absent))));
    assert_eq!((counter(&users, "loads"), counter(&users, "hits_absent")), (2, 2));

    done(users.insert(7, 1));
    assert_eq!(now(users.get_or_load(&7, never)).unwrap(), 1);
}

#[test]
fn an_absence_takes_the_place_of_a_value_also_where_it_is_not_kept() {
    let (builder, hand) = users();
    let users = builder.ttl(SECOND).stale_if_error(60 * SECOND).build().unwrap();
    done(users.insert(7, 1));
    hand.advance(SECOND);

    assert!(is_absent(&now(users.get_or_load(&7, || ready(Ok(None))))));

    assert!(is_failure(&now(users.get_or_load(&7, fails))), "the old value is not true any more");
}

#[test]
fn what_the_loader_says_goes_before_what_is_set() {
    let (builder, hand) = users();
    let users = builder.ttl(60 * SECOND).build().unwrap();

    let short = Loaded::new(1).ttl(SECOND).stale_if_error(SECOND);
    assert_eq!(now(users.get_or_load(&7, gives(short))).unwrap(), 1);
    assert_eq!(now(users.get_or_load(&8, gives(Loaded::new(2).ttl(Duration::ZERO)))).unwrap(), 2);

    assert_eq!(users.get(&8), None, "not kept");
    hand.advance(SECOND);
    assert_eq!(users.get(&7), None);
    assert_eq!(now(users.get_or_load(&7, fails)).unwrap(), 1);
}

#[test]
fn a_hot_value_is_loaded_anew_before_its_end_and_nobody_waits() {
    let (builder, hand) = users();
    let (builder, mut tasks) = spawner(builder.ttl(60 * SECOND).early_refresh(1.0));
    let users = builder.build().unwrap();
    let (end, load) = held();
    let mut call = Box::pin(users.get_or_load(&7, || load));
    let task = Task::new();
    assert!(task.poll(call.as_mut()).is_pending());
    hand.advance(SECOND); // what the load takes
    end.send(1).unwrap();
    assert!(task.poll(call.as_mut()).is_ready());

    hand.advance(48 * SECOND); // further off than ten times the load
    for _ in 0..10_000 {
        assert_eq!(now(users.get_or_load(&7, never)).unwrap(), 1);
    }
    hand.advance(10 * SECOND); // a second before the end: one in e
    let early = (0..100).find(|_| {
        assert_eq!(now(users.get_or_load(&7, gives(2))).unwrap(), 1);
        tasks.try_recv().map(now).is_ok()
    });

    assert!(early.is_some());
    assert_eq!(users.get(&7), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_load_that_takes_long_goes_on_behind_a_stale_answer() {
    let (builder, hand) = users();
    let soft = Duration::from_millis(50);
    let users = builder.ttl(SECOND).stale_if_error(60 * SECOND).soft_timeout(soft).build().unwrap();
    done(users.insert(7, 1));
    hand.advance(2 * SECOND);
    let load = || async {
        tokio::time::sleep(4 * Duration::from_millis(50)).await;
        Ok(2)
    };

    let begun = tokio::time::Instant::now();
    let (leader, follower) =
        tokio::join!(users.get_or_load(&7, load), users.get_or_load(&7, never));

    assert_eq!((leader.unwrap(), follower.unwrap()), (1, 1));
    assert_eq!(begun.elapsed(), soft);
    tokio::time::sleep(4 * soft).await;
    assert_eq!(users.get(&7), Some(2));
    assert_eq!((counter(&users, "loads"), counter(&users, "answered_late")), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn with_nothing_to_answer_a_soft_timeout_waits_on() {
    let (builder, _) = users();
    let users = builder.soft_timeout(Duration::from_millis(50)).build().unwrap();
    let load = || async {
        tokio::time::sleep(SECOND).await;
        Ok(2)
    };

    assert_eq!(users.get_or_load(&7, load).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_load_that_hangs_ends_with_its_timeout_for_all() {
    let (builder, _) = users();
    let users = builder.load_timeout(SECOND).build().unwrap();
    let hangs = || pending::<Result<u32, io::Error>>();

    let (leader, follower) =
        tokio::join!(users.get_or_load(&7, hangs), users.get_or_load(&7, never));

    for answer in [leader, follower] {
        assert_eq!(answer.unwrap_err().rejection().unwrap().reason(), Reason::Timeout);
    }
    assert_eq!(counter(&users, "loads_timed_out"), 1);
    assert_eq!(users.get_or_load(&7, gives(1)).await.unwrap(), 1);
}

#[test]
fn a_load_that_is_dropped_with_its_caller_is_taken_over() {
    let users = plain();
    let (leader, follower) = (Task::new(), Task::new());
    let mut first = Box::pin(users.get_or_load(&7, pending::<Result<u32, io::Error>>));
    let mut second = Box::pin(users.get_or_load(&7, gives(2)));
    assert!(leader.poll(first.as_mut()).is_pending());
    assert!(follower.poll(second.as_mut()).is_pending());

    drop(first);

    assert_eq!(follower.wakes(), 1);
    assert_eq!(follower.poll(second.as_mut()).map(Result::unwrap), Poll::Ready(2));
    assert_eq!(users.get(&7), Some(2));
}

#[test]
fn a_load_that_panics_is_told_to_who_waits_and_leaves_the_key_free() {
    let users = plain();
    let (end, ended) = oneshot::channel::<()>();
    let load = async move {
        let _ = ended.await;
        panic!("on purpose") as Result<u32, io::Error>
    };
    let task = Task::new();
    let mut first = Box::pin(users.get_or_load(&7, || load));
    let mut second = Box::pin(users.get_or_load(&7, never));
    assert!(task.poll(first.as_mut()).is_pending());
    assert!(task.poll(second.as_mut()).is_pending());
    end.send(()).unwrap();

    assert!(catch_unwind(AssertUnwindSafe(|| task.poll(first.as_mut()))).is_err());

    let Poll::Ready(answer) = task.poll(second.as_mut()) else { panic!("it is over") };
    assert!(matches!(answer, Err(Error::Inner(LoadError::Panicked(_)))));
    assert_eq!(now(users.get_or_load(&7, gives(1))).unwrap(), 1);
    assert_eq!(counter(&users, "loads_panicked"), 1);
}

#[test]
fn a_load_that_asks_for_its_own_key_is_told_so() {
    let users = plain();
    let inner = users.clone();
    let load = || async move {
        let answer = inner.get_or_load(&7, never).await;
        assert!(matches!(answer, Err(Error::Inner(LoadError::Recursive))));
        Ok(1)
    };

    assert_eq!(now(users.get_or_load(&7, load)).unwrap(), 1);
}

#[test]
fn loads_are_capped_and_who_is_refused_gets_the_stale_value() {
    let (builder, hand) = users();
    let users = builder.ttl(SECOND).stale_if_error(SECOND).max_loads(1).queue(0).build().unwrap();
    done(users.insert(2, 2));
    hand.advance(SECOND);
    let mut busy = Box::pin(users.get_or_load(&1, pending::<Result<u32, io::Error>>));
    assert!(Task::new().poll(busy.as_mut()).is_pending());

    assert_eq!(now(users.get_or_load(&2, never)).unwrap(), 2);

    let refused = now(users.get_or_load(&3, never)).unwrap_err();
    assert_eq!(refused.rejection().unwrap().reason(), Reason::Overloaded);
    assert_eq!(counter(&users, "loads_refused"), 2);
    drop(busy);
    assert_eq!(now(users.get_or_load(&3, gives(3))).unwrap(), 3);
}

#[test]
fn an_update_changes_what_is_there_and_nothing_else() {
    let (builder, hand) = users();
    let users = builder.ttl(10 * SECOND).build().unwrap();
    done(users.insert(7, 1));
    hand.advance(4 * SECOND);

    assert!(done(users.update(&7, |value| value + 1)));
    assert!(!done(users.update(&8, |value| value + 1)));

    assert_eq!((users.get(&7), users.get(&8)), (Some(2), None));
    hand.advance(6 * SECOND);
    assert_eq!(users.get(&7), None, "an update does not make it younger");
    assert!(!done(users.update(&7, |value| value + 1)));
}

#[test]
fn a_write_is_in_the_cache_when_it_is_in_the_source() {
    let users = plain();
    done(users.insert(7, 1));
    let (end, write) = held();
    let writer = Task::new();
    let mut writes = Box::pin(users.write_through(7, 2, || write));
    assert!(writer.poll(writes.as_mut()).is_pending());
    assert_eq!(users.get(&7), Some(1), "not written yet");

    end.send(0).unwrap();

    assert!(writer.poll(writes.as_mut()).is_ready());
    assert_eq!(users.get(&7), Some(2));
}

#[test]
fn who_misses_while_a_write_runs_waits_for_it() {
    let users = plain();
    let (end, write) = held();
    let (writer, reader) = (Task::new(), Task::new());
    let mut writes = Box::pin(users.write_through(7, 2, || write));
    assert!(writer.poll(writes.as_mut()).is_pending());
    let mut read = Box::pin(users.get_or_load(&7, never));
    assert!(reader.poll(read.as_mut()).is_pending());

    end.send(0).unwrap();
    assert!(writer.poll(writes.as_mut()).is_ready());

    assert_eq!(reader.poll(read.as_mut()).map(Result::unwrap), Poll::Ready(2));
}

#[test]
fn a_write_that_fails_or_is_dropped_ends_the_entry() {
    let users = plain();
    done(users.insert(7, 1));
    assert!(now(users.write_through(7, 2, || ready(Err::<(), _>("lost")))).is_err());
    assert_eq!(users.get(&7), None);

    done(users.insert(7, 1));
    let mut write = Box::pin(users.write_through(7, 2, pending::<Result<(), ()>>));
    assert!(Task::new().poll(write.as_mut()).is_pending());
    drop(write);
    assert_eq!(users.get(&7), None);
    assert_eq!(users.snapshot().state, "idle");
}

#[test]
fn of_two_writes_at_a_time_neither_is_kept() {
    let users = plain();
    let ((end_one, one), (end_two, two)) = (held(), held());
    let task = Task::new();
    let mut first = Box::pin(users.write_through(7, 1, || one));
    let mut second = Box::pin(users.write_through(7, 2, || two));
    assert!(task.poll(first.as_mut()).is_pending());
    assert!(task.poll(second.as_mut()).is_pending());

    end_two.send(0).unwrap();
    assert!(task.poll(second.as_mut()).is_ready());
    end_one.send(0).unwrap();
    assert!(task.poll(first.as_mut()).is_ready());

    assert_eq!(users.get(&7), None, "which one the source has is not known");
}

#[test]
fn what_weighs_too_much_is_answered_and_not_kept() {
    let (builder, _) = users();
    let users = builder.weigher(|_, value| *value).max_weight(1_000).build().unwrap();

    assert_eq!(now(users.get_or_load(&1, gives(2_000))).unwrap(), 2_000);
    assert_eq!(users.get(&1), None);
    for key in 0..1_000 {
        done(users.insert(key, 10));
    }

    let snapshot = users.snapshot();
    assert!(snapshot.gauges["weight"] <= 1_000.0);
    assert_eq!(snapshot.counters["not_admitted"], 1);
    assert!(snapshot.counters["evicted"] >= 900);
}

#[test]
fn a_sweep_takes_out_what_has_expired() {
    let (builder, hand) = users();
    let users = builder.ttl(10 * SECOND).build().unwrap();
    done(users.insert_many((0..100).map(|key| (key, key))));
    hand.advance(5 * SECOND);
    done(users.insert(1_000, 1));
    hand.advance(5 * SECOND);

    let mut cursor = 0;
    (0..10_000).for_each(|_| users.sweep(&mut cursor));

    assert_eq!(users.snapshot().gauges["entries"] as u64, 1);
    assert_eq!(users.get(&1_000), Some(1));
    assert_eq!(counter(&users, "expired"), 100);
}

#[test]
fn a_fresh_hit_allocates_nothing_and_reads_the_clock_once() {
    let readings = Arc::new(AtomicU32::new(0));
    let count = readings.clone();
    let clock = Clock::custom(move || {
        count.fetch_add(1, Relaxed);
        seawall_core::Nanos::from_secs(100)
    });
    let users: Users =
        Cache::builder("users").clock(clock).ttl(SECOND).early_refresh(1.0).build().unwrap();
    done(users.insert(7, 1));
    let hits: [fn(&Users) -> Option<u32>; 3] = [
        |users| users.get(&7),
        |users| users.read(&7, |value| *value),
        |users| now(users.get_or_load(&7, || ready(Ok(2)))).ok(),
    ];
    for hit in hits {
        assert_eq!(hit(&users), Some(1)); // the first of a thread may take what it needs
        readings.store(0, Relaxed);

        let (value, allocated) = allocations(|| hit(&users));

        assert_eq!((value, readings.load(Relaxed)), (Some(1), 1));
        assert_eq!(allocated, 0);
    }
}

#[test]
fn hits_and_misses_add_up_to_the_calls() {
    let (builder, hand) = users();
    let users =
        builder.ttl(SECOND).stale_while_revalidate(SECOND).negative_ttl(SECOND).build().unwrap();
    let mut calls = 0;
    for round in 0..10 {
        for key in 0..10 {
            let load = move || ready(if key == 9 { Ok(None) } else { Ok(Some(key)) });
            let _ = now(users.get_or_load(&key, load));
            let _ = users.get(&key);
            calls += 2;
        }
        hand.advance(SECOND * (round % 3));
    }

    let counters = users.snapshot().counters;
    let names = ["hits", "hits_stale", "hits_in_error", "hits_absent", "misses"];
    assert_eq!(names.iter().map(|name| counters[*name]).sum::<u64>(), calls);
}

#[test]
fn what_cannot_be_is_told_by_its_name() {
    let refused =
        |change: fn(Builder) -> Builder| change(users().0).build().unwrap_err().field().to_owned();
    assert_eq!(refused(|b| b.capacity(0)), "capacity");
    assert_eq!(refused(|b| b.max_weight(10)), "max_weight");
    assert_eq!(refused(|b| b.weigher(|_, _| 1)), "max_weight");
    assert_eq!(refused(|b| b.weigher(|_, _| 1).max_weight(0)), "max_weight");
    assert_eq!(refused(|b| b.ttl(Duration::ZERO)), "ttl");
    assert_eq!(refused(|b| b.jitter(Ratio::ONE)), "jitter");
    assert_eq!(refused(|b| b.early_refresh(f64::NAN)), "early_refresh");
    assert_eq!(refused(|b| b.early_refresh(-1.0)), "early_refresh");
    assert_eq!(refused(|b| b.max_loads(0)), "max_loads");
    assert_eq!(refused(|b| b.queue(usize::MAX)), "queue");
    assert_eq!(refused(|b| b.max_refreshes(0)), "max_refreshes");
    assert_eq!(refused(|b| b.soft_timeout(Duration::ZERO)), "soft_timeout");
    assert_eq!(refused(|b| b.load_timeout(Duration::ZERO)), "load_timeout");
    assert_eq!(refused(|b| b.soft_timeout(SECOND).load_timeout(SECOND)), "soft_timeout");
}

/// Hides an entry from one look: as if it were published right after it.
struct Late(SetStore<u32, Entry<u32>>, AtomicBool);

impl Store<u32, Entry<u32>> for Late {
    fn with<Q, R>(&self, key: &Q, look: impl FnOnce(&Entry<u32>) -> R) -> Option<R>
    where
        Q: Hash + Equivalent<u32> + ?Sized,
    {
        if self.1.swap(false, Relaxed) { None } else { self.0.with(key, look) }
    }

    fn insert(&self, key: u32, entry: Entry<u32>, weight: u32) {
        self.0.insert(key, entry, weight);
        self.1.store(true, Relaxed);
    }

    fn remove<Q>(&self, key: &Q) -> bool
    where
        Q: Hash + Equivalent<u32> + ?Sized,
    {
        self.0.remove(key)
    }

    fn retain_step(&self, cursor: &mut u64, keep: impl FnMut(&u32, &Entry<u32>) -> bool) {
        self.0.retain_step(cursor, keep);
    }

    fn clear(&self) {
        self.0.clear();
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn weight(&self) -> u64 {
        self.0.weight()
    }
}

#[test]
fn what_is_published_between_the_look_and_the_lead_is_not_loaded_again() {
    let make =
        |room: Room| Late(SetStore::new(room.entries, room.max_weight), AtomicBool::default());
    let users = users().0.build_on(make).unwrap();
    done(users.insert(7, 1));
    assert_eq!(now(users.get_or_load(&7, never)).unwrap(), 1);

    done(users.insert(8, 2));
    let load = |_| -> std::future::Ready<Result<Vec<(u32, u32)>, _>> { panic!("nobody should") };
    assert_eq!(now(users.get_or_load_many([8], load))[0].as_ref().ok(), Some(&2));
}

#[test]
fn nobody_joins_a_load_that_is_being_dropped() {
    struct Asks(Users);
    impl Drop for Asks {
        fn drop(&mut self) {
            assert_eq!(now(self.0.get_or_load(&7, gives(2))).unwrap(), 2);
        }
    }
    let users = plain();
    let asks = Asks(users.clone());
    let load = || async move {
        let _asks = asks;
        pending::<Result<u32, io::Error>>().await
    };
    let mut call = Box::pin(users.get_or_load(&7, load));
    assert!(Task::new().poll(call.as_mut()).is_pending());

    drop(call);

    assert_eq!(users.get(&7), Some(2));
}
