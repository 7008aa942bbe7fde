//! Where a page is kept that is dear to make: what one writes first, or Seawall's [`Cache`].
//!
//! | | home-made | Seawall's |
//! |---|---|---|
//! | the page is fresh | its reader gets it | the same |
//! | it has expired | **every reader loads it**, until the first has | its reader gets the old one, and **one** load brings the new one |
//! | its load fails | the reader gets nothing | the old page, and a pause before the next load |
//!
//! | setting | value | why, for this storm |
//! |---|---|---|
//! | `ttl` | a quarter of the act | of both; one page a second is a low load |
//! | `stale_while_revalidate` | half of that | the load takes far less, and nobody is to wait for it |
//! | `stale_if_error` | ten times the `ttl` | an old front page is better than none |
//! | `pause_after_error` | an eighth of the `ttl` | a database that refuses is asked eight times a second, and not by each reader |
//!
//! The home-made one is no straw man: a map, a time, `if` it is over then load. It holds for as long as loads
//! are quick and readers are few.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use seawall::cache::Cache;
use seawall_core::{Clock, ConfigError};
use tokio::time::Instant;

use crate::{client::Failed, keys::Key};

/// What keeps the page: clones share.
#[derive(Clone)]
pub(crate) enum Shelf {
    HomeMade(Arc<HomeMade>),
    Seawall(Cache<Key, (), Failed>),
}

/// Until when the page is fresh, if a load brings it `ttl` before.
pub(crate) struct HomeMade {
    ttl: Duration,
    fresh_until: Mutex<Instant>,
}

impl Shelf {
    /// A page that is fresh from now on for `ttl`.
    pub(crate) fn home_made(ttl: Duration) -> Self {
        let fresh_until = Mutex::new(Instant::now() + ttl);
        Self::HomeMade(Arc::new(HomeMade { ttl, fresh_until }))
    }

    /// The same, kept by Seawall.
    pub(crate) fn seawall(ttl: Duration) -> Result<Self, ConfigError> {
        let cache = Cache::builder("front page")
            .capacity(1)
            .ttl(ttl)
            .stale_while_revalidate(ttl / 2)
            .stale_if_error(ttl * 10)
            .pause_after_error(ttl / 8)
            .clock(Clock::tokio()) // a test can stop it
            .build()?;
        drop(cache.insert(Key::PAGE, ())); // done when it is called
        Ok(Self::Seawall(cache))
    }

    /// Whether a reader gets the page: the one that is kept, or what `load` brings.
    pub(crate) async fn read<F>(&self, load: impl FnOnce() -> F + Send + 'static) -> bool
    where
        F: Future<Output = Result<(), Failed>> + Send + 'static,
    {
        match self {
            Self::HomeMade(page) => {
                if Instant::now() < *page.fresh_until.lock() {
                    return true;
                }
                let loaded = load().await.is_ok();
                if loaded {
                    *page.fresh_until.lock() = Instant::now() + page.ttl;
                }
                loaded
            }
            Self::Seawall(cache) => cache.get_or_load(&Key::PAGE, load).await.is_ok(),
        }
    }
}
