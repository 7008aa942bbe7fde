//! Read-through batching, the window of a `DataLoader`: loads of single keys that come within it are one
//! call of the source.
//!
//! Read in this order: this page; `batch`, one of them from its opening to its call; `drive`, who polls
//! it; `handle`, what users meet.
//!
//! # The life of a batch
//!
//! | state \ event | `load(key)`             | a caller goes            | the window ends, or it is full | the call ends    |
//! |---------------|-------------------------|--------------------------|--------------------------------|------------------|
//! | none          | gathers, with this key  |                          |                                |                  |
//! | gathers       | one key more, or shared | its key goes, if the last | called                        |                  |
//! | called        | gathers the next        | another polls it         |                                | all are answered |
//!
//! The callers of a batch are one [flight](crate::flight): one of them polls it, the others are woken once,
//! by its end. The work itself lies in the batch, and not in the caller who polls it: where that one is
//! dropped, the next goes on at the same place. No task is spawned, and no timer belongs to one caller.
//!
//! # What it promises
//!
//! 1. A batch has at most `max_batch` keys, each once, in the order in which they came.
//! 2. A batch is called when it is full, or when its window has passed since its first key came; with a
//!    window of zero, when those who were ready to run in this tick have had their turn.
//! 3. A caller who goes takes nothing from the others: not the call, and not its time.
//! 4. What nobody waits for any more when the batch is called is not asked for.
//! 5. A load never gets what was asked for before it began: one that comes after the call of a batch goes
//!    into the next, also with a key of the former. So what a cache loads anew, after an invalidation, is
//!    asked for anew.
//!
//! # Synchronization
//!
//! Two locks of ours, never held across a call of the source: the gate, which says what batch gathers and
//! which keys it has, and that of a batch's work, which its one driver takes out. A caller gets its key and
//! its seat in the flight in one step under the gate, and the call takes the keys under it too: whoever has
//! a key in the call has a seat by then.

mod batch;
mod builder;
mod drive;
mod handle;

pub use self::{builder::BatcherBuilder, handle::Batcher};
