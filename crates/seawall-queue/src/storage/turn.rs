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
//!
//! # Where keys take turns
//!
//! Who has ten thousand jobs in the queue would go before all who come later. With
//! [`fair_keys`](super::Settings::fair_keys), **of each key one ready job stands in line**, the first of the key
//! by turn, and the others behind it are held up:
//!
//! ```text
//!   the line:   ada 1   bob 1   eve 1   (no key)  (no key)      ada 1 is claimed: ada 2 steps in at the end
//!                 │       │
//!   behind:     ada 2   bob 2
//!               ada 3                                           place = turn of max(due, last served)
//!                 ⋮
//! ```
//!
//! 1. A key is *served* when one of its jobs is claimed, and when it was at its
//!    [limit](super::Settings::key_limit) and a lease of it ends: its next job stands at the end of the line, as
//!    one that had come at that moment. So keys go round, and what a claim costs is one more look-up.
//! 2. Within a key it is first by turn, as above: who comes with an earlier turn than the one in line takes his
//!    place. **The place is the key's**: it passes to the next one too when the one in line is cancelled, shed
//!    or replaced, and can't be lost or gained by that.
//! 3. When a key was served is known as long as jobs of it are ready. One without any has nothing to make up for:
//!    the next one has the place of its own turn.
//! 4. Priorities age as they do elsewhere, from the moment at which the key was served.
//! 5. Each job without a key is a key of its own: its turn is as above.
//! 6. No two moments of being served are the same, should the clock stand still.
//!
//! So of `n` keys that have jobs ready of one priority, each is claimed once in `n` claims, however many jobs it
//! has. What is told of a job (since when it is due, how long it waited) is told by its own time, not by its
//! place.

use std::time::Duration;

use seawall_core::{Nanos, Priority};

/// What a point of priority is worth.
pub const POINT: Duration = Duration::from_secs(1);

/// The turn of a job that is due at this moment.
#[must_use]
pub fn turn(due: Nanos, priority: Priority) -> Nanos {
    due + POINT * u32::from(Priority::CRITICAL.0 - priority.0)
}
