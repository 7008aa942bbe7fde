//! The slow path: who has joined a line is served from it, in turn, or let go.
//!
//! All of it happens under the queue's lock, and each step that counts is one swap of the word: whoever
//! is served goes from waiting to in flight in it.

use std::{task::Waker, time::Duration};

use seawall_core::{
    Bound, Nanos, Priority,
    sync::atomic::Ordering::{Acquire, Relaxed},
};

use super::{
    Call, Entry, Machine, Waits,
    congestion::Congestion,
    in_the_way,
    line::{Lines, Place, Verdict, Waiter},
};
use crate::{
    config::{Codel, Config, Order},
    outside::Outside,
    word::Word,
};

#[derive(Debug)]
pub(super) struct Queue {
    pub(super) lines: Lines,
    congestion: Congestion,
    pub(super) waits: Waits,
    order: Order,
    codel: Option<Codel>,
}

/// What came of one look at the lines.
struct Step {
    /// An overload began, or ended.
    turned: Option<bool>,
    /// A wait ended: whoever is to be woken for it.
    ended: Option<Option<Waker>>,
}

impl Machine {
    /// Takes the place in line of a less important call, where there is one.
    pub(super) fn join_for_another(
        &self,
        call: Call,
        priority: Priority,
        outside: &impl Outside,
    ) -> Result<Entry, Bound> {
        if !self.ranked {
            self.turned_away(call, outside);
            return Err(Bound::Queue);
        }
        let now = outside.now();
        let mut queue = self.queue.lock();
        let Some(less) = queue.lines.least_below(priority) else {
            drop(queue);
            self.turned_away(call, outside);
            return Err(Bound::Queue);
        };
        let waker = queue.lines.settle(less, Err(Bound::Priority));
        let place = queue.join(self.ranked, call, priority, now);
        drop(queue);
        wake(waker);
        self.serve_at(now, outside); // a lighter call may fit where the one at the turn did not
        Ok(Entry::Waits(place))
    }

    /// Serves the lines until nobody whose turn it is finds room.
    #[inline(never)]
    pub(crate) fn serve(&self, outside: &impl Outside) {
        self.serve_at(outside.now(), outside);
    }

    pub(super) fn serve_at(&self, now: Nanos, outside: &impl Outside) {
        loop {
            let step = self.serve_one(now);
            if let Some(overloaded) = step.turned {
                outside.overload(overloaded);
            }
            match step.ended {
                Some(waker) => wake(waker),
                None => return,
            }
        }
    }

    /// Ends one wait, if one can end.
    fn serve_one(&self, now: Nanos) -> Step {
        let mut queue = self.queue.lock();
        let turned = queue.look(now);
        let ended = queue.next_verdict(self, now).map(|(place, verdict)| {
            if verdict.is_ok() {
                queue.served(place, now);
            }
            queue.lines.settle(place, verdict)
        });
        Step { turned, ended }
    }

    /// Takes what a call whose turn it is weighs, where there is room for it; with the verdict over a
    /// call that can never have room, it is out of the word.
    fn take_for(&self, call: Call, now: Nanos) -> Option<Verdict> {
        let share = self.shares.get(usize::from(call.share));
        let borrows = share.is_some_and(|share| !share.take(call.weight));
        let kept_free = if borrows { self.kept_free(call.share, || now) } else { 0 };
        let taken = self.unjoin(call.weight, kept_free);
        if let (Err(_), Some(share)) = (taken, share) {
            share.give(call.weight);
        }
        match taken {
            Ok(()) => Some(Ok(call.weight)),
            Err(Bound::Weight) => {
                self.unjoin_gone();
                Some(Err(Bound::Weight))
            }
            Err(_) => None,
        }
    }

    /// Whose turn it is: in a share with places of its own, the one that has least of them; else the
    /// first of all in rank and order.
    fn turn(&self, queue: &Queue) -> Option<Place> {
        let last_first = queue.last_first();
        if self.shares.is_empty() {
            return queue.lines.turn(0, last_first);
        }
        let turns =
            (0..self.shares.len() as u16).filter_map(|share| queue.lines.turn(share, last_first));
        let weight = |place: &Place| queue.lines.get(*place).map_or(0, |waiter| waiter.weight);
        turns.min_by_key(|place| {
            let share = &self.shares[usize::from(place.share)];
            let own = share.is_own(weight(place));
            (!own, if own { share.fill() } else { 0 }, place.rank_where(last_first))
        })
    }

    /// Counts one who waits as one in flight, where there is room for his weight beside the places
    /// that are kept free; while nothing is in flight, nothing is kept, since nobody would come back
    /// for him later.
    fn unjoin(&self, weight: u32, kept_free: u64) -> Result<(), Bound> {
        let mut seen = Word(self.word.load(Relaxed));
        loop {
            let kept_free = if seen.in_flight() == 0 { 0 } else { kept_free };
            if u64::from(seen.room()) < u64::from(weight) + kept_free {
                return Err(in_the_way(seen, weight));
            }
            let next = seen.unjoined().entered(weight).0;
            // Acquire: as `try_enter`, for the one who waits; the lock hands it on to him.
            match self.word.compare_exchange_weak(seen.0, next, Acquire, Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => seen = Word(now),
            }
        }
    }

    /// One who waits is gone.
    fn unjoin_gone(&self) {
        self.word.fetch_sub(Word::gone(), Relaxed);
    }

    /// Ends a wait from the waiter's side; what had come of it by then.
    pub(super) fn give_up(
        &self,
        place: Place,
        outside: &impl Outside,
        cancelled: u64,
    ) -> Option<Verdict> {
        let mut queue = self.queue.lock();
        if let Some(verdict) = queue.lines.take_verdict(place) {
            return Some(verdict);
        }
        let waiter = queue.lines.leave(place)?;
        queue.waits.cancelled += cancelled;
        self.unjoin_gone();
        drop(queue);
        drop(waiter); // as in `poll`
        self.serve(outside); // he may have been in the way of a lighter one
        None
    }
}

impl Queue {
    pub(super) fn new(config: &Config, shares: usize) -> Self {
        Self {
            lines: Lines::new(shares),
            congestion: Congestion::new(),
            waits: Waits::default(),
            order: config.order,
            codel: config.codel,
        }
    }

    /// Takes over what of a configuration can change.
    pub(super) fn reconfigure(&mut self, config: &Config) {
        (self.order, self.codel) = (config.order, config.codel);
    }

    pub(super) const fn overloaded(&self) -> bool {
        self.congestion.overloaded()
    }

    pub(super) fn join(
        &mut self,
        ranked: bool,
        call: Call,
        priority: Priority,
        now: Nanos,
    ) -> Place {
        let priority = if ranked { priority } else { Priority::NORMAL };
        let waiter = Waiter { weight: call.weight, since: now, waker: None };
        self.lines.join(call.share, priority, waiter)
    }

    /// Tells the congestion how long the oldest has waited; whether that turned it.
    fn look(&mut self, now: Nanos) -> Option<bool> {
        let codel = self.watched()?;
        let oldest = self.lines.oldest().and_then(|place| self.lines.get(place));
        let delay = oldest.map_or(Duration::ZERO, |waiter| now.since(waiter.since));
        self.congestion.look(now, delay, codel).then(|| self.congestion.overloaded())
    }

    /// Whose wait ends next, and how; the word does not count him as waiting any more.
    fn next_verdict(&self, machine: &Machine, now: Nanos) -> Option<(Place, Verdict)> {
        if let Some(place) = self.let_go(now) {
            machine.unjoin_gone();
            return Some((place, Err(Bound::Age)));
        }
        let place = machine.turn(self)?;
        let weight = self.lines.get(place)?.weight;
        let verdict = machine.take_for(Call { share: place.share, weight }, now)?;
        Some((place, verdict))
    }

    /// The rule by which an overload is told, where anything depends on it.
    fn watched(&self) -> Option<Codel> {
        match (self.codel, self.order) {
            (None, Order::Fifo | Order::Lifo) => None,
            (codel, _) => Some(codel.unwrap_or_default()),
        }
    }

    fn last_first(&self) -> bool {
        match self.order {
            Order::Fifo => false,
            Order::Lifo => true,
            Order::AdaptiveLifo => self.congestion.overloaded(),
        }
    }

    /// Whoever has waited too long in a queue that never empties.
    fn let_go(&self, now: Nanos) -> Option<Place> {
        let codel = self.codel?;
        let oldest = self.lines.oldest()?;
        let delay = now.since(self.lines.get(oldest)?.since);
        self.congestion.lets_go(delay, codel).then_some(oldest)
    }

    fn served(&mut self, place: Place, now: Nanos) {
        if let Some(waiter) = self.lines.get(place) {
            self.waits.served(now.since(waiter.since));
        }
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
