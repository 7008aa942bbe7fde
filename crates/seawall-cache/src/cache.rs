//! The cache: entries in a store, loads in the flight table.
//!
//! Read in this order: [`freshness`](crate::freshness), what an entry is at a moment; this page;
//! `handle`, what users meet; `find`, a hit; `load`, one load from its beginning to its publication; `keep`,
//! what is kept of it; `miss`, a caller who waits for it; `refresh`, loads that nobody waits for; `many` and
//! `batch`, a bulk get; `write`, what comes from outside; `sweep`; `layer`. With a second level ([`l2`](crate::l2)):
//! `level`, how it is called, and `recovery`, what is owed to it; `ask`, how a load asks it first; `hearing`, what
//! to trust of what is kept here.
//!
//! # A get
//!
//! ```text
//!             find ── Fresh, Kept ──────────────────────────────▶ the value
//!              │ ├─── Early, Stale ──▶ refresh in the background ─▶ the value, at once
//!              │ └─── absent ───────────────────────────────────▶ LoadError::Absent
//!      nothing, or StaleIfError
//!              │
//!              ▼               ┌─ follows ─ woken once ─┐
//!        join or lead ─────────┤                        ├─ ok ──▶ the value
//!              ▲               └─ leads ─── loads ──────┤
//!              │                                        ├─ failed ───────┐   a stale value, if one
//!              └─ a tag of it was invalidated before    └─ soft timeout ─┴─▶ is still in the store;
//!                 this call, and after the load began                        else the error
//! ```
//!
//! # What it promises
//!
//! 1. Of a key at most one load runs that may be published, whoever asks and how.
//! 2. A read that starts after `insert`, `update`, `invalidate`, `clear`, `invalidate_tag` or
//!    `write_through` returned never gets an older value, not from the store and not from a load that was
//!    under way: see [`flight`](crate::flight), "Which read returns what", and [`tags`](crate::tags).
//! 3. What is answered stale is in the store at that moment: what was invalidated is never answered
//!    because a load fails.
//! 4. A load that was begun ends: by its outcome, by the hard timeout, or by being dropped with its caller,
//!    where another one takes over. A load in the background is one of at most `max_refreshes`.
//! 5. The second level is asked by loads alone, never by a hit, and bounded in time: while it is away, this
//!    is a cache without one, whose loads are fresh for the gutter time at most.
//! 6. Nothing of the user runs under a lock but `K`'s and `V`'s own `Hash`, `Eq` and `Clone`, the drop of an
//!    entry that is replaced, within `update` what it is given and the weigher, and a queue's `offer`.

mod ask;
mod batch;
mod builder;
mod event;
mod find;
mod handle;
pub(crate) mod hearing;
mod keep;
#[cfg(feature = "tower")]
mod layer;
pub(crate) mod level;
mod load;
mod many;
mod miss;
mod refresh;
mod shared;
mod stats;
#[cfg(feature = "tokio")]
mod sweep;
mod tasks;
mod timer;
mod write;

#[cfg(feature = "tower")]
pub use self::layer::{CacheLayer, CacheService, ResponseFuture};
pub(crate) use self::timer::Timer;
pub use self::{
    builder::{CacheBuilder, Room},
    event::{Event, Turn},
    handle::{Cache, DefaultStore},
    level::recovery::NotShared,
    refresh::Background,
};
