//! What lies in the second level for a key.

use std::time::Duration;

use seawall_core::{GOLDEN, mix};

/// A value or that there is none, how long that holds, and what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<V> {
    /// The value; `None` where the source has none.
    pub value: Option<V>,
    /// How long it holds.
    pub life: Life,
    /// What it belongs to.
    pub tags: Vec<Tag>,
}

/// For how long a record is what: all three counted from one moment, [`Duration::MAX`] for ever.
///
/// Given to `fill`, that moment is when the lease was given: the load began after it, so that nothing holds
/// longer than it should, whatever time passed on the way. Got from `look`, it is any from when the call began to
/// when the store answered; the cache takes the former.
///
/// A store keeps a record until the last of the three; it is fresh until the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// It is fresh.
    pub fresh: Duration,
    /// It may be answered while it is loaded anew; not less than `fresh`.
    pub stale: Duration,
    /// It may be answered if that fails; not less than `fresh`.
    pub error: Duration,
    /// What its load took, for those who load it anew before its end: no moment counts here.
    pub took: Duration,
}

impl Life {
    /// How long a store keeps the record.
    #[must_use]
    pub fn whole(&self) -> Duration {
        self.fresh.max(self.stale).max(self.error)
    }
}

/// The right to load a key, for one instance at a time.
///
/// The numbers are the store's own: it gets them back with [`Fill`], and the cache does not look into them.
/// A store leaves 0 in what it does not need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Who has it: never given twice.
    pub token: u64,
    /// Which tags had been invalidated when it was given.
    pub mark: u64,
    /// When it was given, by the store's clock.
    pub since: u64,
}

/// What was loaded under a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fill<K, V> {
    /// Of which key.
    pub key: K,
    /// Under which lease.
    pub lease: Lease,
    /// What the load gave.
    pub record: Record<V>,
}

/// A tag, as it lies and travels: 64 bits of a hash that is the same on every machine and in every version.
///
/// Two tags that fall together end together: too much is ended, never too little.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(pub u64);

impl Tag {
    /// The tag called `name`.
    #[must_use]
    pub fn of(name: &str) -> Self {
        // FNV-1a, and a mix of its bits, for it leaves the high ones of a short name alike.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(mix(hash.wrapping_add(GOLDEN)))
    }
}
