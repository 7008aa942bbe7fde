//! What an instance hears of the others.

use std::{fmt, sync::Arc};

use super::Tag;

/// What the second level tells an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard<K> {
    /// From here on everything is told. What was before may have been missed: this is the signal of a **gap**,
    /// after the first connection and after each further one.
    Listening,
    /// Things may be missed from here on, or have been for a while: a connection is lost, or does not answer.
    Deaf,
    /// This key was invalidated.
    Key(K),
    /// This tag was invalidated.
    Tag(Tag),
    /// Everything was, or the store lost all that it had.
    All,
}

/// Where a store [tells](super::L2::listen) what it hears.
///
/// It is a call into the cache that takes locks for a moment, and never waits.
pub struct Ear<K> {
    hear: Arc<dyn Fn(Heard<K>) + Send + Sync>,
}

impl<K> Ear<K> {
    /// Calls `hear` with all that is told. The cache makes its own; this is for tests of a store.
    pub fn new(hear: impl Fn(Heard<K>) + Send + Sync + 'static) -> Self {
        Self { hear: Arc::new(hear) }
    }

    /// Tells it.
    pub fn hear(&self, heard: Heard<K>) {
        (self.hear)(heard);
    }
}

impl<K> Clone for Ear<K> {
    fn clone(&self) -> Self {
        Self { hear: self.hear.clone() }
    }
}

impl<K> fmt::Debug for Ear<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ear").finish_non_exhaustive()
    }
}
