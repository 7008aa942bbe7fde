//! A fleet of servers with queues, on a clock that the simulation moves: what a balance makes of it.
//!
//! The figures that are compared are of the same fleet (100 servers, M/M/1 each, one balancer that sees every
//! call) in a simulation by itself: calls chosen by chance have 6.99 service times at the median and 43.7 at
//! the 99th of 100 at rho 0.9, the better of two 2.22 and 8.9; at rho 0.7 2.31, 15.1 and 1.22, 6.6.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    time::Duration,
};

use seawall_core::{Clock, ManualClock};
use seawall_shard::{Balance, balance::Lease};

const SECOND: f64 = 1e9;

/// How a server is: how long it takes for a call on average, and whether it answers well.
#[derive(Clone, Copy)]
struct Server {
    mean: f64,
    fails: bool,
}

/// The fleet and what waits at each server; the first in a line is served.
struct Fleet {
    balance: Balance<usize>,
    hand: ManualClock,
    servers: Vec<Server>,
    lines: Vec<VecDeque<(u64, Option<Lease<usize>>)>>,
    /// Sends each call anywhere, and does not ask the balance.
    is_blind: bool,
    /// When whose first call will be done.
    done: BinaryHeap<Reverse<(u64, usize)>>,
    chance: fastrand::Rng,
    now: u64,
    calls: Vec<usize>,
    times: Vec<u64>,
}

impl Fleet {
    fn new(servers: Vec<Server>, seed: u64) -> Self {
        let (clock, hand) = Clock::manual();
        let mut builder = Balance::builder("fleet").clock(clock).seed(seed).ejection(None);
        for at in 0..servers.len() {
            builder = builder.peer(format!("server-{at}"), at);
        }
        Self {
            balance: builder.build().expect("sound settings"),
            hand,
            lines: servers.iter().map(|_| VecDeque::new()).collect(),
            calls: vec![0; servers.len()],
            servers,
            is_blind: false,
            done: BinaryHeap::new(),
            chance: fastrand::Rng::with_seed(seed),
            now: 0,
            times: Vec::new(),
        }
    }

    fn exponential(&mut self, mean: f64) -> u64 {
        (-(1.0 - self.chance.f64()).ln() * mean) as u64 + 1
    }

    fn go_to(&mut self, then: u64) {
        self.hand.advance(Duration::from_nanos(then - self.now));
        self.now = then;
    }

    fn start(&mut self, at: usize) {
        let took = self.exponential(self.servers[at].mean);
        self.done.push(Reverse((self.now + took, at)));
    }

    /// So many calls more, `gap` apart on average.
    fn run(&mut self, calls: usize, gap: f64) {
        for _ in 0..calls {
            let arrives = self.now + self.exponential(gap);
            while let Some(&Reverse((then, at))) =
                self.done.peek().filter(|next| next.0.0 <= arrives)
            {
                self.done.pop();
                self.go_to(then);
                let (began, lease) = self.lines[at].pop_front().expect("it was served");
                self.times.push(then - began);
                match lease {
                    Some(lease) if self.servers[at].fails => lease.failure(),
                    Some(lease) => lease.success(),
                    None => {}
                }
                if !self.lines[at].is_empty() {
                    self.start(at);
                }
            }
            self.go_to(arrives);
            let lease = (!self.is_blind).then(|| self.balance.pick().expect("somebody is in"));
            let anywhere = self.chance.usize(..self.servers.len());
            let at = lease.as_ref().map_or(anywhere, |lease| **lease);
            self.calls[at] += 1;
            self.lines[at].push_back((arrives, lease));
            if self.lines[at].len() == 1 {
                self.start(at);
            }
        }
    }

    fn forget(&mut self) {
        self.calls.fill(0);
        self.times.clear();
    }

    fn percentile(&mut self, share: f64) -> f64 {
        self.times.sort_unstable();
        self.times[(self.times.len() as f64 * share) as usize] as f64
    }
}

/// A hundred equal servers at a load; the median and the 99th of 100 in service times.
fn hundred(rho: f64) -> (f64, f64) {
    let service = SECOND / 100.0;
    let mut fleet = Fleet::new(vec![Server { mean: service, fails: false }; 100], 7);
    fleet.run(20_000, service / 100.0 / rho);
    fleet.forget();
    fleet.run(200_000, service / 100.0 / rho);
    (fleet.percentile(0.5) / service, fleet.percentile(0.99) / service)
}

#[test]
fn queues_are_those_of_the_better_of_two() {
    let (median, tail) = hundred(0.7);
    assert!(median < 1.35 && tail < 7.3, "{median:.2} and {tail:.2} at rho 0.7");

    let (median, tail) = hundred(0.9);
    assert!(median < 2.5 && tail < 10.5, "{median:.2} and {tail:.2} at rho 0.9");
}

/// Ten servers at rho 0.5, of which one takes 1.8 times as long, so that a tenth of the calls is 0.9 of what it can
/// do. In a queue like that one call in ten waits `1.8 / (1 - 0.9) * ln(10)` service times or more, 41.
#[test]
fn one_slow_peer_does_not_make_the_slowest_calls() {
    let service = SECOND / 100.0;
    let tail = |is_blind| {
        let mut servers = vec![Server { mean: service, fails: false }; 10];
        servers[3].mean = service * 1.8;
        let mut fleet = Fleet::new(servers, 7);
        fleet.is_blind = is_blind;
        fleet.run(20_000, service / 10.0 / 0.5);
        fleet.forget();
        fleet.run(200_000, service / 10.0 / 0.5);
        fleet.percentile(0.99) / service
    };

    let (with, without) = (tail(false), tail(true));

    assert!(with < 7.0, "{with:.1} service times, and {without:.1} without a balance");
    assert!(without > 25.0, "{without:.1}");
}

/// One that answers at once that it can't looks fast to who measures answers alone.
#[test]
fn a_peer_that_fails_fast_gets_no_more_than_its_share() {
    let mut servers = vec![Server { mean: SECOND / 100.0, fails: false }; 3];
    servers[1] = Server { mean: SECOND / 1000.0, fails: true };
    let mut fleet = Fleet::new(servers, 7);

    fleet.run(50_000, SECOND / 150.0);

    let share = fleet.calls[1] as f64 / 50_000.0;
    assert!(share < 0.05, "{share} of the calls went into the black hole");
}

#[test]
fn a_peer_that_turns_slow_loses_its_share_and_gets_it_back() {
    let mut fleet = Fleet::new(vec![Server { mean: SECOND / 100.0, fails: false }; 10], 7);
    let gap = SECOND / 100.0 / 10.0 / 0.5;
    let mut share = |mean: f64| {
        fleet.servers[3].mean = mean;
        fleet.run(20_000, gap); // 40 s: what was is forgotten
        fleet.forget();
        fleet.run(20_000, gap);
        fleet.calls[3] as f64 / 20_000.0
    };

    let (well, slow, again) = (share(SECOND / 100.0), share(SECOND / 5.0), share(SECOND / 100.0));

    assert!((0.05..0.15).contains(&well), "{well}");
    assert!(slow < 0.02, "{slow}");
    assert!((0.05..0.15).contains(&again), "{again}");
}
