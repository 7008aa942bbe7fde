//! What the state machine asks for instead of having it.

use seawall_core::Nanos;

/// What the machine asks of the world: the time, and only where somebody waits or a share is short.
pub(crate) trait Outside {
    /// The present moment.
    fn now(&self) -> Nanos;
    /// The queue has become a burden, or has ceased to be one.
    fn overload(&self, overloaded: bool);
}
