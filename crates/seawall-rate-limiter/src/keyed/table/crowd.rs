//! Keys for which there is no room.

use std::fmt;

use seawall_core::{
    CachePadded, lane, lanes,
    sync::{
        SpreadStat, Stat,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::{
    PER_NANO,
    slot::{Call, Charge},
};
use crate::{Denied, gcra::Rate};

/// How long no key must have been without room before it is told again, in units: a minute.
const CALM: u64 = 60_000_000_000 * PER_NANO;

/// What becomes of a key for which there is no room, because as many keys as there is room for owe
/// something.
///
/// Those that have room keep it, and their quotas, whatever is chosen here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenFull {
    /// All of them share one quota, each judged by its own: a flood of made-up keys gets no more through
    /// than one key would, and a true one that comes amid it has a chance.
    #[default]
    Share,
    /// It is refused until there is room: where a guess must not come through, as at a login.
    Refuse,
    /// It is let in and not counted: where to refuse a true one is worse than to let a false one in.
    Admit,
}

pub(super) struct Crowd {
    when_full: WhenFull,
    /// When all is paid off by those who share.
    shared: CachePadded<AtomicU64>,
    /// Spread over the threads: a flood is counted here.
    calls: SpreadStat,
    /// When one came last, up to a second; zero before the first.
    last: Stat,
    tell: Box<dyn Fn() + Send + Sync>,
}

impl Crowd {
    pub(super) fn new(when_full: WhenFull, tell: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            when_full,
            shared: CachePadded::new(AtomicU64::new(0)),
            calls: SpreadStat::new(lanes()),
            last: Stat::default(),
            tell: Box::new(tell),
        }
    }

    /// Charges a call whose key finds no room before `soonest`.
    pub(super) fn charge(&self, call: &Call, soonest: u64) -> Result<Charge, Denied> {
        self.calls.add(lane(), 1);
        if self.is_first(call.at) {
            (self.tell)();
        }
        match self.when_full {
            WhenFull::Share => self.share(call),
            WhenFull::Refuse => {
                // A slot is another's once its moment has passed.
                Err(Denied::Wait((soonest.saturating_sub(call.at) + 1).div_ceil(PER_NANO)))
            }
            WhenFull::Admit => Ok(Charge::of_slot(call.at)), // of which nothing comes back
        }
    }

    /// The word by which a key would be judged that finds no room before `soonest`.
    pub(super) fn word(&self, rate: &Rate, soonest: u64) -> u64 {
        match self.when_full {
            WhenFull::Share => self.shared.load(Relaxed),
            // The first cell is there once there is room.
            WhenFull::Refuse => soonest.saturating_add(1 + rate.most - rate.per_cell),
            WhenFull::Admit => 0,
        }
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// Whether one came within the last minute.
    pub(super) fn is_recent(&self, at: u64) -> bool {
        let last = self.last.get();
        last != 0 && at.saturating_sub(last) < CALM
    }

    fn share(&self, call: &Call) -> Result<Charge, Denied> {
        let mut seen = self.shared.load(Relaxed); // the word carries nothing but itself
        loop {
            let end = call.on(seen)?;
            match self.shared.compare_exchange_weak(seen, end, Relaxed, Relaxed) {
                Ok(_) => return Ok(Charge { end, mark: Charge::OF_ALL }),
                Err(now) => seen = now,
            }
        }
    }

    /// Whether this is the first one after a calm.
    fn is_first(&self, at: u64) -> bool {
        let last = self.last.get();
        if last != 0 && at.saturating_sub(last) < CALM / 60 {
            return false; // in a flood this is only read
        }
        let last = self.last.replace(at); // one of those who come at once finds the old one
        last == 0 || at.saturating_sub(last) >= CALM
    }
}

impl fmt::Debug for Crowd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crowd").field("calls", &self.calls()).finish_non_exhaustive()
    }
}
