//! The builder of many quotas.

use std::{fmt, hash::Hash, sync::Arc, time::Duration};

use foldhash::quality::RandomState;
use seawall_core::{Clock, ConfigError, keyed::KeyedConfig, sync::Mutex};

use super::{
    QuotaFor, RateLimiters, Shared, Store, Table, WhenFull,
    counted::{Counted, is_one_gcra},
};
use crate::{Config, Event, Quota, RateLimiter, RateLimiterBuilder, Turn, shared::tell};

/// Builds [`RateLimiters`]: made by [`RateLimiters::builder`], or by [`RateLimiterBuilder::keyed`].
#[must_use = "a builder builds nothing until `build`"]
pub struct RateLimitersBuilder<K: ?Sized> {
    each: RateLimiterBuilder,
    quota_for: Option<QuotaFor<K>>,
    max_keys: usize,
    when_full: WhenFull,
}

impl RateLimiterBuilder {
    /// Goes on to build such quotas for each key.
    pub fn keyed<K: ?Sized>(self) -> RateLimitersBuilder<K> {
        RateLimitersBuilder::new(self)
    }
}

impl<K: ?Sized> RateLimitersBuilder<K> {
    pub(super) fn new(each: RateLimiterBuilder) -> Self {
        Self { each, quota_for: None, max_keys: 10_000, when_full: WhenFull::default() }
    }

    /// One more quota for each key: see [`RateLimiterBuilder::quota`].
    pub fn quota(mut self, quota: Quota) -> Self {
        self.each = self.each.quota(quota);
        self
    }

    /// Several quotas more for each key.
    pub fn quotas(mut self, quotas: impl IntoIterator<Item = Quota>) -> Self {
        self.each = self.each.quotas(quotas);
        self
    }

    /// A quota for some keys, in place of what the others have; asked with each call, so be quick.
    ///
    /// Where the others have one quota by [`Policy::Gcra`](crate::Policy::Gcra), this one is counted by
    /// that too. It must not ask the limiters in turn.
    pub fn quota_for(
        mut self,
        quota: impl Fn(&K) -> Option<Quota> + Send + Sync + 'static,
    ) -> Self {
        self.quota_for = Some(Box::new(quota));
        self
    }

    /// How long a call may wait: see [`RateLimiterBuilder::max_wait`].
    pub fn max_wait(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.each = self.each.max_wait(time);
        self
    }

    /// How many keys may owe something at once: from 1 to 16 million; 10 000 where not set. A key that
    /// owes nothing counts for none. All memory is taken when it is built: some 46 bytes a key.
    pub const fn max_keys(mut self, keys: usize) -> Self {
        self.max_keys = keys;
        self
    }

    /// What becomes of a new key for which there is no room; [`WhenFull::Share`] where not set.
    ///
    /// Where a key has several quotas, or windows, it takes the place of another one, whatever is set.
    pub const fn when_full(mut self, policy: WhenFull) -> Self {
        self.when_full = policy;
        self
    }

    /// All settings of each at once: see [`RateLimiterBuilder::config`].
    pub fn config(mut self, config: Config) -> Self {
        self.each = self.each.config(config);
        self
    }

    /// Where the time comes from: see [`RateLimiterBuilder::clock`].
    pub fn clock(mut self, clock: Clock) -> Self {
        self.each = self.each.clock(clock);
        self
    }

    /// Calls `listener` at each turn: see [`RateLimiterBuilder::on_event`].
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.each = self.each.on_event(listener);
        self
    }

    /// Builds them: no key owes anything yet.
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed.
    pub fn build(self) -> Result<RateLimiters<K>, ConfigError>
    where
        K: ToOwned<Owned: Hash + Eq>,
    {
        let (name, config, mut settings) = self.each.checked()?;
        let keyed = KeyedConfig { max_keys: self.max_keys, ..KeyedConfig::default() };
        let map = keyed.build(RateLimiter::is_at_rest)?;
        let (store, settings) = if is_one_gcra(&config.quotas) {
            let settings = Arc::new(settings);
            let (whose, listeners) = (name.clone(), settings.listeners.clone());
            let crowded = move || tell(&listeners, &whose, Turn::KeysCrowded);
            let table = Table::new(self.max_keys, self.when_full, settings.clock.now(), crowded);
            let counted = Counted::new(name.clone(), Arc::clone(&settings), &config, table);
            (Store::Table(Arc::new(counted)), settings)
        } else {
            settings.lanes = 1; // or the counts of a key would be larger than the key
            (Store::Map(map), Arc::new(settings))
        };
        Ok(RateLimiters {
            shared: Arc::new(Shared {
                name,
                settings,
                config: Mutex::new(config),
                changing: Mutex::new(()),
                quota_for: self.quota_for,
                store,
                hasher: RandomState::default(),
            }),
        })
    }
}

impl<K: ?Sized> fmt::Debug for RateLimitersBuilder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitersBuilder")
            .field("each", &self.each)
            .field("max_keys", &self.max_keys)
            .field("when_full", &self.when_full)
            .finish_non_exhaustive()
    }
}
