//! The machine of a limiter: one quota in a word, or several under a lock.
//!
//! | quotas | machine | a call takes |
//! |---|---|---|
//! | one, by [`Policy::Gcra`] | [`Gcra`] | one swap, and no lock |
//! | several, or one by a window | [`Ledger`] | a lock for some tens of nanoseconds |
//!
//! Several quotas are asked together or not at all: to take from one and give it back where the next
//! refuses would refuse others meanwhile who have a right to be let in.

use seawall_core::{ConfigError, Nanos, sync::Mutex};

use crate::{
    Denied, Policy, Quota, Standing,
    gcra::{Booked, Gcra, Returned},
    ledger::{self, Ledger},
};

#[derive(Debug)]
pub(crate) enum Machine {
    One(Gcra),
    Several(Mutex<Ledger>),
}

/// What was booked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Booking {
    One(Booked),
    Several(ledger::Booking),
}

impl Booking {
    /// When it is its turn.
    pub(crate) const fn at(&self) -> Nanos {
        match self {
            Self::One(booked) => booked.at,
            Self::Several(booking) => booking.at,
        }
    }
}

impl Machine {
    pub(crate) fn new(quotas: &[Quota], now: Nanos) -> Self {
        match quotas {
            [quota] if quota.rule() == Policy::Gcra => Self::One(Gcra::new(quota, now)),
            _ => Self::Several(Mutex::new(Ledger::new(quotas, now))),
        }
    }

    /// Takes `cells` now, or says when there will be as many.
    #[inline]
    pub(crate) fn take(&self, now: Nanos, cells: u32) -> Result<(), Denied> {
        match self {
            Self::One(gcra) => gcra.take(now, cells),
            Self::Several(ledger) => take_of_several(ledger, now, cells),
        }
    }

    /// Takes `cells` at the first turn that is free, if that is within `patience` nanoseconds.
    pub(crate) fn book(&self, now: Nanos, cells: u32, patience: u64) -> Result<Booking, Denied> {
        Ok(match self {
            Self::One(gcra) => Booking::One(gcra.book(now, cells, patience)?),
            Self::Several(ledger) => Booking::Several(ledger.lock().book(now, cells, patience)?),
        })
    }

    /// Gives back `cells` that were booked and not used.
    pub(crate) fn give_back(&self, now: Nanos, cells: u32, booking: Booking) -> Returned {
        match (self, booking) {
            (Self::One(gcra), Booking::One(booked)) => gcra.give_back(now, cells, booked),
            (Self::Several(ledger), Booking::Several(booking)) => {
                ledger.lock().give_back(now, cells, booking)
            }
            _ => unreachable!("a machine stays what it was built as, and its bookings with it"),
        }
    }

    /// How each quota stands.
    pub(crate) fn standings(&self, now: Nanos) -> Vec<Standing> {
        match self {
            Self::One(gcra) => vec![gcra.standing(now)],
            Self::Several(ledger) => ledger.lock().standings(now).collect(),
        }
    }

    /// Why `cells` would not be given now; nothing where they would be.
    #[cfg(feature = "tower")]
    #[cold]
    pub(crate) fn denied(&self, now: Nanos, cells: u32) -> Option<Denied> {
        match self {
            Self::One(gcra) => gcra.denied(now, cells),
            Self::Several(ledger) => ledger.lock().denied(now, cells),
        }
    }

    /// How many nanoseconds the lightest call would have to wait.
    #[cfg(feature = "tower")]
    #[inline]
    pub(crate) fn wait(&self, now: Nanos) -> u64 {
        match self {
            Self::One(gcra) => gcra.wait(now),
            Self::Several(ledger) => ledger.lock().wait(now),
        }
    }

    /// The quotas are others from now on.
    pub(crate) fn change(&self, now: Nanos, quotas: &[Quota]) {
        match (self, quotas) {
            (Self::One(gcra), [quota]) => gcra.change(now, quota),
            (Self::One(_), _) => unreachable!("`check_change` was asked"),
            (Self::Several(ledger), _) => ledger.lock().change(now, quotas),
        }
    }

    /// Whether it can be changed to count these.
    pub(crate) fn check_change(&self, quotas: &[Quota]) -> Result<(), ConfigError> {
        match (self, quotas) {
            (Self::One(_), [quota]) if quota.rule() == Policy::Gcra => Ok(()),
            (Self::One(_), _) => {
                let shown =
                    quotas.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
                let rule =
                    "one quota by `gcra`, as it was built: build a new limiter to change that";
                Err(ConfigError::new("quotas", shown, rule))
            }
            (Self::Several(_), _) => Ok(()),
        }
    }
}

/// Apart, so that a call that takes one swap saves no registers for it.
#[inline(never)]
fn take_of_several(ledger: &Mutex<Ledger>, now: Nanos, cells: u32) -> Result<(), Denied> {
    ledger.lock().take(now, cells)
}
