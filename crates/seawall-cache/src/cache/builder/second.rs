//! The settings of the second level. It needs timeouts, and so tokio.

use std::{sync::Arc, time::Duration};

use super::CacheBuilder;
use crate::l2::L2;

impl<K, V, E> CacheBuilder<K, V, E> {
    /// Shares what is loaded with other instances, in a second level: see [`l2`](crate::l2) for what it is, and the
    /// crate's page for what is promised between them.
    pub fn l2(mut self, store: impl L2<K, V>) -> Self
    where
        K: Sync + 'static,
        V: Sync + 'static,
    {
        self.l2 = Some(Arc::new(store));
        self
    }

    /// How long a call to the second level may take; after that, the cache goes on without.
    pub const fn l2_timeout(mut self, time: Duration) -> Self {
        self.l2_bounds.timeout = time;
        self
    }

    /// How long to wait for what another instance loads, before it is loaded here too.
    pub const fn l2_wait(mut self, time: Duration) -> Self {
        self.l2_bounds.wait = time;
        self
    }

    /// For how long a value is fresh at most that was loaded without the second level, or is kept while
    /// nothing is heard of other instances.
    pub const fn l2_gutter_ttl(mut self, ttl: Duration) -> Self {
        self.l2_bounds.gutter = ttl;
        self
    }

    /// How long the second level is left alone after five calls in a row failed; one call tries it then.
    pub const fn l2_pause(mut self, time: Duration) -> Self {
        self.l2_bounds.pause = time;
        self
    }
}
