//! A bounded ring between tasks and threads: many senders, many receivers, nothing lost when one of them
//! goes.
//!
//! Read in this order: this page; `turns` and `slots`, the queue itself, which never waits; `line`, who
//! waits and who is called; `shared`, which ties them; the handles [`Sender`] and [`Receiver`] with their
//! futures; `courtesy`, why a task gives way; `patience`, why it does not give up at once.
//!
//! ```text
//!                   +--------------- the slots ---------------+
//!   Sender   push   | . | . | 7 | 8 | 9 | . | . | . | . | . | |   pop    Receiver
//!   Sender -------> |         ^ head      ^ tail              | -------> Receiver
//!     |             +-----------------------------------------+             |
//!     | full                                                          empty |
//!     v                                                                     v
//!   the line of senders <--- called: a slot is free ---+                the line of receivers
//!                                called: a value is there ----------------->
//! ```
//!
//! # What it promises
//!
//! 1. A value that was sent comes out once, or is dropped once with the ring; never twice.
//! 2. The values of one sender that sends one after the other come out in that order.
//! 3. Never more than `capacity` are in it, for any capacity from 1; nothing is rounded.
//! 4. Nobody sleeps while there is something for him that nobody was called for.
//! 5. One thing calls one: a value a receiver, a slot that became free a sender.
//! 6. A `recv` that is dropped has taken nothing, a `send` that is dropped has sent nothing; what it was
//!    called for is another one's.
//! 7. After `close` returned nothing goes in; what went in comes out, and after the last of it every
//!    receiver, also one who sleeps, learns that it is over.
//! 8. A waker and the drop of a value never run under a lock.
//! 9. Without waiting nothing is allocated, and no lock is taken.
//!
//! # What it does not do
//!
//! Be fair to the instruction: who comes while another is on his way to what he was called for may be
//! faster. The other one keeps his place at the head of the line.
//!
//! # Examples
//!
//! How do I hand work from one task to another, and slow down who is too fast?
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let (sender, receiver) = seawall_queue::ring::bounded(2)?;
//!
//! let sends = async move {
//!     for n in 1..=100_u32 {
//!         sender.send(n).await.expect("somebody receives");
//!     }
//! };
//! let sums = async move {
//!     let mut sum = 0;
//!     while let Some(n) = receiver.recv().await {
//!         sum += n;
//!     }
//!     sum
//! };
//!
//! assert_eq!(tokio::join!(sends, sums).1, 5050);
//! # Ok::<(), seawall_queue::ConfigError>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod courtesy;
mod error;
mod line;
mod patience;
mod receiver;
mod receiving;
mod sender;
mod sending;
mod shared;
mod slots;
mod turns;

use std::sync::Arc;

use seawall_core::ConfigError;

use self::shared::Shared;
#[cfg(test)]
pub(crate) use self::slots::{In, Out, Slots};
pub(crate) use self::{
    courtesy::{gives_way, rested},
    line::{Line, Ticket},
};
pub use self::{
    error::{SendError, TryRecvError, TrySendError},
    receiver::{Drain, Receiver},
    receiving::{Receiving, ReceivingMany},
    sender::Sender,
    sending::Sending,
};

/// How often a thread looks before it sleeps: some microseconds, about what it costs to be woken.
#[cfg(not(seawall_loom))]
const SPINS: usize = 100;
#[cfg(seawall_loom)]
const SPINS: usize = 0;

/// Makes a ring that holds `capacity` values, and its two ends.
///
/// All of its memory is taken now.
///
/// # Errors
///
/// Where `capacity` is 0, or more than there is memory for.
pub fn bounded<T>(capacity: usize) -> Result<(Sender<T>, Receiver<T>), ConfigError> {
    let shared = Arc::new(Shared::new(capacity)?);
    Ok((Sender { shared: shared.clone() }, Receiver { shared }))
}
