//! The second level: what several instances of a service share, behind the cache that each has for itself.
//!
//! [`L2`] is what a store must do for that; `seawall-redis` has one on Redis, and [`Memory`] is one for
//! tests and for the eye. A store knows keys, [records](Record), [leases](Lease) and [tags](Tag). Which instance may load,
//! and what may be kept of it, the store decides; when to ask it, for how long to wait, and what to do while
//! it is away, the cache does.
//!
//! # What a key is in the store
//!
//! A record, fresh or stale, a lease, both, or nothing. A record that has ended, or of which a tag was
//! invalidated since its lease was given, is nothing; so are all of before the last `clear`; a lease whose time
//! is over is none.
//!
//! | the key has             | `look`           | `look`, to renew | `fill` or `release` with that lease | with another | `invalidate` |
//! |-------------------------|------------------|------------------|-------------------------------------|--------------|--------------|
//! | nothing                 | `Lease`          | `Lease`          |                                     | refused      | nothing      |
//! | a lease                 | `Busy`           | `Busy`           | a record; nothing                   | refused      | nothing      |
//! | a fresh record          | `Hit`            | `Stale`, a lease |                                     | refused      | nothing      |
//! | a stale record          | `Stale`, a lease | `Stale`, a lease |                                     | refused      | nothing      |
//! | a fresh one and a lease | `Hit`            | `Stale`          | the new record; the old one         | refused      | nothing      |
//! | a stale one and a lease | `Stale`          | `Stale`          | the new record; the old one         | refused      | nothing      |
//!
//! # What a store promises
//!
//! 1. Each key changes in one step, by that table. A batch need not be one step.
//! 2. A lease is had by one instance at a time. It ends by `fill`, `release`, `invalidate`, `clear`, or its
//!    time, which is the store's setting: some seconds, longer than loads take.
//! 3. Nothing is filled under a lease that has ended, nor a record of which a tag was invalidated after the
//!    lease was given. That is what keeps the value of a load out that began before an invalidation, on
//!    whichever machine.
//! 4. A look that begins after `invalidate`, `invalidate_tags` or `clear` returned, on any machine, finds nothing
//!    of before.
//! 5. A store that has lost what it needs to keep 3 and 4 (it came back empty, it forgot a tag) has lost its
//!    records and leases too, or answers as if.
//! 6. What an instance [hears](Heard) it hears after it was done: who looks then, finds nothing of before.
//!    Between `Listening` and `Deaf` every instance hears of each `invalidate`, `invalidate_tags` and `clear` of the
//!    others. It may hear of more: of fills, of its own, of some twice.
//! 7. Keys travel to others, values never.
//! 8. What can't be read (another schema, another program, half a value) is nothing, and not an error.
//!
//! Every operation may come late, or twice: a server that hung works off what it had received. What comes late
//! puts nothing in that is older than an invalidation (3), and ends too much, never too little. That is why there
//! is none that puts a value in without a lease. The order of two instances is the store's order: no clock of
//! theirs is compared.

mod ear;
mod erased;
mod memory;
mod record;

use seawall_core::BoxError;

pub(crate) use self::erased::{Erased, Told};
pub use self::{
    ear::{Ear, Heard},
    memory::Memory,
    record::{Fill, Lease, Life, Record, Tag},
};

/// What instances share: see the [module's page](self) for what it promises.
///
/// Each operation is for many keys, and answers in their order; one key is a batch of one. The cache gives up
/// on a call after a time (`CacheBuilder::l2_timeout`) by dropping its future: whether it
/// was done is open then, and the store must be as good as before.
pub trait L2<K, V>: Send + Sync + 'static {
    /// What can go wrong. The cache counts it, tells it, and goes on without.
    type Error: Into<BoxError>;

    /// What there is for each of `keys`, or the right to load it.
    fn look(
        &self,
        keys: &[K],
        ask: Ask,
    ) -> impl Future<Output = Result<Vec<Look<V>>, Self::Error>> + Send;

    /// Puts in what was loaded under a lease, if the lease is still held: whether it was, for each.
    fn fill(
        &self,
        fills: &[Fill<K, V>],
    ) -> impl Future<Output = Result<Vec<bool>, Self::Error>> + Send;

    /// Gives leases back under which nothing was loaded, where they are still held: the next who looks may
    /// load at once. It is called as a favour, and not always.
    fn release(
        &self,
        leases: &[(K, Lease)],
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        let _ = leases;
        async { Ok(()) }
    }

    /// Ends what is there for `keys`: records and leases.
    fn invalidate(&self, keys: &[K]) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Ends the records that have any of these tags, and keeps such ones out that are being loaded.
    fn invalidate_tags(&self, tags: &[Tag])
    -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Ends all records and leases of this cache.
    fn clear(&self) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Tells `ear` what other instances do, until it is dropped; through every loss of a connection, of which
    /// it tells too.
    ///
    /// It runs in a task of its own, from the first call of the cache that asks the store. A store that returns
    /// from it, as this one does at once, tells nothing any more: the cache trusts what it has kept for itself
    /// for the gutter time (`CacheBuilder::l2_gutter_ttl`) alone.
    fn listen(&self, ear: Ear<K>) -> impl Future<Output = ()> + Send {
        drop(ear);
        async {}
    }
}

/// What a look is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A value, if there is one.
    Value,
    /// A lease to load anew what is still fresh, before it ends.
    Renewal,
}

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look<V> {
    /// A record that is fresh.
    Hit(Record<V>),
    /// A record that is not fresh, or is to be renewed; with a lease, whoever looked is to load it anew;
    /// without one, another does.
    Stale(Record<V>, Option<Lease>),
    /// Nothing: whoever looked is to load it.
    Lease(Lease),
    /// Nothing, and another loads it.
    Busy,
}
