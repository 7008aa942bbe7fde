//! The promises of a call for many keys.

use std::{
    cell::RefCell,
    future::{Future, pending, ready},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    rc::Rc,
    task::Poll,
};

use seawall_cache::{Error, LoadError, SingleFlight};
use seawall_test::Task;
use tokio::sync::oneshot;

type Users = SingleFlight<u32, u32, io::Error>;
type Rows = Result<Vec<(u32, u32)>, io::Error>;
/// The keys of each batch.
type Asked = Rc<RefCell<Vec<Vec<u32>>>>;
type Answer = Result<u32, Error<LoadError<io::Error>>>;

fn users() -> Users {
    SingleFlight::builder("users").build().expect("sound settings")
}

/// What a database has: ten times the key.
fn rows(keys: Vec<u32>) -> Rows {
    Ok(keys.into_iter().rev().map(|key| (key, key * 10)).collect())
}

fn values(answers: Vec<Answer>) -> Vec<u32> {
    answers.into_iter().map(|answer| answer.expect("it was loaded")).collect()
}

/// A load that ends when the test says so, and notes which keys it was for.
fn held(
    asked: Asked,
    end: oneshot::Receiver<()>,
) -> impl FnMut(Vec<u32>) -> Pin<Box<dyn Future<Output = Rows>>> {
    let mut end = Some(end);
    move |keys| {
        asked.borrow_mut().push(keys.clone());
        let end = end.take();
        Box::pin(async move {
            if let Some(end) = end {
                end.await.expect("the test ends it");
            }
            rows(keys)
        })
    }
}

#[test]
fn what_nobody_loads_is_loaded_by_one_batch_and_answered_in_order() {
    let users = users();
    let mut many = pin!(users.run_many([3, 1, 2, 1], |keys| {
        assert_eq!(keys, [3, 1, 2]);
        ready(rows(keys))
    }));

    let Poll::Ready(answers) = Task::new().poll(many.as_mut()) else { panic!("nothing is held") };

    assert_eq!(values(answers), [30, 10, 20, 10]);
    assert_eq!(users.snapshot().counters["loads"], 1);
    assert_eq!(users.snapshot().state, "idle");
}

#[test]
fn no_keys_are_no_load() {
    let users = users();
    let mut many = pin!(users.run_many([], |_| -> std::future::Ready<Rows> { panic!("no key") }));

    assert!(matches!(Task::new().poll(many.as_mut()), Poll::Ready(answers) if answers.is_empty()));
}

#[test]
fn a_single_get_and_a_batch_share_the_load_of_a_key() {
    let users = users();
    let tasks: [Task; 3] = std::array::from_fn(|_| Task::new());
    let (end, ended) = oneshot::channel();
    let asked = Asked::default();
    let (end_single, single_ended) = oneshot::channel();
    let mut single = pin!(users.run(1, || async { Ok(single_ended.await.unwrap()) }));
    assert!(tasks[0].poll(single.as_mut()).is_pending());
    let mut many = pin!(users.run_many([1, 2], held(asked.clone(), ended)));
    assert!(tasks[1].poll(many.as_mut()).is_pending());
    let mut late = pin!(users.run(2, || ready(Ok(0))));
    assert!(tasks[2].poll(late.as_mut()).is_pending());

    end.send(()).unwrap();
    assert!(tasks[1].poll(many.as_mut()).is_pending(), "1 is under way");

    assert!(matches!(tasks[2].poll(late), Poll::Ready(Ok(20))), "each key is told by itself");
    end_single.send(11).unwrap();
    assert!(tasks[0].poll(single).is_ready());
    let Poll::Ready(answers) = tasks[1].poll(many) else { panic!("all is there") };
    assert_eq!(values(answers), [11, 20]);
    assert_eq!(*asked.borrow(), [vec![2]]);
}

#[test]
fn two_batches_in_opposite_order_load_each_key_once() {
    let users = users();
    let tasks: [Task; 2] = std::array::from_fn(|_| Task::new());
    let asked = Asked::default();
    let (end_one, one_ended) = oneshot::channel();
    let (end_other, other_ended) = oneshot::channel();
    let mut one = pin!(users.run_many([1, 2, 3], held(asked.clone(), one_ended)));
    let mut other = pin!(users.run_many([4, 3, 2, 1], held(asked.clone(), other_ended)));
    assert!(tasks[0].poll(one.as_mut()).is_pending());
    assert!(tasks[1].poll(other.as_mut()).is_pending());
    end_one.send(()).unwrap();
    end_other.send(()).unwrap();

    let Poll::Ready(answers) = tasks[0].poll(one) else { panic!("it leads all of its keys") };
    assert_eq!(values(answers), [10, 20, 30]);
    let Poll::Ready(answers) = tasks[1].poll(other) else { panic!("all is there") };

    assert_eq!(values(answers), [40, 30, 20, 10]);
    assert_eq!(*asked.borrow(), [vec![1, 2, 3], vec![4]]);
}

#[test]
fn a_key_that_the_load_does_not_give_is_told_and_the_others_are_there() {
    let users = users();
    let mut many = pin!(users.run_many([1, 2], |_| ready(Ok(vec![(2, 20), (5, 50)]))));

    let Poll::Ready(answers) = Task::new().poll(many.as_mut()) else { panic!("nothing is held") };

    assert!(matches!(&answers[0], Err(Error::Inner(LoadError::Absent))));
    assert!(matches!(&answers[1], Ok(20)));
}

#[test]
fn a_batch_that_fails_fails_for_its_own_keys_alone() {
    let users = users();
    let tasks: [Task; 2] = std::array::from_fn(|_| Task::new());
    let (end, ended) = oneshot::channel();
    let mut single = pin!(users.run(1, || async { Ok(ended.await.unwrap()) }));
    assert!(tasks[0].poll(single.as_mut()).is_pending());
    let fails = |_| ready(Rows::Err(io::Error::other("no")));
    let mut many = pin!(users.run_many([1, 2, 3], fails));
    assert!(tasks[1].poll(many.as_mut()).is_pending());

    end.send(11).unwrap();
    assert!(tasks[0].poll(single).is_ready());

    let Poll::Ready(answers) = tasks[1].poll(many) else { panic!("all is there") };
    assert!(matches!(&answers[0], Ok(11)));
    for answer in &answers[1..] {
        assert!(matches!(answer, Err(Error::Inner(LoadError::Failed(_)))));
    }
    assert_eq!(users.snapshot().counters["failed"], 1);
}

#[test]
fn a_batch_that_panics_tells_the_followers_of_each_key() {
    let users = users();
    let tasks: [Task; 3] = std::array::from_fn(|_| Task::new());
    let (end, ended) = oneshot::channel::<()>();
    let mut ended = Some(ended);
    let panics = |_| {
        let ended = ended.take().expect("it is called once");
        async move {
            ended.await.unwrap();
            if true {
                panic!("no table");
            }
            Rows::Ok(Vec::new())
        }
    };
    let mut many = pin!(users.run_many([1, 2], panics));
    assert!(tasks[0].poll(many.as_mut()).is_pending());
    let mut singles = [1, 2].map(|key| Box::pin(users.run(key, || ready(Ok(0)))));
    assert!(tasks[1].poll(singles[0].as_mut()).is_pending());
    assert!(tasks[2].poll(singles[1].as_mut()).is_pending());
    end.send(()).unwrap();

    assert!(catch_unwind(AssertUnwindSafe(|| tasks[0].poll(many.as_mut()))).is_err());

    for (task, call) in tasks[1..].iter().zip(&mut singles) {
        let Poll::Ready(Err(Error::Inner(LoadError::Panicked(told)))) = task.poll(call.as_mut())
        else {
            panic!("it must learn of it")
        };
        assert_eq!(told.message(), "no table");
    }
    assert_eq!(users.snapshot().gauges["in_flight"] as u64, 0);
}

#[test]
fn a_batch_that_is_dropped_leaves_each_key_to_who_waits_for_it() {
    let users = users();
    let tasks: [Task; 2] = std::array::from_fn(|_| Task::new());
    let never = |_| pending::<Rows>();
    let mut many = Box::pin(users.run_many([1, 2, 3], never));
    assert!(tasks[0].poll(many.as_mut()).is_pending());
    let mut single = pin!(users.run(2, || ready(Ok(22))));
    assert!(tasks[1].poll(single.as_mut()).is_pending());

    drop(many);

    assert_eq!(users.snapshot().gauges["in_flight"] as u64, 1, "only what is waited for");
    assert_eq!(tasks[1].wakes(), 1);
    assert!(matches!(tasks[1].poll(single), Poll::Ready(Ok(22))));
}

#[test]
fn a_key_that_falls_to_a_batch_is_loaded_by_it() {
    let users = users();
    let tasks: [Task; 2] = std::array::from_fn(|_| Task::new());
    let asked = Asked::default();
    let (end, ended) = oneshot::channel();
    end.send(()).unwrap();
    let mut single = Box::pin(users.run(1, pending::<Result<u32, io::Error>>));
    assert!(tasks[0].poll(single.as_mut()).is_pending());
    let mut many = pin!(users.run_many([1, 2], held(asked.clone(), ended)));
    assert!(tasks[1].poll(many.as_mut()).is_pending());

    drop(single);

    assert_eq!(tasks[1].wakes(), 1);
    let Poll::Ready(answers) = tasks[1].poll(many) else { panic!("it loads itself") };
    assert_eq!(values(answers), [10, 20]);
    assert_eq!(*asked.borrow(), [vec![2], vec![1]]);
}

#[test]
fn nobody_counts_on_a_batch_that_is_busy() {
    let users = users();
    let tasks: [Task; 3] = std::array::from_fn(|_| Task::new());
    let asked = Asked::default();
    let mut first = Box::pin(users.run(1, pending::<Result<u32, io::Error>>));
    assert!(tasks[0].poll(first.as_mut()).is_pending());
    let mut third = Box::pin(users.run(3, pending::<Result<u32, io::Error>>));
    assert!(tasks[0].poll(third.as_mut()).is_pending());
    // Sleeps on 1 and 3; then 1 falls to it, and its load hangs.
    let asks = |keys| {
        asked.borrow_mut().push(keys);
        pending::<Rows>()
    };
    let mut many = pin!(users.run_many([1, 3], asks));
    assert!(tasks[1].poll(many.as_mut()).is_pending());
    let mut waits = pin!(users.run(3, || ready(Ok(33))));
    assert!(tasks[2].poll(waits.as_mut()).is_pending());
    drop(first);
    assert!(tasks[1].poll(many.as_mut()).is_pending());
    assert_eq!(*asked.borrow(), [vec![1]]);

    drop(third);

    assert_eq!(tasks[2].wakes(), 1, "the one who slept first is busy");
    assert!(matches!(tasks[2].poll(waits), Poll::Ready(Ok(33))));
}

#[test]
fn a_batch_is_one_load_of_the_cap_and_is_refused_whole() {
    let users: Users =
        SingleFlight::builder("users").max_loads(1).queue(0).build().expect("sound settings");
    let task = Task::new();
    let mut many = Box::pin(users.run_many([1, 2, 3], |_| pending::<Rows>()));
    assert!(task.poll(many.as_mut()).is_pending());
    let mut refused = pin!(users.run_many([4, 5], |keys| ready(rows(keys))));

    let Poll::Ready(answers) = task.poll(refused.as_mut()) else { panic!("there is no line") };

    assert!(answers.iter().all(|answer| matches!(answer, Err(Error::Rejected(_)))));
    drop(many);
    let mut next = pin!(users.run_many([4, 5], |keys| ready(rows(keys))));
    let Poll::Ready(answers) = task.poll(next.as_mut()) else { panic!("there is room") };
    assert_eq!(values(answers), [40, 50]);
}

#[test]
fn a_load_that_asks_for_its_own_key_among_others_learns_of_it() {
    let users = users();
    let nested = users.clone();
    let load = || async move {
        let answers = nested.run_many([7, 8], |keys| ready(rows(keys))).await;
        assert!(matches!(&answers[0], Err(Error::Inner(LoadError::Recursive))));
        Ok(*answers[1].as_ref().unwrap())
    };

    let mut call = pin!(users.run(7, load));

    assert!(matches!(Task::new().poll(call.as_mut()), Poll::Ready(Ok(80))));
}
