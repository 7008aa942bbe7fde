//! A cell that is written once: the standard library's, and in models one whose edge loom can see.

#[cfg(not(seawall_loom))]
pub(crate) use std::sync::OnceLock as Once;

#[cfg(seawall_loom)]
pub(crate) use modelled::Once;

/// Loom does not look into `OnceLock`. This one finds itself empty in every order in which the reader has no
/// edge from who wrote it, so that a model shows the edge that is missing; who finds it full sees what was
/// written before, as with the standard library's.
#[cfg(seawall_loom)]
mod modelled {
    use std::sync::OnceLock;

    use seawall_core::sync::atomic::{
        AtomicBool,
        Ordering::{Acquire, Release},
    };

    #[derive(Debug)]
    pub(crate) struct Once<T> {
        is_set: AtomicBool,
        value: OnceLock<T>,
    }

    impl<T> Once<T> {
        pub(crate) fn new() -> Self {
            Self { is_set: AtomicBool::new(false), value: OnceLock::new() }
        }

        pub(crate) fn get(&self) -> Option<&T> {
            if self.is_set.load(Acquire) { self.value.get() } else { None }
        }

        pub(crate) fn set(&self, value: T) -> Result<(), T> {
            self.value.set(value)?;
            self.is_set.store(true, Release);
            Ok(())
        }
    }
}
