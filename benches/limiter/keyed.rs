//! A quota for each key: one key, a thousand, a million.
//!
//! The keys lie in memory in the order in which they are asked, so that to read them costs little; in the
//! tables they lie in no order. A million of them do not fit into the caches of a core: what is timed
//! there is mostly memory. The floor has a line of memory for each key, 64 bytes, and goes to it at once.

use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use criterion::Criterion;
use governor::clock::{Clock as GovernorClock, FakeRelativeClock, MonotonicClock, QuantaClock};
use seawall_benches::{
    floor,
    group::{Group, Threads},
};
use seawall_rate_limiter::Clock;

use crate::{direct::let_in, peers, settings};

const COUNTS: [usize; 3] = [1, 1_000, 1_000_000];

pub(crate) fn all(criterion: &mut Criterion) {
    for threads in Threads::all() {
        for count in COUNTS {
            let name = format!("limiter/keyed, {count} u64, system's clock");
            let mut group = Group::new(criterion, &name, threads);
            numbers(&mut group, count, Clock::system(), MonotonicClock);
        }
        for count in COUNTS {
            let name = format!("limiter/keyed, {count} u64, clock that stands");
            let mut group = Group::new(criterion, &name, threads);
            numbers(&mut group, count, settings::still(), FakeRelativeClock::default());
        }
        let mut group = Group::new(criterion, "limiter/keyed, 1000 u64, tsc", threads);
        numbers(&mut group, 1_000, Clock::tsc(), QuantaClock::default());
        drop(group);
        for count in [1_000, 1_000_000] {
            let name = format!("limiter/keyed, {count} strings, system's clock");
            let mut group = Group::new(criterion, &name, threads);
            strings(&mut group, count);
        }
    }
}

fn numbers(
    group: &mut Group<'_>,
    count: usize,
    clock: Clock,
    governors: impl GovernorClock<Instant: Sync> + Sync,
) {
    let keys: Vec<u64> = (0..count as u64).collect();
    let lines: Vec<Line> = keys.iter().map(|_| Line::default()).collect();
    of_each(group, "floor: clock and a line", &keys, |&key| {
        black_box(black_box(&clock).now());
        // Sent to anywhere by a multiplication: the golden ratio's share of 2⁶⁴.
        let at = u128::from(key.wrapping_mul(0x9E37_79B9_7F4A_7C15)) * lines.len() as u128;
        floor::fetch_add(&lines[(at >> u64::BITS) as usize].0);
    });
    drop(lines);
    let ours = settings::keyed::<u64>(count, clock);
    of_each(group, "seawall", &keys, |key| let_in(&black_box(&ours).try_acquire(key)));
    let governor = peers::governor_keyed(count, governors);
    of_each(group, "governor", &keys, |key| let_in(&black_box(&governor).check_key(key)));
}

/// Ours is asked with a `&str`; governor's wants a `&String` in the form that it has by default.
fn strings(group: &mut Group<'_>, count: usize) {
    let keys: Vec<String> = (0..count).map(|key| format!("tenant-{key}")).collect();
    let ours = settings::keyed::<str>(count, Clock::system());
    of_each(group, "seawall", &keys, |key| let_in(&black_box(&ours).try_acquire(key)));
    let governor = peers::governor_keyed(count, MonotonicClock);
    of_each(group, "governor", &keys, |key| let_in(&black_box(&governor).check_key(key)));
}

/// What a processor fetches at once.
#[derive(Default)]
#[repr(align(64))]
struct Line(AtomicU64);

/// Times `op` of one key after the other, all of which were there before.
fn of_each<K: Sync>(group: &mut Group<'_>, name: &str, keys: &[K], op: impl Fn(&K) + Sync) {
    every_key(keys, &op);
    let threads = AtomicUsize::new(0);
    group.case_each(name, || {
        // Each thread is elsewhere.
        let mut at = threads.fetch_add(1, Relaxed) % 2 * (keys.len() / 2);
        let op = &op;
        move || {
            op(&keys[at]);
            at = if at + 1 < keys.len() { at + 1 } else { 0 };
        }
    });
}

/// Asks for all of the keys, in another order than they are asked for later: who keeps them does not keep
/// them in that one. Four times, so that they owe something for a while.
pub(crate) fn every_key<K>(keys: &[K], op: impl Fn(&K)) {
    const STRIDE: usize = 7_919; // a prime that divides no number of keys
    for at in 0..4 * keys.len() {
        op(&keys[at * STRIDE % keys.len()]);
    }
}
