//! Precomputed lists, as the home timelines of a social network: written when somebody posts, so that a
//! read is one page of ids.
//!
//! Read in this order: this page; `item` and `page`, what a list holds and what a reader gets; `list`,
//! one list with its floor; `store`, what keeps the lists; `memory`, the one in this process; `handle`,
//! the [`Timeline`]; `rebuild`, several absent lists at once; `fan_out`, a push to many; `delivery`, authors
//! with too many followers to push to.
//!
//! # The life of a list
//!
//! | state \ event | `push`                 | `read`          | `open`        | `install`         | `remove`, evicted |
//! |---------------|------------------------|-----------------|---------------|-------------------|-------------------|
//! | absent        | skipped, costs nothing | absent: rebuild | now gathering | refused           | absent            |
//! | gathering     | kept for the merge     | absent: rebuild | same ticket   | merged, now live  | absent            |
//! | live          | inserted and trimmed   | a page          | same ticket   | merged            | absent            |
//!
//! # What it promises
//!
//! 1. A push to an absent list does not create it.
//! 2. A list never holds more than `length` items, and an id only once however often it is pushed.
//! 3. Items are in order of (score, id), the newest first. A cursor is the last item seen, so that what is
//!    inserted between two reads moves nothing: no item is seen twice, none is passed over.
//! 4. A list holds **all** items that it was given at its floor or above it. What was cut is below the
//!    floor, and a page that ends there says so: [`Rest::TruncatedBelow`].
//! 5. A rebuild loses no push: pushes gather from before the load begins, and `install` merges them.
//!    For this an item must be in the source of the loader *before* it is pushed. Nor does it where the
//!    list is removed or evicted meanwhile: who waited for it, and did not load, then asks anew.
//! 6. An item that is pushed and pulled stands once in the merged page.
//!
//! An id has one score for ever: it is part of the item's place.
//!
//! # Deletes and blocks
//!
//! They are not fanned out. Lists carry ids only: read a page, drop from it what its reader must not see
//! ([`Page::retain`], which leaves the cursor as it is), and fetch the rest by one bulk get.
//!
//! # Synchronization
//!
//! The lists in memory are in shards, each under one lock, taken once a list, never two, and never across an
//! await. There is no lock-free state here.

mod builder;
mod delivery;
mod event;
mod fan_out;
mod handle;
mod item;
mod list;
mod memory;
mod page;
mod rebuild;
mod store;

pub use self::{
    builder::TimelineBuilder,
    delivery::{Delivery, Threshold},
    event::{Event, Turn},
    fan_out::FanOut,
    handle::Timeline,
    item::{Item, Rebuilt},
    memory::Memory,
    page::{Page, Rest},
    store::{Pushed, Store, Ticket},
};
