//! The builder: every setting by name, checked when it is built.

use std::time::Duration;

use seawall_core::{Clock, ConfigError, Listeners, Name, Outcome, Ratio, lanes};

use super::{Balance, Config, Ejection, Event, shared::Shared};

/// The most that a peer can weigh.
const MOST_WEIGHT: u32 = 65_535;

/// Builds a [`Balance`]: made by [`Balance::builder`].
///
/// What is not set is as [`Config`] says. What cannot be is told by [`build`](Self::build).
///
/// # Examples
///
/// How do I give a canary about one call in a hundred? (Exactly one, a [`Split`](crate::Split) does.)
///
/// ```
/// # use seawall_shard::Balance;
/// let balance = Balance::builder("search")
///     .weighted_peer("stable", 99, "10.0.0.1")
///     .weighted_peer("canary", 1, "10.0.0.2")
///     .build()?;
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder builds nothing until `build`"]
pub struct BalanceBuilder<T> {
    name: Name,
    config: Config,
    clock: Clock,
    listeners: Listeners<Event>,
    peers: Vec<(Name, u32, T)>,
    /// The first setting that cannot be, for `build` to tell.
    refused: Option<ConfigError>,
}

impl<T> BalanceBuilder<T> {
    pub(crate) fn new(name: Name) -> Self {
        Self {
            name,
            config: Config::default(),
            clock: Clock::default(),
            listeners: Listeners::new(),
            peers: Vec::new(),
            refused: None,
        }
    }

    /// One more peer, with what its lease is to be read as: an address, a client, a service.
    pub fn peer(self, name: impl Into<Name>, value: T) -> Self {
        self.weighted_peer(name, 1, value)
    }

    /// One more peer, with a share of the calls relative to the others': from 1 to 65 535.
    pub fn weighted_peer(mut self, name: impl Into<Name>, weight: u32, value: T) -> Self {
        self.peers.push((name.into(), weight, value));
        self
    }

    /// In how long all but a share of 1/e of an estimate is forgotten.
    pub const fn decay(mut self, tau: Duration) -> Self {
        self.config.decay = tau;
        self
    }

    /// What a call that fails is taken to have needed at least: no less than its time-out.
    pub const fn penalty(mut self, penalty: Duration) -> Self {
        self.config.penalty = penalty;
        self
    }

    /// What a call that is dropped counts as for the ejection.
    pub const fn on_cancel(mut self, outcome: Outcome) -> Self {
        self.config.on_cancel = outcome;
        self
    }

    /// What a call that panics counts as for the ejection.
    pub const fn on_panic(mut self, outcome: Outcome) -> Self {
        self.config.on_panic = outcome;
        self
    }

    /// Where more than this share (0 to 1) of the peers are out, all are taken; 1 turns it off.
    pub fn panic_above(mut self, share: f64) -> Self {
        match Ratio::new(share) {
            Ok(share) => self.config.panic_above = share,
            Err(error) => _ = self.refused.get_or_insert_with(|| error.of("panic_above")),
        }
        self
    }

    /// How long it takes until a peer that comes back, or joins, is given all of its weight.
    pub const fn slow_start(mut self, time: Duration) -> Self {
        self.config.slow_start = time;
        self
    }

    /// When a peer is put out for a time; `None` never.
    pub fn ejection(mut self, rules: impl Into<Option<Ejection>>) -> Self {
        self.config.ejection = rules.into();
        self
    }

    /// Draws the same peers in each run, by one thread.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.config.seed = Some(seed);
        self
    }

    /// All settings at once; what was set before is gone, but for the peers.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self.refused = None;
        self
    }

    /// Where the time comes from; [`Clock::default`] where not set.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Calls `listener` at each turn of a peer, by the thread that makes it, outside any lock.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listeners.add(listener);
        self
    }

    /// Builds the balance, with the peers that were given, all in.
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed; two peers of one name cannot.
    pub fn build(self) -> Result<Balance<T>, ConfigError> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        self.config.check()?;
        let mut names = std::collections::HashSet::new();
        for (name, weight, _) in &self.peers {
            check_weight(name, *weight)?;
            if !names.insert(name.as_str()) {
                return Err(ConfigError::new("peer.name", name, "another name for each peer"));
            }
        }
        // One line of chance where it is to repeat itself, whichever thread asks.
        let lanes = if self.config.seed.is_some() { 1 } else { lanes() };
        let Self { name, clock, config, listeners, peers, .. } = self;
        Ok(Balance::new(Shared::new(name, clock, config, listeners, lanes, peers)))
    }
}

pub(crate) fn check_weight(name: &str, weight: u32) -> Result<(), ConfigError> {
    if !(1..=MOST_WEIGHT).contains(&weight) {
        let value = format_args!("{weight} for `{name}`");
        return Err(ConfigError::new("peer.weight", value, "from 1 to 65535"));
    }
    Ok(())
}
