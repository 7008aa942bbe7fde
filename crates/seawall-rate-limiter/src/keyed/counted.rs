//! The table with a name, a clock and somebody to tell.

use std::{sync::Arc, time::Duration};

use seawall_core::{
    ConfigError, Name, Nanos, Rejection, Snapshot, lane,
    sync::{
        SpreadStat, Stat,
        unmodelled::{AtomicU64, Ordering::Relaxed},
    },
};

use super::{
    Table,
    current::Current,
    table::{self, PER_NANO},
};
use crate::{
    Config, Denied, Policy, Quota, Reservation, Standing,
    gcra::{Booked, Rate, Returned},
    machine::Booking,
    shared::{Patience, Settings, longest, rejection},
};

#[derive(Debug)]
pub(crate) struct Counted {
    name: Name,
    settings: Arc<Settings>,
    table: Table,
    rate: Current,
    /// In nanoseconds; all there are where nothing is set.
    max_wait: AtomicU64,
    rejected: SpreadStat,
    waited: Stat,
    given_back: Stat,
    lost: Stat,
}

/// Whether each key's quota can be kept in a table.
pub(super) fn is_one_gcra(quotas: &[Quota]) -> bool {
    matches!(quotas, [quota] if quota.rule() == Policy::Gcra)
}

/// A key, and its rate where that is its own.
type Key = (u64, Option<Rate>);

impl Counted {
    pub(super) fn new(name: Name, settings: Arc<Settings>, config: &Config, table: Table) -> Self {
        Self {
            rate: Current::new(table::rate(&config.quotas[0])),
            max_wait: AtomicU64::new(longest(config.max_wait)),
            rejected: SpreadStat::new(settings.lanes),
            waited: Stat::default(),
            given_back: Stat::default(),
            lost: Stat::default(),
            name,
            settings,
            table,
        }
    }

    fn now(&self) -> Nanos {
        self.settings.clock.now()
    }

    #[inline]
    fn rate(&self, own: Option<Rate>) -> Rate {
        own.unwrap_or_else(|| self.rate.read(PER_NANO))
    }

    #[inline]
    pub(super) fn take(&self, key: u64, own: Option<Rate>, cells: u32) -> Result<(), Rejection> {
        let rate = self.rate(own);
        self.table.take(key, &rate, self.settings.clock.now(), cells).map_err(|denied| {
            self.rejected.add(lane(), 1);
            rejection(&self.name, denied)
        })
    }

    pub(super) fn now_or_later(
        self: &Arc<Self>,
        key: Key,
        cells: u32,
        max_wait: Option<Duration>,
    ) -> Result<Option<Reservation>, Rejection> {
        let (now, rate) = (self.now(), self.rate(key.1));
        match self.table.take(key.0, &rate, now, cells) {
            Ok(()) => Ok(None),
            Err(denied) => self.book_later(key, rate, now, cells, max_wait, denied).map(Some),
        }
    }

    pub(super) fn reserve(
        self: &Arc<Self>,
        key: Key,
        cells: u32,
        max_wait: Option<Duration>,
    ) -> Result<Reservation, Rejection> {
        let (now, rate) = (self.now(), self.rate(key.1));
        match self.table.book(key.0, &rate, now, cells, 0) {
            Ok(booked) => Ok(self.turn(key.0, rate, cells, booked)),
            Err(denied) => self.book_later(key, rate, now, cells, max_wait, denied),
        }
    }

    fn book_later(
        self: &Arc<Self>,
        (key, _): Key,
        rate: Rate,
        now: Nanos,
        cells: u32,
        max_wait: Option<Duration>,
        denied: Denied,
    ) -> Result<Reservation, Rejection> {
        let patience = Patience::of(max_wait, &self.max_wait);
        let booked = match denied {
            Denied::Wait(_) if patience.nanos() > 0 => {
                self.table.book(key, &rate, now, cells, patience.nanos())
            }
            _ => Err(denied),
        };
        match booked {
            Ok(booked) => {
                self.waited.add(1);
                Ok(self.turn(key, rate, cells, booked))
            }
            Err(denied) => {
                self.rejected.add(lane(), 1);
                Err(patience.rejection(&self.name, denied))
            }
        }
    }

    fn turn(self: &Arc<Self>, key: u64, rate: Rate, cells: u32, booked: Booked) -> Reservation {
        let turn = KeyedTurn { of: Arc::clone(self), key, rate };
        Reservation::of_key(turn, cells, Booking::One(booked))
    }

    pub(super) fn standing(&self, key: u64, own: Option<Rate>) -> Standing {
        self.table.standing(key, &self.rate(own), self.now())
    }

    pub(super) fn forget(&self, key: u64) -> bool {
        self.table.forget(key, self.now())
    }

    pub(super) fn len(&self) -> usize {
        self.table.busy(self.now())
    }

    /// Takes over other settings, which were checked.
    pub(super) fn change(&self, next: &Config) -> Result<(), ConfigError> {
        if !is_one_gcra(&next.quotas) {
            let rule = "one quota by `gcra`, as they were built: build new ones to change that";
            return Err(ConfigError::new("quotas", next.quotas[0], rule));
        }
        self.rate.write(table::rate(&next.quotas[0]));
        self.max_wait.store(longest(next.max_wait), Relaxed);
        Ok(())
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let crowded = self.table.crowded();
        let state = if self.table.is_crowded(self.now()) { "crowded" } else { "open" };
        Snapshot::new("rate_limiters", self.name.as_str(), state)
            .gauge("keys", self.len() as f64)
            .counter("rejected", self.rejected.get())
            .counter("waited", self.waited.get())
            .counter("given_back", self.given_back.get())
            .counter("lost", self.lost.get())
            .counter("crowded", crowded)
            .limit("max_keys", self.table.max_keys() as f64)
    }
}

/// A turn of one key.
pub(crate) struct KeyedTurn {
    of: Arc<Counted>,
    key: u64,
    rate: Rate,
}

impl KeyedTurn {
    pub(crate) fn now(&self) -> Nanos {
        self.of.now()
    }

    pub(crate) fn give_back(&self, cells: u32, booking: Booking) {
        let Booking::One(booked) = booking else { unreachable!("a table books by the rate alone") };
        self.of.given_back.add(1);
        let returned = self.of.table.give_back(self.key, &self.rate, self.of.now(), cells, booked);
        if returned != Returned::Freed {
            self.of.lost.add(u64::from(cells));
        }
    }
}
