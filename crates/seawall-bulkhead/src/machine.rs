//! The bulkhead: who is let in, who waits, who is turned away.
//!
//! Read in this order: `word.rs` (what changes together), this file (what happens to it), `share.rs` (parts
//! of the limit), `queue.rs` and `line.rs` (who waits), `congestion.rs` (when a queue is a burden).
//!
//! # How it decides
//!
//! | event \ state | room, nobody waits | no room, or somebody waits | as before, and the queue is full |
//! |---|---|---|---|
//! | `try_enter(w)` | in flight + w | turned away: limit | turned away: limit |
//! | `enter_or_join(w)` | in flight + w | waiting + 1, joins a line | turned away: limit, or queue |
//! | `leave(w)` | in flight - w | in flight - w, then serves the lines | the same |
//! | `set_limit(n)` | limit = n | limit = n, then serves the lines | the same |
//!
//! Each is one swap of the word, or one subtraction. The lines are behind a lock that nobody takes
//! while nobody waits. Who joins is counted in the word by the same swap that found no room for him,
//! then takes his place in a line, and then serves the lines himself; who makes room and sees in the
//! word that somebody waits serves them too. Whichever of the two is later finds both the room and
//! the waiter.
//!
//! Nobody passes one who waits, so that a heavy call gets its places in the end: those at the turn
//! keep what becomes free until it is enough for them.
//!
//! # What it promises
//!
//! 1. The weights in flight never exceed the limit by a call that was let in after it was set.
//! 2. Nobody waits while there is room for whoever's turn it is; one who would borrow what is kept free
//!    for another share is looked at again when the next call comes or goes.
//! 3. Never more wait than may.
//! 4. What was taken for a waiter who has left goes to the next, or back.
//! 5. While no other asks for its own places, a share may use all of the limit; once one has, it gets
//!    them as calls end.
//!
//! # Synchronization
//!
//! `leave` (Release) to `try_enter` (Acquire): what a call did is seen by the one that has its place
//! after it. The lines are ordered by their lock.

pub(crate) mod congestion;
pub(crate) mod line;
mod queue;
pub(crate) mod share;
mod waits;

use std::task::{Poll, Waker};

use seawall_core::{
    Bound, CachePadded, Nanos, Priority, Ratio,
    sync::{
        Mutex,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
        unmodelled::AtomicU32,
    },
};

use self::queue::Queue;
pub(crate) use self::{line::Place, share::Share, waits::Waits};
use crate::{config::Config, outside::Outside, word::Word};

/// What a call takes, and out of which share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) share: u16,
    pub(crate) weight: u32,
}

/// Where a call stands that was not refused.
#[derive(Debug)]
pub(crate) enum Entry {
    In,
    Waits(Place),
}

#[derive(Debug)]
pub(crate) struct Machine {
    word: CachePadded<AtomicU64>,
    /// None, or one for each partition and, first, one for whoever names none.
    shares: Box<[Share]>,
    most_waiting: AtomicU32,
    /// Whether the important are served first, and send away others when the queue is full.
    ranked: bool,
    queue: CachePadded<Mutex<Queue>>,
}

impl Machine {
    pub(crate) fn new(config: &Config, limit: u32) -> Self {
        let parts: Vec<Ratio> = config.partitions.iter().map(|partition| partition.share).collect();
        let shares: Box<[Share]> = match parts.as_slice() {
            [] => Box::default(),
            parts => std::iter::once(Ratio::ZERO)
                .chain(parts.iter().copied())
                .map(|part| Share::new(part, limit))
                .collect(),
        };
        let queue = Queue::new(config, shares.len().max(1));
        Self {
            word: CachePadded::new(AtomicU64::new(Word::new(limit).0)),
            shares,
            most_waiting: AtomicU32::new(config.queue),
            ranked: config.shedding.is_some(),
            queue: CachePadded::new(Mutex::new(queue)),
        }
    }

    /// Lets a call in, or says what is in its way: whoever does not wait then is
    /// [`turned_away`](Self::turned_away).
    #[inline]
    pub(crate) fn try_enter(&self, call: Call, outside: &impl Outside) -> Result<(), Bound> {
        if self.shares.is_empty() {
            self.try_take(call.weight)
        } else {
            self.try_share(call, outside)
        }
    }

    /// Lets a call in, or gives it a place in line, or says what is in its way.
    pub(crate) fn enter_or_join(
        &self,
        call: Call,
        priority: Priority,
        most_waiting: u32,
        outside: &impl Outside,
    ) -> Result<Entry, Bound> {
        loop {
            let Err(bound) = self.try_enter(call, outside) else { return Ok(Entry::In) };
            if bound == Bound::Weight || most_waiting == 0 {
                self.turned_away(call, outside);
                return Err(bound);
            }
            let seen = Word(self.word.load(Relaxed)); // the swap decides
            if seen.waiting() >= most_waiting {
                return self.join_for_another(call, priority, outside);
            }
            if bound == Bound::Limit && seen.waiting() == 0 && seen.room() >= call.weight {
                continue; // there is room by now
            }
            // Relaxed: the lock that follows orders the lines.
            if self.word.compare_exchange(seen.0, seen.joined().0, Relaxed, Relaxed).is_ok() {
                let now = outside.now();
                let place = self.queue.lock().join(self.ranked, call, priority, now);
                self.serve_at(now, outside);
                return Ok(Entry::Waits(place));
            }
        }
    }

    /// A call leaves; the word as it was before.
    #[inline]
    pub(crate) fn leave(&self, call: Call, outside: &impl Outside) -> Word {
        if !self.shares.is_empty() {
            self.shares[usize::from(call.share)].give(call.weight);
        }
        // Release: see the page.
        let before = Word(self.word.fetch_sub(Word::leaving(call.weight), Release));
        if before.waiting() > 0 {
            self.serve(outside);
        }
        before
    }

    /// Where one who waits stands: `waker` is woken when that changes.
    pub(crate) fn poll(&self, place: Place, waker: &Waker) -> Poll<Result<(), Bound>> {
        let mut queue = self.queue.lock();
        if let Some(verdict) = queue.lines.take_verdict(place) {
            return Poll::Ready(verdict.map(|_| ()));
        }
        let known = queue.lines.get_mut(place).map(|waiter| &mut waiter.waker);
        let old = match known {
            Some(Some(known)) if known.will_wake(waker) => None,
            Some(known) => known.replace(waker.clone()),
            None => None,
        };
        drop(queue);
        drop(old); // the last waker of a task drops the task, and a permit that it has comes here
        Poll::Pending
    }

    /// One who waits has waited long enough; he keeps what he has got by then.
    pub(crate) fn expire(&self, place: Place, outside: &impl Outside) -> Result<(), Bound> {
        let verdict = self.give_up(place, outside, 0);
        verdict.unwrap_or(Err(Bound::Wait)).map(|_| ())
    }

    /// One who waits goes away; what was taken for him goes to the next.
    pub(crate) fn cancel(&self, place: Place, outside: &impl Outside) {
        if let Some(Ok(weight)) = self.give_up(place, outside, 1) {
            self.leave(Call { share: place.share, weight }, outside);
        }
    }

    /// Changes the limit; what is in flight stays, and drains where it is over.
    pub(crate) fn set_limit(&self, limit: u32, outside: &impl Outside) -> u32 {
        let mut seen = Word(self.word.load(Relaxed));
        // Relaxed: it changes nobody's place.
        while let Err(now) =
            self.word.compare_exchange_weak(seen.0, seen.with_limit(limit).0, Relaxed, Relaxed)
        {
            seen = Word(now);
        }
        if !self.shares.is_empty() {
            self.resize_shares();
        }
        // Whose turn it is may have changed with the shares, for those too who joined meanwhile.
        if seen.waiting() > 0 || !self.shares.is_empty() {
            self.serve(outside);
        }
        seen.limit()
    }

    /// Whoever finds that the limit has changed meanwhile does it over, so that the last one is right:
    /// who resizes a share after another sees the limit that the other one saw.
    fn resize_shares(&self) {
        loop {
            let limit = self.word().limit();
            self.shares.iter().for_each(|share| share.resize(limit));
            if self.word().limit() == limit {
                return;
            }
        }
    }

    /// Takes over what of a configuration can change.
    pub(crate) fn reconfigure(&self, config: &Config) {
        self.most_waiting.store(config.queue, Relaxed);
        self.queue.lock().reconfigure(config);
    }

    pub(crate) fn word(&self) -> Word {
        Word(self.word.load(Relaxed))
    }

    /// One for each partition, after the one for whoever names none.
    pub(crate) fn shares(&self) -> &[Share] {
        &self.shares
    }

    pub(crate) fn most_waiting(&self) -> u32 {
        self.most_waiting.load(Relaxed)
    }

    pub(crate) fn waits(&self) -> Waits {
        self.queue.lock().waits.clone()
    }

    pub(crate) fn overloaded(&self) -> bool {
        self.queue.lock().overloaded()
    }
}

/// The fast path.
impl Machine {
    #[inline]
    fn try_take(&self, weight: u32) -> Result<(), Bound> {
        let mut seen = Word(self.word.load(Relaxed));
        loop {
            if seen.waiting() > 0 || seen.room() < weight {
                return Err(in_the_way(seen, weight)); // a refusal writes nothing
            }
            // Acquire: see the page.
            match self.word.compare_exchange_weak(seen.0, seen.entered(weight).0, Acquire, Relaxed)
            {
                Ok(_) => return Ok(()),
                Err(now) => seen = Word(now),
            }
        }
    }

    /// Counts the call in its share first, so that of two who want its last place one borrows.
    #[inline(never)]
    fn try_share(&self, call: Call, outside: &impl Outside) -> Result<(), Bound> {
        let share = &self.shares[usize::from(call.share)];
        let mut counted = None; // whether its places are the share's own, once it counts there
        let mut seen = Word(self.word.load(Relaxed));
        loop {
            let own = counted.unwrap_or_else(|| share.is_own(call.weight));
            if let Some(bound) = self.bars(seen, call, own, outside) {
                if counted.is_some() {
                    share.give(call.weight);
                    self.serve(outside); // who served meanwhile took it for one in flight
                }
                return Err(bound);
            }
            if counted.is_none() {
                counted = Some(share.take(call.weight));
                continue;
            }
            let entered = seen.entered(call.weight).0;
            match self.word.compare_exchange_weak(seen.0, entered, Acquire, Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => seen = Word(now),
            }
        }
    }

    /// What is in the way of a call that has its share's own places, or borrows.
    fn bars(&self, seen: Word, call: Call, own: bool, outside: &impl Outside) -> Option<Bound> {
        if seen.waiting() > 0 || seen.room() < call.weight {
            return Some(in_the_way(seen, call.weight));
        }
        if own {
            return None;
        }
        let kept_free = self.kept_free(call.share, || outside.now());
        (u64::from(seen.room() - call.weight) < kept_free).then_some(Bound::Share)
    }

    /// How many places are kept free for shares other than `share`.
    fn kept_free(&self, share: u16, now: impl Fn() -> Nanos) -> u64 {
        let others = self.shares.iter().enumerate().filter(|&(at, _)| at != usize::from(share));
        others.map(|(_, other)| other.kept_free(&now)).sum()
    }

    /// A call goes away without a place: nobody borrows for a while what its share may lack.
    #[cold]
    pub(crate) fn turned_away(&self, call: Call, outside: &impl Outside) {
        if let Some(share) = self.shares.get(usize::from(call.share))
            && share.is_own(call.weight)
        {
            share.asked_in_vain(outside.now());
        }
    }
}

#[cold]
fn in_the_way(seen: Word, weight: u32) -> Bound {
    if weight > seen.limit() { Bound::Weight } else { Bound::Limit }
}
