//! Real threads on real atomics, as many calls as fit into a moment: what loom's small models leave out,
//! and what ThreadSanitizer is run on.
//!
//! Plain threads, each joined by its handle: the end of a scope is a race to ThreadSanitizer, which
//! does not see into the standard library.

#![cfg(all(feature = "tokio", not(seawall_loom)))]

use std::{
    pin::Pin,
    sync::Arc,
    task::Poll,
    thread::{self, JoinHandle},
    time::Duration,
};

use seawall_bulkhead::{Acquire, Bound, Bulkhead, Clock, Codel, Order, Permit};
use seawall_core::{
    Nanos,
    sync::unmodelled::{AtomicU64, Ordering::Relaxed},
};
use seawall_test::Task;

const THREADS: u64 = 4;

/// Runs `body` on each thread with a random number generator of its own.
fn threads(body: impl Fn(&mut fastrand::Rng) + Send + Sync + 'static) {
    let body = Arc::new(body);
    let start = |seed| {
        let body = Arc::clone(&body);
        thread::spawn(move || body(&mut fastrand::Rng::with_seed(seed)))
    };
    let threads: Vec<JoinHandle<()>> = (0..THREADS).map(start).collect();
    let clock = Clock::system();
    let began = clock.now();
    while !threads.iter().all(JoinHandle::is_finished) {
        let time = clock.now().since(began);
        assert!(time < Duration::from_secs(300), "somebody waits for ever");
        thread::park_timeout(Duration::from_millis(1));
    }
    threads.into_iter().for_each(|thread| thread.join().expect("no call panics"));
}

/// Who is in, counted apart from the bulkhead.
struct Count {
    inside: AtomicU64,
    most: u64,
}

impl Count {
    fn of_at_most(most: u32) -> Arc<Self> {
        Arc::new(Self { inside: AtomicU64::new(0), most: most.into() })
    }

    fn enter(self: &Arc<Self>, permit: Permit) -> Counted {
        let weight = u64::from(permit.weight());
        let inside = self.inside.fetch_add(weight, Relaxed) + weight;
        assert!(inside <= self.most, "{inside} are in, of at most {}", self.most);
        Counted { permit: Some(permit), count: Arc::clone(self) }
    }
}

/// A permit that is taken out of the count before it goes back.
struct Counted {
    permit: Option<Permit>,
    count: Arc<Count>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let weight = self.permit.as_ref().map_or(0, Permit::weight);
        self.count.inside.fetch_sub(weight.into(), Relaxed);
    }
}

/// What one thread holds, and waits for.
struct Caller {
    bulkheads: Vec<Bulkhead>,
    count: Arc<Count>,
    permits: Vec<Counted>,
    waits: Vec<Acquire>,
    task: Task,
}

impl Caller {
    fn new(bulkheads: &[Bulkhead], count: &Arc<Count>) -> Self {
        let (bulkheads, count) = (bulkheads.to_vec(), Arc::clone(count));
        Self { bulkheads, count, permits: Vec::new(), waits: Vec::new(), task: Task::new() }
    }

    fn act(&mut self, random: &mut fastrand::Rng) {
        let bulkhead = &self.bulkheads[random.usize(..self.bulkheads.len())];
        match random.u32(..100) {
            0..35 => {
                if let Ok(permit) = bulkhead.try_acquire_weighted_owned(random.u32(1..=3)) {
                    self.permits.push(self.count.enter(permit));
                }
            }
            35..55 => self.waits.push(bulkhead.acquire_weighted_owned(random.u32(1..=3))),
            55..75 => self.poll(random),
            75..80 if !self.waits.is_empty() => {
                drop(self.waits.swap_remove(random.usize(..self.waits.len())));
            }
            80..98 if !self.permits.is_empty() => {
                drop(self.permits.swap_remove(random.usize(..self.permits.len())));
            }
            98.. => {
                // Nobody waits for one who waits for him.
                self.waits.clear();
                self.permits.clear();
                match bulkhead.acquire_blocking() {
                    Ok(permit) => assert_eq!(permit.weight(), 1),
                    Err(refused) => assert_ne!(refused.bound(), Some(Bound::Wait), "{refused}"),
                }
            }
            _ => {}
        }
    }

    fn poll(&mut self, random: &mut fastrand::Rng) {
        if self.waits.is_empty() {
            return;
        }
        let at = random.usize(..self.waits.len());
        if let Poll::Ready(got) = self.task.poll(Pin::new(&mut self.waits[at])) {
            drop(self.waits.swap_remove(at));
            self.permits.extend(got.map(|permit| self.count.enter(permit)));
        }
    }
}

fn is_as_new(bulkhead: &Bulkhead) {
    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (0, 0), "{bulkhead:?}");
    let snapshot = bulkhead.snapshot();
    for (gauge, &value) in &snapshot.gauges {
        assert!(!gauge.starts_with("in_flight") || value == 0.0, "{gauge}: {value}");
    }
    let all = bulkhead.try_acquire_weighted(bulkhead.limit());
    assert!(all.is_ok(), "{all:?}");
}

#[test]
fn a_million_calls_never_exceed_the_limit_and_all_come_back() {
    const LIMIT: u32 = 5;
    let bulkhead =
        Bulkhead::builder("stress").limit(LIMIT).queue(6).max_wait(None).build().expect("sound");
    let count = Count::of_at_most(LIMIT);
    let shared = bulkhead.clone();

    threads(move |random| {
        let mut caller = Caller::new(std::slice::from_ref(&shared), &count);
        (0..1_000_000 / THREADS).for_each(|_| caller.act(random));
    });

    is_as_new(&bulkhead);
}

#[test]
fn a_million_calls_of_shares_come_back_while_everything_changes() {
    const MOST: u32 = 8;
    let (clock, hand) = Clock::manual();
    let moved = hand.clone();
    let bulkhead = Bulkhead::builder("stress")
        .clock(clock)
        .limit(MOST)
        .queue(6)
        .max_wait(None)
        .partition("a", 0.5)
        .partition("b", 0.25)
        .build()
        .expect("sound");
    let parts = ["a", "b"].map(|name| bulkhead.partition(name).expect("it has it"));
    let handles: Vec<_> = std::iter::once(bulkhead.clone()).chain(parts).collect();
    let count = Count::of_at_most(MOST);

    threads(move |random| {
        let mut caller = Caller::new(&handles, &count);
        for call in 0..1_000_000 / THREADS {
            caller.act(random);
            moved.advance(Duration::from_micros(100));
            if call % 50 == 0 {
                handles[0].set_limit(random.u32(1..=MOST)).expect("it is in bounds");
            }
            if call % 500 == 0 {
                let mut config = handles[0].config();
                config.limit = Some(random.u32(4..=MOST));
                config.queue = random.u32(..8);
                config.order = [Order::Fifo, Order::Lifo, Order::AdaptiveLifo][random.usize(..3)];
                config.codel = random.bool().then(Codel::default);
                handles[0].reconfigure(config).expect("each share has a place of four");
            }
        }
    });

    assert_eq!(bulkhead.config().limit, Some(bulkhead.limit()), "the last one had his way in both");
    hand.advance(Duration::from_secs(60)); // no share has asked for its places of late
    is_as_new(&bulkhead);
}

/// What went wrong in failsafe-lib #393 and concurrency-limits #179: their places were lost for ever.
#[test]
fn a_place_for_one_whose_time_is_over_is_not_lost() {
    // A clock that goes on when it is read: whoever blocks is out of time at once.
    let time = AtomicU64::new(0);
    let clock = Clock::custom(move || Nanos(time.fetch_add(1, Relaxed)));
    let bulkhead = Bulkhead::builder("stress")
        .clock(clock)
        .limit(1)
        .queue(4)
        .max_wait(Duration::from_nanos(2))
        .build()
        .expect("sound");
    let works = Arc::new(AtomicU64::new(0));
    let (shared, worked) = (bulkhead.clone(), Arc::clone(&works));

    threads(move |_| {
        for _ in 0..100_000 {
            match shared.acquire_blocking() {
                // Two steps: a call that did not see the one before it would undo it.
                Ok(_permit) => worked.store(worked.load(Relaxed) + 1, Relaxed),
                Err(refused) => assert!(refused.bound() == Some(Bound::Wait), "{refused}"),
            }
        }
    });

    is_as_new(&bulkhead);
    let refused = bulkhead.snapshot().counters["rejected_wait"];
    assert_eq!(works.load(Relaxed) + refused, THREADS * 100_000);
}
