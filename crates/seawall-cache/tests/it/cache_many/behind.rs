//! The promises of writes that come to the source later.

use std::{
    convert::Infallible,
    future::{Future, pending, ready},
    pin::{Pin, pin},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use seawall_cache::{Behind, Cache, Failed, Loaded, Reason, Rejection, Write, WriteQueue, Writer};
use seawall_core::sync::Mutex;
use seawall_test::Task;
use tokio::sync::oneshot;

type Users = Cache<u32, u32, Infallible>;
type Batch = Arc<[Write<u32, u32>]>;

fn users() -> Users {
    Cache::builder("users").build().unwrap()
}

fn behind(capacity: usize, max_batch: usize) -> (Behind<u32, u32>, Writer<u32, u32>) {
    Behind::builder("users").capacity(capacity).max_batch(max_batch).build().unwrap()
}

/// What the source got, a batch at a time.
#[derive(Clone, Default)]
struct Source(Arc<Mutex<Vec<Written>>>);

type Written = Vec<(u32, u32)>;

impl Source {
    fn got(&self) -> Vec<Written> {
        self.0.lock().clone()
    }

    fn take(&self, batch: &Batch) {
        let pair = |write: &Write<u32, u32>| (write.key, write.value.unwrap());
        self.0.lock().push(batch.iter().map(pair).collect());
    }
}

fn never<E>(_: Failed<u32, u32, E>) -> impl Future<Output = bool> {
    ready(false)
}

/// Runs the writer as far as it comes.
fn run(writer: &mut Writer<u32, u32>, source: &Source) -> bool {
    let write = |batch: Batch| {
        source.take(&batch);
        ready(Ok::<_, Infallible>(()))
    };
    Task::new().poll(pin!(writer.run(write, never))).is_ready()
}

#[test]
fn a_value_is_read_at_once_and_the_source_gets_it_in_batches() {
    let (users, source) = (users(), Source::default());
    let (behind, mut writer) = behind(9, 2);

    for key in 1..=3 {
        users.write_behind(key, 10 * key, &behind).unwrap();
        assert_eq!(users.get(&key), Some(10 * key));
    }
    assert!(source.got().is_empty());
    run(&mut writer, &source);

    assert_eq!(source.got(), [vec![(1, 10), (2, 20)], vec![(3, 30)]]);
    assert_eq!(behind.snapshot().counters["written"], 3);
}

#[test]
fn what_the_queue_refuses_the_cache_does_not_keep() {
    let users = users();
    let (behind, _writer) = behind(1, 1);
    drop(users.insert(2, 5));
    users.write_behind(1, 10, &behind).unwrap();

    let refused = users.write_behind(2, 20, &behind).unwrap_err();

    assert_eq!(refused.reason(), Reason::Overloaded);
    assert_eq!(users.get(&2), Some(5));
    assert_eq!(users.write_behind(1, 11, &behind), Ok(()), "it waits already");
}

#[test]
fn writes_of_a_key_that_wait_are_one_the_last_in_the_place_of_the_first() {
    let (users, source) = (users(), Source::default());
    let (behind, mut writer) = behind(9, 9);
    for (key, value) in [(1, 1), (2, 2), (1, 3), (1, 4)] {
        users.write_behind(key, value, &behind).unwrap();
    }

    run(&mut writer, &source);

    assert_eq!(source.got(), [[(1, 4), (2, 2)]]);
    assert_eq!(behind.snapshot().counters["coalesced"], 2);
}

#[test]
fn a_write_waits_behind_the_one_of_its_key_that_is_being_written() {
    let (users, source) = (users(), Source::default());
    let (behind, mut writer) = behind(9, 9);
    let (end, ended) = oneshot::channel::<()>();
    let mut held = Some(ended);
    let write = |batch: Batch| {
        source.take(&batch);
        let held = held.take();
        async move {
            if let Some(held) = held {
                held.await.unwrap();
            }
            Ok::<_, Infallible>(())
        }
    };
    let task = Task::new();
    let mut run = pin!(writer.run(write, never));
    users.write_behind(1, 1, &behind).unwrap();
    assert!(task.poll(run.as_mut()).is_pending());

    users.write_behind(1, 2, &behind).unwrap();
    assert!(task.poll(run.as_mut()).is_pending());
    assert_eq!((source.got().len(), behind.waiting(&1)), (1, Some(Some(2))));
    end.send(()).unwrap();
    assert!(task.poll(run.as_mut()).is_pending());

    assert_eq!(source.got(), [[(1, 1)], [(1, 2)]]);
    assert_eq!(behind.waiting(&1), None);
}

#[test]
fn a_call_that_fails_is_made_again_as_long_as_the_user_says_and_then_given_up() {
    let users = users();
    let (behind, mut writer) = behind(9, 1);
    users.write_behind(1, 1, &behind).unwrap();
    users.write_behind(2, 2, &behind).unwrap();
    let mut asked = Vec::new();
    let fails = |batch: Batch| ready(if batch[0].key == 1 { Err("away") } else { Ok(()) });
    let thrice = |failed: Failed<u32, u32, &'static str>| {
        asked.push((failed.error, failed.attempts, failed.batch[0].key));
        ready(failed.attempts < 3)
    };

    assert!(Task::new().poll(pin!(writer.run(fails, thrice))).is_pending());

    assert_eq!(asked, [("away", 1, 1), ("away", 2, 1), ("away", 3, 1)]);
    let counters = behind.snapshot().counters;
    assert_eq!((counters["failed"], counters["given_up"], counters["written"]), (3, 1, 1));
}

#[test]
fn a_run_that_is_dropped_gives_back_what_it_was_at_before_all_else() {
    let (users, source) = (users(), Source::default());
    let (behind, mut writer) = behind(9, 2);
    for (key, value) in [(1, 1), (2, 2), (3, 3)] {
        users.write_behind(key, value, &behind).unwrap();
    }
    {
        let mut run = pin!(writer.run(|_| pending::<Result<(), Infallible>>(), never));
        assert!(Task::new().poll(run.as_mut()).is_pending());
        users.write_behind(1, 9, &behind).unwrap(); // while the former is written
    }

    run(&mut writer, &source);

    assert_eq!(source.got(), [vec![(1, 9), (2, 2)], vec![(3, 3)]]);
}

#[test]
fn what_waits_is_written_before_a_shut_down_ends_and_nothing_is_taken_after_it() {
    let (users, source) = (users(), Source::default());
    let (behind, mut writer) = behind(9, 9);
    users.write_behind(1, 1, &behind).unwrap();
    behind.shut_down();

    let refused = users.write_behind(2, 2, &behind).unwrap_err();

    assert_eq!((refused.reason(), users.get(&2)), (Reason::ShuttingDown, None));
    assert!(run(&mut writer, &source), "it ends");
    assert_eq!(source.got(), [[(1, 1)]]);
}

#[test]
fn a_writer_that_sleeps_is_woken_by_a_write_and_by_the_shut_down() {
    let users = users();
    let (behind, mut writer) = behind(9, 9);
    let task = Task::new();
    let mut run = pin!(writer.run(|_: Batch| ready(Ok::<_, Infallible>(())), never));
    assert!(task.poll(run.as_mut()).is_pending());

    users.write_behind(1, 1, &behind).unwrap();
    assert_eq!(task.wakes(), 1);
    assert!(task.poll(run.as_mut()).is_pending());
    behind.shut_down();

    assert_eq!(task.wakes(), 2);
    assert!(task.poll(run.as_mut()).is_ready());
}

#[test]
fn a_queue_without_its_writer_takes_nothing() {
    let (behind, writer) = behind(9, 9);
    drop(writer);
    let refused = behind.offer(&1, Some(&1)).unwrap_err();
    assert_eq!(refused.reason(), Reason::ShuttingDown);
}

#[tokio::test]
async fn a_loader_that_asks_the_queue_first_never_reads_behind_a_write() {
    let users = users();
    let (behind, mut writer) = behind(9, 9);
    let read = async |key: u32| {
        let behind = behind.clone();
        let load = move || async move {
            match behind.waiting(&key) {
                Some(value) => Ok(Loaded::from(value)),
                None => Ok(Loaded::new(0)), // what the source has
            }
        };
        users.get_or_load(&key, load).await.ok()
    };
    users.write_behind(1, 7, &behind).unwrap();
    users.write_behind(2, Loaded::absent(), &behind).unwrap();

    drop(users.invalidate(&1)); // or evicted
    assert_eq!((read(1).await, read(2).await), (Some(7), None));
    let mut run = Box::pin(writer.run(|_| pending::<Result<(), Infallible>>(), never));
    assert!(Task::new().poll(run.as_mut()).is_pending());
    drop(users.clear()); // while both are being written
    assert_eq!((read(1).await, read(2).await, read(3).await), (Some(7), None, Some(0)));
}

#[test]
fn a_load_that_is_under_way_does_not_overwrite_a_write_behind() {
    let users = users();
    let (behind, _writer) = behind(9, 9);
    let (end, ended) = oneshot::channel();
    let load = || async move { Ok(ended.await.unwrap()) };
    let task = Task::new();
    let mut read = pin!(users.get_or_load(&1, load));
    assert!(task.poll(read.as_mut()).is_pending());

    users.write_behind(1, 7, &behind).unwrap();
    end.send(0).unwrap();

    assert!(task.poll(Pin::as_mut(&mut read)).is_ready());
    assert_eq!(users.get(&1), Some(7));
}

/// Takes writes in their order; while it takes the first, it gives another writer every opportunity.
struct Gate {
    taken: Mutex<Vec<Option<u32>>>,
    begun: SyncSender<()>,
    other: Mutex<Receiver<()>>,
}

impl WriteQueue<u32, u32> for Gate {
    fn offer(&self, _: &u32, value: Option<&u32>) -> Result<(), Rejection> {
        self.taken.lock().push(value.copied());
        if value == Some(&1) {
            self.begun.send(()).unwrap();
            let other = self.other.lock().recv_timeout(Duration::from_millis(100));
            assert_eq!(
                other,
                Err(RecvTimeoutError::Timeout),
                "another came between queue and cache"
            );
        }
        Ok(())
    }
}

#[test]
fn of_two_writers_of_a_key_the_queue_and_the_cache_take_the_same_one_last() {
    let users = users();
    let ((begun, begins), (over, other)) = (sync_channel(1), sync_channel(1));
    let queue = Gate { taken: Mutex::default(), begun, other: Mutex::new(other) };

    thread::scope(|scope| {
        let (users, queue) = (&users, &queue);
        scope.spawn(move || {
            begins.recv().unwrap();
            users.write_behind(1, 2, queue).unwrap();
            over.send(()).unwrap();
        });
        users.write_behind(1, 1, queue).unwrap();
    });

    assert_eq!((queue.taken.into_inner(), users.get(&1)), (vec![Some(1), Some(2)], Some(2)));
}

#[test]
fn nonsense_is_refused_by_name() {
    for (builder, field) in [
        (Behind::builder("users").capacity(0), "capacity"),
        (Behind::builder("users").max_batch(1 << 21), "max_batch"),
    ] {
        let error = builder.build::<u32, u32>().unwrap_err();
        assert!(error.to_string().contains(field), "{error}");
    }
}
