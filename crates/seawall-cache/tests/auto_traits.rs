//! What can be sent, shared and unpinned: part of the interface, though no signature says so.

#![cfg(not(seawall_loom))]

use std::{cell::Cell, future::Ready, io};

use seawall_cache::{
    Detached, LoadError, LoadTask, Panicked, Run, RunMany, SingleFlight, SingleFlightBuilder,
};

const fn all<T: Send + Sync + Unpin>() {}
const fn sends<T: Send>() {}

type Load = Ready<Result<Vec<u8>, io::Error>>;

/// A value that can be sent, and not shared: a flight asks for no more.
type Value = Cell<u8>;

const _: () = {
    all::<LoadError<io::Error>>();
    all::<Panicked>();
    all::<SingleFlight<String, Value, io::Error>>();
    all::<SingleFlightBuilder<String, Value, io::Error>>();
    sends::<Run<String, Vec<u8>, io::Error, fn() -> Load, Load>>();
    sends::<RunMany<String, Vec<u8>, io::Error, fn(Vec<String>) -> Load, Load>>();
    sends::<LoadTask<String, Vec<u8>, io::Error, fn() -> Load, Load>>();
    sends::<Detached<String, Vec<u8>, io::Error, fn() -> Load, Load, fn()>>();
};

#[cfg(feature = "tower")]
const _: () = {
    use seawall_cache::{CoalesceFuture, CoalesceLayer, CoalesceService};
    use seawall_test::{Failure, contract::Inner};

    type Key = fn(&u64) -> Option<u64>;
    all::<CoalesceLayer<u64, u64, Failure, Key>>();
    sends::<CoalesceService<Inner, u64, u64, Failure, Key>>();
    sends::<CoalesceFuture<Inner, u64, u64>>();
};
