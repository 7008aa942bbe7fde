//! Real threads on real atomics: what loom's small models leave out, and what ThreadSanitizer is run on.
//!
//! Plain threads, each joined by its handle: the end of a scope is a race to ThreadSanitizer, which
//! does not see into the standard library.

#![cfg(not(seawall_loom))]

use std::{
    pin::pin,
    sync::Arc,
    task::Poll,
    thread::{self, JoinHandle},
    time::Duration,
};

use seawall_core::{
    Clock, Parker,
    sync::unmodelled::{AtomicU64, Ordering::Relaxed},
};
use seawall_queue::ring::{Receiver, Sender, bounded};
use seawall_test::Task;

/// How many senders there are, and receivers.
const TASKS: u64 = 3;
/// How many values each sender sends.
const SHARE: u64 = 20_000;

/// A value: whose it is, and which; and how many of them there are.
struct Value {
    from: u64,
    number: u64,
    alive: Arc<AtomicU64>,
}

impl Value {
    fn new(from: u64, number: u64, alive: &Arc<AtomicU64>) -> Self {
        alive.fetch_add(1, Relaxed);
        Self { from, number, alive: alive.clone() }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Relaxed);
    }
}

/// What a receiver got: how many, and the last of each sender.
#[derive(Default)]
struct Got {
    count: u64,
    sum: u64,
    last: [Option<u64>; TASKS as usize],
}

impl Got {
    fn take(&mut self, value: &Value) {
        let last = &mut self.last[usize::try_from(value.from).expect("they are few")];
        assert!(*last < Some(value.number), "values of one sender come in order");
        *last = Some(value.number);
        self.count += 1;
        self.sum += value.number;
    }
}

type Sends = fn(&Sender<Value>, Value) -> Result<(), Value>;
type Receives = fn(&Receiver<Value>, &mut Got) -> bool;

fn join<T>(threads: Vec<JoinHandle<T>>) -> Vec<T> {
    let clock = Clock::system();
    let began = clock.now();
    while !threads.iter().all(JoinHandle::is_finished) {
        let time = clock.now().since(began);
        assert!(time < Duration::from_secs(300), "somebody waits for ever");
        thread::park_timeout(Duration::from_millis(1));
    }
    threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
}

/// Sends all, receives all, and checks promises 1 to 4, and 7.
fn run(capacity: usize, send: Sends, receive: Receives) {
    let (sender, receiver) = bounded(capacity).expect("it is allowed");
    let alive = Arc::new(AtomicU64::new(0));
    let receivers = (0..TASKS).map(|_| {
        let receiver = receiver.clone();
        thread::spawn(move || {
            let mut got = Got::default();
            while receive(&receiver, &mut got) {
                assert!(receiver.len() <= capacity);
            }
            got
        })
    });
    let receivers: Vec<_> = receivers.collect();
    let senders = (0..TASKS).map(|from| {
        let (sender, alive) = (sender.clone(), alive.clone());
        thread::spawn(move || {
            for number in 0..SHARE {
                let value = Value::new(from, number, &alive);
                assert!(send(&sender, value).is_ok(), "nobody closes it");
            }
        })
    });
    let senders: Vec<_> = senders.collect();
    drop(sender);
    join(senders);

    let got = join(receivers);
    assert_eq!(got.iter().map(|got| got.count).sum::<u64>(), TASKS * SHARE);
    assert_eq!(got.iter().map(|got| got.sum).sum::<u64>(), TASKS * SHARE * (SHARE - 1) / 2);
    assert_eq!(alive.load(Relaxed), 0, "each is dropped once");
}

fn sends(sender: &Sender<Value>, value: Value) -> Result<(), Value> {
    sender.send_blocking(value).map_err(|refused| refused.0)
}

fn receives(receiver: &Receiver<Value>, got: &mut Got) -> bool {
    receiver.recv_blocking().inspect(|value| got.take(value)).is_some()
}

/// Receives by a future that is dropped where it waits, every second time.
fn receives_or_goes(receiver: &Receiver<Value>, got: &mut Got) -> bool {
    let task = Task::new();
    let mut waits = Box::pin(receiver.recv());
    match task.poll(waits.as_mut()) {
        Poll::Ready(Some(value)) => got.take(&value),
        Poll::Ready(None) => return false,
        Poll::Pending if got.count.is_multiple_of(2) => drop(waits),
        Poll::Pending => match Parker::new().block_on(waits.as_mut()) {
            Some(value) => got.take(&value),
            None => return false,
        },
    }
    thread::yield_now();
    true
}

fn receives_many(receiver: &Receiver<Value>, got: &mut Got) -> bool {
    let mut values = Vec::new();
    let count = Parker::new().block_on(pin!(receiver.recv_many(&mut values, 7)));
    assert_eq!(count, values.len());
    values.iter().for_each(|value| got.take(value));
    count > 0
}

#[test]
fn nothing_is_lost_between_threads() {
    [1, 2, 3, 64].into_iter().for_each(|capacity| run(capacity, sends, receives));
}

#[test]
fn nothing_is_lost_in_batches() {
    [1, 3, 64].into_iter().for_each(|capacity| run(capacity, sends, receives_many));
}

#[test]
fn nothing_is_lost_where_receivers_go() {
    [1, 2, 64].into_iter().for_each(|capacity| run(capacity, sends, receives_or_goes));
}

/// Promise 6: a send that is dropped while it waits has sent nothing, and all others arrive.
#[test]
fn what_is_received_is_what_was_sent_where_senders_go() {
    for capacity in [1, 2, 64] {
        let (sender, receiver) = bounded(capacity).expect("it is allowed");
        let alive = Arc::new(AtomicU64::new(0));
        let receivers: Vec<_> = (0..TASKS)
            .map(|_| {
                let receiver = receiver.clone();
                thread::spawn(move || {
                    let mut got = Got::default();
                    while receives(&receiver, &mut got) {}
                    got
                })
            })
            .collect();
        let senders: Vec<_> = (0..TASKS)
            .map(|from| {
                let (sender, alive) = (sender.clone(), alive.clone());
                thread::spawn(move || {
                    let mut sum = 0;
                    for number in 0..SHARE {
                        let task = Task::new();
                        let mut sends = Box::pin(sender.send(Value::new(from, number, &alive)));
                        let sent = match task.poll(sends.as_mut()) {
                            Poll::Ready(sent) => Some(sent),
                            Poll::Pending if number.is_multiple_of(2) => None,
                            Poll::Pending => Some(Parker::new().block_on(sends.as_mut())),
                        };
                        if let Some(sent) = sent {
                            assert!(sent.is_ok(), "nobody closes it");
                            sum += number;
                        }
                    }
                    sum
                })
            })
            .collect();
        drop(sender);

        let sent: u64 = join(senders).into_iter().sum();
        let got: u64 = join(receivers).into_iter().map(|got| got.sum).sum();
        assert_eq!(got, sent);
        assert_eq!(alive.load(Relaxed), 0, "each is dropped once");
    }
}
