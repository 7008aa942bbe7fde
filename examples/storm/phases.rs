//! The plot: the database behind all members stalls, then one of the members falls ill, then one of the
//! tenants gets noisy.
//!
//! ```text
//! 0       4         9                     20    23          29          35        40
//! +-------+---------+---------------------+-----+-----------+-----------+---------+
//! | calm  | stalled |        back         |slow |   dead    |  healed   |  noisy  |
//! +-------+---------+---------------------+-----+-----------+-----------+---------+
//!               the database                    one member              one tenant
//! ```
//!
//! The borders are fortieths of a run, as the recorder's ticks are: no tick lies in two phases. The noise
//! comes last, when all that can be well is well again. What comes next is one more row of [`Phase::ALL`].

use std::{fmt, ops::Range, time::Duration};

use crate::{
    fleet::{NAMES, SICK},
    tenants::Tenant,
};

/// What the fleet is going through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Calm,
    /// The database behind all members answers nobody.
    Stalled,
    /// The database is back: the cause is gone.
    Back,
    /// One member is slow.
    Slow,
    /// The same member is dead.
    Dead,
    Healed,
    /// One tenant sends many times his share.
    Noisy,
}

impl Phase {
    pub(crate) const ALL: [Self; 7] =
        [Self::Calm, Self::Stalled, Self::Back, Self::Slow, Self::Dead, Self::Healed, Self::Noisy];

    /// Where it begins, in fortieths of a run.
    const fn first_fortieth(self) -> u32 {
        match self {
            Self::Calm => 0,
            Self::Stalled => 4,
            Self::Back => 9,
            Self::Slow => 20,
            Self::Dead => 23,
            Self::Healed => 29,
            Self::Noisy => 35,
        }
    }

    /// Whether the one member is ill.
    pub(crate) const fn is_sick(self) -> bool {
        matches!(self, Self::Slow | Self::Dead)
    }

    /// What is going on, in a few words.
    pub(crate) fn what(self) -> String {
        match self {
            Self::Calm => "calm".into(),
            Self::Stalled => "database stalled".into(),
            Self::Back => "database back".into(),
            Self::Slow | Self::Dead | Self::Healed => format!("{} {self}", NAMES[SICK]),
            Self::Noisy => format!("{} noisy", Tenant::NOISY.name()),
        }
    }

    /// Whether there is trouble.
    pub(crate) const fn is_trouble(self) -> bool {
        matches!(self, Self::Stalled | Self::Slow | Self::Dead | Self::Noisy)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Calm => "calm",
            Self::Stalled => "stalled",
            Self::Back => "back",
            Self::Slow => "slow",
            Self::Dead => "dead",
            Self::Healed => "healed",
            Self::Noisy => "noisy",
        })
    }
}

/// The phases of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phases {
    run: Duration,
}

impl Phases {
    pub(crate) const fn over(run: Duration) -> Self {
        Self { run }
    }

    /// How long the run is.
    pub(crate) const fn run(self) -> Duration {
        self.run
    }

    /// When `phase` begins.
    pub(crate) fn start(self, phase: Phase) -> Duration {
        self.run * phase.first_fortieth() / 40
    }

    /// From when to when `phase` lasts.
    pub(crate) fn span(self, phase: Phase) -> Range<Duration> {
        let end = Phase::ALL
            .into_iter()
            .map(|other| self.start(other))
            .find(|&start| start > self.start(phase))
            .unwrap_or(self.run);
        self.start(phase)..end
    }

    /// From when to when the one member is ill, in whichever way.
    pub(crate) fn sick(self) -> Range<Duration> {
        self.start(Phase::Slow)..self.start(Phase::Healed)
    }

    /// The phase at a time; the last one for all that comes after the run.
    pub(crate) fn at(self, time: Duration) -> Phase {
        Phase::ALL.into_iter().rfind(|&phase| self.start(phase) <= time).unwrap_or(Phase::Calm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Duration = Duration::from_secs(10);

    #[test]
    fn every_moment_of_a_run_is_in_exactly_one_phase() {
        let phases = Phases::over(RUN);
        for moment in (0..10_000).map(Duration::from_millis) {
            let spans = Phase::ALL.map(|phase| phases.span(phase).contains(&moment));
            assert_eq!(spans.iter().filter(|&&inside| inside).count(), 1);
            assert!(phases.span(phases.at(moment)).contains(&moment));
        }
    }

    #[test]
    fn the_phases_come_in_their_order_and_fill_the_run() {
        let phases = Phases::over(RUN);
        let borders = Phase::ALL.map(|phase| phases.span(phase));
        assert_eq!(borders[0].start, Duration::ZERO);
        assert_eq!(borders[Phase::ALL.len() - 1].end, RUN);
        for pair in borders.windows(2) {
            assert_eq!(pair[0].end, pair[1].start);
        }
    }

    #[test]
    fn the_member_is_sick_while_it_is_slow_or_dead() {
        let phases = Phases::over(RUN);
        for moment in (0..10_000).map(Duration::from_millis) {
            assert_eq!(phases.sick().contains(&moment), phases.at(moment).is_sick());
        }
    }

    #[test]
    fn what_comes_after_the_run_is_the_last_phase() {
        assert_eq!(Phases::over(RUN).at(RUN * 2), Phase::Noisy);
    }
}
