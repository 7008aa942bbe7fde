//! Gets, loads, writes, invalidations and steps of time in every order that chance comes up with, beside
//! a reference that says what may be returned.
//!
//! The source has a version a key, which only grows. A load reads it when it begins, and may end much
//! later. After a write that is told to the cache, whoever asks must get that version or a later one;
//! after one that is not told, the old one for as long as it may be stale, and no longer.

#![cfg(feature = "tokio")]

use std::{
    future::Future,
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use proptest::prelude::*;
use seawall_cache::{Background, Cache, Clock, Error, LoadError, Loaded, NotShared};
use seawall_core::ManualClock;
use tokio::sync::{mpsc, oneshot};

const KEYS: usize = 3;
const TTL: u64 = 10;
const REVALIDATE: u64 = 5;
const IF_ERROR: u64 = 8;

type Answer = Result<u32, Error<LoadError<io::Error>>>;

#[derive(Clone, Copy, Debug)]
enum Tell {
    Invalidate,
    Tag,
    Insert,
    Update,
    Clear,
    Through,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    /// The source changes, and the cache is told.
    Write(usize, Tell),
    /// The source changes, and the cache is not told.
    Silent(usize),
    Get(usize),
    Ask(usize),
    AskMany,
    End(prop::sample::Index, bool),
    Poll(prop::sample::Index),
    Drop(prop::sample::Index),
    /// A task in the background is polled, or dropped.
    Task(bool),
    Pass(u64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let key = 0..KEYS;
    let index = any::<prop::sample::Index>;
    let tell = prop_oneof![
        Just(Tell::Invalidate),
        Just(Tell::Tag),
        Just(Tell::Insert),
        Just(Tell::Update),
        Just(Tell::Clear),
        Just(Tell::Through),
    ];
    let event = prop_oneof![
        4 => (key.clone(), tell).prop_map(|(key, tell)| Event::Write(key, tell)),
        1 => key.clone().prop_map(Event::Silent),
        6 => key.clone().prop_map(Event::Get),
        6 => key.prop_map(Event::Ask),
        2 => Just(Event::AskMany),
        6 => (index(), prop::bool::weighted(0.8)).prop_map(|(call, ok)| Event::End(call, ok)),
        8 => index().prop_map(Event::Poll),
        2 => index().prop_map(Event::Drop),
        4 => prop::bool::weighted(0.8).prop_map(Event::Task),
        3 => (1..8_u64).prop_map(Event::Pass),
    ];
    prop::collection::vec(event, 1..120)
}

type Ask = Pin<Box<dyn Future<Output = Vec<(usize, Answer)>>>>;

struct Call {
    asks: Ask,
    end: Option<oneshot::Sender<bool>>,
    /// The least that may be returned, a key.
    floor: [u32; KEYS],
}

struct World {
    cache: Cache<usize, u32, io::Error>,
    hand: ManualClock,
    tasks: mpsc::UnboundedReceiver<Background>,
    source: Arc<[AtomicU32; KEYS]>,
    seconds: u64,
    /// When the source went on from each version.
    left: [Vec<u64>; KEYS],
    floor: [u32; KEYS],
    /// What was put in last, and until when it must be found.
    sure: [Option<(u32, u64)>; KEYS],
    calls: Vec<Call>,
}

fn tag(key: usize) -> [String; 1] {
    [format!("tag {}", key % 2)]
}

fn loaded(key: usize, version: u32) -> Loaded<u32> {
    Loaded::new(version).tags(tag(key))
}

/// What is done without a second level is done at once, and well.
fn done<T>(future: impl Future<Output = Result<T, NotShared>>) -> T {
    match poll(pin!(future)) {
        Poll::Ready(done) => done.unwrap(),
        Poll::Pending => panic!("it is ready at once"),
    }
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

impl World {
    fn new() -> Self {
        let (clock, hand) = Clock::manual();
        let (send, tasks) = mpsc::unbounded_channel();
        let cache = Cache::builder("world")
            .capacity(100)
            .clock(clock)
            .ttl(Duration::from_secs(TTL))
            .stale_while_revalidate(Duration::from_secs(REVALIDATE))
            .stale_if_error(Duration::from_secs(IF_ERROR))
            .max_refreshes(2)
            .spawn(move |task| drop(send.send(task)))
            .build()
            .unwrap();
        Self {
            cache,
            hand,
            tasks,
            source: Arc::default(),
            seconds: 0,
            left: Default::default(),
            floor: [0; KEYS],
            sure: [None; KEYS],
            calls: Vec::new(),
        }
    }

    fn step(&mut self, key: usize) -> u32 {
        self.left[key].push(self.seconds);
        self.source[key].fetch_add(1, Relaxed) + 1
    }

    fn write(&mut self, key: usize, tell: Tell) {
        if matches!(tell, Tell::Through) {
            let (source, cache) = (self.source.clone(), self.cache.clone());
            self.left[key].push(self.seconds);
            let version = source[key].load(Relaxed) + 1;
            let write = || {
                source[key].store(version, Relaxed);
                std::future::ready(Ok::<_, ()>(()))
            };
            let through = cache.write_through(key, loaded(key, version), write);
            assert_eq!(poll(pin!(through)), Poll::Ready(Ok(())));
            self.floor[key] = version;
            self.sure[key] = Some((version, self.seconds + TTL));
            return;
        }
        let version = self.step(key);
        self.sure[key] = None;
        match tell {
            Tell::Invalidate => {
                done(self.cache.invalidate(&key));
            }
            Tell::Tag => {
                let of_tag = |other: &usize| other % 2 == key % 2;
                (0..KEYS).filter(of_tag).for_each(|other| self.sure[other] = None);
                done(self.cache.invalidate_tag(&tag(key)[0]));
            }
            Tell::Insert => {
                done(self.cache.insert(key, loaded(key, version)));
                self.sure[key] = Some((version, self.seconds + TTL));
            }
            Tell::Update => {
                done(self.cache.update(&key, |_| version));
            }
            Tell::Clear => {
                self.sure = [None; KEYS];
                done(self.cache.clear());
                // All that is asked for from now on is as new as the source.
                for key in 0..KEYS {
                    self.floor[key] = self.source[key].load(Relaxed);
                }
            }
            Tell::Through => unreachable!(),
        }
        self.floor[key] = version;
    }

    /// Nothing is returned that has not been true at the source for longer than it may be stale.
    fn check_age(&self, key: usize, version: u32) {
        if let Some(left) = self.left[key].get(version as usize) {
            let most = TTL + REVALIDATE.max(IF_ERROR);
            assert!(self.seconds - left < most, "{version} of {key} ended {most} s ago");
        }
    }

    fn check(&self, key: usize, version: u32, floor: u32) {
        assert!(version >= floor, "{key}: {version} is older than {floor}");
        assert!(version <= self.source[key].load(Relaxed), "{key}: {version} never was");
    }

    fn get(&self, key: usize) {
        let got = self.cache.get(&key);
        if let Some(version) = got {
            self.check(key, version, self.floor[key]);
            self.check_age(key, version);
        }
        if let Some((version, until)) = self.sure[key]
            && self.seconds < until
        {
            assert!(got >= Some(version), "{key}: {version} is fresh, and got {got:?}");
        }
    }

    fn ask(&mut self, keys: Vec<usize>) {
        let (end, ended) = oneshot::channel();
        let (cache, source) = (self.cache.clone(), self.source.clone());
        let ended = async move {
            match ended.await {
                Ok(true) => Ok(()),
                _ => Err(io::Error::other("away")),
            }
        };
        let asks: Ask = if let [key] = keys[..] {
            Box::pin(async move {
                let load = move || {
                    let version = source[key].load(Relaxed);
                    async move { ended.await.map(|()| loaded(key, version)) }
                };
                vec![(key, cache.get_or_load(&key, load).await)]
            })
        } else {
            Box::pin(async move {
                let mut ended = Some(ended);
                let load = move |keys: Vec<usize>| {
                    let versions: Vec<_> =
                        keys.iter().map(|&key| (key, source[key].load(Relaxed))).collect();
                    let ended = ended.take();
                    async move {
                        if let Some(ended) = ended {
                            ended.await?;
                        }
                        Ok(versions.into_iter().map(|(key, version)| (key, loaded(key, version))))
                    }
                };
                let answers = cache.get_or_load_many(keys.clone(), load).await;
                keys.into_iter().zip(answers).collect()
            })
        };
        let floor = self.floor;
        self.calls.push(Call { asks, end: Some(end), floor });
        self.poll(self.calls.len() - 1);
    }

    fn poll(&mut self, index: usize) {
        let Poll::Ready(answers) = poll(self.calls[index].asks.as_mut()) else { return };
        let call = self.calls.swap_remove(index);
        for (key, answer) in answers {
            match answer {
                Ok(version) => self.check(key, version, call.floor[key]),
                Err(Error::Inner(LoadError::Failed(_))) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    }

    fn run(&mut self, event: Event) {
        let of = |index: prop::sample::Index, calls: &Vec<Call>| {
            (!calls.is_empty()).then(|| index.index(calls.len()))
        };
        match event {
            Event::Write(key, tell) => self.write(key, tell),
            Event::Silent(key) => {
                self.step(key);
            }
            Event::Get(key) => self.get(key),
            Event::Ask(key) => self.ask(vec![key]),
            Event::AskMany => self.ask((0..KEYS).collect()),
            Event::End(index, ok) => {
                if let Some(index) = of(index, &self.calls)
                    && let Some(end) = self.calls[index].end.take()
                {
                    let _ = end.send(ok);
                }
            }
            Event::Poll(index) => {
                if let Some(index) = of(index, &self.calls) {
                    self.poll(index);
                }
            }
            Event::Drop(index) => {
                if let Some(index) = of(index, &self.calls) {
                    drop(self.calls.swap_remove(index));
                }
            }
            Event::Task(polled) => {
                let Ok(mut task) = self.tasks.try_recv() else { return };
                if polled {
                    let _ = poll(Pin::new(&mut task));
                }
            }
            Event::Pass(seconds) => {
                self.seconds += seconds;
                self.hand.advance(Duration::from_secs(seconds));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_returned_that_may_not_be(events in events()) {
        let mut world = World::new();
        for event in events {
            world.run(event);
        }
        for key in 0..KEYS {
            world.get(key);
        }
        // Nobody is stranded: when all loads end, all calls do.
        for call in &mut world.calls {
            if let Some(end) = call.end.take() {
                let _ = end.send(true);
            }
        }
        while let Ok(task) = world.tasks.try_recv() {
            let _ = poll(pin!(task));
        }
        for _ in 0..=world.calls.len() {
            for index in (0..world.calls.len()).rev() {
                world.poll(index);
            }
        }
        prop_assert!(world.calls.is_empty());
        let snapshot = world.cache.snapshot();
        prop_assert_eq!(snapshot.state, "idle");
    }
}
