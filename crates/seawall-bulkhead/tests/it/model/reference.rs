//! The reference: a bulkhead that is slow and obviously right.
//!
//! It keeps everybody who is in and everybody who waits in a list, and looks through all of them for
//! each decision; no word is packed, nothing is shared, time is whole milliseconds.

use std::{cmp::Reverse, collections::BTreeMap};

use seawall_bulkhead::{Bound, Order};

/// What a bulkhead is set to; shares are in percent, times in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) limit: u32,
    pub(crate) queue: usize,
    pub(crate) max_wait: Option<u64>,
    pub(crate) order: Order,
    /// The target and the interval.
    pub(crate) codel: Option<(u64, u64)>,
    pub(crate) parts: Vec<u32>,
    pub(crate) ranked: bool,
}

/// What a call asks for; the first share is that of whoever names none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) share: usize,
    pub(crate) weight: u32,
    pub(crate) priority: u8,
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    call: Call,
    since: u64,
    verdict: Option<Result<(), Bound>>,
}

/// What became of a call that may wait.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Asked {
    In,
    Waits(u64),
    Refused(Bound),
}

#[derive(Debug)]
pub(crate) struct Hall {
    pub(crate) settings: Settings,
    pub(crate) now: u64,
    inside: Vec<Call>,
    waiters: Vec<Waiter>,
    came: u64,
    /// Until when the places of each share are kept free for it.
    kept_until: Vec<u64>,
    delays: Vec<u64>,
    interval_ends: u64,
    pub(crate) overloaded: bool,
    pub(crate) refused: BTreeMap<&'static str, u64>,
    pub(crate) waited: u64,
    pub(crate) gave_up: u64,
    /// What was told of overloads.
    pub(crate) told: Vec<bool>,
}

impl Hall {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            now: 0,
            inside: Vec::new(),
            waiters: Vec::new(),
            came: 0,
            kept_until: vec![0; settings.parts.len() + 1],
            delays: Vec::new(),
            interval_ends: 0,
            overloaded: false,
            refused: BTreeMap::new(),
            waited: 0,
            gave_up: 0,
            told: Vec::new(),
            settings,
        }
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.inside.iter().map(|call| call.weight).sum()
    }

    fn room(&self) -> u32 {
        self.settings.limit.saturating_sub(self.in_flight())
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiters.iter().filter(|waiter| waiter.verdict.is_none()).count()
    }

    pub(crate) fn used(&self, share: usize) -> u32 {
        self.inside.iter().filter(|call| call.share == share).map(|call| call.weight).sum()
    }

    pub(crate) fn own(&self, share: usize) -> u32 {
        let percent = if share == 0 { 0 } else { self.settings.parts[share - 1] };
        self.settings.limit * percent / 100
    }

    fn is_own(&self, call: Call) -> bool {
        self.used(call.share) + call.weight <= self.own(call.share)
    }

    fn is_parted(&self) -> bool {
        !self.settings.parts.is_empty()
    }

    fn in_the_way(&self, call: Call) -> Option<Bound> {
        if call.weight > self.settings.limit {
            return Some(Bound::Weight);
        }
        if self.waiting() > 0 || call.weight > self.room() {
            return Some(Bound::Limit);
        }
        if !self.is_parted() || self.is_own(call) {
            return None;
        }
        (self.room() - call.weight < self.kept_from(call)).then_some(Bound::Share)
    }

    /// How many places are kept free for shares other than the call's.
    fn kept_from(&self, call: Call) -> u32 {
        let others = (0..self.kept_until.len()).filter(|&share| share != call.share);
        others
            .filter(|&share| self.now < self.kept_until[share])
            .map(|share| self.own(share).saturating_sub(self.used(share)))
            .sum()
    }

    fn enter(&mut self, call: Call) -> Result<(), Bound> {
        match self.in_the_way(call) {
            None => {
                self.inside.push(call);
                Ok(())
            }
            Some(bound) => Err(bound),
        }
    }

    /// A call goes away without a place.
    fn turn_away(&mut self, call: Call, bound: Bound) -> Bound {
        if self.is_parted() && self.is_own(call) {
            self.kept_until[call.share] = self.now + 1000;
        }
        self.count(bound)
    }

    fn count(&mut self, bound: Bound) -> Bound {
        let counter = match bound {
            Bound::Limit => "rejected_limit",
            Bound::Queue => "rejected_queue",
            Bound::Wait => "rejected_wait",
            Bound::Share => "rejected_share",
            Bound::Weight => "rejected_weight",
            Bound::Priority => "shed_priority",
            Bound::Age => "shed_age",
            bound => panic!("a bulkhead has no {bound:?}"),
        };
        *self.refused.entry(counter).or_default() += 1;
        bound
    }

    pub(crate) fn try_acquire(&mut self, call: Call) -> Result<(), Bound> {
        self.enter(call).map_err(|bound| self.turn_away(call, bound))
    }

    pub(crate) fn acquire(&mut self, call: Call) -> Asked {
        let bound = match self.enter(call) {
            Ok(()) => return Asked::In,
            Err(bound) => bound,
        };
        if bound == Bound::Weight || self.settings.queue == 0 {
            return Asked::Refused(self.turn_away(call, bound));
        }
        if self.waiting() >= self.settings.queue {
            let less = self.waiters.iter_mut().filter(|waiter| waiter.verdict.is_none());
            let less = less.filter(|waiter| waiter.call.priority < call.priority);
            let least = less.max_by_key(|waiter| (Reverse(waiter.call.priority), waiter.number));
            match least {
                Some(least) if self.settings.ranked => least.verdict = Some(Err(Bound::Priority)),
                _ => return Asked::Refused(self.turn_away(call, Bound::Queue)),
            }
        }
        self.came += 1;
        let number = self.came;
        self.waiters.push(Waiter { number, call, since: self.now, verdict: None });
        self.serve();
        match self.poll(number) {
            None => Asked::Waits(number),
            Some(Ok(())) => Asked::In,
            Some(Err(bound)) => Asked::Refused(bound),
        }
    }

    /// Whether it is known what became of one who waits.
    pub(crate) fn is_settled(&self, number: u64) -> bool {
        self.waiters.iter().any(|waiter| waiter.number == number && waiter.verdict.is_some())
    }

    fn remove(&mut self, number: u64) -> Waiter {
        let at = self.waiters.iter().position(|waiter| waiter.number == number);
        self.waiters.remove(at.expect("whoever asks waits"))
    }

    pub(crate) fn poll(&mut self, number: u64) -> Option<Result<(), Bound>> {
        let waiter = self.waiters.iter().find(|waiter| waiter.number == number)?;
        let ends = self.settings.max_wait.map(|wait| waiter.since + wait);
        match waiter.verdict {
            Some(verdict) => {
                self.remove(number);
                Some(verdict.map_err(|bound| self.count(bound)))
            }
            None if ends.is_some_and(|ends| self.now >= ends) => {
                self.remove(number);
                self.serve();
                Some(Err(self.count(Bound::Wait)))
            }
            None => None,
        }
    }

    pub(crate) fn cancel(&mut self, number: u64) {
        let waiter = self.remove(number);
        match waiter.verdict {
            Some(Ok(())) => self.leave(waiter.call),
            Some(Err(_)) => {}
            None => {
                self.gave_up += 1;
                self.serve();
            }
        }
    }

    pub(crate) fn leave(&mut self, call: Call) {
        let same = |other: &Call| (other.share, other.weight) == (call.share, call.weight);
        let at = self.inside.iter().position(same).expect("whoever leaves was in");
        self.inside.swap_remove(at);
        if self.waiting() > 0 {
            self.serve();
        }
    }

    pub(crate) fn set_limit(&mut self, limit: u32) {
        self.settings.limit = limit;
        if self.waiting() > 0 || self.is_parted() {
            self.serve();
        }
    }

    /// Whether that can be.
    pub(crate) fn reconfigure(
        &mut self,
        queue: usize,
        order: Order,
        codel: Option<(u64, u64)>,
    ) -> bool {
        if (1..self.kept_until.len()).any(|share| self.own(share) == 0) {
            return false;
        }
        (self.settings.queue, self.settings.order, self.settings.codel) = (queue, order, codel);
        self.serve();
        true
    }

    /// Ends waits as long as there is one to end.
    fn serve(&mut self) {
        loop {
            self.look();
            let Some((at, verdict)) = self.next_verdict() else { return };
            self.waiters[at].verdict = Some(verdict);
            if verdict.is_ok() {
                self.inside.push(self.waiters[at].call);
                self.waited += 1;
            }
        }
    }

    fn next_verdict(&self) -> Option<(usize, Result<(), Bound>)> {
        if let (Some((target, _)), Some(oldest)) = (self.settings.codel, self.oldest())
            && self.overloaded
            && self.now - self.waiters[oldest].since > 2 * target
        {
            return Some((oldest, Err(Bound::Age)));
        }
        let at = self.turn()?;
        let call = self.waiters[at].call;
        if call.weight > self.settings.limit {
            return Some((at, Err(Bound::Weight)));
        }
        let borrows = self.is_parted() && !self.is_own(call);
        // While nothing is in flight, nothing is kept: nobody would come back for him later.
        let kept = if borrows && self.in_flight() > 0 { self.kept_from(call) } else { 0 };
        (call.weight + kept <= self.room()).then_some((at, Ok(())))
    }

    /// Where those stand who wait.
    fn line(&self) -> impl Iterator<Item = usize> {
        (0..self.waiters.len()).filter(|&at| self.waiters[at].verdict.is_none())
    }

    fn oldest(&self) -> Option<usize> {
        self.line().min_by_key(|&at| self.waiters[at].number)
    }

    /// Whose turn it is: of each share the first in rank and order, and of those the one in the share
    /// that has least of its own, or, where there is none, the first in rank and order.
    fn turn(&self) -> Option<usize> {
        let last_first = match self.settings.order {
            Order::Fifo => false,
            Order::Lifo => true,
            Order::AdaptiveLifo => self.overloaded,
        };
        let rank = |at: usize| {
            let Waiter { number, call, .. } = &self.waiters[at];
            let priority = if self.settings.ranked { call.priority } else { 0 };
            (Reverse(priority), if last_first { u64::MAX - number } else { *number })
        };
        let shares = 0..self.kept_until.len();
        let of = |share| self.line().filter(move |&at| self.waiters[at].call.share == share);
        let firsts = shares.filter_map(|share| of(share).min_by_key(|&at| rank(at)));
        firsts.min_by_key(|&at| {
            let call = self.waiters[at].call;
            let own = self.is_own(call);
            let fill = self.used(call.share) * 1000 / self.own(call.share).max(1);
            (!own, if own { fill } else { 0 }, rank(at))
        })
    }

    /// Looks how long the oldest has waited; the least of an interval decides.
    fn look(&mut self) {
        let (target, interval) = match (self.settings.codel, self.settings.order) {
            (Some(codel), _) => codel,
            (None, Order::AdaptiveLifo) => (5, 100),
            (None, Order::Fifo | Order::Lifo) => return,
        };
        let delay = self.oldest().map_or(0, |at| self.now - self.waiters[at].since);
        if self.now < self.interval_ends {
            self.delays.push(delay);
            return;
        }
        let least = if self.now - self.interval_ends >= interval {
            delay.saturating_sub(interval) // the least that the oldest had in the last interval
        } else {
            self.delays.iter().copied().min().unwrap_or(0)
        };
        if self.overloaded != (least > target) {
            self.overloaded = !self.overloaded;
            self.told.push(self.overloaded);
        }
        self.delays = vec![delay];
        self.interval_ends = self.now + interval;
    }
}
