//! The flight table: one load a key, however many ask, and nothing published that was invalidated
//! meanwhile.
//!
//! Read in this order: this page; `seats`, the life of one flight; `table`, which finds the flight of a
//! key; `leader` and `follower`, what a caller holds; `loads`, the cap; `bulk`, many keys at once. The
//! handle that users meet is `single`, with its futures: `course` and `run`, and `many`.
//!
//! # A flight
//!
//! Who asks for a key of which there is no flight begins one and is its leader: it loads, in its own
//! task. Who comes later follows: it sleeps, and is woken once.
//!
//! ```text
//!                         +--------- taken over: by the one who was called,
//!                         v          or by a newcomer, whoever is first
//!  begin ------------> Led ------------------> Vacant ---> (gone: nobody follows)
//!                       | |   leader dropped      |
//!         publish,      | |                       | poison
//!         settle, panic | +-- leader dropped,     v
//!                       |     poisoned -------> Scattered: its followers ask anew
//!                       v
//!                     Landed: each follower takes the outcome; the last one by value
//! ```
//!
//! | what happens to a flight        | in the table                     | its followers                |
//! |---------------------------------|----------------------------------|------------------------------|
//! | `publish`, `settle`             | out, then landed                 | woken once, get the outcome  |
//! | the load panics                 | out, then landed                 | woken once, learn of it      |
//! | the leader is dropped           | stays, vacant                    | one is woken, and loads      |
//! | ... and nobody follows          | out, before the load is dropped  |                              |
//! | the last follower leaves        | out, where it is vacant          |                              |
//! | ... a load that may be deserted | out, before the load is told     |                              |
//! | `poison`, `poison_all`          | out                              | sleep on: see below          |
//!
//! # What it promises
//!
//! 1. A key has at most one registered flight, and that one leader at a time.
//! 2. A leader that goes without an outcome strands nobody: a follower takes over with **its own** load
//!    (which starts anew: a future can't move to another task), or a newcomer does; and if the one who
//!    was called goes too, the next is called.
//! 3. A flight that nobody waits for is out of the table before its load is cancelled: no newcomer
//!    joins what is being dropped.
//! 4. An outcome, a panic too, is delivered once to each follower. It costs one wake; a follower that
//!    was called in vain, or scattered, is woken once more. Nobody is woken for nothing else.
//! 5. `publish` runs its store step only if the flight is the registered one of its key, under the lock
//!    that `poison` takes: of a `publish` and a `poison` one is first.
//! 6. User code that can take long or come back here (a load, a waker, the drop of a value) never runs
//!    under a lock. `K: Eq`, `T: Clone` and the steps that are passed to `publish` and `poison` do.
//!
//! # Which read returns what
//!
//! A value is **older** than an invalidation if its load began before `poison` returned.
//!
//! - A read that *starts after* `poison` returned never gets an older value: the poisoned flight is out
//!   of the table, so that the read begins a new one, and by 5. the older value is not in the store.
//! - A read that *was waiting already* gets the outcome of the flight that it joined, which may be older:
//!   the two overlap, and either order of them is a true one.
//! - If a poisoned flight loses its leader, its followers ask anew, with the newcomers: there is no
//!   second load beside the registered one, and nothing stays unpublished that need not.
//!
//! A store that is to keep this up removes (or overwrites) its entry in the step that it passes to
//! `poison`, inserts in the one that it passes to `publish`, and looks again after it got a leader: the
//! entry may have been published between its miss and the claim. `poison_all` has no step: call it
//! first and clear the store after it; what is published in between was loaded after the call, or goes.
//!
//! # Synchronization
//!
//! Two kinds of locks, and always in this order: a shard of the table, then the seats of a flight. All
//! that must change together with being registered changes under both. There are no atomics here: the
//! table is for misses, which cost a load. The locks order everything; what wakes, wakes after both.
//!
//! # For the cache
//!
//! ```text
//! match flights.join_or_lead(&key) {
//!     Entry::Leads(leader) => probe the store again, then load by `leader.poll_load(..)`,
//!                             then `leader.publish(outcome, |key| store.insert(..))`
//!     Entry::Follows(follower) => follower.poll(cx): `Landing::{Landed, Panicked, Leads}`
//! }
//! flights.try_lead(&key)            // a refresh of what is there: `None` while another one loads
//! flights.poison(&key, || store.remove(..))    // invalidate; or insert, for a write
//! flights.claim(keys)               // a bulk get: see `bulk`
//! ```

mod builder;
mod bulk;
mod course;
mod error;
mod follower;
mod leader;
mod loads;
mod many;
mod own;
mod run;
mod seats;
mod shared;
mod single;
mod table;

pub use self::{
    builder::SingleFlightBuilder,
    error::{LoadError, Panicked},
    many::RunMany,
    run::{Detached, LoadTask, Run},
    single::SingleFlight,
};
pub(crate) use self::{bulk::Led, course::Course, leader::guard};
pub(crate) use self::{
    follower::{Follower, Landing},
    leader::Leader,
    loads::{Loads, Place, Slot},
    table::{Entry, Flights},
};
