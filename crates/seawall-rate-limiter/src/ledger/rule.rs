//! What a quota must answer, by whichever policy it counts.
//!
//! Moments come in order: `from` and `moment` are never before one that was given and not undone. A rule
//! that allows something at a moment allows it at every later one, until something else is given.

use seawall_core::Nanos;

use super::{fixed::FixedWindow, gcra::Gcra, log::SlidingLog, sliding::SlidingWindow};
use crate::{Policy, Quota};

/// How a quota stood, in a form of its own.
pub(super) type Mark = u128;

/// One quota, and what was taken of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    Gcra(Gcra),
    Fixed(FixedWindow),
    Sliding(SlidingWindow),
    Log(SlidingLog),
}

/// Asks the rule, whichever it is.
macro_rules! ask {
    ($self:expr, $rule:ident => $what:expr) => {
        match $self {
            Rule::Gcra($rule) => $what,
            Rule::Fixed($rule) => $what,
            Rule::Sliding($rule) => $what,
            Rule::Log($rule) => $what,
        }
    };
}

impl Rule {
    /// Everything is there; the windows begin at `origin`.
    pub(super) fn new(quota: &Quota, origin: Nanos) -> Self {
        match quota.rule() {
            Policy::Gcra => Self::Gcra(Gcra::new(quota)),
            Policy::FixedWindow => Self::Fixed(FixedWindow::new(quota, origin)),
            Policy::SlidingWindow => Self::Sliding(SlidingWindow::new(quota, origin)),
            Policy::SlidingLog => Self::Log(SlidingLog::new(quota)),
        }
    }

    /// How many cells there are at most.
    pub(super) fn limit(&self) -> u32 {
        ask!(self, rule => rule.limit())
    }

    /// How many can be taken at `from`.
    pub(super) fn left(&self, from: Nanos) -> u32 {
        ask!(self, rule => rule.left(from))
    }

    /// The first moment from `from` on at which there are `cells`; none where there never are.
    pub(super) fn earliest(&self, cells: u32, from: Nanos) -> Option<Nanos> {
        ask!(self, rule => rule.earliest(cells, from))
    }

    /// Charges `cells` for `moment`, which [`earliest`](Self::earliest) allowed, and says how it stood
    /// before. Nobody will come with a present before `present`.
    pub(super) fn give(&mut self, cells: u32, moment: Nanos, present: Nanos) -> Mark {
        match self {
            Self::Gcra(rule) => rule.give(cells, moment),
            Self::Fixed(rule) => rule.give(cells, moment),
            Self::Sliding(rule) => rule.give(cells, moment),
            Self::Log(rule) => rule.give(cells, moment, present),
        }
    }

    /// Gives back `cells` charged for `moment` while nobody waits: the last moment given is `turn`, and it
    /// has come.
    pub(super) fn give_back(&mut self, cells: u32, moment: Nanos, turn: Nanos, before: Mark) {
        match self {
            Self::Gcra(rule) => rule.give_back(cells, moment, turn, before),
            Self::Fixed(rule) => rule.give_back(cells, moment),
            Self::Sliding(rule) => rule.give_back(cells, moment),
            Self::Log(rule) => rule.give_back(cells, moment),
        }
    }

    /// Whether it still knows all that counts at `from`, once the last charge is undone.
    pub(super) fn remembers(&self, from: Nanos) -> bool {
        match self {
            Self::Log(rule) => rule.remembers(from),
            _ => true,
        }
    }

    /// Takes `cells` off the last charge, whose moment is still to come.
    pub(super) fn shrink(&mut self, cells: u32) {
        ask!(self, rule => rule.shrink(cells));
    }

    /// Nothing is left of the last charge: it stands as it stood before.
    pub(super) fn restore(&mut self, before: Mark) {
        match self {
            Self::Gcra(rule) => rule.restore(before),
            Self::Fixed(rule) => rule.restore(before),
            Self::Sliding(rule) => rule.restore(before),
            Self::Log(_) => {} // without its last charge it is what it was
        }
    }

    /// Counts by another quota from `from` on. What is left stays left, up to the new limit.
    pub(super) fn change(&mut self, quota: &Quota, from: Nanos) {
        match (&mut *self, quota.rule()) {
            (Self::Gcra(rule), Policy::Gcra) => rule.change(quota, from),
            (Self::Fixed(rule), Policy::FixedWindow) if rule.has_period(quota) => {
                rule.set_limit(quota.cells(), from);
            }
            (Self::Sliding(rule), Policy::SlidingWindow) if rule.has_period(quota) => {
                rule.set_limit(quota.cells(), from);
            }
            (Self::Log(rule), Policy::SlidingLog) if rule.has_period(quota) => {
                rule.set_limit(quota.cells(), from);
            }
            _ => {
                let mut next = Self::new(quota, from);
                next.give(still_used(self.left(from), next.limit()), from, from);
                *self = next;
            }
        }
    }
}

/// How many cells are used of a new limit, so that as many stay `left` as there is room for.
pub(super) fn still_used(left: u32, limit: u32) -> u32 {
    limit.saturating_sub(left)
}
