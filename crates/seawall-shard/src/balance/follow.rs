//! Learning the peers from a stream of changes.

use std::fmt;

use tower::discover::{Change, Discover};

use super::Balance;
use crate::follow::{Follow, Target};

impl<S> Balance<S> {
    /// Keeps the peers at what is discovered, each called by its key: to be spawned beside the service, so
    /// that changes are seen while no call comes.
    ///
    /// # Examples
    ///
    /// How do I follow my service discovery?
    ///
    /// ```
    /// # use seawall_shard::Balance;
    /// # use tower::discover::Change;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # let changes = [Ok::<_, std::io::Error>(Change::Insert("10.0.0.1", "a client"))];
    /// # let discover = futures_util::stream::iter(changes);
    /// let balance = Balance::builder("search").build()?;
    /// balance.follow(discover).await?; // or `tokio::spawn` it
    /// assert_eq!(balance.peers()[0].name, "10.0.0.1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn follow<D>(&self, discover: D) -> Follow<D>
    where
        D: Discover<Service = S>,
        D::Key: fmt::Display,
    {
        Follow::new(discover, Target::Balance(self.clone()))
    }

    pub(crate) fn take_in<K: fmt::Display>(&self, change: Change<K, S>) {
        match change {
            Change::Insert(key, service) => {
                self.shared.insert(&key.to_string().into(), 1, service);
            }
            Change::Remove(key) => _ = self.remove(&key.to_string()),
        }
    }
}
