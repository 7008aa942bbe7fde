//! Balancing among equals: who of several that could all serve a call should.
//!
//! # How it decides
//!
//! A [`Balance`] draws two peers and gives the call to the one that is expected to answer sooner, by what it
//! has in flight and by how long its answers take. Peers that are ill leave by themselves and come back slowly.
//!
//! ```text
//!  pick ──> two drawn by weight ──> cost = estimate * (in flight + 1) ──> lease ──> success, failure, dropped
//!              │ who is out is skipped                                       │
//!              │                                                             ├─> estimate: peaks at once, forgets slowly
//!              └──────────── outlook <── standing: in, out for a time <──────┘   failures: the penalty
//! ```
//!
//! To be read in this order:
//!
//! | file | what it is |
//! |---|---|
//! | `latency` | how long a peer takes: peak-EWMA in one word, which a reading does not change |
//! | `load` | calls in flight, and the cost |
//! | `pick` | two by chance, the better one |
//! | `standing` | whether a peer takes part: one word |
//! | `outlook` | what a pick must look out for: one word for all peers |
//! | `ejection` | who is put out |
//! | `rules` | the settings that every call reads |
//! | `shared`, `lease` | where these meet |
//! | `subset` | which servers of a large fleet are peers at all |
//! | `service`, `future`, `follow`, `follow_subset` | for Tower: a service over clones, and peers from a `Discover` |
//!
//! # What it does not do
//!
//! A peer that hangs is noticed by its calls in flight, and by calls that are dropped: give each call a
//! time-out. Calls are no capacity here: nobody is refused but where no peer is in.

mod builder;
mod config;
pub(crate) mod ejection;
mod event;
#[cfg(feature = "discover")]
mod follow;
#[cfg(feature = "discover")]
mod follow_subset;
#[cfg(feature = "tower")]
pub mod future;
pub(crate) mod latency;
mod lease;
pub(crate) mod load;
pub(crate) mod outlook;
pub(crate) mod peer;
pub(crate) mod pick;
pub(crate) mod rules;
#[cfg(feature = "serde")]
mod serde_form;
#[cfg(feature = "tower")]
mod service;
mod shared;
pub(crate) mod standing;
mod subset;
mod view;

use std::{fmt, sync::Arc};

use seawall_core::{ConfigError, Name, Observe, Registry, Rejection, Snapshot};

#[cfg(feature = "discover")]
pub use self::follow_subset::FollowSubset;
#[cfg(feature = "tower")]
pub use self::service::BalanceService;
use self::shared::Shared;
pub use self::{
    builder::BalanceBuilder,
    config::{Config, Ejection, SuccessRate},
    event::{Cause, Event, Turn},
    lease::Lease,
    subset::{Chosen, Subset},
    view::PeerView,
};
#[cfg(feature = "discover")]
pub use crate::follow::Follow;

/// Gives each call to the peer that is expected to answer sooner, of two that chance draws.
///
/// Cloning is cheap and shares the peers and all that is known of them.
///
/// # Examples
///
/// How do I choose where to send a call?
///
/// ```
/// # use seawall_shard::Balance;
/// # fn send(_address: &str) -> Result<(), ()> { Ok(()) }
/// let balance = Balance::builder("search").peer("a", "10.0.0.1").peer("b", "10.0.0.2").build()?;
///
/// let lease = balance.pick().expect("somebody is in");
/// match send(*lease) {
///     Ok(()) => lease.success(),
///     Err(()) => lease.failure(),
/// }
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
///
/// How do peers come and go while calls run?
///
/// ```
/// # use seawall_shard::Balance;
/// let balance = Balance::builder("search").peer("a", "10.0.0.1").build()?;
/// balance.insert("b", 1, "10.0.0.2")?;
/// assert!(balance.remove("a"));
/// assert_eq!(balance.pick().expect("somebody is in").name(), "b");
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
pub struct Balance<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Balance<T> {
    /// Begins to build the balance called `name`, as it stands in rejections and snapshots.
    pub fn builder(name: impl Into<Name>) -> BalanceBuilder<T> {
        BalanceBuilder::new(name.into())
    }

    pub(crate) const fn new(shared: Arc<Shared<T>>) -> Self {
        Self { shared }
    }

    /// The balance's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.common.name
    }

    /// Takes a peer for a call, whose time runs from now on.
    ///
    /// # Errors
    ///
    /// [`Reason::NoShard`](seawall_core::Reason::NoShard) where there is no peer, or all are out and the
    /// share of [`panic_above`](BalanceBuilder::panic_above) is 1.
    #[inline]
    pub fn pick(&self) -> Result<Lease<T>, Rejection> {
        let now = self.shared.common.clock.now();
        Ok(Lease::new(self.shared.pick(now)?, now))
    }

    /// One more peer, which is taken up slowly; it begins at the median of the others' estimates.
    ///
    /// One of the same name is replaced. That its calls go on does not count for the new one.
    ///
    /// # Errors
    ///
    /// Where the weight is not from 1 to 65 535.
    pub fn insert(&self, name: impl Into<Name>, weight: u32, value: T) -> Result<(), ConfigError> {
        let name = name.into();
        builder::check_weight(&name, weight)?;
        self.shared.insert(&name, weight, value);
        Ok(())
    }

    /// Takes a peer off the list, whose calls in flight go on; whether it was there.
    #[expect(clippy::must_use_candidate, reason = "it does more than to report")]
    pub fn remove(&self, name: &str) -> bool {
        self.shared.remove(name)
    }

    /// Gives a peer another share of the calls, whose load and health stay known; whether there is such a peer.
    ///
    /// # Errors
    ///
    /// Where the weight is not from 1 to 65 535.
    pub fn set_weight(&self, name: &str, weight: u32) -> Result<bool, ConfigError> {
        builder::check_weight(name, weight)?;
        Ok(self.shared.set_weight(name, weight))
    }

    /// Puts a peer out until it is [set up](Self::set_up): for whoever watches its health; whether there is
    /// such a peer, and it was not down.
    ///
    /// No bound holds for these but [`panic_above`](BalanceBuilder::panic_above).
    #[expect(clippy::must_use_candidate, reason = "it does more than to report")]
    pub fn set_down(&self, name: &str) -> bool {
        self.shared.set(name, None, false)
    }

    /// Takes a peer up again, slowly, that was down or ejected; whether there is such a peer, and it was.
    #[expect(clippy::must_use_candidate, reason = "it does more than to report")]
    pub fn set_up(&self, name: &str) -> bool {
        self.shared.set(name, None, true)
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn found(&self) -> Vec<crate::health::Found> {
        let found = |peer: &Arc<shared::Seated<T>>| {
            let down = peer.standing.read().down;
            crate::health::Found::new(peer.name.clone(), peer.value.serial, down)
        };
        self.shared.peers().list().iter().map(found).collect()
    }

    /// What the peer of that name was given, if it is still that very one.
    #[cfg(feature = "tokio")]
    pub(crate) fn value_of(&self, name: &str, serial: u64) -> Option<T>
    where
        T: Clone,
    {
        let peers = self.shared.peers();
        let peer = shared::find(peers.list(), name)?;
        (peer.value.serial == serial).then(|| peer.value.value.clone())
    }

    /// Sets a peer down or up, if it is still that very one.
    #[cfg(feature = "tokio")]
    pub(crate) fn set_exactly(&self, name: &str, serial: u64, up: bool) {
        self.shared.set(name, Some(serial), up);
    }

    /// The peers at present, in the order in which they came.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerView> {
        let now = self.shared.common.clock.now();
        self.shared.view(now)
    }

    /// Takes over new settings, for the calls to come and the ends of those in flight; what is known of the peers
    /// stays.
    ///
    /// # Errors
    ///
    /// Where `config` cannot be, or changes what is fixed once built: `decay` and `seed`. Nothing is changed
    /// then.
    pub fn reconfigure(&self, config: Config) -> Result<(), ConfigError> {
        self.shared.reconfigure(config)
    }

    /// What it is set to.
    #[must_use]
    pub fn config(&self) -> Config {
        self.shared.config()
    }

    /// How it stands now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot
    where
        T: Send + Sync,
    {
        self.shared.snapshot()
    }

    /// Adds it to a registry, which does not keep it alive.
    pub fn register(&self, registry: &Registry)
    where
        T: Send + Sync + 'static,
    {
        registry.add(&self.shared);
    }
}

/// All clones share.
impl<T> Clone for Balance<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T: Send + Sync> Observe for Balance<T> {
    fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}

impl<T> fmt::Debug for Balance<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Balance").field("name", &self.shared.common.name).finish_non_exhaustive()
    }
}
