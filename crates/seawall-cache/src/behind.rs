//! Write-behind: the cache holds the new value at once, and the source gets it later, from a queue.
//!
//! Read in this order: this page; `queue`, what waits in this process; `writer`, who brings it to the
//! source. A queue elsewhere is a [`WriteQueue`] of the user's.
//!
//! # The life of a write, in a [`Behind`]
//!
//! | state \ event | a later write of the key | the writer takes it | the call succeeds | the call fails                    |
//! |---------------|--------------------------|---------------------|-------------------|-----------------------------------|
//! | waits         | takes its value, its place stays | is written  |                   |                                   |
//! | is written    | waits behind it          |                     | done              | tried again, or given up by choice |
//!
//! # What it promises
//!
//! 1. A write is in the cache and in the queue, or in neither: what the queue refuses, the cache does not
//!    keep, and its caller learns of it.
//! 2. Writes of one key come to the queue in the order in which the cache took them, whoever writes.
//! 3. Writes of one key come to the source in that order, one at a time. Those that waited together come as
//!    one, the last. Writes of different keys come in the order of each key's first that waits.
//! 4. At most `capacity` writes wait or are written, and a batch has at most `max_batch`.
//! 5. A write ends by a call that succeeded, or by being given up, which is counted and which the user
//!    decided. A writer's future that is dropped gives back what it was at.
//! 6. After [`shut_down`](Behind::shut_down) nothing is taken, and the writer ends when all is written.
//!
//! # What can be lost
//!
//! * What waits in this process, when the process ends before the writer has.
//! * What was given up. The cache goes on to hold it until it expires; invalidate it where it is given up.
//! * Nothing else. But a call that was cut off may have happened, and is made again: a write comes to the
//!   source **at least once**, and must bear that.
//!
//! # What a reader gets meanwhile
//!
//! From the cache, the new value. But an entry can leave a store before its write has come to the source:
//! evicted, expired, invalidated. Then a load would read what was before. So let the loader ask the queue
//! first, by [`Behind::waiting`]: what waits or is being written is answered from there.

mod queue;
mod writer;

use seawall_core::Rejection;

pub use self::{
    queue::{Behind, BehindBuilder},
    writer::{Failed, Write, Writer},
};

/// What takes the writes of [`Cache::write_behind`](crate::Cache::write_behind): [`Behind`], or a queue of
/// your own.
///
/// For a queue that must wait, as one on a disk does, use
/// [`write_through`](crate::Cache::write_through), with putting it into the queue as the write.
///
/// # Examples
///
/// How do I put the writes into a channel?
///
/// ```
/// # use seawall_cache::{Cache, Reason, Rejection, WriteQueue};
/// # use std::{convert::Infallible, sync::mpsc::{SyncSender, sync_channel}};
/// struct Channel(SyncSender<(u32, Option<String>)>);
///
/// impl WriteQueue<u32, String> for Channel {
///     fn offer(&self, key: &u32, value: Option<&String>) -> Result<(), Rejection> {
///         let full = |_| Rejection::new(Reason::Overloaded, "writes");
///         self.0.try_send((*key, value.cloned())).map_err(full)
///     }
/// }
///
/// let (writes, written) = sync_channel(100);
/// let users = Cache::<u32, String, Infallible>::builder("users").build()?;
/// users.write_behind(7, "Ada".to_owned(), &Channel(writes))?;
///
/// assert_eq!(users.get(&7).as_deref(), Some("Ada"));
/// assert_eq!(written.try_recv(), Ok((7, Some("Ada".to_owned()))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait WriteQueue<K, V> {
    /// Takes a write, or refuses it, at once; `None` for a value is that there is to be none.
    ///
    /// It runs under a lock of the cache, so that the queue's order is the cache's: it must be short, and
    /// must not call the cache, or it waits for itself.
    ///
    /// # Errors
    ///
    /// Where it is full, or shut down. The cache does not keep the value then.
    fn offer(&self, key: &K, value: Option<&V>) -> Result<(), Rejection>;
}
