//! The family's one switch between the real primitives and loom's.
//!
//! A state machine imports its atomics and locks from here and from nowhere else. Under
//! `--cfg seawall_loom` they are loom's, and a model explores every order in which two threads can
//! meet; otherwise they are the standard library's atomics and parking_lot's locks. Not public API:
//! hidden from the docs, free to change in any release.
//!
//! The flag is ours alone: plain `cfg(loom)` is global, and crates such as `hyper-util` and
//! `event-listener` do not build under it.
//!
//! # What loom does not see
//!
//! Time, the wrap of a field, and load buffering. Accesses that are `SeqCst` it takes for `AcqRel`,
//! so the family uses none. Values that no decision rests on (settings, statistics) use
//! [`unmodelled`] atomics: every atomic access is a branch that loom must explore, and one that
//! cannot go wrong only makes the model too large to finish.

#[cfg(not(seawall_loom))]
pub mod atomic {
    pub use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
}

#[cfg(seawall_loom)]
pub mod atomic {
    pub use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
}

/// Atomics outside loom's view, for values that carry nothing but themselves and that no
/// decision's correctness rests on: settings, statistics, a random seed, a test's clock.
pub mod unmodelled {
    pub use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
}

/// A count that no decision rests on, for snapshots.
///
/// Relaxed: it carries nothing but itself.
#[derive(Debug, Default)]
pub struct Stat(unmodelled::AtomicU64);

impl Stat {
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(unmodelled::AtomicU64::new(value))
    }

    #[inline]
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, unmodelled::Ordering::Relaxed);
    }

    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(unmodelled::Ordering::Relaxed)
    }

    /// Sets it, and returns what it was.
    pub fn replace(&self, value: u64) -> u64 {
        self.0.swap(value, unmodelled::Ordering::Relaxed)
    }
}

/// A [`Stat`] that threads count in at the same time without taking it from each other: a copy for
/// each lane, a power of two of them.
#[derive(Debug)]
pub struct SpreadStat(Box<[crate::CachePadded<Stat>]>);

impl SpreadStat {
    #[must_use]
    pub fn new(lanes: usize) -> Self {
        debug_assert!(lanes.is_power_of_two(), "a lane is found with a mask");
        Self((0..lanes).map(|_| crate::CachePadded::default()).collect())
    }

    #[inline]
    pub fn add(&self, lane: usize, count: u64) {
        self.0[lane & (self.0.len() - 1)].add(count);
    }

    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.iter().map(|stat| stat.get()).sum()
    }
}

/// A cell that several threads reach into by turns: loom sees where they do so at the same time.
pub mod cell {
    #[cfg(seawall_loom)]
    pub use loom::cell::UnsafeCell;

    /// The standard library's, in the shape of loom's.
    #[cfg(not(seawall_loom))]
    #[derive(Debug, Default)]
    pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    #[cfg(not(seawall_loom))]
    impl<T> UnsafeCell<T> {
        pub const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        /// Hands out where the value is, to write there.
        #[inline]
        pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}

pub use lock::{Mutex, RwLock};

#[cfg(not(seawall_loom))]
mod lock {
    pub use parking_lot::{Mutex, RwLock};
}

/// Loom's locks in the shape of parking_lot's: never poisoned, a guard and no `Result`.
#[cfg(seawall_loom)]
mod lock {
    use loom::sync::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};

    #[derive(Debug, Default)]
    pub struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("a model that panicked is over")
        }
    }

    #[derive(Debug, Default)]
    pub struct RwLock<T>(loom::sync::RwLock<T>);

    impl<T> RwLock<T> {
        pub fn new(value: T) -> Self {
            Self(loom::sync::RwLock::new(value))
        }

        pub fn read(&self) -> RwLockReadGuard<'_, T> {
            self.0.read().expect("a model that panicked is over")
        }

        pub fn write(&self) -> RwLockWriteGuard<'_, T> {
            self.0.write().expect("a model that panicked is over")
        }
    }
}
