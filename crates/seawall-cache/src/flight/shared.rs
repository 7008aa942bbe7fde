//! What the clones of a single flight share.

use seawall_core::{Bound, Error, Name, Observe, Reason, Rejection, Snapshot, sync::Stat};

use super::{Flights, LoadError, Loads, Place};

/// What every caller gets.
pub(crate) type Answer<V, E> = Result<V, Error<LoadError<E>>>;

pub(crate) struct Shared<K, V, E> {
    pub(crate) flights: Flights<K, Answer<V, E>>,
    pub(super) cap: Loads,
    /// Loads begun.
    pub(super) loads: Stat,
    pub(super) failed: Stat,
    refused: Stat,
    pub(super) config: Config,
    pub(super) name: Name,
}

/// What a single flight is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Config {
    pub(super) max_loads: Option<usize>,
    pub(super) queue: usize,
    pub(super) cancel_deserted: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_loads: None, queue: 1_024, cancel_deserted: false }
    }
}

impl<K, V, E> Shared<K, V, E> {
    pub(super) fn new(name: Name, config: Config) -> Self {
        Self {
            flights: Flights::new(),
            cap: Loads::new(config.max_loads, config.queue),
            loads: Stat::default(),
            failed: Stat::default(),
            refused: Stat::default(),
            config,
            name,
        }
    }

    /// A slot to load, or a place in the line for one.
    pub(crate) fn enter(&self) -> Result<Place, Rejection> {
        self.cap.enter().map_err(|bound| self.refuse(bound))
    }

    #[cold]
    fn refuse(&self, bound: Bound) -> Rejection {
        self.refused.add(1);
        Rejection::new(Reason::Overloaded, self.name.clone()).with_bound(bound)
    }

    /// What came of a load, for all who wait for it.
    pub(super) fn answer<T>(&self, loaded: Result<T, E>) -> Answer<T, E> {
        loaded.map_err(|error| {
            self.failed.add(1);
            Error::Inner(LoadError::failed(error))
        })
    }
}

impl<K, V, E> Shared<K, V, E> {
    pub(super) fn snapshot(&self) -> Snapshot {
        let counts = self.flights.counts();
        let in_flight = self.flights.in_flight();
        let standing = self.cap.standing();
        let state = match (in_flight, standing) {
            (0, _) => "idle",
            (_, Some((_, 1..))) => "full",
            _ => "flying",
        };
        let mut snapshot = Snapshot::new("single_flight", self.name.as_str(), state)
            .gauge("in_flight", in_flight as f64)
            .gauge("following", self.flights.following() as f64)
            .counter("loads", self.loads.get())
            .counter("joins", counts.joined.get())
            .counter("handed_over", counts.handed_over.get())
            .counter("failed", self.failed.get())
            .counter("panicked", counts.panicked.get())
            .counter("poisoned", counts.poisoned.get())
            .counter("rejected", self.refused.get());
        if let (Some((loading, queueing)), Some(max)) = (standing, self.config.max_loads) {
            snapshot = snapshot
                .gauge("loading", loading as f64)
                .gauge("queueing", queueing as f64)
                .limit("max_loads", max as f64)
                .limit("queue", self.config.queue as f64);
        }
        snapshot
    }
}

impl<K: Send + Sync, V: Send, E: Send + Sync> Observe for Shared<K, V, E> {
    fn snapshot(&self) -> Snapshot {
        self.snapshot()
    }
}
