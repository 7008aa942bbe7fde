//! Whose turn it is: priorities without starvation, by a number that never changes while a job waits.
//!
//! A job's turn is the moment when it became due, put off by a second for each point that its priority is
//! below the highest. The lowest turn is first; of two, the lower id.
//!
//! ```text
//!   turn = due + (255 − priority) × 1 s
//! ```
//!
//! So a job of high priority (192) goes before those of normal priority (128) that came up to 64 seconds
//! before it, and behind the older ones: **nobody waits for more than 255 seconds behind who comes later**,
//! however many come. As long as the queue is shorter than a minute, that is strict priority.
//!
//! A turn is known when a job begins to wait, and stays: an index on it is all that a claim needs, on every
//! engine.

use std::time::Duration;

use seawall_core::{Nanos, Priority};

/// What a point of priority is worth.
pub const POINT: Duration = Duration::from_secs(1);

/// The turn of a job that is due at this moment.
#[must_use]
pub fn turn(due: Nanos, priority: Priority) -> Nanos {
    due + POINT * u32::from(Priority::CRITICAL.0 - priority.0)
}
