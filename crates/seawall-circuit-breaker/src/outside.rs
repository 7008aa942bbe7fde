//! What the state machine asks for instead of having it: the time, chance, and whom to tell.

use std::time::Duration;

use seawall_core::{Nanos, Ratio};

use crate::Turn;

/// What the machine asks of the world: the time, chance, and whom to tell.
pub(crate) trait Outside {
    /// The present moment.
    fn now(&self) -> Nanos;
    /// The present moment, up to a few milliseconds late.
    fn now_coarse(&self) -> Nanos;
    /// The calling thread's number.
    fn lane(&self) -> usize;
    /// `true` for a share of the times it is asked.
    fn happens(&self, share: Ratio) -> bool;
    /// How long to stay open the `opens`-th time.
    fn open_for(&self, opens: u32) -> Duration;
    /// The circuit turned.
    fn turned(&self, generation: u32, turn: Turn);
}
