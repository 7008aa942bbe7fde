//! The builder: every setting by name, checked when it is built.

use std::{fmt, marker::PhantomData, sync::Arc};

use seawall_core::{ConfigError, Name};

use super::{
    SingleFlight,
    shared::{Config, Shared},
};

/// Builds a [`SingleFlight`]: made by [`SingleFlight::builder`].
///
/// | setting | default | why |
/// |---|---|---|
/// | `max_loads` | none | how much the source can take is yours to know |
/// | `queue` | 1024 | with a cap: a burst of cold keys waits, an outage does not pile up for ever |
/// | `cancel_deserted` | no | of detached loads: the next caller profits from what is begun |
#[must_use = "a builder builds nothing until `build`"]
pub struct SingleFlightBuilder<K, V, E> {
    name: Name,
    config: Config,
    of: PhantomData<SingleFlight<K, V, E>>,
}

impl<K, V, E> SingleFlightBuilder<K, V, E> {
    pub(super) fn new(name: Name) -> Self {
        Self { name, config: Config::default(), of: PhantomData }
    }

    /// How many loads may run at once, over all keys: from 1 to 1 048 576, or `None` for any number.
    ///
    /// A load that waits for its turn is one, however many callers wait for its value.
    pub fn max_loads(mut self, max: impl Into<Option<usize>>) -> Self {
        self.config.max_loads = max.into();
        self
    }

    /// How many loads may wait for their turn, first come, first served: up to 1 048 576. The next one
    /// is refused, with all who wait for it.
    pub const fn queue(mut self, loads: usize) -> Self {
        self.config.queue = loads;
        self
    }

    /// Whether a [detached](SingleFlight::run_detached) load is cancelled when nobody waits for it any
    /// more.
    pub const fn cancel_deserted(mut self, cancel: bool) -> Self {
        self.config.cancel_deserted = cancel;
        self
    }

    /// Builds it: nothing is in flight yet.
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed.
    pub fn build(self) -> Result<SingleFlight<K, V, E>, ConfigError> {
        const MOST: usize = 1 << 20;
        if let Some(max) = self.config.max_loads.filter(|max| !(1..=MOST).contains(max)) {
            return Err(ConfigError::new("max_loads", max, "from 1 to 1048576"));
        }
        if self.config.queue > MOST {
            return Err(ConfigError::new("queue", self.config.queue, "at most 1048576"));
        }
        Ok(SingleFlight::new(Arc::new(Shared::new(self.name, self.config))))
    }
}

impl<K, V, E> Clone for SingleFlightBuilder<K, V, E> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), config: self.config.clone(), of: PhantomData }
    }
}

impl<K, V, E> fmt::Debug for SingleFlightBuilder<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlightBuilder")
            .field("name", &self.name)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
