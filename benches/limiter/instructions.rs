//! What a decision takes in instructions, beside the best peer: the most that ours may is said at each
//! group, and `cargo xtask bench limiter --instructions` fails where it is more.
//!
//! By the system's clock, as it is by default, ours may take no more than governor's. A refusal should
//! take half, since governor asks the clock twice for the wait; but what the kernel does for a reading is
//! not counted, so that here it is less of a share. Where the clock costs nearly nothing, what is left are
//! the choices that governor makes when it is compiled and ours when it is built: the clock, and terms
//! that can be changed. In those groups the bound is what ours is, so that it does not become more.

use std::{hint::black_box, pin::pin};

use governor::clock::{FakeRelativeClock, MonotonicClock, QuantaClock};
use seawall_benches::{
    instructions::Instructions,
    poll,
    service::{Ready, call, refused_call},
};
use seawall_rate_limiter::{Clock, RateLimiterLayer};
use tower_layer::Layer;

use crate::{
    denied::{refused, wait},
    direct::let_in,
    keyed::every_key,
    peers,
    settings::{self, WAIT, WEIGHT},
};

pub(crate) fn all(counted: &mut Instructions) {
    direct(counted);
    denied(counted);
    keyed(counted);
    layer(counted);
}

fn direct(counted: &mut Instructions) {
    counted.group("limiter/try_acquire, system's clock", 1.0);
    let ours = settings::open(Clock::system());
    counted.case("seawall", || let_in(&black_box(&ours).try_acquire()));
    let governor = peers::governor_open(MonotonicClock);
    counted.case("governor", || let_in(&black_box(&governor).check()));

    counted.group("limiter/try_acquire, tsc", 2.1);
    let ours = settings::open(Clock::tsc());
    counted.case("seawall", || let_in(&black_box(&ours).try_acquire()));
    let governor = peers::governor_open(QuantaClock::default());
    counted.case("governor", || let_in(&black_box(&governor).check()));

    counted.group("limiter/try_acquire, clock that stands", 2.9);
    let ours = settings::open(settings::still());
    counted.case("seawall", || let_in(&black_box(&ours).try_acquire()));
    let governor = peers::governor_open(FakeRelativeClock::default());
    counted.case("governor", || let_in(&black_box(&governor).check()));

    counted.group("limiter/try_acquire_n, clock that stands", 2.0);
    counted.case("seawall", || let_in(&black_box(&ours).try_acquire_n(black_box(WEIGHT))));
    let weight = peers::non_zero(WEIGHT);
    counted.case("governor", || {
        let_in(&black_box(&governor).check_n(black_box(weight)).expect("a burst has as many"));
    });

    counted.group("limiter/acquire, polled once, system's clock", 1.0);
    let ours = settings::open(Clock::system());
    counted.case("seawall", || let_in(&poll::ready(pin!(black_box(&ours).acquire()))));
    let governor = peers::governor_open(MonotonicClock);
    counted.case("governor", || poll::ready(pin!(black_box(&governor).until_ready())));
}

fn denied(counted: &mut Instructions) {
    counted.group("limiter/denied with its wait, system's clock", 0.65);
    let ours = settings::spent(Clock::system());
    counted.case("seawall", || refused(&black_box(&ours).try_acquire()));
    let governor = peers::governor_spent(MonotonicClock);
    counted.case("governor", || {
        black_box(wait(black_box(&governor)));
    });

    counted.group("limiter/denied with its wait, clock that stands", f64::INFINITY);
    let ours = settings::spent(settings::still());
    counted.case("seawall", || refused(&black_box(&ours).try_acquire()));
    let governor = peers::governor_spent(FakeRelativeClock::default());
    counted.case("governor", || {
        black_box(wait(black_box(&governor)));
    });
}

fn keyed(counted: &mut Instructions) {
    const KEYS: usize = 1_000;
    let numbers: Vec<u64> = (0..KEYS as u64).collect();
    let strings: Vec<String> = numbers.iter().map(|key| format!("tenant-{key}")).collect();

    counted.group("limiter/keyed, 1000 u64", 0.8);
    let ours = settings::keyed::<u64>(KEYS, settings::still());
    of_each(counted, "seawall", &numbers, |key| let_in(&black_box(&ours).try_acquire(key)));
    let governor = peers::governor_keyed(KEYS, FakeRelativeClock::default());
    of_each(counted, "governor", &numbers, |key| let_in(&black_box(&governor).check_key(key)));

    counted.group("limiter/keyed, 1000 strings", 0.8);
    let ours = settings::keyed::<str>(KEYS, settings::still());
    of_each(counted, "seawall", &strings, |key| let_in(&black_box(&ours).try_acquire(key)));
    let governor = peers::governor_keyed(KEYS, FakeRelativeClock::default());
    of_each(counted, "governor", &strings, |key| let_in(&black_box(&governor).check_key(key)));
}

fn of_each<K>(counted: &mut Instructions, name: &str, keys: &[K], op: impl Fn(&K)) {
    every_key(keys, &op);
    let mut each = keys.iter().cycle();
    counted.case(name, || op(each.next().expect("it begins anew")));
}

/// The peers read the system's clock, which is not counted as it is: ours stand alone.
fn layer(counted: &mut Instructions) {
    counted.group("limiter/layer", f64::INFINITY);
    counted.case("floor: bare service", || call(black_box(&mut Ready)));
    let ours = RateLimiterLayer::new(settings::open(settings::still()));
    let mut service = ours.layer(Ready);
    counted.case("seawall, refusing", || call(black_box(&mut service)));
    let mut service = ours.clone().flatten().layer(Ready);
    counted.case("seawall, refusing, flattened", || call(black_box(&mut service)));
    let mut service = ours.max_wait(WAIT).layer(Ready);
    counted.case("seawall, waiting", || call(black_box(&mut service)));
    let keyed = settings::keyed::<u64>(1, settings::still());
    let mut service = RateLimiterLayer::keyed(keyed, |(): &()| 1_u64).layer(Ready);
    counted.case("seawall, keyed", || call(black_box(&mut service)));

    counted.group("limiter/denied, layer", f64::INFINITY);
    let mut service = RateLimiterLayer::new(settings::spent(settings::still())).layer(Ready);
    counted.case("seawall, refusing", || refused_call(black_box(&mut service)));
}
