//! Which fire of a schedule is to be pushed now: pure, from what the time is and what was pushed.
//!
//! # How it decides
//!
//! Between two fires nothing changes: a look compares the time with both, and does no more. Beyond them, either way,
//! the last fire up to now is *open*, if it is not one of those that were pushed, until it is pushed or too late.
//!
//! | at a look                  | nothing is open        | a fire is open                            |
//! |----------------------------|------------------------|-------------------------------------------|
//! | between the same two fires | nothing                | push it; where it is too late, it is missed |
//! | the time went beyond one   | the last fire is open  | it is missed, and the last fire is open   |
//! | the time went back         | the last fire is open  | it comes again, and the last fire is open |
//!
//! So a time that jumps by a year opens one fire and no storm of them, and who looks for the first time opens the
//! last one: whether another process has pushed it, the storage knows.

use std::{collections::VecDeque, time::Duration};

use seawall_core::{ConfigError, Nanos};

use super::Schedule;

/// Two clocks that are at most a third of this apart from the storage's, and calls that take no longer than the last
/// third, push a fire once.
const SLACK: Duration = Duration::from_secs(15 * 60);

/// What a restart takes, or a storage that is away for a moment.
pub(super) const LATE: Duration = Duration::from_secs(60);
const LATEST: Duration = Duration::from_secs(366 * 24 * 3_600);

/// How many fires that it pushed a process remembers, for a time that goes back.
const REMEMBERED: usize = 128;

/// The longest time between two looks: it, and no more, is what a jump of the time costs.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Plan {
    schedule: Schedule,
    late: Duration,
    /// The fires before and after the last look.
    between: Option<(Nanos, Nanos)>,
    open: Option<Nanos>,
    /// That the open one is too late was told.
    is_missed: bool,
    pushed: VecDeque<Nanos>,
}

/// What a look has found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// To be pushed now.
    pub(super) fire: Option<Nanos>,
    /// Never to be pushed any more: of several the last.
    pub(super) missed: Option<Nanos>,
}

impl Plan {
    pub(super) fn new(schedule: Schedule, late: Duration) -> Result<Self, ConfigError> {
        if !(LOOK..=LATEST).contains(&late) {
            return Err(ConfigError::new("late", format!("{late:?}"), "from a second to a year"));
        }
        Ok(Self {
            schedule,
            late,
            between: None,
            open: None,
            is_missed: false,
            pushed: VecDeque::new(),
        })
    }

    pub(super) fn look(&mut self, now: Nanos) -> Found {
        let mut found = Found::default();
        let before = self.open;
        let went_on = self.between.is_some_and(|(_, next)| next <= now);
        if self.between.is_none_or(|(last, next)| now < last || next <= now) {
            let last = self.schedule.last(now);
            let next = self.schedule.next(now);
            self.between = Some((last.unwrap_or_default(), next.unwrap_or(Nanos::MAX)));
            found.missed = before.filter(|_| went_on && !self.is_missed);
            self.open = last.filter(|last| !self.pushed.contains(last));
            self.is_missed = false;
        }
        found.fire = self.in_time(now);
        if let Some(open) = self.open
            && found.fire.is_none()
            && !self.is_missed
        {
            self.is_missed = true;
            // Who begins, or goes back to it, has not been there for it.
            if went_on || before == self.open {
                found.missed = Some(open);
            }
        }
        found
    }

    /// The open fire, while it is not too late. Where the time goes back a little, it is in time again.
    fn in_time(&self, now: Nanos) -> Option<Nanos> {
        self.open.filter(|open| now.since(*open) <= self.late)
    }

    /// This fire is in.
    pub(super) fn pushed(&mut self, fire: Nanos) {
        self.open.take_if(|open| *open == fire);
        if self.pushed.contains(&fire) {
            return; // two have looked at one time
        }
        if self.pushed.len() == REMEMBERED {
            self.pushed.pop_front();
        }
        self.pushed.push_back(fire);
    }

    /// For how long a fire that was pushed must be known to the storage: as long as it may be open for anybody.
    pub(super) fn hold(&self, fire: Nanos) -> Duration {
        let next = self.schedule.next(fire).unwrap_or(Nanos::MAX);
        self.late.min(next.since(fire)) + SLACK
    }

    /// In how long it is worth while to look again.
    pub(super) fn wait(&self, now: Nanos) -> Duration {
        match self.between {
            Some((_, next)) if self.in_time(now).is_none() => next.since(now).min(LOOK),
            _ => LOOK,
        }
    }

    /// The next fire, whether the one before is in or not.
    pub(super) fn next(&self, now: Nanos) -> Option<Nanos> {
        self.schedule.next(now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use seawall_core::Nanos;

    use super::{Found, LATE, LOOK, Plan, REMEMBERED};
    use crate::periodic::Schedule;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn hour(hour: u64) -> Nanos {
        Nanos::from_secs(hour * 3_600)
    }

    fn plan(late: Duration) -> Plan {
        Plan::new(Schedule::period(HOUR).unwrap(), late).unwrap()
    }

    fn fire(at: Nanos) -> Found {
        Found { fire: Some(at), missed: None }
    }

    #[test]
    fn a_fire_is_open_from_its_moment_until_it_is_pushed() {
        let mut plan = plan(LATE);
        assert_eq!(plan.look(Nanos(hour(7).0 - 1)), Found::default());
        assert_eq!(plan.wait(Nanos(hour(7).0 - 1)), Duration::from_nanos(1));

        assert_eq!(plan.look(hour(7)), fire(hour(7)));
        assert_eq!(plan.look(hour(7) + LATE), fire(hour(7)), "it was not pushed");
        assert_eq!(plan.wait(hour(7) + LATE), LOOK);

        plan.pushed(hour(7));
        assert_eq!(plan.look(hour(7) + LATE), Found::default());
    }

    #[test]
    fn who_begins_opens_the_last_fire_unless_it_is_too_late() {
        assert_eq!(plan(LATE).look(hour(7) + LATE), fire(hour(7)));
        let after = hour(7) + LATE + Duration::from_nanos(1);
        assert_eq!(
            plan(LATE).look(after),
            Found::default(),
            "nor was it missed by who was not there"
        );
    }

    #[test]
    fn a_jump_opens_one_fire_and_no_storm() {
        let mut plan = plan(HOUR);
        plan.look(hour(7));
        plan.pushed(hour(7));

        assert_eq!(plan.look(hour(1_000)), fire(hour(1_000)));
        plan.pushed(hour(1_000));
        assert_eq!(plan.look(hour(1_000) + HOUR / 2), Found::default());
    }

    #[test]
    fn what_is_too_late_is_missed_once() {
        let mut plan = plan(LATE);
        plan.look(hour(7));

        let missed = Found { fire: None, missed: Some(hour(7)) };
        assert_eq!(plan.look(hour(7) + LATE * 2), missed);
        assert_eq!(plan.look(hour(7) + LATE * 3), Found::default());
        plan.look(hour(8));
        assert_eq!(plan.look(hour(9)), Found { fire: Some(hour(9)), missed: Some(hour(8)) });
    }

    #[test]
    fn a_time_that_goes_back_opens_nothing_that_was_pushed() {
        let mut plan = plan(LATE);
        let fires = 1..=REMEMBERED as u64;
        for at in fires.clone() {
            assert_eq!(plan.look(hour(at)), fire(hour(at)));
            plan.pushed(hour(at));
        }

        for at in fires.rev() {
            assert_eq!(plan.look(hour(at)), Found::default(), "{at}");
        }
    }

    #[test]
    fn a_time_that_was_wrong_by_years_holds_up_no_fire_when_it_is_right_again() {
        let mut plan = plan(LATE);
        plan.look(hour(1_000_000));
        plan.pushed(hour(1_000_000));

        assert_eq!(plan.look(hour(7)), fire(hour(7)));
    }

    #[test]
    fn an_open_fire_that_is_to_come_again_is_not_missed() {
        let mut plan = plan(LATE);
        plan.look(hour(8));

        assert_eq!(
            plan.look(Nanos(hour(8).0 - 1)),
            Found::default(),
            "7 is too late, and 8 to come"
        );
        assert_eq!(plan.look(hour(8)), fire(hour(8)));
    }

    #[test]
    fn a_fire_that_was_too_late_by_a_clock_that_was_wrong_is_in_time_when_it_is_right() {
        let mut plan = plan(LATE);
        assert_eq!(plan.look(hour(7) + LATE * 2), Found::default());
        assert_eq!(plan.look(hour(7) + LATE), fire(hour(7)));
    }

    #[test]
    fn a_fire_is_known_no_longer_than_anybody_can_ask_for_it() {
        let slack = Duration::from_secs(15 * 60);
        assert_eq!(plan(LATE).hold(hour(7)), LATE + slack);
        assert_eq!(plan(HOUR * 24).hold(hour(7)), HOUR + slack, "then the next one is open");
    }
}
