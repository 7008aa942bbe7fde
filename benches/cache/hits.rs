//! What it costs to find an entry, of many keys in turn and of one that all ask for.

use std::hint::black_box;

use criterion::Criterion;
use seawall_benches::group::{Group, Threads};

use crate::peers::{Foyer, Moka, Ours, Quick, Store};

/// More than fit into the nearest cache, fewer than into the last.
pub(crate) const KEYS: u64 = 20_000;

/// Twice as many, so that all are in.
pub(crate) const CAPACITY: usize = 40_000;

pub(crate) fn all(criterion: &mut Criterion) {
    for threads in Threads::all() {
        let mut group = Group::new(criterion, "cache/hit, 20 000 keys", threads);
        case(&mut group, Ours::NAME, of_many::<Ours>);
        case(&mut group, Quick::NAME, of_many::<Quick>);
        case(&mut group, Moka::NAME, of_many::<Moka>);
        case(&mut group, Foyer::NAME, of_many::<Foyer>);
    }
    for threads in Threads::all() {
        let mut group = Group::new(criterion, "cache/hit, one key", threads);
        case(&mut group, Ours::NAME, of_one::<Ours>);
        case(&mut group, Quick::NAME, of_one::<Quick>);
        case(&mut group, Moka::NAME, of_one::<Moka>);
        case(&mut group, Foyer::NAME, of_one::<Foyer>);
    }
}

fn case<S: Store + 'static, Op: FnMut()>(
    group: &mut Group<'_>,
    name: &str,
    op: impl Fn(&'static S) -> Op + Sync,
) {
    let store: &'static S = Box::leak(Box::new(S::filled(CAPACITY, KEYS)));
    group.case_each(name, || op(store));
}

/// A call that finds another key each time.
pub(crate) fn of_many<S: Store>(store: &S) -> impl FnMut() {
    let mut key = 0;
    move || {
        key = (key + 7_919) % KEYS; // a prime: all in turn, neighbours far apart
        black_box(store.find(black_box(key)));
    }
}

/// A call that finds the same key each time.
pub(crate) fn of_one<S: Store>(store: &S) -> impl FnMut() {
    || {
        black_box(store.find(black_box(7)));
    }
}
