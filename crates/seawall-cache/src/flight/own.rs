//! Which loads this thread polls right now, each inside of the one before.
//!
//! A load that asks for its own key would wait for itself. Whoever is about to follow a flight can find
//! that out here, as long as the load asks in its own task; across tasks, and round several keys, only a
//! timeout helps.

use std::cell::RefCell;

thread_local! {
    static POLLED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Polls a load of `flights`; what goes by their numbers is known to this thread meanwhile.
pub(super) fn within<R>(flights: impl Iterator<Item = usize>, poll: impl FnOnce() -> R) -> R {
    struct Out(usize);
    impl Drop for Out {
        fn drop(&mut self) {
            POLLED.with_borrow_mut(|polled| polled.truncate(self.0));
        }
    }
    let before = POLLED.with_borrow_mut(|polled| {
        let before = polled.len();
        polled.extend(flights);
        before
    });
    let _out = Out(before); // also when the load panics
    poll()
}

/// Whether this thread polls a load of `flight` right now.
pub(super) fn is_within(flight: usize) -> bool {
    POLLED.with_borrow(|polled| polled.contains(&flight))
}
