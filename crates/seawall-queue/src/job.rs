//! A job's life: its states, what moves it from one to the next, and what is counted on the way.
//!
//! Read in this order: this page; `life`, the whole machine, pure; `verdict`, what a worker says about a
//! job that it had; `counts` and `id`, the small words of it.
//!
//! ```text
//!                            claim: a fresh token
//!   enqueue   +-------------+ ---------------------> +--------+   done       +-----------+
//!  ---------> | waiting     |                        | leased | -----------> | done      |
//!             |  scheduled  | <--------------------- |        |              +-----------+
//!             |  ready      |  retry, snooze,        |        |   cancelled  +-----------+
//!             |  retrying   |  release, lease over   |        | -----------> | cancelled |
//!             +-------------+                        +--------+              +-----------+
//!                |   ^   | cancel                        |                        ^
//!                |   |   +-------------------------------|------------------------+
//!          shed  |   | requeue      +------+             | bury, no attempt left, crashed too often
//!                |   +------------- | dead | <-----------+
//!                +----------------> +------+
//! ```
//!
//! *Scheduled*, *ready* and *retrying* are one phase: a moment from which on it may be claimed, and whether
//! that is over. *Blocked by its key* and *paused* are no states of a job; a claim decides them.
//!
//! | phase \ event | `claim` | `heartbeat(token)` | `settle(token)` | `sweep` | `cancel` | `requeue` | `shed` |
//! |---|---|---|---|---|---|---|---|
//! | waiting | leased, if due | `Lost` | `Already` or `Lost` | – | cancelled | – | dead |
//! | leased, the token | – | `Extended`, or `Cancel` | as the verdict says | waiting or dead, if over | asked for | – | – |
//! | leased, another token | – | `Lost` | `Lost` | | | | |
//! | done, cancelled | – | `Lost` | `Already` or `Lost` | – | – | – | – |
//! | dead | – | `Lost` | `Already` or `Lost` | – | – | waiting | – |
//!
//! | verdict | next | attempts | snoozes |
//! |---|---|---|---|
//! | done | done | | |
//! | retry | waiting for the delay; dead, if that was the last attempt | | |
//! | snooze | waiting for the delay | − 1 | + 1 |
//! | release | waiting, at its old place | − 1 | |
//! | bury | dead | | |
//! | cancelled | cancelled | | |
//!
//! # What it promises
//!
//! 1. At most one lease is valid at a time, and each claim has a token that no claim had before.
//! 2. Who does not show the present token changes nothing.
//! 3. A settle that comes twice moves the job once; the second is told [`Settled::Already`], as long as
//!    nobody has claimed the job in between.
//! 4. A lease that is over is still its holder's until it is swept: nobody else has it.
//! 5. Attempts, crashes, snoozes and redrives are counted apart. A job that kills its workers is dead after
//!    as many crashes as are allowed, whatever else it did; one that is snoozed for ever is not.
//! 6. A job that was cancelled while it was leased never runs again.
//! 7. It asks no clock: each event is told the storage's time, and no sum of it overflows.

mod answer;
mod counts;
mod id;
mod life;
mod state;
mod verdict;

pub use self::{
    answer::{Cancelled, Kept, Settled, Swept},
    counts::{Counts, Limits},
    id::{JobId, Lease, Token},
    life::{Life, Phase},
    state::{Cause, State},
    verdict::Verdict,
};
