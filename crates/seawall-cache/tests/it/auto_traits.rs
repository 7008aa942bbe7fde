//! What can be sent, shared and unpinned: part of the interface, though no signature says so.

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

const _: () = {
    use seawall_cache::{Background, Cache, CacheBuilder, Entry, Event, Loaded, Room};

    /// A cache asks for no `Debug`, `Eq` or `Hash` of a value.
    #[derive(Clone)]
    struct Shown;

    all::<Cache<String, Shown, io::Error>>();
    all::<CacheBuilder<String, Shown, io::Error>>();
    all::<Entry<Shown>>();
    all::<Loaded<Shown>>();
    #[cfg(feature = "quick-cache")]
    all::<seawall_cache::QuickStore<String, Shown>>();
    all::<Event>();
    all::<Room>();
    sends::<Background>();

    /// What a cache's futures borrow is all that they need to be sent.
    #[allow(dead_code, reason = "compiled, never called")]
    fn futures_are_sent(cache: &Cache<String, Shown, io::Error>) {
        fn sent(_: impl Send) {}
        sent(cache.get_or_load("key", || std::future::ready(Ok(Shown))));
        let many = |_: Vec<String>| std::future::ready(Ok(Vec::<(String, Shown)>::new()));
        sent(cache.get_or_load_many(["key".to_owned()], many));
        let write = || std::future::ready(Ok::<_, ()>(()));
        sent(cache.write_through("key".to_owned(), Shown, write));
    }
};

const _: () = {
    use seawall_cache::{
        Batcher, BatcherBuilder, Behind, BehindBuilder, Failed, Write, Writer,
        timeline::{Memory, Page, Timeline},
    };

    all::<Batcher<String, Vec<u8>, io::Error>>();
    all::<BatcherBuilder>();
    all::<Behind<String, Vec<u8>>>();
    all::<BehindBuilder>();
    all::<Writer<String, Vec<u8>>>();
    all::<Write<String, Vec<u8>>>();
    all::<Failed<String, Vec<u8>, io::Error>>();
    all::<Timeline<String, u64, Memory<String, u64>>>();
    all::<Page<u64>>();

    /// What runs in tasks of their own.
    #[allow(dead_code, reason = "compiled, never called")]
    fn futures_are_sent(batches: &Batcher<u32, u32, io::Error>, writer: &mut Writer<u32, u32>) {
        fn sent(_: impl Send) {}
        sent(batches.load(7));
        let write = |_| std::future::ready(Ok::<_, io::Error>(()));
        sent(writer.run(write, |_| std::future::ready(false)));
    }
};

#[cfg(feature = "tower")]
const _: () = {
    use seawall_cache::{CacheFuture, CacheLayer, CacheService, DefaultStore};
    use seawall_test::{Failure, contract::Inner};

    type Key = fn(&u64) -> Option<u64>;
    all::<CacheLayer<u64, u64, Failure, Key>>();
    sends::<CacheService<Inner, u64, u64, Failure, Key, DefaultStore<u64, u64>>>();
    sends::<CacheFuture<Inner, u64>>();
};
