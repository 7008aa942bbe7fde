//! What the compiler knows of each public type: a handle in a server needs all three.

use std::{cell::Cell, marker::PhantomPinned, rc::Rc};

use seawall_core::{
    Backoff, Bound, BoxError, Chance, Clock, ConfigError, Context, Deadline, Delays, ErrIsFailure,
    Error, Jitter, Listeners, ManualClock, Name, Nanos, Outcome, Priority, Ratio, Reason, Registry,
    Rejection, Scope, Snapshot,
};

const fn everything<T: Send + Sync + Unpin>() {}

const _: () = {
    everything::<Backoff>();
    everything::<Bound>();
    everything::<BoxError>();
    everything::<Chance>();
    everything::<Clock>();
    everything::<ConfigError>();
    everything::<Context>();
    everything::<Deadline>();
    everything::<Delays>();
    everything::<ErrIsFailure>();
    everything::<Error<BoxError>>();
    everything::<Jitter>();
    everything::<ManualClock>();
    everything::<Name>();
    everything::<Nanos>();
    everything::<Outcome>();
    everything::<Priority>();
    everything::<Ratio>();
    everything::<Reason>();
    everything::<Registry>();
    everything::<Rejection>();
    everything::<Snapshot>();
};

/// Listeners are shared whatever the events are: an event lives on the thread that tells it.
const _: () = everything::<Listeners<Rc<()>>>();

/// A scope is what its future is, and nothing less.
const _: () = {
    const fn send<T: Send>() {}
    const fn sync<T: Sync>() {}
    const fn unpin<T: Unpin>() {}
    everything::<Scope<()>>();
    send::<Scope<Cell<()>>>();
    unpin::<Scope<Rc<()>>>();
    sync::<Scope<PhantomPinned>>();
};

#[cfg(feature = "tower")]
const _: () = {
    use seawall_core::flatten::{Flatten, FlattenFuture, FlattenService};
    everything::<Flatten<()>>();
    everything::<FlattenService<()>>();
    everything::<FlattenFuture<()>>();
};

/// Each refusal and each call carries one: what they weigh is part of what they cost.
#[cfg(target_pointer_width = "64")]
#[test]
fn what_calls_carry_is_small() {
    assert_eq!(size_of::<Nanos>(), 8);
    assert_eq!(size_of::<Ratio>(), 4);
    assert!(size_of::<Name>() <= 24);
    assert!(size_of::<Rejection>() <= 40);
    assert!(size_of::<Error<()>>() <= 40);
    assert!(size_of::<Clock>() <= if cfg!(feature = "quanta") { 48 } else { 24 });
}
