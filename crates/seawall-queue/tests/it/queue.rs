//! A queue as its users meet it.

use std::{pin::pin, sync::Arc, task::Poll, time::Duration};

use seawall_core::{Clock, ManualClock, Nanos, Reason, deadline, sync::Mutex};
use seawall_queue::{
    BoxError, Claim, Claimed, Codec, Error, Event, Job, Memory, MemoryBuilder, Priority, Queue,
    StorageError, Turn,
    job::{Cause, Settled, State, Verdict},
    storage::{Enqueued, Hint, Keep, NewJob, Requeued, Room, Settings, Storage},
};
use seawall_test::Task;

use crate::pass_on::pass_on;

const LEASE: Duration = Duration::from_secs(30);

/// A call that does not wait.
pub(crate) fn now<R>(call: impl Future<Output = R>) -> R {
    match Task::new().poll(pin!(call)) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}

fn builder() -> (MemoryBuilder<u32>, ManualClock) {
    let (clock, hand) = Clock::manual();
    (Queue::memory("thumbnails").clock(clock), hand)
}

fn queue(capacity: usize) -> Queue<u32> {
    builder().0.capacity(capacity).build().unwrap()
}

fn claim(queue: &Queue<u32>, max: usize) -> Vec<Claimed<u32>> {
    now(queue.claim(Claim::new(max, LEASE))).unwrap()
}

fn claim_one(queue: &Queue<u32>) -> Claimed<u32> {
    claim(queue, 1).pop().expect("there is a job")
}

fn reason<R: std::fmt::Debug>(refused: Result<R, Error<StorageError>>) -> Reason {
    refused.unwrap_err().rejection().expect("it is refused").reason()
}

#[test]
fn a_push_waits_for_room_and_comes_with_the_next_claim() {
    let queue = queue(1);
    now(queue.push(1)).unwrap();
    let (task, mut push) = (Task::new(), pin!(queue.push(2)));
    assert!(task.poll(push.as_mut()).is_pending());
    assert_eq!(task.wakes(), 0);

    assert_eq!(claim_one(&queue).payload, 1);

    assert_eq!(task.wakes(), 1);
    assert!(task.poll(push).is_ready());
    assert_eq!(claim_one(&queue).payload, 2);
}

#[test]
fn one_place_that_becomes_free_wakes_one_in_line() {
    let queue = queue(1);
    now(queue.push(1)).unwrap();
    let tasks = [Task::new(), Task::new()];
    let (mut first, mut second) = (pin!(queue.push(2)), pin!(queue.push(3)));
    assert!(tasks[0].poll(first.as_mut()).is_pending());
    assert!(tasks[1].poll(second.as_mut()).is_pending());

    claim_one(&queue);

    assert_eq!([tasks[0].wakes(), tasks[1].wakes()], [1, 0]);
    assert!(tasks[0].poll(first).is_ready());
    assert!(tasks[1].poll(second).is_pending());
}

#[test]
fn a_push_that_is_dropped_after_it_was_woken_wakes_the_next_and_is_not_in() {
    let queue = queue(1);
    now(queue.push(1)).unwrap();
    let tasks = [Task::new(), Task::new()];
    let mut first = Box::pin(queue.push(2));
    let mut second = pin!(queue.push(3));
    assert!(tasks[0].poll(first.as_mut()).is_pending());
    assert!(tasks[1].poll(second.as_mut()).is_pending());
    claim_one(&queue);

    drop(first);

    assert_eq!(tasks[1].wakes(), 1);
    assert!(tasks[1].poll(second).is_ready());
    assert_eq!(claim_one(&queue).payload, 3);
    assert!(claim(&queue, 1).is_empty());
}

#[test]
fn a_full_queue_refuses_or_sheds() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&events);
    let listen = move |event: &Event| told.lock().push(event.turn);
    let queue = builder().0.capacity(1).on_event(listen).build().unwrap();
    let low = now(queue.try_push(Job::new(1).priority(Priority::LOW))).unwrap();

    assert_eq!(reason(now(queue.try_push(2))), Reason::QueueFull);
    assert_eq!(
        reason(now(queue.push_or_shed(Job::new(2).priority(Priority::LOW)))),
        Reason::QueueFull
    );
    now(queue.push_or_shed(3)).unwrap();

    assert_eq!(claim_one(&queue).payload, 3);
    let [Turn::Died { id, cause: Cause::Shed, .. }] = events.lock()[..] else {
        panic!("one died: {:?}", events.lock())
    };
    assert_eq!(id, low);
    let snapshot = queue.snapshot();
    assert_eq!((snapshot.counters["refused"], snapshot.counters["shed"]), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_push_waits_no_longer_than_its_deadline() {
    let memory = queue(1);
    let coded = Queue::builder("bytes").coded(bytes(1), Decimal);
    for queue in [memory, coded] {
        queue.push(1).await.unwrap();

        let late = deadline::scope(Duration::from_secs(5), queue.push(2)).await;

        assert_eq!(reason(late), Reason::DeadlineExceeded);
        assert_eq!(queue.claim(Claim::new(9, LEASE)).await.unwrap().len(), 1);
    }
}

#[test]
fn a_job_wakes_one_who_waits_for_work() {
    let queue = queue(10);
    let tasks = [Task::new(), Task::new()];
    let (mut first, mut second) = (pin!(queue.wait(Hint::Work)), pin!(queue.wait(Hint::Work)));
    assert!(tasks[0].poll(first.as_mut()).is_pending());
    assert!(tasks[1].poll(second.as_mut()).is_pending());

    now(queue.push(1)).unwrap();

    assert_eq!([tasks[0].wakes(), tasks[1].wakes()], [1, 0]);
    assert!(tasks[0].poll(first).is_ready());
    now(queue.push(2)).unwrap();
    assert_eq!(tasks[1].wakes(), 1);
}

#[test]
fn a_job_behind_another_of_its_key_wakes_a_worker_too() {
    let queue = Memory::new(Settings::new(9).fair_keys(), Clock::manual().0).unwrap();
    let tasks = [Task::new(), Task::new(), Task::new()];
    let mut waits = [(); 3].map(|()| Box::pin(queue.wait(Hint::Work)));
    for (task, wait) in tasks.iter().zip(&mut waits) {
        assert!(task.poll(wait.as_mut()).is_pending());
    }

    let jobs = vec![NewJob::new(1).key("ada"), NewJob::new(2).key("ada")];
    now(queue.enqueue(jobs, Room::Refuse)).unwrap();

    assert_eq!(tasks.map(|task| task.wakes()), [1, 1, 0]);
}

#[test]
fn nobody_is_woken_for_what_cannot_be_claimed() {
    let (builder, hand) = builder();
    let queue = builder.key_limit(1).build().unwrap();
    now(queue.push(Job::new(1).key("k"))).unwrap();
    now(queue.push(Job::new(2).key("k"))).unwrap();
    now(queue.push(Job::new(3).delay(LEASE * 2))).unwrap();
    let held = claim(&queue, 9);
    assert_eq!(held.len(), 1);
    let (task, mut wait) = (Task::new(), pin!(queue.wait(Hint::Work)));
    assert!(task.poll(wait.as_mut()).is_pending(), "its key holds it up");
    let stats = now(queue.stats()).unwrap();
    assert_eq!((stats.ready, stats.held_up, stats.pushed), (1, 1, 3));

    now(queue.settle_one(held[0].lease, Verdict::DONE)).unwrap();
    assert_eq!(task.wakes(), 1);
    assert!(task.poll(wait).is_ready());

    now(queue.pause()).unwrap();
    let mut wait = pin!(queue.wait(Hint::Work));
    assert!(task.poll(wait.as_mut()).is_pending(), "it is paused");
    now(queue.resume()).unwrap();
    assert_eq!(task.wakes(), 2);
    claim_one(&queue);
    assert!(task.poll(wait.as_mut()).is_pending(), "another one was faster");

    hand.advance(LEASE * 2);
    now(queue.promote(1)).unwrap();
    assert_eq!(task.wakes(), 3);
}

#[test]
fn each_turn_is_told() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&events);
    let (builder, hand) = builder();
    let listen = move |event: &Event| told.lock().push((event.name.to_string(), event.turn));
    let queue = builder.on_event(listen).build().unwrap();
    let ids: Vec<_> =
        (0..3).map(|n| now(queue.push(Job::new(n).max_attempts(2))).unwrap()).collect();
    let held = claim(&queue, 3);

    let retry = || Verdict::Retry { delay: Duration::ZERO, error: "no".to_owned() };
    let refused = Verdict::Bury { cause: Cause::Refused, error: "never".to_owned() };
    now(queue.settle_one(held[0].lease, refused)).unwrap();
    now(queue.settle_one(held[1].lease, retry())).unwrap();
    now(queue.settle_one(claim_one(&queue).lease, retry())).unwrap();
    hand.advance(LEASE);
    now(queue.promote(9)).unwrap();
    claim_one(&queue);
    hand.advance(LEASE);
    now(queue.promote(9)).unwrap();
    assert_eq!(now(queue.requeue(ids[0])).unwrap(), Requeued::Now);
    assert_eq!(now(queue.requeue(ids[0])).unwrap(), Requeued::NotDead);
    now(queue.pause()).unwrap();
    now(queue.resume()).unwrap();

    let texts: Vec<_> = events
        .lock()
        .iter()
        .map(|(name, turn)| {
            assert_eq!(name, "thumbnails");
            match turn {
                Turn::Died { id, cause, .. } => format!("{id} died of {}", cause.as_str()),
                Turn::Recovered { id, .. } => format!("{id} recovered"),
                Turn::Requeued { id, .. } => format!("{id} requeued"),
                other => format!("{other:?}"),
            }
        })
        .collect();
    let expected = [
        "1 died of refused",
        "2 died of attempts",
        "3 recovered",
        "3 died of attempts",
        "1 requeued",
        "Paused",
        "Resumed",
    ];
    assert_eq!(texts, expected);
    assert_eq!(queue.snapshot().counters["died"], 3);
}

#[test]
fn a_snapshot_tells_where_the_jobs_are() {
    let (builder, hand) = builder();
    let queue = builder.capacity(100).key_limit(7).build().unwrap();
    now(queue.push_batch([1, 2, 3, 4])).unwrap();
    now(queue.push(Job::new(5).delay(LEASE))).unwrap();
    let held = claim(&queue, 2);
    now(queue.settle_one(held[0].lease, Verdict::DONE)).unwrap();
    now(queue.settle_one(held[0].lease, Verdict::DONE)).unwrap();
    hand.advance(Duration::from_secs(4));

    let snapshot = queue.snapshot();

    assert_eq!(
        (&*snapshot.pattern, &*snapshot.name, &*snapshot.state),
        ("queue", "thumbnails", "running")
    );
    let gauges = ["scheduled", "ready", "leased", "dead", "oldest_ready_seconds"];
    assert_eq!(gauges.map(|name| snapshot.gauges[name] as u64), [1, 2, 1, 0, 4]);
    let counters = ["pushed", "claimed", "done", "settled_already", "leases_lost"];
    assert_eq!(counters.map(|name| snapshot.counters[name]), [5, 2, 1, 1, 0]);
    assert_eq!(["capacity", "key_limit"].map(|name| snapshot.limits[name] as u64), [100, 7]);
}

#[test]
fn dead_letters_are_listed_by_pages_and_come_back_at_once() {
    let queue = queue(100);
    now(queue.push_batch(0..5)).unwrap();
    for held in claim(&queue, 5) {
        let verdict =
            Verdict::Bury { cause: Cause::Refused, error: format!("no {}", held.payload) };
        now(queue.settle_one(held.lease, verdict)).unwrap();
    }

    let page = now(queue.dead_letters().list(2)).unwrap();
    let next = now(queue.dead_letters().list_before(9, page[1].id)).unwrap();

    let payloads = page.iter().chain(&next).map(|info| info.payload.unwrap());
    assert_eq!(payloads.collect::<Vec<_>>(), [4, 3, 2, 1, 0]);
    assert_eq!(page[0].error.as_deref(), Some("no 4"));
    assert_eq!(now(queue.dead_letters().requeue_all()).unwrap(), 5);
    assert_eq!(claim(&queue, 9).len(), 5);
}

#[test]
fn a_clock_that_steps_back_ends_no_lease_and_grants_none_twice() {
    let tells = Arc::new(Mutex::new(Nanos::from_secs(100)));
    let told = Arc::clone(&tells);
    let clock = Clock::custom(move || *told.lock());
    let queue = Queue::<u32>::memory("q").clock(clock).build().unwrap();
    now(queue.push(1)).unwrap();
    let held = claim_one(&queue);
    *tells.lock() = Nanos::from_secs(90);

    // What is pushed now is due now, and the lease is as long as it was.
    now(queue.push(2)).unwrap();
    let other = claim_one(&queue);
    assert!(other.lease.token > held.lease.token);
    *tells.lock() = Nanos::from_secs(129);
    assert_eq!(now(queue.promote(9)).unwrap().recovered, []);
    *tells.lock() = Nanos::from_secs(130);
    assert_eq!(now(queue.promote(9)).unwrap().recovered.len(), 2);
}

#[test]
fn what_is_set_wrong_is_told() {
    let error = builder().0.capacity(0).build().unwrap_err();
    assert_eq!(error.to_string(), "`capacity` is 0: it must be at least 1");
    let error = builder().0.key_limit(0).build().unwrap_err();
    assert_eq!(error.field(), "key_limit");
}

/// Numbers as text.
pub(crate) struct Decimal;

impl Codec<u32> for Decimal {
    fn encode(&self, number: u32) -> Result<Vec<u8>, BoxError> {
        if number == 13 {
            return Err("nobody writes this one".into());
        }
        Ok(number.to_string().into_bytes())
    }

    fn decode(&self, bytes: Vec<u8>) -> Result<u32, BoxError> {
        Ok(String::from_utf8(bytes)?.parse()?)
    }
}

pub(crate) fn bytes(capacity: usize) -> Memory<Vec<u8>> {
    Memory::new(Settings::new(capacity), Clock::default()).unwrap()
}

#[tokio::test]
async fn what_cannot_be_read_is_a_dead_letter_and_harms_no_other() {
    let storage = bytes(9);
    let queue = Queue::<u32>::builder("bytes").coded(storage.clone(), Decimal);
    queue.push(1).await.unwrap();
    let garbage = vec![Job::new(b"garbage".to_vec())];
    storage.enqueue(garbage, Default::default()).await.unwrap();
    queue.push(2).await.unwrap();

    let claimed = queue.claim(Claim::new(9, LEASE)).await.unwrap();

    assert_eq!(claimed.iter().map(|job| job.payload).collect::<Vec<_>>(), [1, 2]);
    let dead = queue.dead_letters().list(9).await.unwrap();
    assert_eq!((dead.len(), dead[0].payload, dead[0].cause), (1, None, Some(Cause::Undecodable)));
    assert!(dead[0].error.as_deref().unwrap().contains("invalid digit"));

    let refused = queue.push(13).await.unwrap_err();
    assert!(matches!(refused, Error::Inner(StorageError::Encode(_))), "{refused:?}");
}

#[tokio::test]
async fn a_batch_larger_than_the_queue_goes_in_as_room_comes() {
    let queue = Queue::<u32>::builder("bytes").coded(bytes(3), Decimal);
    let mut push = pin!(queue.push_batch(0..8));
    let mut taken = Vec::new();
    let answers = loop {
        tokio::select! {
            biased;
            answers = &mut push => break answers.unwrap(),
            claimed = queue.claim(Claim::new(2, LEASE)) => {
                taken.extend(claimed.unwrap().into_iter().map(|job| job.payload));
            }
        }
        tokio::task::yield_now().await;
    };
    taken.extend(
        queue.claim(Claim::new(9, LEASE)).await.unwrap().into_iter().map(|job| job.payload),
    );

    assert!(answers.iter().all(|answer| matches!(answer, Enqueued::New { .. })), "{answers:?}");
    assert_eq!(taken, (0..8).collect::<Vec<_>>());
}

/// A storage whose hints never come.
pub(crate) struct Deaf(pub(crate) Memory<u32>);

impl Storage<u32> for Deaf {
    type Error = std::convert::Infallible;

    pass_on!(u32: settings, enqueue, claim, settle, heartbeat, promote, cancel, requeue, pause, stats, inspect);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever_for_a_hint_that_does_not_come() {
    let queue = Queue::builder("deaf")
        .storage(Deaf(Memory::new(Settings::new(1), Clock::default()).unwrap()));
    queue.push(1).await.unwrap();
    let mut push = Box::pin(queue.push(2));
    assert!(Task::new().poll(push.as_mut()).is_pending());
    assert_eq!(queue.claim(Claim::new(1, LEASE)).await.unwrap().len(), 1);

    push.await.unwrap();

    assert_eq!(queue.claim(Claim::new(1, LEASE)).await.unwrap()[0].payload, 2);
}

/// Asks its own queue whatever happens to it: under the queue's lock that would never end.
struct Curious(Arc<Mutex<Option<Queue<Self>>>>);

impl Curious {
    fn ask(&self) {
        let queue = self.0.lock().clone();
        if let Some(queue) = queue {
            now(queue.stats()).unwrap();
        }
    }
}

impl Clone for Curious {
    fn clone(&self) -> Self {
        self.ask();
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Curious {
    fn drop(&mut self) {
        self.ask();
    }
}

#[test]
fn payloads_are_cloned_and_dropped_outside_the_lock() {
    let own = Arc::new(Mutex::new(None));
    let keep = Keep { count: 1, age: LEASE };
    let queue = Queue::<Curious>::memory("q").keep_dead(keep).capacity(3).build().unwrap();
    *own.lock() = Some(queue.clone());
    let job = || Job::new(Curious(Arc::clone(&own)));
    for _ in 0..3 {
        now(queue.push(job().priority(Priority::LOW))).unwrap();
    }

    now(queue.push_or_shed(job())).unwrap();
    now(queue.push_or_shed(job())).unwrap(); // the first dead letter is forgotten
    for held in now(queue.claim(Claim::new(9, LEASE))).unwrap() {
        assert_eq!(
            now(queue.settle_one(held.lease, Verdict::DONE)).unwrap(),
            Settled::Done(State::Done)
        );
    }
    now(queue.dead_letters().list(9)).unwrap();
    now(queue.push(job().replace("u", Default::default()))).unwrap();
    now(queue.push(job().replace("u", Default::default()))).unwrap();

    let last = own.lock().take();
    drop(last);
}
