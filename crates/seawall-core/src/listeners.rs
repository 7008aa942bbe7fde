//! Who is told when something rare happens to a handle.

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// The listeners of a handle, set when it is built and called in that order.
///
/// They are called outside any lock, by the thread whose call made the turn. One that panics harms
/// neither the call nor the others.
pub struct Listeners<E>(Vec<Listener<E>>);

type Listener<E> = Arc<dyn Fn(&E) + Send + Sync>;

impl<E> Listeners<E> {
    /// Nobody.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// One more.
    pub fn add(&mut self, listener: impl Fn(&E) + Send + Sync + 'static) {
        self.0.push(Arc::new(listener));
    }

    /// Whether there is nobody to tell.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells everybody; the event is made only where somebody listens.
    pub fn tell(&self, event: impl FnOnce() -> E) {
        if self.0.is_empty() {
            return;
        }
        let event = event();
        for listener in &self.0 {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| listener(&event))) {
                discard(panic);
            }
        }
    }
}

/// Drops what a panic carries: the hook has printed it, and there is nobody else to hand it to.
///
/// What panics again when it is dropped is forgotten.
#[doc(hidden)]
pub fn discard(panic: Box<dyn Any + Send>) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(panic))).map_err(std::mem::forget);
}

impl<E> Clone for Listeners<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E> Default for Listeners<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for Listeners<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Listeners({})", self.0.len())
    }
}
