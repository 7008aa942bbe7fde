//! Cron expressions: what the parser says in the words of the house, and moments in those of the parser.

use std::fmt;

use croner::parser::{CronParser, Seconds, Year};
use jiff::{Timestamp, Zoned, tz::TimeZone};
use seawall_core::{ConfigError, Nanos};

/// What stands where, and what may.
const FIELDS: [(&str, &str); 6] = [
    ("second", "from 0 to 59"),
    ("minute", "from 0 to 59"),
    ("hour", "from 0 to 23"),
    ("day of month", "from 1 to 31, `L` for the last one or `15W` for the working day next to it"),
    ("month", "from 1 to 12, or JAN to DEC"),
    (
        "day of week",
        "from 0 to 7, or SUN to SAT, `FRI#2` for the second one or `FRI#L` for the last one",
    ),
];

#[derive(Clone)]
pub(super) struct Cron {
    /// As it was written, but for spaces.
    text: String,
    rule: croner::Cron,
    zone: TimeZone,
    zone_name: String,
}

impl Cron {
    pub(super) fn new(expression: &str) -> Result<Self, ConfigError> {
        let fields: Vec<_> = expression.split_whitespace().collect();
        let text = fields.join(" ");
        let rule = parse(&text).ok_or_else(|| what_is_wrong(&text, &fields))?;
        let cron = Self { text, rule, zone: TimeZone::UTC, zone_name: "UTC".into() };
        // A calendar repeats itself after 400 years, and the search ends: one that has no fire from here on is of
        // no day that there is.
        if cron.next(Nanos::ZERO).is_none() {
            let rule = "of a day that there is: it would never fire";
            return Err(ConfigError::new("schedule", &cron.text, rule));
        }
        Ok(cron)
    }

    pub(super) fn zone(self, name: &str) -> Result<Self, ConfigError> {
        let zone = TimeZone::get(name).or_else(|_| TimeZone::posix(name)).map_err(|_| {
            let rule = "a name of the tz database (`Europe/Berlin`), or a rule as in the variable TZ \
                        (`CET-1CEST,M3.5.0,M10.5.0/3`)";
            ConfigError::new("zone", name, rule)
        })?;
        Ok(Self { zone, zone_name: name.to_owned(), ..self })
    }

    pub(super) fn last(&self, now: Nanos) -> Option<Nanos> {
        moment(&self.rule.find_previous_occurrence(&self.at(now)?, true).ok()?)
    }

    pub(super) fn next(&self, now: Nanos) -> Option<Nanos> {
        moment(&self.rule.find_next_occurrence(&self.at(now)?, false).ok()?)
    }

    /// Whole seconds, as clocks show them: there is no fire between two.
    fn at(&self, now: Nanos) -> Option<Zoned> {
        let seconds = i64::try_from(now.as_duration().as_secs()).ok()?;
        Some(Timestamp::from_second(seconds).ok()?.to_zoned(self.zone.clone()))
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.text, self.zone_name)
    }
}

fn moment(at: &Zoned) -> Option<Nanos> {
    u64::try_from(at.timestamp().as_nanosecond()).ok().map(Nanos)
}

fn parse(text: &str) -> Option<croner::Cron> {
    let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed);
    parser.build().parse(text).ok()
}

/// The first field that can't be, though all others could be anything.
fn what_is_wrong(text: &str, fields: &[&str]) -> ConfigError {
    let named = match fields.len() {
        5 => &FIELDS[1..],
        6 => &FIELDS[..],
        _ => {
            let rule = "five fields (minute, hour, day of month, month, day of week), six with seconds before \
                        them, or one of @hourly, @daily, @weekly, @monthly, @yearly";
            return ConfigError::new("schedule", format_args!("{text:?}"), rule);
        }
    };
    for (at, (field, &(name, allowed))) in fields.iter().zip(named).enumerate() {
        let mut alone = vec!["*"; fields.len()];
        alone[at] = field;
        if parse(&alone.join(" ")).is_none() {
            let rule = format!(
                "{allowed}; `*`, a list, a range or a step (`*/5`) of these; in the schedule `{text}`"
            );
            return ConfigError::new(name, field, rule);
        }
    }
    ConfigError::new("schedule", format_args!("{text:?}"), "a cron expression")
}

#[cfg(test)]
mod tests {
    use seawall_core::Nanos;

    use super::Cron;

    /// Berlin, by its rule: the tests need no database.
    const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

    fn at(text: &str) -> Nanos {
        let at: jiff::Timestamp = text.parse().unwrap();
        Nanos(u64::try_from(at.as_nanosecond()).unwrap())
    }

    fn fires(text: &str, from: &str, to: &str) -> Vec<String> {
        let cron = Cron::new(text).unwrap().zone(BERLIN).unwrap();
        let (mut now, to) = (at(from), at(to));
        let mut fires = Vec::new();
        while let Some(next) = cron.next(now)
            && next <= to
        {
            fires.push(jiff::Timestamp::from_nanosecond(next.0.into()).unwrap().to_string());
            now = next;
        }
        fires
    }

    fn error(text: &str) -> String {
        Cron::new(text).map(|cron| cron.to_string()).unwrap_err().to_string()
    }

    #[test]
    fn a_time_that_the_clocks_skip_fires_once_after_the_gap() {
        // At 01:00 UTC, 02:00 becomes 03:00.
        let fires = fires("30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z");
        assert_eq!(fires.len(), 2);
        assert_eq!(fires, ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    }

    #[test]
    fn a_time_that_the_clocks_show_twice_fires_once_at_the_first() {
        // At 01:00 UTC, 03:00 becomes 02:00.
        let fires = fires("30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z");
        assert_eq!(fires, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    }

    #[test]
    fn what_fires_each_half_hour_goes_on_through_both() {
        let twice = fires("*/30 * * * *", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z");
        let gap = fires("*/30 * * * *", "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z");
        assert_eq!((twice.len(), gap.len()), (4, 4));
    }

    #[test]
    fn a_zone_of_the_database_or_a_rule_but_nothing_else() {
        let cron = || Cron::new("0 3 * * *").unwrap();
        assert!(cron().zone(BERLIN).is_ok());
        let error = cron().zone("Atlantis/Harbour").map(|cron| cron.to_string()).unwrap_err();
        assert_eq!((error.field(), error.value()), ("zone", "Atlantis/Harbour"));
    }

    #[test]
    fn a_field_that_can_not_be_is_named_with_what_may_stand_there() {
        assert!(error("61 * * * *").starts_with("`minute` is 61: it must be from 0 to 59"));
        assert!(error("0 25 * * *").starts_with("`hour` is 25: it must be from 0 to 23"));
        assert!(error("0 3 0 * *").starts_with("`day of month` is 0: it must be from 1 to 31"));
        assert!(error("0 3 * 13 *").starts_with("`month` is 13: it must be from 1 to 12"));
        assert!(error("0 3 * * 9").starts_with("`day of week` is 9: it must be from 0 to 7"));
        assert!(error("60 0 3 * * *").starts_with("`second` is 60: it must be from 0 to 59"));
        assert!(error("*/0 * * * *").starts_with("`minute` is */0"));
        assert!(error("0 x * * *").ends_with("in the schedule `0 x * * *`"));
        for text in ["", "0 3 * *", "0 0 3 * * * 2030", "@fortnightly"] {
            assert!(
                error(text).starts_with(&format!("`schedule` is {text:?}: it must be five fields")),
                "{text}"
            );
        }
    }

    #[test]
    fn a_day_that_there_is_not_is_refused_and_a_leap_day_is_not() {
        assert!(error("0 0 30 2 *").ends_with("it would never fire"));
        assert!(error("0 0 31 4,6 *").ends_with("it would never fire"));
        assert!(Cron::new("0 0 29 2 *").is_ok());
    }

    #[test]
    fn spaces_make_no_other_schedule() {
        assert_eq!(Cron::new("  0   3 * *\t* ").unwrap().to_string(), "0 3 * * * UTC");
    }
}
