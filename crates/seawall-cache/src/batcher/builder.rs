//! The builder: every setting by name, checked when it is built.

use std::{hash::Hash, sync::Arc, time::Duration};

use seawall_core::{ConfigError, Name};

use super::{Batcher, batch::Call, handle::Shared};
use crate::SingleFlight;

/// Builds a [`Batcher`].
#[derive(Clone, Debug)]
#[must_use = "a builder builds nothing until `build`"]
pub struct BatcherBuilder {
    name: Name,
    window: Duration,
    max_batch: usize,
    max_batches: Option<usize>,
    queue: usize,
}

impl BatcherBuilder {
    pub(super) const fn new(name: Name) -> Self {
        let window = Duration::ZERO;
        Self { name, window, max_batch: 100, max_batches: None, queue: 1_024 }
    }

    /// For how long a batch gathers after its first key came. Zero by default: for as long as callers who
    /// are ready to run now take to come.
    #[cfg(feature = "tokio")]
    pub const fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// How many keys a batch has at most, from 1 to 1 048 576; full, it is called at once. 100 by default.
    pub const fn max_batch(mut self, keys: usize) -> Self {
        self.max_batch = keys;
        self
    }

    /// How many batches may be under way at once, from 1 to 1 048 576, or `None` for any number. One that
    /// waits for its turn goes on gathering.
    pub fn max_batches(mut self, max: impl Into<Option<usize>>) -> Self {
        self.max_batches = max.into();
        self
    }

    /// How many batches may wait for their turn, first come, first served: up to 1 048 576. 1024 by
    /// default.
    pub const fn queue(mut self, batches: usize) -> Self {
        self.queue = batches;
        self
    }

    /// Builds it on `load`, which gets the keys of a batch and gives the values of those that it knows, in
    /// any order.
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed.
    pub fn build<K, V, E, F, L, A>(self, load: F) -> Result<Batcher<K, V, E>, ConfigError>
    where
        K: Hash + Eq + Clone + 'static,
        F: Fn(Vec<K>) -> L + Send + Sync + 'static,
        L: Future<Output = Result<A, E>> + Send + 'static,
        A: IntoIterator<Item = (K, V)> + 'static,
        E: 'static,
    {
        self.finish(move |keys| {
            let load = load(keys);
            Box::pin(async move {
                let values = load.await?;
                Ok(Arc::new(values.into_iter().map(|(key, value)| (key, Ok(value))).collect()))
            })
        })
    }

    /// The same for a `load` that can fail for one key and not for another.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_each<K, V, E, F, L, A>(self, load: F) -> Result<Batcher<K, V, E>, ConfigError>
    where
        K: Hash + Eq + Clone + 'static,
        F: Fn(Vec<K>) -> L + Send + Sync + 'static,
        L: Future<Output = Result<A, E>> + Send + 'static,
        A: IntoIterator<Item = (K, Result<V, E>)> + 'static,
        E: 'static,
    {
        self.finish(move |keys| {
            let load = load(keys);
            Box::pin(async move {
                let values = load.await?.into_iter();
                Ok(Arc::new(values.map(|(key, value)| (key, value.map_err(Arc::new))).collect()))
            })
        })
    }

    fn finish<K: Hash + Eq + Clone, V, E>(
        self,
        load: impl Fn(Vec<K>) -> Call<K, V, E> + Send + Sync + 'static,
    ) -> Result<Batcher<K, V, E>, ConfigError> {
        const MOST: usize = 1 << 20;
        const LONGEST: Duration = Duration::from_secs(60);
        if !(1..=MOST).contains(&self.max_batch) {
            return Err(ConfigError::new("max_batch", self.max_batch, "from 1 to 1048576"));
        }
        if self.window > LONGEST {
            let value = format_args!("{:?}", self.window).to_string();
            return Err(ConfigError::new("window", value, "at most 60 s"));
        }
        if let Some(max) = self.max_batches.filter(|max| !(1..=MOST).contains(max)) {
            return Err(ConfigError::new("max_batches", max, "from 1 to 1048576"));
        }
        let flights = SingleFlight::builder(self.name);
        let flights = flights.max_loads(self.max_batches).queue(self.queue).build()?;
        let shared = Shared::new(flights, Box::new(load), self.window, self.max_batch);
        Ok(Batcher::new(Arc::new(shared)))
    }
}
