//! Backoff under contention, as the article that its formulas come from measured it.
//!
//! A hundred clients change one record, each by reading its version, writing with that version, and
//! starting again after a wait where somebody else was faster. The figures that the simulation must
//! reproduce are those of the article's own published script ("Exponential Backoff And Jitter", AWS
//! Architecture Blog, 2015): a network of |N(10, 2)| ms each way, base 5 ms, cap 2000 ms.

#![cfg(not(seawall_loom))]

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use seawall_core::{Backoff, Chance, Jitter};

const SEED: u64 = 42;
const CLIENTS: usize = 100;
const TRIALS: usize = 50;

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Message {
    Start,
    Read,
    ReadAnswer { version: u64 },
    Write { version: u64 },
    WriteAnswer { done: bool },
}

#[derive(Clone, Default)]
struct Client {
    attempt: u32,
    previous: Option<Duration>,
}

struct Network(fastrand::Rng);

impl Network {
    /// |N(10, 2)| milliseconds in nanoseconds, by Box and Muller.
    fn delay(&mut self) -> u64 {
        let (u, v) = (1.0 - self.0.f64(), self.0.f64());
        let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        ((10.0 + 2.0 * normal).abs() * 1e6) as u64
    }
}

/// Runs one trial; how many writes the server saw until everybody was done.
fn writes(backoff: Option<&Backoff>, network: &mut Network, chance: &Chance) -> u64 {
    let mut clients = vec![Client::default(); CLIENTS];
    let mut queue: BinaryHeap<_> =
        (0..CLIENTS).map(|client| Reverse((0, client, Message::Start))).collect();
    let (mut version, mut writes) = (0, 0);
    while let Some(Reverse((now, client, message))) = queue.pop() {
        let (later, next) = match message {
            Message::Start => (network.delay(), Message::Read),
            Message::Read => (network.delay(), Message::ReadAnswer { version }),
            Message::ReadAnswer { version } => (network.delay(), Message::Write { version }),
            Message::Write { version: seen } => {
                let done = seen == version;
                writes += 1;
                version += u64::from(done);
                (network.delay(), Message::WriteAnswer { done })
            }
            Message::WriteAnswer { done: true } => continue,
            Message::WriteAnswer { done: false } => {
                let client = &mut clients[client];
                client.attempt += 1; // the script's first wait is already twice the base
                let wait = backoff.map_or(Duration::ZERO, |backoff| {
                    backoff.delay(client.attempt, client.previous, chance)
                });
                client.previous = Some(wait);
                (wait.as_nanos() as u64, Message::Start)
            }
        };
        queue.push(Reverse((now + later, client, next)));
    }
    writes
}

#[track_caller]
fn assert_mean_writes(backoff: Option<Jitter>, published: f64) {
    let backoff = backoff.map(|jitter| {
        Backoff::exponential(Duration::from_millis(5))
            .max(Duration::from_millis(2000))
            .jitter(jitter)
    });
    let mut network = Network(fastrand::Rng::with_seed(SEED));
    let chance = Chance::seeded(SEED);

    let total: u64 = (0..TRIALS).map(|_| writes(backoff.as_ref(), &mut network, &chance)).sum();
    let mean = total as f64 / TRIALS as f64;

    let off = (mean / published - 1.0).abs();
    assert!(off < 0.03, "{backoff:?}, seed {SEED}: {mean} calls, published {published}");
}

#[test]
fn without_backoff_a_hundred_clients_make_2430_calls() {
    assert_mean_writes(None, 2430.0);
}

#[test]
fn with_exponential_backoff_they_make_1860() {
    assert_mean_writes(Some(Jitter::None), 1860.0);
}

#[test]
fn with_equal_jitter_they_make_812() {
    assert_mean_writes(Some(Jitter::Equal), 812.0);
}

#[test]
fn with_full_jitter_they_make_796() {
    assert_mean_writes(Some(Jitter::Full), 796.0);
}

#[test]
fn with_decorrelated_jitter_they_make_1000() {
    assert_mean_writes(Some(Jitter::Decorrelated), 1000.0);
}
