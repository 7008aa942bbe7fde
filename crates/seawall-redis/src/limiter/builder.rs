//! The builder: every setting by name, checked when it is built.

use std::{fmt, sync::Arc, time::Duration};

use seawall_core::{Clock, ConfigError, Listeners, Name, keyed::KeyedConfig};
use seawall_rate_limiter::{Policy as Counting, Quota, RateLimiters};

use super::{
    Outage, RateLimiter,
    away::Policy,
    batch::Terms,
    event::Event,
    held::Held,
    shared::{Settings, Shared},
};
use crate::{Connection, KeySpace};

/// Builds a [`RateLimiter`]: made by [`RateLimiter::builder`].
///
/// | setting | default | why, and what it was tuned for |
/// |---|---|---|
/// | `quota` | none: one at least must be set | only you know what may come |
/// | `prefix` | `seawall:limit:` and the limiter's name | two limiters don't meet by accident |
/// | `prebook` | 1, which is nothing ahead | exact where not asked otherwise |
/// | `lease` | 1 s | a hot key uses its batch up in far less |
/// | `max_wait` | none: as long as the call's deadline, and an hour at most | as in one process |
/// | `on_outage` | each node by itself keeps the whole quota | nobody is refused who would be let in; no node goes without a limit |
/// | `max_keys` | 10 000 | what a node holds of keys: some 200 bytes each |
#[derive(Clone)]
#[must_use = "a builder builds nothing until `build`"]
pub struct RateLimiterBuilder {
    name: Name,
    connection: Connection,
    quotas: Vec<Quota>,
    prefix: Option<KeySpace>,
    terms: Terms,
    max_wait: Option<Duration>,
    outage: Option<Outage>,
    keyed: KeyedConfig,
    clock: Clock,
    listeners: Listeners<Event>,
}

impl RateLimiterBuilder {
    pub(super) fn new(name: Name, connection: Connection) -> Self {
        Self {
            name,
            connection,
            quotas: Vec::new(),
            prefix: None,
            terms: Terms { most: 1, lease: Duration::from_secs(1) },
            max_wait: None,
            outage: None,
            keyed: KeyedConfig::default(),
            clock: Clock::default(),
            listeners: Listeners::new(),
        }
    }

    /// One more quota of each key: a call is let in if all of them allow it, and else takes from none.
    /// Up to 4, counted by GCRA.
    pub fn quota(mut self, quota: Quota) -> Self {
        self.quotas.push(quota);
        self
    }

    /// Several quotas more.
    pub fn quotas(mut self, quotas: impl IntoIterator<Item = Quota>) -> Self {
        self.quotas.extend(quotas);
        self
    }

    /// What the names of the keys in Redis begin with: see [`KeySpace`].
    pub fn prefix(mut self, prefix: impl AsRef<[u8]>) -> Self {
        self.prefix = Some(KeySpace::new(prefix));
        self
    }

    /// Takes up to so many cells of a hot key ahead, from 1 to 1000: its calls cost a round trip a batch.
    ///
    /// What it costs in exactness is on the limiter's page.
    pub const fn prebook(mut self, cells: u32) -> Self {
        self.terms.most = cells;
        self
    }

    /// How long cells that were taken ahead can be used, from 10 ms to a minute. Then they are void.
    pub const fn lease(mut self, time: Duration) -> Self {
        self.terms.lease = time;
        self
    }

    /// How long [`acquire`](RateLimiter::acquire) may wait.
    pub fn max_wait(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.max_wait = time.into();
        self
    }

    /// Who decides while Redis can't be asked.
    pub const fn on_outage(mut self, outage: Outage) -> Self {
        self.outage = Some(outage);
        self
    }

    /// Of how many keys something is held here, and as many again by an [`Outage::Local`]: from 1 to 16
    /// million.
    pub const fn max_keys(mut self, keys: usize) -> Self {
        self.keyed.max_keys = keys;
        self
    }

    /// Where leases, and the local quotas of an outage, take the time from; [`Clock::default`] where not
    /// set. Decisions take it from the server.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Calls `listener` at each turn of the limiter, by the call that makes it, outside any lock.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listeners.add(listener);
        self
    }

    /// Builds the limiter, and asks nobody.
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed.
    pub fn build(self) -> Result<RateLimiter, ConfigError> {
        check_quotas(&self.quotas)?;
        if !(1..=1_000).contains(&self.terms.most) {
            return Err(ConfigError::new("prebook", self.terms.most, "from 1 to 1000"));
        }
        let leases = Duration::from_millis(10)..=Duration::from_secs(60);
        if !leases.contains(&self.terms.lease) {
            let value = format!("{:?}", self.terms.lease);
            return Err(ConfigError::new("lease", value, "from 10 ms to a minute"));
        }
        if self.max_wait.is_some_and(|wait| wait.is_zero()) {
            let rule = "longer (for no wait, `try_acquire`)";
            return Err(ConfigError::new("max_wait", "0ns", rule));
        }
        let held = self.keyed.build(Held::is_at_rest)?;
        let outage = match &self.outage {
            Some(Outage::Open) => Policy::Open,
            Some(Outage::Closed) => Policy::Closed,
            Some(Outage::Local(quota)) => Policy::Local(self.local(&[*quota])?),
            None => Policy::Local(self.local(&self.quotas)?),
        };
        let space =
            self.prefix.unwrap_or_else(|| KeySpace::new(format!("seawall:limit:{}", self.name)));
        let settings = Settings {
            name: self.name,
            connection: self.connection,
            space,
            terms: self.terms,
            max_wait: self.max_wait,
            outage,
            clock: self.clock,
            listeners: self.listeners,
        };
        Ok(RateLimiter { shared: Arc::new(Shared::new(settings, self.quotas, held)) })
    }

    fn local(&self, quotas: &[Quota]) -> Result<RateLimiters<[u8]>, ConfigError> {
        RateLimiters::builder(self.name.clone())
            .quotas(quotas.iter().copied())
            .max_wait(self.max_wait)
            .max_keys(self.keyed.max_keys)
            .clock(self.clock.clone())
            .build()
            .map_err(|error| error.of("on_outage"))
    }
}

/// Whether the script can keep them.
pub(super) fn check_quotas(quotas: &[Quota]) -> Result<(), ConfigError> {
    let mut config = seawall_rate_limiter::Config::default();
    config.quotas = quotas.to_vec();
    config.check()?;
    match quotas.iter().find(|quota| quota.rule() != Counting::Gcra) {
        None => Ok(()),
        Some(other) => Err(ConfigError::new("quota", other, "counted by `gcra` on Redis")),
    }
}

impl fmt::Debug for RateLimiterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiterBuilder")
            .field("name", &self.name)
            .field("quotas", &self.quotas)
            .finish_non_exhaustive()
    }
}
