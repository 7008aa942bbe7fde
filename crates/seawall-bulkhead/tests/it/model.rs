//! The bulkhead against the reference: random runs of calls that try, wait, give up and leave, with
//! limits, queues and orders that change. After each step both must say the same of everything that
//! can be seen.

#![cfg(feature = "tokio")]

mod reference;

use std::{pin::Pin, sync::Arc, task::Poll, time::Duration};

use parking_lot::Mutex;
use proptest::prelude::*;
use seawall_bulkhead::{
    Acquire, Bulkhead, Clock, Codel, Order, Permit, Priority, Rejection, Shedding, Turn,
};
use seawall_core::Context;
use seawall_test::Task;
use tokio::runtime::Builder;

use self::reference::{Asked, Call, Hall, Settings};

const NAMES: [&str; 2] = ["a", "b"];

#[derive(Clone, Debug)]
enum Step {
    Try(Call),
    Acquire(Call),
    /// Polls the n-th of those who wait.
    Poll(usize),
    Cancel(usize),
    /// Gives back the n-th of the permits.
    Leave(usize),
    Limit(u32),
    Reconfigure(usize, Order, Option<(u64, u64)>),
    Advance(u64),
}

fn call() -> impl Strategy<Value = Call> {
    let weight = prop_oneof![1 => Just(0), 8 => Just(1), 3 => 2..5_u32, 1 => 5..20_u32];
    let priority = prop::sample::select(vec![64, 128, 192]);
    (0..3_usize, weight, priority).prop_map(|(share, weight, priority)| Call {
        share,
        weight,
        priority,
    })
}

fn order() -> impl Strategy<Value = Order> {
    prop::sample::select(vec![Order::Fifo, Order::Lifo, Order::AdaptiveLifo])
}

fn codel() -> impl Strategy<Value = Option<(u64, u64)>> {
    prop::option::of((1..10_u64, 10..50_u64))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => call().prop_map(Step::Try),
        30 => call().prop_map(Step::Acquire),
        20 => (0..8_usize).prop_map(Step::Poll),
        5 => (0..8_usize).prop_map(Step::Cancel),
        25 => (0..8_usize).prop_map(Step::Leave),
        3 => (1..12_u32).prop_map(Step::Limit),
        2 => (0..6_usize, order(), codel()).prop_map(|(q, o, c)| Step::Reconfigure(q, o, c)),
        15 => (1..30_u64).prop_map(Step::Advance),
        1 => (30..1500_u64).prop_map(Step::Advance),
    ]
}

prop_compose! {
    fn settings()(
        limit in 2..10_u32,
        queue in 0..8_usize,
        max_wait in prop::option::of(5..200_u64),
        order in order(),
        codel in codel(),
        parts in prop_oneof![Just(vec![]), Just(vec![50]), Just(vec![60, 40]), Just(vec![50, 50])],
        ranked in any::<bool>(),
    ) -> Settings {
        // Each share needs a place.
        let limit = if parts.is_empty() { limit } else { limit.max(3) };
        Settings { limit, queue, max_wait, order, codel, parts, ranked }
    }
}

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

fn rule((target, interval): (u64, u64)) -> Codel {
    Codel { target: ms(target), interval: ms(interval) }
}

/// One who waits in a task of his own.
struct Waiter {
    acquire: Acquire,
    task: Task,
    call: Call,
    number: u64,
}

/// The bulkhead and the reference side by side.
struct Pair {
    bulkhead: Bulkhead,
    told: Arc<Mutex<Vec<bool>>>,
    hall: Hall,
    permits: Vec<(Permit, Call)>,
    waiters: Vec<Waiter>,
}

impl Pair {
    fn new(settings: Settings) -> Self {
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&told);
        let mut builder = Bulkhead::builder("model")
            .clock(Clock::tokio())
            .limit(settings.limit)
            .queue(settings.queue as u32)
            .max_wait(settings.max_wait.map(ms))
            .order(settings.order)
            .on_event(move |event| match event.turn {
                Turn::OverloadBegan => listener.lock().push(true),
                Turn::OverloadEnded => listener.lock().push(false),
                _ => {}
            });
        if let Some(codel) = settings.codel {
            builder = builder.codel(rule(codel));
        }
        for (name, &percent) in NAMES.into_iter().zip(&settings.parts) {
            builder = builder.partition(name, f64::from(percent) / 100.0);
        }
        if settings.ranked {
            // Its level never moves: who is sent away is so from a full queue.
            let day = Duration::from_secs(24 * 3600);
            builder =
                builder.shed(Shedding { window: day, calls: u32::MAX, ..Shedding::default() });
        }
        Self {
            bulkhead: builder.build().expect("the settings are sound"),
            told,
            hall: Hall::new(settings),
            permits: Vec::new(),
            waiters: Vec::new(),
        }
    }

    /// The share that a call names, of those that are there.
    fn of_a_share(&self, call: Call) -> Call {
        Call { share: call.share.min(self.hall.settings.parts.len()), ..call }
    }

    fn handle(&self, call: Call) -> Bulkhead {
        match call.share {
            0 => self.bulkhead.clone(),
            share => self.bulkhead.partition(NAMES[share - 1]).expect("it has that partition"),
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Try(call) => {
                let call = self.of_a_share(call);
                let got = self.handle(call).try_acquire_weighted_owned(call.weight);
                match (got, self.hall.try_acquire(call)) {
                    (Ok(permit), Ok(())) => self.permits.push((permit, call)),
                    (Err(refused), Err(bound)) => assert_eq!(refused.bound(), Some(bound)),
                    (got, expected) => panic!("{got:?}, and not {expected:?}"),
                }
            }
            Step::Acquire(call) => self.acquire(self.of_a_share(call)),
            Step::Poll(n) if n < self.waiters.len() => self.poll(n),
            Step::Cancel(n) if n < self.waiters.len() => {
                let waiter = self.waiters.remove(n);
                drop(waiter.acquire);
                self.hall.cancel(waiter.number);
            }
            Step::Leave(n) if n < self.permits.len() => {
                let (permit, call) = self.permits.remove(n);
                drop(permit);
                self.hall.leave(call);
            }
            Step::Poll(_) | Step::Cancel(_) | Step::Leave(_) => {}
            Step::Limit(limit) => {
                self.bulkhead.set_limit(limit).expect("it is in bounds");
                self.hall.set_limit(limit);
            }
            Step::Reconfigure(queue, order, codel) => {
                let mut config = self.bulkhead.config();
                config.queue = queue as u32;
                config.order = order;
                config.codel = codel.map(rule);
                let taken = self.bulkhead.reconfigure(config);
                assert_eq!(taken.is_ok(), self.hall.reconfigure(queue, order, codel), "{taken:?}");
            }
            Step::Advance(by) => {
                tokio::time::advance(ms(by)).await;
                self.hall.now += by;
            }
        }
        self.compare();
    }

    fn acquire(&mut self, call: Call) {
        let mut acquire = self.handle(call).acquire_weighted_owned(call.weight);
        let task = Task::new();
        let context = Context::new().with_priority(Priority(call.priority));
        let got = context.run(|| task.poll(Pin::new(&mut acquire)));
        match (got, self.hall.acquire(call)) {
            (Poll::Pending, Asked::Waits(number)) => {
                self.waiters.push(Waiter { acquire, task, call, number });
            }
            (Poll::Ready(got), Asked::In) => self.got(call, got, Ok(())),
            (Poll::Ready(got), Asked::Refused(bound)) => self.got(call, got, Err(bound)),
            (got, expected) => panic!("{got:?}, and not {expected:?}"),
        }
    }

    fn poll(&mut self, n: usize) {
        let waiter = &mut self.waiters[n];
        let got = waiter.task.poll(Pin::new(&mut waiter.acquire));
        match (got, self.hall.poll(waiter.number)) {
            (Poll::Pending, None) => {}
            (Poll::Ready(got), Some(expected)) => {
                let waiter = self.waiters.remove(n);
                self.got(waiter.call, got, expected);
            }
            (got, expected) => panic!("{got:?}, and not {expected:?}"),
        }
    }

    fn got(
        &mut self,
        call: Call,
        got: Result<Permit, Rejection>,
        expected: Result<(), seawall_bulkhead::Bound>,
    ) {
        match (got, expected) {
            (Ok(permit), Ok(())) => {
                assert_eq!(permit.weight(), call.weight);
                self.permits.push((permit, call));
            }
            (Err(refused), Err(bound)) => assert_eq!(refused.bound(), Some(bound)),
            (got, expected) => panic!("{got:?}, and not {expected:?}"),
        }
    }

    fn compare(&mut self) {
        let Self { bulkhead, hall, .. } = self;
        assert_eq!(bulkhead.limit(), hall.settings.limit);
        assert_eq!(bulkhead.config().limit, Some(hall.settings.limit));
        assert_eq!(bulkhead.in_flight(), hall.in_flight());
        assert_eq!(bulkhead.waiting() as usize, hall.waiting());
        for waiter in self.waiters.iter().filter(|waiter| hall.is_settled(waiter.number)) {
            assert!(waiter.task.wakes() > 0, "nobody told {:?}", waiter.call);
        }

        let snapshot = bulkhead.snapshot();
        assert_eq!(snapshot.counters["waited"], hall.waited);
        assert_eq!(snapshot.counters["gave_up"], hall.gave_up);
        for (name, &count) in &snapshot.counters {
            if name.starts_with("rejected_") || name.starts_with("shed_") {
                assert_eq!(count, hall.refused.get(&**name).copied().unwrap_or(0), "{name}");
            }
        }
        for (name, share) in NAMES.into_iter().zip(1..=hall.settings.parts.len()) {
            let used = snapshot.gauges[&*format!("in_flight.{name}")];
            let own = snapshot.limits[&*format!("own.{name}")];
            assert_eq!((used, own), (hall.used(share).into(), hall.own(share).into()));
        }
        assert_eq!(snapshot.state == "overloaded", hall.overloaded && hall.waiting() > 0);
        assert_eq!(*self.told.lock(), hall.told);
    }

    /// Lets everybody leave, and sees that all is as it was.
    fn end(mut self) {
        while let Some(waiter) = self.waiters.pop() {
            drop(waiter.acquire);
            self.hall.cancel(waiter.number);
            self.compare();
        }
        self.permits.clear();
        assert_eq!((self.bulkhead.in_flight(), self.bulkhead.waiting()), (0, 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_bulkhead_does_what_the_reference_does(
        settings in settings(),
        steps in prop::collection::vec(step(), 1..150),
    ) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let mut pair = Pair::new(settings);
            for step in steps {
                pair.take(step).await;
            }
            pair.end();
        });
    }
}
