//! The builder: every setting by name, checked when it is built.

use std::{fmt, sync::Arc};

use seawall_core::{ConfigError, Listeners, Name};

use super::{Event, Timeline, handle::Shared};
use crate::SingleFlight;

/// Builds a [`Timeline`].
#[must_use = "a builder builds nothing until `build`"]
pub struct TimelineBuilder<S = ()> {
    pub(super) name: Name,
    pub(super) length: usize,
    pub(super) chunk: usize,
    pub(super) store: S,
    pub(super) listeners: Listeners<Event>,
}

impl<S> TimelineBuilder<S> {
    /// How many items a list keeps. 800 by default.
    pub const fn length(mut self, items: usize) -> Self {
        self.length = items;
        self
    }

    /// How many lists a fan-out pushes to in one call of the store. 500 by default.
    pub const fn chunk(mut self, lists: usize) -> Self {
        self.chunk = lists;
        self
    }

    /// Where the lists are kept: [`Memory`](super::Memory), or one that processes share.
    pub fn store<T>(self, store: T) -> TimelineBuilder<T> {
        let Self { name, length, chunk, listeners, .. } = self;
        TimelineBuilder { name, length, chunk, store, listeners }
    }

    /// Calls `listener` when something rare happens, by the thread that brought it about, outside any
    /// lock.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listeners.add(listener);
        self
    }

    /// Builds it.
    ///
    /// # Errors
    ///
    /// If the length or the chunk is zero or above 1 048 576.
    pub fn build<U, I>(self) -> Result<Timeline<U, I, S>, ConfigError> {
        const MOST: usize = 1 << 20;
        for (field, value) in [("length", self.length), ("chunk", self.chunk)] {
            if !(1..=MOST).contains(&value) {
                return Err(ConfigError::new(field, value, "from 1 to 1048576"));
            }
        }
        let flights = SingleFlight::builder(self.name.clone()).build()?;
        Ok(Timeline::new(Arc::new(Shared::new(self, flights))))
    }
}

impl<S> fmt::Debug for TimelineBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimelineBuilder")
            .field("name", &self.name)
            .field("length", &self.length)
            .field("chunk", &self.chunk)
            .finish_non_exhaustive()
    }
}
