//! A place for one entry, and the only file of this crate with `unsafe` in it.
//!
//! A slot holds a pointer, or none. Readers follow it without telling anybody; a writer who takes the
//! pointer away can't know who still looks at what it points to, so it is not freed then, but when
//! everybody who was looking at anything at that time has left: [crossbeam's epochs](crossbeam_epoch).
//!
//! ```text
//!  reader        pin ──── look ──────────── still looks ──── unpin
//!  writer   pin ──── swap, Retired ── unpin                   │
//!  memory                             kept ─────────────────────▶ freed, by whoever pins next
//! ```
//!
//! # What it promises
//!
//! 1. What [`Slot::look`] returns is whole, and stays so until its pin is dropped.
//! 2. What was put into a slot is dropped once: when it was taken out and nobody looks any more, or
//!    with the slot.
//!
//! # Synchronization
//!
//! `swap` (Release) to `look` (Acquire): who sees the pointer sees what it points to. That nobody
//! looks any more is for the epochs to know.

#![allow(unsafe_code, reason = "pointers that outlive their place; each block has its model")]

use std::ops::Deref;

use crossbeam_epoch::{Atomic, Guard, Owned, Shared};
use seawall_core::sync::atomic::Ordering::{AcqRel, Acquire};

/// While it lives, nothing is freed that its owner may have seen in a slot.
///
/// Not `Send`; to hold it long keeps memory from being freed, and stops nobody.
pub(super) struct Pin(Guard);

/// Takes no lock and waits for nobody: a word of this thread's own is set.
///
/// Once in a while it frees what others have left.
#[inline]
pub(super) fn pin() -> Pin {
    Pin(crossbeam_epoch::pin())
}

impl Pin {
    /// Hands over what this thread has retired, so that others can free it.
    #[cfg(all(test, seawall_loom))]
    pub(super) fn flush(&self) {
        self.0.flush();
    }
}

/// A place for one entry.
pub(super) struct Slot<T>(Atomic<T>);

/// What was taken out of a slot. It may still be looked at, and is freed some time after this is dropped.
#[must_use = "dropping it lets what is inside be freed; what that runs should not run under a lock"]
pub(super) struct Retired<'p, T> {
    old: Shared<'p, T>,
    pin: &'p Pin,
}

impl<T> Slot<T> {
    pub(super) fn empty() -> Self {
        Self(Atomic::null())
    }
}

impl<T: Send + Sync + 'static> Slot<T> {
    /// Looks at what is in it now.
    #[inline]
    pub(super) fn look<'p>(&'p self, pin: &'p Pin) -> Option<&'p T> {
        let seen = self.0.load(Acquire, &pin.0); // pairs with `swap`: whole
        // SAFETY: The pointer is null or came from a `Box` in `swap`, whose contents the Acquire makes
        // visible. Nobody has a `&mut` to them: a `Retired` gives a `&`, and frees by `defer_destroy`,
        // which waits for this pin, as it was there before the pointer was read; nor is the slot dropped,
        // which is borrowed as long.
        unsafe { seen.as_ref() }
    }

    /// Puts `new` in the place of what is in it.
    pub(super) fn swap<'p>(&self, new: Option<Box<T>>, pin: &'p Pin) -> Option<Retired<'p, T>> {
        let new = new.map_or_else(Shared::null, |new| Owned::<T>::from(new).into_shared(&pin.0));
        let old = self.0.swap(new, AcqRel, &pin.0); // Acquire: we look at the old one, too
        // Lazily: a `Retired` of nothing must not come into being, since its drop would free nothing.
        (!old.is_null()).then(|| Retired { old, pin })
    }
}

impl<T> Deref for Retired<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: It is not null (see `swap`), and not freed: only our own drop lets it be, and not
        // before the pin goes, which we borrow.
        unsafe { self.old.deref() }
    }
}

impl<T> Drop for Retired<'_, T> {
    fn drop(&mut self) {
        // SAFETY: The swap took the pointer out of its slot, so that no new reader finds it, and gave it
        // to us alone, so that nobody else frees it. Readers who found it before are pinned. Only a
        // `Slot<T>` of a `T: Send + 'static` makes a `Retired`, so any thread may drop it at any time.
        unsafe { self.pin.0.defer_destroy(self.old) };
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        // SAFETY: We have the slot to ourselves: a look borrows it. What is in it was not retired.
        drop(unsafe { std::mem::take(&mut self.0).try_into_owned() });
    }
}
