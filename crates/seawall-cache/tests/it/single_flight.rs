//! The promises of a single flight, as its users see them.

use std::{
    cell::Cell,
    error::Error as _,
    future::{Future, Ready, pending, poll_fn, ready},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    rc::Rc,
    sync::mpsc,
    task::Poll,
};

use futures_util::future::join_all;
use seawall_cache::{Bound, Error, LoadError, Reason, SingleFlight};
use seawall_test::Task;
use tokio::sync::oneshot;

type Users = SingleFlight<u32, u32, io::Error>;

fn users() -> Users {
    SingleFlight::builder("users").build().expect("sound settings")
}

fn counter(users: &Users, name: &str) -> u64 {
    users.snapshot().counters[name]
}

fn gauge(users: &Users, name: &str) -> u64 {
    users.snapshot().gauges[name] as u64
}

/// A load that ends when the test says so.
fn held() -> (oneshot::Sender<u32>, impl Future<Output = Result<u32, io::Error>> + Send) {
    let (end, ended) = oneshot::channel();
    (end, async { Ok(ended.await.expect("the test ends it")) })
}

fn poll<F: Future + Unpin>(task: &Task, future: &mut F) -> Poll<F::Output> {
    task.poll(Pin::new(future))
}

#[test]
fn ten_thousand_callers_on_one_cold_key_load_once_and_are_woken_once() {
    let users = users();
    let loads = Cell::new(0);
    let (end, load) = held();
    let first = Task::new();
    let mut leader = pin!(users.run(7, || load));
    assert!(first.poll(leader.as_mut()).is_pending());
    let load = || {
        loads.set(loads.get() + 1);
        ready(Ok(0))
    };
    let mut followers: Vec<_> =
        (1..10_000).map(|_| (Task::new(), Box::pin(users.run(7, load)))).collect();
    for (task, call) in &mut followers {
        assert!(task.poll(call.as_mut()).is_pending());
        assert!(task.poll(call.as_mut()).is_pending(), "polled for nothing");
    }
    assert_eq!(gauge(&users, "following"), 9_999);

    end.send(42).unwrap();
    assert!(matches!(first.poll(leader), Poll::Ready(Ok(42))));

    for (task, call) in &mut followers {
        assert_eq!(task.wakes(), 1);
        assert!(matches!(task.poll(call.as_mut()), Poll::Ready(Ok(42))));
    }
    assert_eq!(loads.get(), 0);
    assert_eq!((counter(&users, "loads"), counter(&users, "joins")), (1, 9_999));
    assert_eq!(users.snapshot().state, "idle");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_tasks_on_two_threads_load_once() {
    let users = users();
    let (end, load) = held();
    let leader = tokio::spawn({
        let users = users.clone();
        async move { users.run(7, || load).await }
    });
    let call = |_| {
        let users = users.clone();
        tokio::spawn(async move { users.run(7, || ready(Ok(0))).await })
    };
    while gauge(&users, "in_flight") < 1 {
        tokio::task::yield_now().await;
    }
    let followers: Vec<_> = (1..10_000).map(call).collect();
    while gauge(&users, "following") < 9_999 {
        tokio::task::yield_now().await;
    }

    end.send(42).unwrap();

    assert_eq!(leader.await.unwrap().unwrap(), 42);
    for follower in join_all(followers).await {
        assert_eq!(follower.unwrap().unwrap(), 42);
    }
    assert_eq!(counter(&users, "loads"), 1);
}

#[test]
fn a_load_that_fails_fails_once_for_all_and_its_error_stays_in_the_chain() {
    let users = users();
    let tasks = [Task::new(), Task::new()];
    let (fail, failed) = oneshot::channel::<u32>();
    let load = || async { Err(io::Error::other(failed.await.unwrap().to_string())) };
    let mut leader = pin!(users.run(7, load));
    let mut follower = pin!(users.run(7, || ready(Ok(0))));
    assert!(tasks[0].poll(leader.as_mut()).is_pending());
    assert!(tasks[1].poll(follower.as_mut()).is_pending());

    fail.send(31).unwrap();

    let Poll::Ready(Err(first)) = tasks[0].poll(leader) else { panic!("it failed") };
    let Poll::Ready(Err(second)) = tasks[1].poll(follower) else { panic!("it failed") };
    for error in [&first, &second] {
        let load = error.source().unwrap();
        assert_eq!(load.to_string(), "the load failed");
        assert_eq!(load.source().unwrap().downcast_ref::<io::Error>().unwrap().to_string(), "31");
    }
    let (Error::Inner(LoadError::Failed(first)), Error::Inner(LoadError::Failed(second))) =
        (first, second)
    else {
        panic!("it failed")
    };
    assert!(std::sync::Arc::ptr_eq(&first, &second));
    assert_eq!((counter(&users, "loads"), counter(&users, "failed")), (1, 1));
}

#[test]
fn a_load_that_panics_unwinds_once_and_tells_the_others_and_frees_the_key() {
    let users = users();
    let task = Task::new();
    let (tell, told) = oneshot::channel::<u32>();
    let load = || async {
        let number = told.await.unwrap();
        panic!("no user {number}")
    };
    let mut leader = pin!(users.run(7, load));
    let mut follower = pin!(users.run(7, || ready(Ok(0))));
    assert!(task.poll(leader.as_mut()).is_pending());
    let woken = Task::new();
    assert!(woken.poll(follower.as_mut()).is_pending());
    tell.send(31).unwrap();

    let panic = catch_unwind(AssertUnwindSafe(|| task.poll(leader.as_mut()))).unwrap_err();

    assert_eq!(panic.downcast_ref::<String>().unwrap(), "no user 31");
    assert_eq!(woken.wakes(), 1);
    let Poll::Ready(Err(Error::Inner(LoadError::Panicked(told)))) = woken.poll(follower) else {
        panic!("it must learn of it")
    };
    assert_eq!(told.message(), "no user 31");
    assert_eq!((counter(&users, "panicked"), counter(&users, "loads")), (1, 1));
    let mut next = pin!(users.run(7, || ready(Ok(1))));
    assert!(matches!(task.poll(next.as_mut()), Poll::Ready(Ok(1))));
}

#[test]
fn a_load_that_panics_before_its_first_poll_tells_the_others_too() {
    let users = capped(1, 1);
    let tasks: [Task; 3] = std::array::from_fn(|_| Task::new());
    let mut runs = Box::pin(users.run(1, pending::<Result<u32, io::Error>>));
    let mut waits = pin!(users.run(7, || -> Ready<Result<u32, io::Error>> { panic!("at once") }));
    let mut follower = pin!(users.run(7, || ready(Ok(0))));
    assert!(tasks[0].poll(runs.as_mut()).is_pending());
    assert!(tasks[1].poll(waits.as_mut()).is_pending());
    assert!(tasks[2].poll(follower.as_mut()).is_pending());
    drop(runs);

    assert!(catch_unwind(AssertUnwindSafe(|| tasks[1].poll(waits.as_mut()))).is_err());

    let Poll::Ready(Err(Error::Inner(LoadError::Panicked(told)))) = tasks[2].poll(follower) else {
        panic!("it must learn of it")
    };
    assert_eq!(told.message(), "at once");
    assert_eq!((gauge(&users, "in_flight"), gauge(&users, "loading")), (0, 0));
}

#[test]
fn when_the_leader_is_dropped_one_follower_loads_and_none_wakes_more_than_twice() {
    let users = users();
    let loads = Rc::new(Cell::new(0));
    let task = Task::new();
    let mut leader = Box::pin(users.run(7, pending::<Result<u32, io::Error>>));
    assert!(task.poll(leader.as_mut()).is_pending());
    let load = || {
        let loads = loads.clone();
        async move {
            loads.set(loads.get() + 1);
            Ok(42)
        }
    };
    let mut followers: Vec<_> =
        (0..50).map(|_| (Task::new(), Box::pin(users.run(7, load)))).collect();
    for (task, call) in &mut followers {
        assert!(task.poll(call.as_mut()).is_pending());
    }

    drop(leader);

    let woken = followers.iter().position(|(task, _)| task.wakes() == 1);
    assert_eq!(woken, Some(0), "the one who has waited longest");
    assert_eq!(followers.iter().map(|(task, _)| task.wakes()).sum::<u64>(), 1);
    for (task, call) in &mut followers {
        assert!(matches!(task.poll(call.as_mut()), Poll::Ready(Ok(42))));
        assert_eq!(task.wakes(), 1);
    }
    assert_eq!((loads.get(), counter(&users, "handed_over")), (1, 1));
}

#[test]
fn a_follower_that_was_called_and_goes_passes_the_call_on() {
    let users = users();
    let tasks = [Task::new(), Task::new(), Task::new()];
    let mut leader = Box::pin(users.run(7, pending::<Result<u32, io::Error>>));
    let mut called = Box::pin(users.run(7, || ready(Ok(1))));
    let mut next = Box::pin(users.run(7, || ready(Ok(2))));
    assert!(tasks[0].poll(leader.as_mut()).is_pending());
    assert!(tasks[1].poll(called.as_mut()).is_pending());
    assert!(tasks[2].poll(next.as_mut()).is_pending());

    drop(leader);
    assert_eq!((tasks[1].wakes(), tasks[2].wakes()), (1, 0));
    drop(called);

    assert_eq!(tasks[2].wakes(), 1);
    assert!(matches!(tasks[2].poll(next.as_mut()), Poll::Ready(Ok(2))));
}

#[test]
fn a_newcomer_does_not_wait_for_a_follower_that_sleeps_on_its_call() {
    let users = users();
    let tasks = [Task::new(), Task::new(), Task::new()];
    let mut leader = Box::pin(users.run(7, pending::<Result<u32, io::Error>>));
    let mut sleeper = Box::pin(users.run(7, || ready(Ok(1))));
    assert!(tasks[0].poll(leader.as_mut()).is_pending());
    assert!(tasks[1].poll(sleeper.as_mut()).is_pending());
    drop(leader);

    let mut newcomer = pin!(users.run(7, || ready(Ok(2))));

    assert!(matches!(tasks[2].poll(newcomer.as_mut()), Poll::Ready(Ok(2))));
    assert!(matches!(tasks[1].poll(sleeper.as_mut()), Poll::Ready(Ok(2))));
}

/// Tells what the table looked like when it was dropped.
struct Look<'a>(&'a Users, &'a Cell<Option<u64>>);

impl Drop for Look<'_> {
    fn drop(&mut self) {
        self.1.set(Some(gauge(self.0, "in_flight")));
    }
}

#[test]
fn when_the_last_one_goes_the_flight_is_gone_before_its_load_is_dropped() {
    let users = users();
    let seen = Cell::new(None);
    let load = || {
        let look = Look(&users, &seen);
        async move {
            let _look = look;
            pending().await
        }
    };
    let mut only = Box::pin(users.run(7, load));
    assert!(Task::new().poll(only.as_mut()).is_pending());
    assert_eq!(gauge(&users, "in_flight"), 1);

    drop(only);

    assert_eq!(seen.get(), Some(0));
}

#[test]
fn a_load_that_asks_for_its_own_key_learns_of_it_instead_of_waiting() {
    let users = users();
    let nested = users.clone();
    let load = || async move {
        let inner = nested.run(7, || ready(Ok(1))).await;
        assert!(matches!(inner, Err(Error::Inner(LoadError::Recursive))));
        nested.run(8, || ready(Ok(8))).await.map_err(|_| io::Error::other("another key is free"))
    };

    let mut call = pin!(users.run(7, load));

    assert!(matches!(Task::new().poll(call.as_mut()), Poll::Ready(Ok(8))));
}

#[test]
fn what_is_forgotten_is_loaded_anew_and_who_waited_gets_what_he_waited_for() {
    let users = users();
    let tasks = [Task::new(), Task::new(), Task::new()];
    let (end, load) = held();
    let mut leader = pin!(users.run(7, || load));
    let mut early = pin!(users.run(7, || ready(Ok(0))));
    assert!(tasks[0].poll(leader.as_mut()).is_pending());
    assert!(tasks[1].poll(early.as_mut()).is_pending());

    users.forget(&7);

    let mut late = pin!(users.run(7, || ready(Ok(2))));
    assert!(matches!(tasks[2].poll(late.as_mut()), Poll::Ready(Ok(2))));
    assert_eq!(tasks[1].wakes(), 0, "it has nothing to do with it");
    end.send(1).unwrap();
    assert!(matches!(tasks[0].poll(leader), Poll::Ready(Ok(1))));
    assert!(matches!(tasks[1].poll(early), Poll::Ready(Ok(1))));
}

#[test]
fn when_a_forgotten_flight_loses_its_leader_its_followers_join_the_present_one() {
    let users = users();
    let tasks = [Task::new(), Task::new(), Task::new(), Task::new()];
    let mut leader = Box::pin(users.run(7, pending::<Result<u32, io::Error>>));
    let mut early = [(); 2].map(|()| Box::pin(users.run(7, || ready(Ok(0)))));
    assert!(tasks[0].poll(leader.as_mut()).is_pending());
    assert!(tasks[1].poll(early[0].as_mut()).is_pending());
    assert!(tasks[2].poll(early[1].as_mut()).is_pending());
    users.forget_all();
    let (end, load) = held();
    let mut present = pin!(users.run(7, || load));
    assert!(tasks[3].poll(present.as_mut()).is_pending());

    drop(leader);

    assert_eq!((tasks[1].wakes(), tasks[2].wakes()), (1, 1));
    assert!(tasks[1].poll(early[0].as_mut()).is_pending());
    assert!(tasks[2].poll(early[1].as_mut()).is_pending());
    end.send(5).unwrap();
    assert!(matches!(tasks[3].poll(present), Poll::Ready(Ok(5))));
    for (task, call) in tasks[1..].iter().zip(&mut early) {
        assert_eq!(task.wakes(), 2);
        assert!(matches!(task.poll(call.as_mut()), Poll::Ready(Ok(5))));
    }
    assert_eq!(counter(&users, "loads"), 2);
}

fn capped(max: usize, queue: usize) -> Users {
    SingleFlight::builder("users").max_loads(max).queue(queue).build().expect("sound settings")
}

#[test]
fn loads_over_the_cap_wait_in_line_and_are_refused_with_all_their_followers_when_it_is_full() {
    let users = capped(1, 1);
    let tasks: [Task; 4] = std::array::from_fn(|_| Task::new());
    let (end, load) = held();
    let mut first = pin!(users.run(1, || load));
    let mut second = pin!(users.run(2, || ready(Ok(2))));
    let mut third = pin!(users.run(3, || ready(Ok(3))));
    assert!(tasks[0].poll(first.as_mut()).is_pending());
    assert!(tasks[1].poll(second.as_mut()).is_pending());

    let Poll::Ready(Err(Error::Rejected(refused))) = tasks[2].poll(third.as_mut()) else {
        panic!("the line is full")
    };

    assert_eq!((refused.reason(), refused.bound()), (Reason::Overloaded, Some(Bound::Queue)));
    let snapshot = users.snapshot();
    assert_eq!((gauge(&users, "loading"), gauge(&users, "queueing")), (1, 1));
    assert_eq!((&*snapshot.state, snapshot.counters["rejected"]), ("full", 1));
    end.send(1).unwrap();
    assert!(matches!(tasks[0].poll(first), Poll::Ready(Ok(1))));
    assert_eq!(tasks[1].wakes(), 1);
    assert!(matches!(tasks[1].poll(second), Poll::Ready(Ok(2))));
    assert_eq!(gauge(&users, "loading"), 0);
}

#[test]
fn a_load_that_panics_or_is_dropped_gives_its_slot_back_at_once() {
    let users = capped(1, 0);
    let task = Task::new();
    let mut panics = Box::pin(users.run(1, || poll_fn(|_| panic!("no"))));
    assert!(catch_unwind(AssertUnwindSafe(|| task.poll(panics.as_mut()))).is_err());

    let mut hangs = Box::pin(users.run(2, pending::<Result<u32, io::Error>>));
    assert!(task.poll(hangs.as_mut()).is_pending(), "though the one that panicked is kept");
    drop(hangs);

    let mut next = pin!(users.run(3, || ready(Ok(3))));
    assert!(matches!(task.poll(next.as_mut()), Poll::Ready(Ok(3))));
}

#[test]
fn a_place_in_line_goes_to_the_next_when_its_load_is_dropped() {
    let users = capped(1, 8);
    let tasks: [Task; 3] = std::array::from_fn(|_| Task::new());
    let mut runs = Box::pin(users.run(1, pending::<Result<u32, io::Error>>));
    let mut waits = Box::pin(users.run(2, || ready(Ok(2))));
    let mut next = Box::pin(users.run(3, || ready(Ok(3))));
    assert!(tasks[0].poll(runs.as_mut()).is_pending());
    assert!(tasks[1].poll(waits.as_mut()).is_pending());
    assert!(tasks[2].poll(next.as_mut()).is_pending());

    drop(runs);
    assert_eq!((tasks[1].wakes(), tasks[2].wakes()), (1, 0));
    drop(waits);

    assert_eq!(tasks[2].wakes(), 1);
    assert!(matches!(tasks[2].poll(next.as_mut()), Poll::Ready(Ok(3))));
    assert_eq!(gauge(&users, "loading"), 0);
}

#[test]
fn a_detached_load_ends_though_its_caller_is_gone() {
    let users = users();
    let (end, load) = held();
    let (spawn, spawned) = mpsc::channel();
    let mut caller =
        Box::pin(users.run_detached(7, || load, |task| spawn.send(Box::pin(task)).unwrap()));
    let (task, other) = (Task::new(), Task::new());
    assert!(task.poll(caller.as_mut()).is_pending());
    drop(caller);
    let mut spawned = spawned.recv().unwrap();
    assert!(task.poll(spawned.as_mut()).is_pending());

    let mut late = pin!(users.run(7, || ready(Ok(0))));
    assert!(other.poll(late.as_mut()).is_pending());
    end.send(42).unwrap();

    assert!(task.poll(spawned.as_mut()).is_ready());
    assert!(matches!(other.poll(late), Poll::Ready(Ok(42))));
    assert_eq!(counter(&users, "loads"), 1);
}

#[test]
fn a_deserted_load_is_out_of_the_table_before_it_is_cancelled() {
    let users: Users =
        SingleFlight::builder("users").cancel_deserted(true).build().expect("sound settings");
    let seen = Cell::new(None);
    let load = || {
        let look = Look(&users, &seen);
        async move {
            let _look = look;
            pending().await
        }
    };
    let (spawn, spawned) = mpsc::channel();
    let (task, asks) = (Task::new(), Task::new());
    let mut caller =
        Box::pin(users.run_detached(7, load, |task| spawn.send(Box::pin(task)).unwrap()));
    assert!(asks.poll(caller.as_mut()).is_pending());
    let mut spawned = spawned.recv().unwrap();
    assert!(task.poll(spawned.as_mut()).is_pending());

    drop(caller);

    assert_eq!((task.wakes(), seen.get()), (1, None));
    let mut newcomer = pin!(users.run(7, || ready(Ok(2))));
    assert!(matches!(asks.poll(newcomer.as_mut()), Poll::Ready(Ok(2))), "a flight of its own");
    assert!(task.poll(spawned.as_mut()).is_ready());
    assert_eq!(seen.get(), Some(0));
}

#[test]
fn a_task_that_is_dropped_hands_over_and_its_own_caller_learns_of_it() {
    let users = users();
    let tasks: [Task; 2] = std::array::from_fn(|_| Task::new());
    let (spawn, spawned) = mpsc::channel();
    let never = pending::<Result<u32, io::Error>>;
    let mut caller =
        Box::pin(users.run_detached(7, never, |task| spawn.send(Box::pin(task)).unwrap()));
    let mut other = Box::pin(users.run(7, || ready(Ok(2))));
    assert!(tasks[0].poll(caller.as_mut()).is_pending());
    assert!(tasks[1].poll(other.as_mut()).is_pending());

    drop(spawned.recv().unwrap());

    let Poll::Ready(Err(Error::Rejected(refused))) = tasks[0].poll(caller.as_mut()) else {
        panic!("its load is gone")
    };
    assert_eq!(refused.reason(), Reason::ShuttingDown);
    assert_eq!(tasks[1].wakes(), 1);
    assert!(matches!(poll(&tasks[1], &mut other), Poll::Ready(Ok(2))));
}

#[test]
fn a_task_that_nobody_spawns_does_not_hang_its_caller() {
    let users = users();
    let mut caller = Box::pin(users.run_detached(7, || ready(Ok(1)), drop));

    let Poll::Ready(Err(Error::Rejected(refused))) = Task::new().poll(caller.as_mut()) else {
        panic!("its load is gone")
    };

    assert_eq!(refused.reason(), Reason::ShuttingDown);
    assert_eq!(gauge(&users, "in_flight"), 0);
}

#[test]
fn settings_that_cannot_be_are_told() {
    let told = |max, queue| {
        let built = Users::builder("users").max_loads(max).queue(queue).build();
        built.map(|_| ()).map_err(|error| error.to_string())
    };

    assert_eq!(told(0, 1), Err("`max_loads` is 0: it must be from 1 to 1048576".into()));
    assert_eq!(told(1, 1 << 21), Err("`queue` is 2097152: it must be at most 1048576".into()));
    assert_eq!(told(1, 0), Ok(()));
}
