//! Several processes with clocks of their own, which crash and whose calls fail, beside a slow reference.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use proptest::prelude::*;
use seawall_core::{BoxError, Clock, Nanos};
use seawall_queue::{Claim, Codec, Memory, Queue, job::Verdict, storage::Settings};

/// How far a clock may be from the storage's.
const APART: i64 = 300;
const PROCESSES: usize = 3;

#[derive(Clone, Debug)]
enum Event {
    /// So many seconds go by.
    Time(u64),
    /// A process looks what is due.
    Look(usize),
    /// It is killed, and begins anew.
    Crash(usize),
    /// Its clock is set to so many seconds after the storage's.
    Clock(usize, i64),
    /// Its calls fail from now on, or no more.
    Fails(usize, bool),
}

fn events() -> impl Strategy<Value = Event> {
    let process = 0..PROCESSES;
    prop_oneof![
        2 => (1..400_u64).prop_map(Event::Time),
        1 => (400..20_000_u64).prop_map(Event::Time),
        9 => process.clone().prop_map(Event::Look),
        2 => process.clone().prop_map(Event::Crash),
        2 => (process.clone(), -APART..=APART).prop_map(|(at, apart)| Event::Clock(at, apart)),
        1 => (process, any::<bool>()).prop_map(|(at, fails)| Event::Fails(at, fails)),
    ]
}

/// What a process has, whether it lives or not.
struct Process {
    queue: Queue<Nanos>,
    apart: Arc<AtomicI64>,
    fails: Arc<AtomicBool>,
}

struct Line(Arc<AtomicBool>);

impl Codec<Nanos, u64> for Line {
    fn encode(&self, at: Nanos) -> Result<u64, BoxError> {
        if self.0.load(Ordering::Relaxed) { Err("the line is down".into()) } else { Ok(at.0) }
    }

    fn decode(&self, at: u64) -> Result<Nanos, BoxError> {
        Ok(Nanos(at))
    }
}

impl Process {
    async fn begin(memory: &Memory<u64>, time: &Clock, rule: Rule) -> Self {
        let fails = Arc::<AtomicBool>::default();
        let apart = Arc::<AtomicI64>::default();
        let queue = Queue::builder("p").coded(memory.clone(), Line(Arc::clone(&fails)));
        let process = Self { queue, apart, fails };
        process.say(time, rule).await;
        process
    }

    async fn say(&self, time: &Clock, rule: Rule) {
        let (time, apart) = (time.clone(), Arc::clone(&self.apart));
        let clock = Clock::custom(move || {
            Nanos(time.now().0.saturating_add_signed(apart.load(Ordering::Relaxed) * 1_000_000_000))
        });
        let every = self.queue.every_with(rule.period, |fire| fire.at).late(rule.late);
        every.clock(clock).await.expect("a sound schedule");
    }

    /// All but the clock and the line is forgotten.
    async fn crash(&mut self, memory: &Memory<u64>, time: &Clock, rule: Rule) {
        self.queue = Queue::builder("p").coded(memory.clone(), Line(Arc::clone(&self.fails)));
        self.say(time, rule).await;
    }
}

#[derive(Clone, Copy, Debug)]
struct Rule {
    period: Duration,
    late: Duration,
}

/// What is in the queue, done at once: nothing but unique keys tells of it afterwards.
async fn do_all(queue: &Queue<Nanos>) -> Vec<u64> {
    let claim = Claim::new(100, Duration::from_secs(30));
    let mut done = Vec::new();
    for job in queue.claim(claim).await.expect("it is in memory") {
        done.push(job.payload.as_duration().as_secs());
        queue.settle_one(job.lease, Verdict::DONE).await.expect("it is in memory");
    }
    queue.promote(100).await.expect("it is in memory");
    done
}

async fn run(rule: Rule, events: Vec<Event>) {
    let (time, hand) = Clock::manual();
    let memory = Memory::new(Settings::new(100), time.clone()).expect("sound settings");
    let mut processes = Vec::new();
    for _ in 0..PROCESSES {
        processes.push(Process::begin(&memory, &time, rule).await);
    }
    let (period, late) = (rule.period.as_secs(), rule.late.as_secs());
    let mut known = BTreeSet::new();
    for event in events {
        match event {
            Event::Time(seconds) => hand.advance(Duration::from_secs(seconds)),
            Event::Clock(at, apart) => processes[at].apart.store(apart, Ordering::Relaxed),
            Event::Fails(at, fails) => processes[at].fails.store(fails, Ordering::Relaxed),
            Event::Crash(at) => processes[at].crash(&memory, &time, rule).await,
            Event::Look(at) => {
                let process = &processes[at];
                process.queue.fire().await;
                let done = do_all(&process.queue).await;

                // The reference: the last multiple of the period, if it is young, and nobody had it.
                let apart = process.apart.load(Ordering::Relaxed);
                let now = time.now().as_duration().as_secs().saturating_add_signed(apart);
                let fire = now - now % period;
                let can = now - fire <= late && !process.fails.load(Ordering::Relaxed);
                let expected: Vec<_> =
                    (can && known.insert(fire)).then_some(fire).into_iter().collect();
                assert_eq!(done, expected, "process {at} at {now}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Promises 1 to 5: of what all processes look at in time, each fire is pushed once, and nothing else is.
    #[test]
    fn each_fire_is_pushed_once_however_many_processes_there_are(
        period in prop_oneof![1..120_u64, 600..7_200_u64],
        late in prop_oneof![1..100_u64, 500..10_000_u64],
        events in prop::collection::vec(events(), 1..120),
    ) {
        let (period, late) = (Duration::from_secs(period), Duration::from_secs(late));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(Rule { period, late }, events));
    }
}
