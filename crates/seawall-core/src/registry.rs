//! All handles of a service in one place, for whoever exports or shows them.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Weak},
};

use crate::{Observe, Snapshot, sync::Mutex};

/// A list of handles, held weakly: a handle that is dropped leaves it.
///
/// A value and no global: a service has one, a test has its own. Cloning shares the list. Nothing is
/// ever pushed to it; who exports asks for [`snapshots`](Self::snapshots), so that being observed
/// costs the observed nothing.
///
/// Two handles of one pattern and name are told apart by [`Snapshot::instance`].
///
/// # Examples
///
/// ```
/// # use seawall_core::{Observe, Registry, Snapshot};
/// # use std::sync::Arc;
/// struct Gate;
/// impl Observe for Gate {
///     fn snapshot(&self) -> Snapshot {
///         Snapshot::new("gate", "north", "open").gauge("waiting", 3.0)
///     }
/// }
/// let registry = Registry::new();
/// let gate = Arc::new(Gate);
/// registry.add(&gate);
/// assert_eq!(registry.snapshots()[0].gauges["waiting"], 3.0);
///
/// drop(gate);
/// assert!(registry.snapshots().is_empty());
/// ```
#[derive(Clone, Default)]
pub struct Registry(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    handles: Vec<(u32, Weak<dyn Observe>)>,
    /// How many handles of a pattern and name there have been: an instance's number is not given
    /// twice, or a series of the dead one would go on as the new one's.
    seen: HashMap<(String, String), u32>,
}

impl Registry {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a handle; the list does not keep it alive.
    pub fn add<T: Observe + 'static>(&self, handle: &Arc<T>) {
        let Snapshot { pattern, name, .. } = handle.snapshot();
        let weak = Arc::downgrade(handle);
        let mut entries = self.0.lock();
        let next = entries.seen.entry((pattern.into_owned(), name)).or_default();
        let instance = *next;
        *next += 1;
        // Before the list would grow, so that it stays as long as what is alive though nobody asks.
        if entries.handles.len() == entries.handles.capacity() {
            entries.handles.retain(|(_, weak)| weak.strong_count() > 0);
        }
        entries.handles.push((instance, weak));
    }

    /// How all handles stand that are alive, in the order in which they were added.
    #[must_use]
    pub fn snapshots(&self) -> Vec<Snapshot> {
        // Handles are asked, and the last of their Arcs may be dropped, outside the lock.
        let alive: Vec<_> = {
            let mut entries = self.0.lock();
            entries.handles.retain(|(_, weak)| weak.strong_count() > 0);
            let upgrade = |(instance, weak): &(u32, Weak<dyn Observe>)| {
                weak.upgrade().map(|handle| (*instance, handle))
            };
            entries.handles.iter().filter_map(upgrade).collect()
        };
        alive
            .into_iter()
            .map(|(instance, handle)| Snapshot { instance, ..handle.snapshot() })
            .collect()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.snapshots()).finish()
    }
}

#[cfg(all(test, not(seawall_loom)))]
#[path = "tests/registry.rs"]
mod tests;
