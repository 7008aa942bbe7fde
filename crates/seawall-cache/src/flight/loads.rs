//! The cap: so many loads at once, and a line of those that wait for their turn.
//!
//! When what is behind a cache's first level fails, every miss becomes a load of the source. The cap
//! keeps that from becoming the source's outage. It counts loads, not callers: a flight has one place,
//! however many follow it, and so has a batch.
//!
//! # What it promises
//!
//! 1. At most `max` slots are held at once, and at most `queue` wait for one.
//! 2. First come, first served: a slot that comes free goes to the one who has waited longest.
//! 3. A waiter that goes leaves the line, and hands on the slot that was given to it.
//! 4. A waiter is woken once.

use std::{
    collections::BTreeMap,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use seawall_core::{Bound, sync::Mutex};

/// How many loads run at once. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Loads(Option<Arc<Cap>>);

struct Cap {
    line: Mutex<Line>,
    max: usize,
    queue: usize,
}

#[derive(Default)]
struct Line {
    /// Slots that are held, those given to a waiter that does not know yet included.
    held: usize,
    waiting: BTreeMap<u64, Option<Waker>>,
    given: BTreeMap<u64, ()>,
    next: u64,
}

impl Loads {
    /// At most `max` loads at once, and `queue` that wait; without `max`, any number.
    pub(crate) fn new(max: Option<usize>, queue: usize) -> Self {
        Self(max.map(|max| Arc::new(Cap { line: Mutex::default(), max, queue })))
    }

    /// A slot, or a place in the line.
    ///
    /// # Errors
    ///
    /// Where the line is full: [`Bound::Limit`] if there is none at all.
    pub(crate) fn enter(&self) -> Result<Place, Bound> {
        let Some(cap) = &self.0 else { return Ok(Place::free()) };
        let mut line = cap.line.lock();
        if line.held < cap.max {
            line.held += 1;
            drop(line);
            return Ok(Place { slot: Some(Slot(Some(cap.clone()))), waits: None });
        }
        if line.waiting.len() >= cap.queue {
            return Err(if cap.queue == 0 { Bound::Limit } else { Bound::Queue });
        }
        let number = line.next;
        line.next += 1;
        line.waiting.insert(number, None);
        drop(line);
        Ok(Place { slot: None, waits: Some(Waits { cap: cap.clone(), number }) })
    }

    /// A slot, if one is free: for what need not be done now.
    pub(crate) fn try_enter(&self) -> Option<Slot> {
        let Some(cap) = &self.0 else { return Some(Slot(None)) };
        let mut line = cap.line.lock();
        let free = line.held < cap.max;
        line.held += usize::from(free);
        drop(line);
        free.then(|| Slot(Some(cap.clone())))
    }

    /// How many slots are held, and how many wait for one; `None` where there is no cap.
    pub(crate) fn standing(&self) -> Option<(usize, usize)> {
        let line = self.0.as_ref()?.line.lock();
        Some((line.held, line.waiting.len()))
    }
}

/// The right to load, until it is dropped.
#[must_use = "it is given back when it is dropped"]
pub(crate) struct Slot(Option<Arc<Cap>>);

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(cap) = &self.0 {
            cap.give_back();
        }
    }
}

impl Cap {
    /// A slot comes free: for the one who has waited longest, or for whoever comes.
    fn give_back(&self) {
        let mut line = self.line.lock();
        let waker = match line.waiting.pop_first() {
            Some((number, waker)) => {
                line.given.insert(number, ());
                waker
            }
            None => {
                line.held -= 1;
                None
            }
        };
        drop(line);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A place in the line, or at its head. Dropping it gives it up.
#[must_use = "a place is polled until it is a slot"]
pub(crate) struct Place {
    slot: Option<Slot>,
    waits: Option<Waits>,
}

struct Waits {
    cap: Arc<Cap>,
    number: u64,
}

impl Place {
    const fn free() -> Self {
        Self { slot: Some(Slot(None)), waits: None }
    }

    /// The slot, if it is this one's turn already; the place otherwise.
    #[cfg(feature = "tower")]
    pub(crate) fn try_into_slot(mut self) -> Result<Slot, Self> {
        self.slot.take().ok_or(self)
    }

    /// The slot, once it is this one's turn.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<Slot> {
        if let Some(waits) = &self.waits {
            let mut line = waits.cap.line.lock();
            if line.given.remove(&waits.number).is_none() {
                let old = line.waiting.insert(waits.number, Some(cx.waker().clone()));
                drop(line);
                drop(old); // the user's own
                return Poll::Pending;
            }
            drop(line);
            self.slot = Some(Slot(Some(waits.cap.clone())));
            self.waits = None;
        }
        Poll::Ready(self.slot.take().expect("a place is not polled after it was a slot"))
    }
}

/// A slot is a place whose turn it is.
impl From<Slot> for Place {
    fn from(slot: Slot) -> Self {
        Self { slot: Some(slot), waits: None }
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        let mut line = self.cap.line.lock();
        let gone = line.waiting.remove(&self.number);
        let given = line.given.remove(&self.number).is_some();
        drop(line);
        drop(gone);
        if given {
            self.cap.give_back();
        }
    }
}
