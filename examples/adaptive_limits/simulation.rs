//! A server with a limit in front of it, call by call, in a time of its own.
//!
//! Calls come at random (Poisson), wait for one of the server's workers in one queue, and take a
//! random time there (exponential): an M/M/c system. What is above the limit is rejected at once.
//! Nothing else is random or parallel, so that a seed tells the whole story.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    time::Duration,
};

/// How wide the steps are in which a run is recorded.
pub(crate) const TICK: Duration = Duration::from_millis(250);

/// What hangs is given up after this time.
pub(crate) const TIME_OUT: Duration = Duration::from_secs(1);

/// The limit under test.
pub(crate) trait Limit {
    /// What a call that was let in must give back.
    type Permit;

    /// Lets a call in, or not.
    fn enter(&mut self, now: Duration) -> Option<Self::Permit>;

    /// The call has ended: well, or by a time-out.
    fn leave(&mut self, now: Duration, permit: Self::Permit, well: bool);

    /// How many calls may be in flight.
    fn limit(&self) -> u32;
}

/// A server as it should be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server {
    /// How many calls it works on at once.
    pub(crate) workers: usize,
    /// How long that takes on average.
    pub(crate) service: Duration,
}

/// The server, and what comes to it, for some time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phase {
    /// What a picture calls it.
    pub(crate) name: &'static str,
    /// How long it lasts.
    pub(crate) lasts: Duration,
    /// Calls that come in a second.
    pub(crate) rate: f64,
    /// How many calls the server works on at once.
    pub(crate) workers: usize,
    /// How long a call takes on average once it is worked on; those that come while there is none
    /// hang.
    pub(crate) service: Option<Duration>,
}

impl Phase {
    /// A server that calls come to at `load` times the rate that it can answer.
    pub(crate) fn new(name: &'static str, seconds: u64, load: f64, server: Server) -> Self {
        let Server { workers, service } = server;
        Self {
            name,
            lasts: Duration::from_secs(seconds),
            rate: load * workers as f64 / service.as_secs_f64(),
            workers,
            service: Some(service),
        }
    }

    /// The same traffic to a server with half of its workers.
    pub(crate) fn half_gone(self) -> Self {
        Self { workers: self.workers / 2, ..self }
    }

    /// The most calls that can be answered in a second.
    pub(crate) fn capacity(&self) -> f64 {
        self.service.map_or(0.0, |service| self.workers as f64 / service.as_secs_f64())
    }
}

/// What happened in one step of time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tick {
    /// The limit at its end.
    pub(crate) limit: u32,
    /// Answers that came in time to be of use.
    pub(crate) good: u64,
    /// How long the calls took that were answered, in seconds, in order.
    pub(crate) latencies: Vec<f64>,
    /// The most that could have been answered.
    pub(crate) capacity: f64,
}

impl Tick {
    /// Several steps as one.
    pub(crate) fn of(ticks: &[Self]) -> Self {
        let mut sum = Self::default();
        for tick in ticks {
            sum.limit = tick.limit;
            sum.good += tick.good;
            sum.capacity += tick.capacity;
            sum.latencies.extend(&tick.latencies);
        }
        sum.latencies.sort_by(f64::total_cmp);
        sum
    }

    /// Answers that were of use, as a share of the most there could have been.
    pub(crate) fn goodput(&self) -> f64 {
        self.good as f64 / self.capacity
    }

    /// The latency that all but one in a hundred answers kept.
    pub(crate) fn p99(&self) -> Option<f64> {
        self.latencies.get(self.latencies.len() * 99 / 100).copied()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrives,
    /// The call with this number is worked on to its end.
    Answered(usize),
    /// The call with this number was never answered.
    TimesOut(usize),
}

/// Runs `phases` one after the other, and tells what happened in each, step by step. An answer is good
/// that comes within `useful`.
pub(crate) fn simulate<L: Limit>(
    limit: &mut L,
    phases: &[Phase],
    useful: Duration,
    seed: u64,
) -> Vec<Vec<Tick>> {
    let mut world = World {
        random: fastrand::Rng::with_seed(seed),
        now: 0.0,
        events: BinaryHeap::new(),
        calls: Vec::new(),
        waiting: VecDeque::new(),
        working: 0,
        ticks: Vec::new(),
        useful: useful.as_secs_f64(),
    };
    let mut end = 0.0;
    let of_phase = |phase: &Phase| {
        let before = world.ticks.len();
        end += phase.lasts.as_secs_f64();
        world.run(limit, phase, end);
        let mut ticks = world.ticks[before..].to_vec();
        ticks.iter_mut().for_each(|tick| tick.latencies.sort_by(f64::total_cmp));
        ticks
    };
    phases.iter().map(of_phase).collect()
}

struct World<P> {
    random: fastrand::Rng,
    now: f64,
    events: BinaryHeap<Reverse<(u64, Event)>>,
    /// When each call came, and what it holds until it ends.
    calls: Vec<(f64, Option<P>)>,
    waiting: VecDeque<usize>,
    working: usize,
    ticks: Vec<Tick>,
    useful: f64,
}

impl<P> World<P> {
    fn run<L: Limit<Permit = P>>(&mut self, limit: &mut L, phase: &Phase, end: f64) {
        self.ticks.resize_with((end / TICK.as_secs_f64()).round() as usize, || Tick {
            capacity: phase.capacity() * TICK.as_secs_f64(),
            ..Tick::default()
        });
        if phase.service.is_none() {
            for call in std::mem::take(&mut self.waiting) {
                self.at(self.now + TIME_OUT.as_secs_f64(), Event::TimesOut(call));
            }
        }
        self.work(phase);
        // The arrival of the phase before was drawn at its rate: draw anew, as may be done here.
        self.events.retain(|Reverse((_, event))| *event != Event::Arrives);
        self.after(1.0 / phase.rate, Event::Arrives);
        while let Some(&Reverse((nanos, event))) = self.events.peek() {
            let at = nanos as f64 / 1e9;
            if at >= end {
                break;
            }
            self.events.pop();
            while self.tick_of(self.now) < self.tick_of(at) {
                let tick = self.tick_of(self.now);
                self.ticks[tick].limit = limit.limit();
                self.now = (tick + 1) as f64 * TICK.as_secs_f64();
            }
            self.now = at;
            self.happens(limit, phase, event);
        }
        let first_left = self.tick_of(self.now);
        self.ticks[first_left..].iter_mut().for_each(|tick| tick.limit = limit.limit());
        self.now = end;
    }

    fn happens<L: Limit<Permit = P>>(&mut self, limit: &mut L, phase: &Phase, event: Event) {
        match event {
            Event::Arrives => {
                self.after(1.0 / phase.rate, Event::Arrives);
                let Some(permit) = limit.enter(Duration::from_secs_f64(self.now)) else {
                    return;
                };
                let call = self.calls.len();
                self.calls.push((self.now, Some(permit)));
                if phase.service.is_some() {
                    self.waiting.push_back(call);
                    self.work(phase);
                } else {
                    self.at(self.now + TIME_OUT.as_secs_f64(), Event::TimesOut(call));
                }
            }
            Event::Answered(call) => {
                self.working -= 1;
                self.work(phase);
                let latency = self.leave(limit, call, true);
                let good = u64::from(latency <= self.useful);
                let tick = self.tick();
                tick.good += good;
                tick.latencies.push(latency);
            }
            Event::TimesOut(call) => {
                self.leave(limit, call, false);
            }
        }
    }

    /// Gives back what a call holds, and tells how long it took.
    fn leave<L: Limit<Permit = P>>(&mut self, limit: &mut L, call: usize, well: bool) -> f64 {
        let (came, permit) = &mut self.calls[call];
        let latency = self.now - *came;
        if let Some(permit) = permit.take() {
            limit.leave(Duration::from_secs_f64(self.now), permit, well);
        }
        latency
    }

    /// Gives calls that wait to workers that don't.
    fn work(&mut self, phase: &Phase) {
        let Some(service) = phase.service else { return };
        while self.working < phase.workers {
            let Some(call) = self.waiting.pop_front() else { return };
            self.working += 1;
            self.after(service.as_secs_f64(), Event::Answered(call));
        }
    }

    /// An event after a random time, `mean` on average.
    fn after(&mut self, mean: f64, event: Event) {
        let time = -mean * (1.0 - self.random.f64()).ln();
        self.at(self.now + time, event);
    }

    fn at(&mut self, time: f64, event: Event) {
        self.events.push(Reverse(((time * 1e9) as u64, event)));
    }

    fn tick_of(&self, time: f64) -> usize {
        ((time / TICK.as_secs_f64()) as usize).min(self.ticks.len() - 1)
    }

    fn tick(&mut self) -> &mut Tick {
        let tick = self.tick_of(self.now);
        &mut self.ticks[tick]
    }
}
