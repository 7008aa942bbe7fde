//! Clients that contend for one record, message by message, in a time of their own.
//!
//! Each reads the record's version and writes with that version; where somebody else wrote meanwhile it
//! waits, and begins again (optimistic concurrency control). After "Exponential Backoff And Jitter", AWS
//! Architecture Blog, 2015: a message takes |N(10, 2)| ms.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use seawall_core::{Backoff, Chance, Jitter};

/// A way to wait, by the name that a picture gives it.
pub(crate) struct Strategy {
    pub(crate) name: &'static str,
    pub(crate) backoff: Backoff,
}

/// All that are compared: the base is 5 ms, the longest wait two seconds.
pub(crate) fn strategies() -> [Strategy; 5] {
    let exponential = |name, jitter| {
        let backoff = Backoff::exponential(Duration::from_millis(5)).max(Duration::from_secs(2));
        Strategy { name, backoff: backoff.jitter(jitter) }
    };
    [
        Strategy { name: "no backoff", backoff: Backoff::constant(Duration::ZERO) },
        exponential("no jitter", Jitter::None),
        exponential("equal jitter", Jitter::Equal),
        exponential("full jitter", Jitter::Full),
        exponential("decorrelated", Jitter::Decorrelated),
    ]
}

/// What it took until all were done, on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    /// How many writes the server saw.
    pub(crate) calls: f64,
    /// When the last client was done, in milliseconds.
    pub(crate) millis: f64,
}

/// Lets so many `clients` contend, in so many trials.
pub(crate) fn contend(backoff: &Backoff, clients: usize, trials: u32, seed: u64) -> Cost {
    let mut network = Network(fastrand::Rng::with_seed(seed));
    let chance = Chance::seeded(seed);
    let (mut calls, mut time) = (0, Duration::ZERO);
    for _ in 0..trials {
        let (trial_calls, trial_time) = trial(backoff, clients, &mut network, &chance);
        calls += trial_calls;
        time += trial_time;
    }
    let trials = f64::from(trials);
    Cost { calls: calls as f64 / trials, millis: time.as_secs_f64() * 1e3 / trials }
}

/// What arrives: at the server, but for answers, which arrive at the client.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Message {
    Read,
    ReadAnswer { version: usize },
    Write { version: usize },
    WriteAnswer { done: bool },
}

/// How many calls there were, and how long it took.
fn trial(
    backoff: &Backoff,
    clients: usize,
    network: &mut Network,
    chance: &Chance,
) -> (u64, Duration) {
    // Of each client: how often it failed, and how long it waited last.
    let mut waits = vec![(0, None); clients];
    let mut messages: BinaryHeap<_> =
        (0..clients).map(|client| Reverse((network.delay(), client, Message::Read))).collect();
    let (mut version, mut calls, mut end) = (0, 0, Duration::ZERO);
    while let Some(Reverse((now, client, message))) = messages.pop() {
        end = now;
        let (wait, next) = match message {
            Message::Read => (Duration::ZERO, Message::ReadAnswer { version }),
            Message::ReadAnswer { version } => (Duration::ZERO, Message::Write { version }),
            Message::Write { version: read } => {
                calls += 1;
                let done = read == version;
                version += usize::from(done);
                (Duration::ZERO, Message::WriteAnswer { done })
            }
            Message::WriteAnswer { done: true } => continue,
            Message::WriteAnswer { done: false } => {
                let (failed, last) = &mut waits[client];
                *failed += 1; // the article's first wait is twice the base
                let wait = backoff.delay(*failed, *last, chance);
                *last = Some(wait);
                (wait, Message::Read)
            }
        };
        messages.push(Reverse((now + wait + network.delay(), client, next)));
    }
    (calls, end)
}

struct Network(fastrand::Rng);

impl Network {
    /// How long a message takes (Box and Muller).
    fn delay(&mut self) -> Duration {
        let (u, v) = (1.0 - self.0.f64(), self.0.f64());
        let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        Duration::from_secs_f64((10.0 + 2.0 * normal).abs() / 1e3)
    }
}
