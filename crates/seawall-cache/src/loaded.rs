//! What a loader gives: a value or that there is none, and what it says about it.

use std::time::Duration;

use crate::{freshness::Overrides, l2::Tag};

/// What a load gave, with what the loader says about this one entry.
///
/// A loader that has nothing to say returns the value itself, or an `Option` of it: both turn into this.
///
/// # Examples
///
/// How does a loader say for how long its value holds, and what it belongs to?
///
/// ```
/// # use seawall_cache::Loaded;
/// # use std::time::Duration;
/// let user = Loaded::new("Ada".to_owned()).ttl(Duration::from_secs(5)).tags(["team:7", "users"]);
/// let nobody = Loaded::<String>::absent().ttl(Duration::from_secs(1));
/// # drop((user, nobody));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a loader returns it"]
pub struct Loaded<V> {
    pub(crate) value: Option<V>,
    pub(crate) said: Overrides,
    pub(crate) tags: Vec<Tag>,
}

impl<V> Loaded<V> {
    /// A value.
    pub fn new(value: V) -> Self {
        Self::from(Some(value))
    }

    /// The source was asked, and has no value for the key.
    pub fn absent() -> Self {
        Self::from(None)
    }

    /// For how long it is fresh, instead of the cache's `ttl` (or `negative_ttl`); with zero it is not
    /// kept at all.
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.said.ttl = Some(ttl);
        self
    }

    /// For how long after that it is answered while it is loaded anew, instead of the cache's setting.
    pub const fn stale_while_revalidate(mut self, time: Duration) -> Self {
        self.said.stale_while_revalidate = Some(time);
        self
    }

    /// For how long after that it is answered if loads fail, instead of the cache's setting.
    pub const fn stale_if_error(mut self, time: Duration) -> Self {
        self.said.stale_if_error = Some(time);
        self
    }

    /// What it belongs to: [`invalidate_tag`](crate::Cache::invalidate_tag) of any of them ends it.
    pub fn tags<T: AsRef<str>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags.extend(tags.into_iter().map(|tag| Tag::of(tag.as_ref())));
        self
    }
}

impl<V> From<V> for Loaded<V> {
    fn from(value: V) -> Self {
        Self::new(value)
    }
}

impl<V> From<Option<V>> for Loaded<V> {
    fn from(value: Option<V>) -> Self {
        Self { value, said: Overrides::default(), tags: Vec::new() }
    }
}
