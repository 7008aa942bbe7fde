//! Splitting calls by weight, exactly: one in a hundred to a canary, and not one in a hundred on average.
//!
//! # How it decides
//!
//! ```text
//!  weights 3 : 1 ──> sequence: a a a b ──> table <── call 1 027 ──> a
//!    │                                        ^
//!    └── set_weights: another table, and the word that counts names that one
//! ```
//!
//! Each call takes the next turn of a sequence in which every part has its share at every moment, to less than
//! a call: one addition in a word that all clones share, and one look at a table. Nothing is drawn, nothing is
//! measured, nobody who is ill is left out: for that, let each part be a [`Balance`](crate::Balance).
//!
//! | file | what it is |
//! |---|---|
//! | `sequence` | who is when due |
//! | `turns` | whose turn it is: lock-free |
//! | `service`, `future` | for Tower |
//!
//! | I want | take |
//! |---|---|
//! | a share that is exact | a `Split` |
//! | a share of about a weight, and peers with less to do before others | a [`Balance`](crate::Balance) with weights |
//! | the same user always in the same part | a [`ShardMap`](crate::ShardMap) with weights |

mod builder;
#[cfg(feature = "tower")]
pub mod future;
pub(crate) mod sequence;
#[cfg(feature = "tower")]
mod service;
mod shared;
pub(crate) mod turns;

use std::{fmt, ops::Deref, sync::Arc};

use seawall_core::{ConfigError, Name, Observe, Registry, Snapshot};

pub use self::builder::SplitBuilder;
#[cfg(feature = "tower")]
pub use self::service::SplitService;
use self::shared::Shared;

/// Gives each call to a part, by exact shares.
///
/// Cloning is cheap and shares the sequence: all clones together split by the weights.
///
/// What it promises: of the calls since it was built or weights were set, each part has had its share rounded
/// up or down, from the beginning of the sequence (see [`seed`](SplitBuilder::seed)), and between two parts from
/// anywhere; with more parts from elsewhere in the sequence it is less than two calls off.
///
/// # Examples
///
/// How do I give a canary one call in a hundred?
///
/// ```
/// # use seawall_shard::Split;
/// let split = Split::builder("search").part("stable", 99, "10.0.0.1").part("canary", 1, "10.0.0.2").build()?;
///
/// let canaries = (0..1_000).filter(|_| split.pick().name() == "canary").count();
/// assert_eq!(canaries, 10);
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
///
/// How do I give it more?
///
/// ```
/// # use seawall_shard::Split;
/// # let split = Split::builder("search").part("stable", 99, 1).part("canary", 1, 2).build()?;
/// split.set_weights(&[("stable", 90), ("canary", 10)])?;
/// # let canaries = (0..1_000).filter(|_| split.pick().name() == "canary").count();
/// # assert_eq!(canaries, 100);
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
pub struct Split<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Split<T> {
    /// Begins to build the split called `name`, as it stands in events and snapshots.
    pub fn builder(name: impl Into<Name>) -> SplitBuilder<T> {
        SplitBuilder::new(name.into())
    }

    pub(crate) fn new(shared: Shared<T>) -> Self {
        Self { shared: Arc::new(shared) }
    }

    /// The split's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The part that takes the next call. Each pick is a turn, whether the call is made or not.
    ///
    /// Wait-free: one addition.
    #[inline]
    #[must_use = "each pick is a turn"]
    pub fn pick(&self) -> &Part<T> {
        &self.shared.parts[usize::from(self.shared.turns.next())]
    }

    /// Sets the weights of these parts for the calls to come; the others keep theirs. Shares are counted from
    /// here on. Picks don't wait meanwhile.
    ///
    /// # Errors
    ///
    /// Where there is no part of a name, and where all weights would be 0 or add up to too much (see
    /// [`build`](SplitBuilder::build)). Nothing is changed then.
    pub fn set_weights(&self, weights: &[(&str, u32)]) -> Result<(), ConfigError> {
        self.shared.set_weights(weights)
    }

    /// The parts, in the order in which they were given.
    #[must_use]
    pub fn parts(&self) -> Vec<PartView> {
        self.shared.view()
    }

    /// How it stands now; see the crate's page for the names of the numbers.
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
impl<T> Clone for Split<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T: Send + Sync> Observe for Split<T> {
    fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}

impl<T> fmt::Debug for Split<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Split").field("name", &self.shared.name).finish_non_exhaustive()
    }
}

/// A part of a [`Split`]: it reads as what it was given.
#[derive(Debug)]
pub struct Part<T> {
    name: Name,
    value: T,
}

impl<T> Part<T> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl<T> Deref for Part<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// A part at one moment, for whoever looks on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartView {
    /// Its name.
    pub name: Name,
    /// Its share of the calls, relative to the others'.
    pub weight: u32,
    /// How many calls it was given since it was built or weights were set.
    pub calls: u64,
}

/// Weights were set, as the listeners of a split get to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The split's name.
    pub name: Name,
    /// All parts and their weights from now on.
    pub weights: Vec<(Name, u32)>,
}
