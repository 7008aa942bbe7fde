//! What it costs to put an entry in, where each is new and another has to go.

use std::hint::black_box;

use criterion::Criterion;
use seawall_benches::group::{Group, Threads};

use crate::{
    hits::KEYS,
    peers::{Foyer, Moka, Ours, Quick, Store},
};

pub(crate) fn all(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "cache/insert, full", Threads::One);
    case::<Ours>(&mut group);
    case::<Quick>(&mut group);
    case::<Moka>(&mut group);
    case::<Foyer>(&mut group);
}

fn case<S: Store>(group: &mut Group<'_>) {
    let store = S::filled(KEYS as usize, 2 * KEYS);
    group.case_each(S::NAME, || of_new(&store));
}

/// A call that puts a new key in each time.
pub(crate) fn of_new<S: Store>(store: &S) -> impl FnMut() {
    let mut key = 2 * KEYS;
    move || {
        key += 1;
        store.put(black_box(key), key);
    }
}
