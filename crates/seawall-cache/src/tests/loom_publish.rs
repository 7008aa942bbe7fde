//! The flight table and the store together: what is invalidated while it is loaded does not come back.
//!
//! Seen to fail with the broken variant that it names.

use std::sync::Arc;

use seawall_core::{
    model::{model, race},
    sync::atomic::{
        AtomicUsize,
        Ordering::{Acquire, Release},
    },
};

use crate::{
    SetStore, Store as _,
    flight::{Entry, Flights},
};

const KEY: u8 = 7;
const OLD: u8 = 0;
const NEW: u8 = 1;

/// A load reads the source; meanwhile a writer changes the source, and then the key is invalidated.
/// Caught when broken: with a load that settles its flight and then inserts, instead of publishing, the old
/// value is in the store for ever.
#[test]
fn what_was_read_before_an_invalidation_is_not_in_the_store_after_it() {
    model(|| {
        let shared = Arc::new(Shared {
            flights: Flights::with_shards(1),
            store: SetStore::new(1, 1),
            source: AtomicUsize::new(OLD.into()),
        });
        race(
            &shared,
            |Shared { flights, store, source }| {
                let Entry::Leads(leader) = flights.join_or_lead(&KEY) else {
                    unreachable!("nobody else loads")
                };
                let read = source.load(Acquire) as u8; // pairs with the writer's store
                leader.publish(read, |key, value| store.insert(*key, *value, 1));
            },
            |Shared { flights, store, source }| {
                source.store(NEW.into(), Release);
                flights.poison(&KEY, || store.remove(&KEY));
            },
        );
        let kept = shared.store.with(&KEY, |value| *value);
        assert!(kept.is_none_or(|value| value == NEW), "an old value has come back");
    });
}

struct Shared {
    flights: Flights<u8, u8>,
    store: SetStore<u8, u8>,
    source: AtomicUsize,
}
