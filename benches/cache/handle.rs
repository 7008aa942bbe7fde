//! What a fresh hit costs through the handle, and as a layer.
//!
//! To the store's look come a reading of the clock and the entry's age; to `get_or_load`, a closure that is not called.
//!
//! | peer | what is not equal |
//! |---|---|
//! | tower-resilience-cache 0.14 | an LRU under one lock; boxes its future, and copies its name for an event. Where many ask for what is absent, each loads. |

use std::{
    future,
    hint::black_box,
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use criterion::Criterion;
use seawall_benches::{
    group::{Group, Threads},
    instructions::Instructions,
    poll,
    service::Failed,
};
use seawall_cache::{Cache, CacheLayer};
use tower_layer::Layer;
use tower_service::Service;

use crate::hits::{CAPACITY, KEYS};

const HOUR: Duration = Duration::from_secs(3_600);

pub(crate) fn all(criterion: &mut Criterion) {
    let cache = filled();
    let mut group = Group::new(criterion, "cache/a fresh hit", Threads::One);
    group.case_each("seawall, get_or_load", || get_or_load(&cache));
    group.case_each("get", || get(&cache));
    group.case_each("read", || read(&cache));
    drop(group);

    let mut group = Group::new(criterion, "cache/layer, a fresh hit", Threads::One);
    group.case_each("seawall", || calls(ours()));
    group.case_each("tower-resilience", || calls(peer()));
}

pub(crate) fn count(counted: &mut Instructions) {
    let cache = filled();
    counted.group("cache/a fresh hit", 1.4); // 1.3 is aimed at
    counted.case("seawall, get_or_load", get_or_load(&cache));
    counted.case("get", get(&cache));

    counted.group("cache/layer, a fresh hit", 1.0);
    counted.case("seawall", calls(ours()));
    counted.case("tower-resilience", calls(peer()));
}

fn filled() -> Cache<u64, u64, Failed> {
    let cache =
        Cache::builder("bench").capacity(CAPACITY).ttl(HOUR).build().expect("sound settings");
    let all = cache.insert_many((0..KEYS).map(|key| (key, key)));
    poll::ready(pin!(all)).expect("there is no second level");
    cache
}

fn get_or_load(cache: &Cache<u64, u64, Failed>) -> impl FnMut() {
    let mut keys = keys();
    move || {
        let key = keys();
        let hit = cache.get_or_load(&key, || future::ready(Ok::<u64, Failed>(0)));
        let _ = black_box(poll::ready(pin!(hit)));
    }
}

fn get(cache: &Cache<u64, u64, Failed>) -> impl FnMut() {
    let mut keys = keys();
    move || {
        black_box(cache.get(&keys()));
    }
}

fn read(cache: &Cache<u64, u64, Failed>) -> impl FnMut() {
    let mut keys = keys();
    move || {
        black_box(cache.read(&keys(), |value| *value));
    }
}

/// Another key each time.
fn keys() -> impl FnMut() -> u64 {
    let mut key = 0;
    move || {
        key = (key + 7_919) % KEYS;
        black_box(key)
    }
}

/// A service whose responses are worth keeping.
#[derive(Clone)]
struct Doubles;

impl Service<u64> for Doubles {
    type Response = u64;
    type Error = Failed;
    type Future = future::Ready<Result<u64, Failed>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u64) -> Self::Future {
        future::ready(Ok(2 * request))
    }
}

fn ours() -> impl Service<u64> {
    let cache =
        Cache::builder("bench").capacity(CAPACITY).ttl(HOUR).build().expect("sound settings");
    CacheLayer::new(cache, |request: &u64| Some(*request)).layer(Doubles)
}

fn peer() -> impl Service<u64> {
    let layer = tower_resilience_cache::CacheLayer::builder()
        .max_size(CAPACITY)
        .ttl(HOUR)
        .key_extractor(|request: &u64| *request)
        .build();
    layer.expect("sound settings").layer(Doubles)
}

/// Calls whose responses were kept by calls before.
fn calls<S: Service<u64>>(mut service: S) -> impl FnMut() {
    let mut call = move |key| {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(service.poll_ready(&mut cx).is_ready());
        let _ = black_box(poll::ready(pin!(service.call(key))));
    };
    (0..KEYS).for_each(&mut call);
    let mut keys = keys();
    move || call(keys())
}
