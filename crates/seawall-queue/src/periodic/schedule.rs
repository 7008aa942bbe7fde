//! When a schedule fires: pure, from a moment to the one before and the one after it.
//!
//! # What it promises
//!
//! 1. **The same for all.** Which moments are fires rests on the schedule alone, never on when somebody began to
//!    look: all processes agree on each.
//! 2. **In order.** Of [`last`](Schedule::last), which is at a moment or before it, and [`next`](Schedule::next), which
//!    is after it, there is no fire between; and the last one at the next one is that one.
//! 3. **Somewhere it ends.** A search that finds nothing says so: there is no schedule that never fires.

use std::{fmt, time::Duration};

use seawall_core::{ConfigError, Nanos};

#[cfg(feature = "cron")]
use super::cron::Cron;

/// More often than this is no matter of schedules, but of a loop.
const SHORTEST: Duration = Duration::from_secs(1);
/// A century: whoever means less often has made a mistake of units.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 3_600);

/// When a periodic job is pushed: each so long, or by a cron expression.
///
/// # Examples
///
/// How do I say "each quarter of an hour"?
///
/// ```
/// # use seawall_core::Nanos;
/// # use seawall_queue::periodic::Schedule;
/// # use std::time::Duration;
/// let schedule = Schedule::period(Duration::from_secs(15 * 60))?;
///
/// let half_past_twelve = Nanos::from_secs(12 * 3600 + 30 * 60);
/// assert_eq!(schedule.next(half_past_twelve), Some(Nanos::from_secs(12 * 3600 + 45 * 60)));
/// # Ok::<(), seawall_core::ConfigError>(())
/// ```
///
/// And "at three in the night, in Berlin"?
///
/// ```
/// # #[cfg(feature = "cron")] {
/// # use seawall_queue::periodic::Schedule;
/// let schedule = Schedule::cron("0 3 * * *")?.zone("Europe/Berlin")?;
/// assert_eq!(schedule.to_string(), "0 3 * * * Europe/Berlin");
/// # }
/// # Ok::<(), seawall_core::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Schedule(Kind);

#[derive(Clone)]
enum Kind {
    Period(Duration),
    #[cfg(feature = "cron")]
    Cron(Box<Cron>),
}

impl Schedule {
    /// Fires each `period`, counted from the first moment of 1970 and not from when anybody was started: an hour is
    /// the full hour in UTC, a day its midnight.
    ///
    /// # Errors
    ///
    /// Where it is shorter than a second or longer than a century.
    pub fn period(period: Duration) -> Result<Self, ConfigError> {
        if (SHORTEST..=LONGEST).contains(&period) {
            return Ok(Self(Kind::Period(period)));
        }
        Err(ConfigError::new("period", format!("{period:?}"), "from a second to a century"))
    }

    /// Fires as a cron expression says: minute, hour, day of month, month, day of week, and in front of them seconds,
    /// if there are six; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. In UTC, unless it is told
    /// [another zone](Self::zone).
    ///
    /// Where both days are restricted, either will do, as ever in cron. `L` is the month's last day, `FRI#2` its second
    /// Friday, `15W` the working day next to the 15th.
    ///
    /// # Errors
    ///
    /// Where it is none, with the field that is wrong and what may stand in it; and where it never fires, as on the
    /// 30th of February.
    #[cfg(feature = "cron")]
    pub fn cron(expression: &str) -> Result<Self, ConfigError> {
        Cron::new(expression).map(Box::new).map(Kind::Cron).map(Self)
    }

    /// The same by the clocks of a time zone: a name of the tz database (`"Europe/Berlin"`; the system's, or where
    /// it has none, the one that is built along), or a rule as in the variable `TZ` (`"CET-1CEST,M3.5.0,M10.5.0/3"`).
    /// A period has none, and stays as it is.
    ///
    /// When clocks are put forward, what was to fire at a time that there is not fires in the first moment after the
    /// gap. When they are put back, what fires at a fixed time fires once, at the first of the two; what fires each
    /// minute or each hour (`*`) goes on through both.
    ///
    /// # Errors
    ///
    /// Where there is no such zone.
    #[cfg(feature = "cron")]
    pub fn zone(self, name: &str) -> Result<Self, ConfigError> {
        match self.0 {
            Kind::Period(_) => Ok(self),
            Kind::Cron(cron) => cron.zone(name).map(Box::new).map(Kind::Cron).map(Self),
        }
    }

    /// The last fire at a moment or before it, in time since 1970; `None` before the first.
    #[must_use]
    pub fn last(&self, now: Nanos) -> Option<Nanos> {
        match &self.0 {
            Kind::Period(period) => Some(Nanos(now.0 - now.0 % Nanos::from(*period).0)),
            #[cfg(feature = "cron")]
            Kind::Cron(cron) => cron.last(now),
        }
    }

    /// The first fire after a moment, in time since 1970; `None` after the last.
    #[must_use]
    pub fn next(&self, now: Nanos) -> Option<Nanos> {
        match &self.0 {
            Kind::Period(period) => {
                let period = Nanos::from(*period).0;
                (now.0 - now.0 % period).checked_add(period).map(Nanos)
            }
            #[cfg(feature = "cron")]
            Kind::Cron(cron) => cron.next(now),
        }
    }
}

impl fmt::Display for Schedule {
    /// What all processes call it, where they don't say otherwise: its identity.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Period(period) => write!(f, "every {period:?}"),
            #[cfg(feature = "cron")]
            Kind::Cron(cron) => cron.fmt(f),
        }
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({self})")
    }
}

/// What [`Queue::every`](crate::Queue::every) takes: a [`Schedule`], a `Duration`, and with the feature `cron` the
/// text of an expression.
pub trait IntoSchedule {
    /// The schedule.
    ///
    /// # Errors
    ///
    /// Where there can't be such.
    fn into_schedule(self) -> Result<Schedule, ConfigError>;
}

impl IntoSchedule for Schedule {
    fn into_schedule(self) -> Result<Schedule, ConfigError> {
        Ok(self)
    }
}

impl IntoSchedule for Duration {
    fn into_schedule(self) -> Result<Schedule, ConfigError> {
        Schedule::period(self)
    }
}

#[cfg(feature = "cron")]
impl IntoSchedule for &str {
    fn into_schedule(self) -> Result<Schedule, ConfigError> {
        Schedule::cron(self)
    }
}

#[cfg(all(test, not(seawall_loom)))]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use seawall_core::Nanos;

    use super::Schedule;

    #[test]
    fn a_period_is_counted_from_1970_and_not_from_the_start() {
        let hourly = Schedule::period(Duration::from_secs(3_600)).unwrap();

        let hour = Nanos::from_secs(7 * 3_600);
        assert_eq!(hourly.last(hour), Some(hour));
        assert_eq!(hourly.last(Nanos(hour.0 - 1)), Some(Nanos::from_secs(6 * 3_600)));
        assert_eq!(hourly.next(hour), Some(Nanos::from_secs(8 * 3_600)));
        assert_eq!(hourly.next(Nanos(hour.0 - 1)), Some(hour));
        assert_eq!(hourly.next(Nanos::MAX), None);
    }

    #[test]
    fn a_period_of_no_time_or_of_ages_is_refused() {
        for period in [Duration::ZERO, Duration::from_millis(999), Duration::MAX] {
            let error = Schedule::period(period).unwrap_err();
            assert_eq!(error.field(), "period");
        }
    }

    fn schedules() -> impl Strategy<Value = Schedule> {
        let period = (1..100_000_u64).prop_map(Duration::from_secs).prop_map(Schedule::period);
        let schedules = period.prop_map(Result::unwrap).boxed();
        #[cfg(feature = "cron")]
        let schedules = {
            let texts = [
                "0 3 * * *",
                "*/7 * * * *",
                "30 2 * * *",
                "15 */2 L * *",
                "5 2 * * SUN",
                "@monthly",
            ];
            let zones = ["UTC", "CET-1CEST,M3.5.0,M10.5.0/3", "NZST-12NZDT,M9.5.0,M4.1.0/3"];
            let cron = (prop::sample::select(texts.to_vec()), prop::sample::select(zones.to_vec()));
            let cron =
                cron.prop_map(|(text, zone)| Schedule::cron(text).unwrap().zone(zone).unwrap());
            prop_oneof![1 => schedules, 4 => cron].boxed()
        };
        schedules
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Promise 2, also around the hours in which clocks are put forward or back.
        #[test]
        fn last_and_next_are_of_one_line(
            schedule in schedules(),
            change in prop::sample::select(vec![1_774_746_000_u64, 1_792_890_000, 1_790_431_200, 1_775_311_200]),
            from in -10_000_i64..10_000,
        ) {
            let mut now = Nanos::from_secs(change.saturating_add_signed(from));
            for _ in 0..8 {
                let (last, next) = (schedule.last(now).unwrap(), schedule.next(now).unwrap());
                prop_assert!(last <= now && now < next, "{last:?} {now:?} {next:?}");
                prop_assert_eq!(schedule.last(next), Some(next));
                prop_assert_eq!(schedule.last(Nanos(next.0 - 1)), Some(last));
                prop_assert_eq!(schedule.next(last), Some(next));
                now = next;
            }
        }
    }
}
