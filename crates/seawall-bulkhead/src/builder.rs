//! The builder: every setting by name, checked when it is built.

use std::{sync::Arc, time::Duration};

use seawall_core::{Clock, ConfigError, Name, Ratio};

use crate::{
    Adaptive, Bulkhead, Codel, Config, Event, Order, Partition, Shedding, shared::Settings,
};

/// Builds a [`Bulkhead`]: made by [`Bulkhead::builder`].
///
/// What is not set is as [`Config`] says. What cannot be is told by [`build`](Self::build).
///
/// # Examples
///
/// How do I let the limit find itself?
///
/// ```
/// # use seawall_bulkhead::{Adaptive, Bulkhead};
/// let search = Bulkhead::builder("search").adaptive(Adaptive::gradient2().max(500)).build()?;
/// # Ok::<(), seawall_bulkhead::ConfigError>(())
/// ```
///
/// How do I keep a long queue from making everybody late?
///
/// ```
/// # use seawall_bulkhead::{Bulkhead, Codel, Order};
/// let edge = Bulkhead::builder("edge")
///     .limit(100)
///     .queue(1_000)
///     .order(Order::AdaptiveLifo)
///     .codel(Codel::default())
///     .build()?;
/// # Ok::<(), seawall_bulkhead::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder builds nothing until `build`"]
pub struct BulkheadBuilder {
    name: Name,
    config: Config,
    settings: Settings,
    /// The first setting that cannot be, for `build` to tell.
    refused: Option<ConfigError>,
}

impl BulkheadBuilder {
    pub(crate) fn new(name: Name) -> Self {
        Self { name, config: Config::default(), settings: Settings::default(), refused: None }
    }

    /// How much may be in flight; 25 where not set.
    pub const fn limit(mut self, limit: u32) -> Self {
        self.config.limit = Some(limit);
        self
    }

    /// Finds the limit by the latency of the calls, instead of a fixed [`limit`](Self::limit).
    pub fn adaptive(mut self, adaptive: Adaptive) -> Self {
        self.config.adaptive = Some(adaptive);
        self
    }

    /// How many calls may wait for a place; none where not set.
    pub const fn queue(mut self, calls: u32) -> Self {
        self.config.queue = calls;
        self
    }

    /// How long a call may wait for a place; a second where not set, and with `None` until its
    /// deadline. No wait passes the call's [deadline](seawall_core::deadline).
    pub fn max_wait(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.config.max_wait = time.into();
        self
    }

    /// Who of those that wait is next; the one who came first where not set.
    pub const fn order(mut self, order: Order) -> Self {
        self.config.order = order;
        self
    }

    /// Lets go who has waited too long in a queue that never empties.
    pub const fn codel(mut self, codel: Codel) -> Self {
        self.config.codel = Some(codel);
        self
    }

    /// Keeps a share (0 to 1) of the limit for the calls that name this partition, and lends it while
    /// they don't need it. All shares sum up to at most 1.
    ///
    /// What was lent comes back as calls end: of those that wait, a call for a place of its own share
    /// is served first; and for a second after such a call was turned away, nobody borrows what the
    /// share lacks.
    pub fn partition(mut self, name: impl Into<Name>, share: f64) -> Self {
        match Ratio::new(share) {
            Ok(share) => self.config.partitions.push(Partition { name: name.into(), share }),
            Err(error) => drop(self.refused.get_or_insert_with(|| error.of("partition"))),
        }
        self
    }

    /// Turns away the least important calls first, and serves the more important ones of those that
    /// wait first.
    pub const fn shed(mut self, shedding: Shedding) -> Self {
        self.config.shedding = Some(shedding);
        self
    }

    /// All settings at once; what was set before is gone.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self.refused = None;
        self
    }

    /// Where the time comes from; [`Clock::default`] where not set.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.settings.clock = clock;
        self
    }

    /// Draws the same chances in each run.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = Some(seed);
        self
    }

    /// Calls `listener` at each turn of the bulkhead, by the thread that makes it, outside any lock.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.settings.listeners.add(listener);
        self
    }

    /// Builds the bulkhead, empty.
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed.
    pub fn build(self) -> Result<Bulkhead, ConfigError> {
        let (name, config, settings) = self.checked()?;
        Ok(Bulkhead::new(Arc::new(settings), name, config))
    }

    pub(crate) fn checked(self) -> Result<(Name, Config, Settings), ConfigError> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        self.config.check()?;
        Ok((self.name, self.config, self.settings))
    }
}
