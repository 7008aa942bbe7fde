//! What a quota can be, and how it stands in a text.

use std::time::Duration;

use seawall_rate_limiter::{Policy, Quota};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn what_cannot_be_is_named_with_its_value_and_what_is_allowed() {
    let hourly = Quota::per_hour(1).expect("a quota");
    let cases = [
        (Quota::per_second(0), "quota", "0/s", "at least one cell a period"),
        (Quota::new(1, Duration::ZERO), "quota", "1/0ns", "from 1 ns to 366 days"),
        (Quota::new(1, 366 * DAY + Duration::from_nanos(1)), "quota", "1/31622400", "366 days"),
        (Quota::new(1, Duration::MAX), "quota", "1/", "366 days"),
        (Quota::per_second(1_000_000_001), "quota", "1000000001/s", "one cell a nanosecond"),
        (Quota::new(3, Duration::from_nanos(2)), "quota", "3/2ns", "one cell a nanosecond"),
        (hourly.burst(0), "burst", "0", "at least 1"),
        (hourly.burst(u32::MAX), "burst", "4294967295", "at most 160127, which takes eighteen"),
    ];

    for (quota, field, value, rule) in cases {
        let error = quota.expect_err(value);
        assert_eq!(error.field(), field, "{error}");
        assert!(error.value().starts_with(value), "`{error}` does not name `{value}`");
        assert!(error.rule().contains(rule), "`{error}` does not say `{rule}`");
    }
}

#[test]
fn what_is_at_its_bounds_can_be() {
    for quota in [
        Quota::new(1, Duration::from_nanos(1)),
        Quota::new(1, 366 * DAY),
        Quota::new(u32::MAX, 366 * DAY),
        Quota::per_second(1_000_000_000),
        Quota::per_second(1_000_000_000).and_then(|quota| quota.burst(u32::MAX)),
        Quota::per_hour(1).and_then(|quota| quota.burst(160_127)),
        Quota::per_day(1).and_then(|quota| quota.burst(1)),
    ] {
        assert!(quota.is_ok(), "{quota:?}");
    }
}

#[test]
fn a_quota_tells_what_it_was_set_to() {
    let quota = Quota::per_minute(90).and_then(|quota| quota.burst(7)).expect("a quota");
    let quota = quota.policy(Policy::SlidingLog);

    assert_eq!((quota.cells(), quota.period(), quota.most_at_once()), (90, 60 * SECOND, 7));
    assert_eq!(
        (quota.rule(), quota.interval()),
        (Policy::SlidingLog, Duration::from_nanos(666_666_667))
    );
}

#[test]
fn a_burst_that_is_not_set_is_the_cells_of_a_period() {
    for quota in [Quota::per_second(5), Quota::per_minute(5), Quota::per_hour(5), Quota::per_day(5)]
    {
        assert_eq!(quota.expect("a quota").most_at_once(), 5);
    }
}

#[test]
fn an_interval_is_rounded_up() {
    let interval = |cells, period| Quota::new(cells, period).expect("a quota").interval();

    assert_eq!(interval(3, SECOND), Duration::from_nanos(333_333_334));
    assert_eq!(interval(100, SECOND), Duration::from_millis(10));
    assert_eq!(interval(1, 366 * DAY), 366 * DAY);
}

#[test]
fn a_quota_is_shown_as_people_write_it() {
    let new = |cells, period| Quota::new(cells, period).expect("a quota");
    for (quota, text) in [
        (new(100, SECOND), "100/s"),
        (new(5, 60 * SECOND), "5/min"),
        (new(5, 3_600 * SECOND), "5/h"),
        (new(5, DAY), "5/d"),
        (new(3, 10 * SECOND), "3/10s"),
        (new(3, Duration::from_millis(250)), "3/250ms"),
        (new(100, SECOND).burst(20).expect("a quota"), "100/s, burst 20"),
        (new(100, SECOND).burst(100).expect("a quota"), "100/s"),
        (new(5, DAY).policy(Policy::FixedWindow), "5/d, fixed window"),
        (new(5, DAY).policy(Policy::SlidingWindow), "5/d, sliding window"),
        (new(5, DAY).policy(Policy::SlidingLog), "5/d, sliding log"),
    ] {
        assert_eq!(quota.to_string(), text);
    }
}

#[cfg(feature = "serde")]
mod text {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Quota, seawall_rate_limiter::ConfigError> {
        text.parse()
    }

    #[test]
    fn what_is_a_quota_is_read() {
        let new = |cells, period| Quota::new(cells, period).expect("a quota");
        let burst = |burst| new(100, SECOND).burst(burst).expect("a quota");
        for (text, quota) in [
            ("100/s", new(100, SECOND)),
            ("100/1s", new(100, SECOND)),
            ("100/second", new(100, SECOND)),
            ("5 / min", new(5, 60 * SECOND)),
            ("1/m", new(1, 60 * SECOND)),
            ("  5/h  ", new(5, 3_600 * SECOND)),
            ("5/day", new(5, DAY)),
            ("3/10s", new(3, 10 * SECOND)),
            ("3/1m 30s", new(3, 90 * SECOND)),
            ("3/1.5s", new(3, SECOND * 3 / 2)),
            ("7/250ms", new(7, SECOND / 4)),
            ("100/s, burst 20", burst(20)),
            ("100/s,burst 20", burst(20)),
            ("100/s, burst 20, sliding log", burst(20).policy(Policy::SlidingLog)),
            ("100/s, sliding log, burst 20", burst(20).policy(Policy::SlidingLog)),
            ("100/s, gcra", new(100, SECOND)),
            ("100/s, fixed window", new(100, SECOND).policy(Policy::FixedWindow)),
            ("100/s , sliding window ", new(100, SECOND).policy(Policy::SlidingWindow)),
        ] {
            assert_eq!(parse(text).as_ref(), Ok(&quota), "{text:?}");
        }
    }

    #[test]
    fn what_is_none_is_refused_with_what_one_looks_like() {
        for text in [
            "",
            "/",
            "/s",
            "-1/s",
            "+1/s",
            "1.5/s",
            "1e3/s",
            "1_000/s",
            "100",
            "100/",
            "100/5",
            "100/s/s",
            "100 per second",
            "100/parsec",
            "99999999999/s",
            "1/99999999999999999999s",
            "100/s,",
            "100/s, burst",
            "100/s, burst ",
            "100/s, burst twenty",
            "100/s, burst -1",
            "100/s, burst 2, burst 3",
            "100/s, burst 2, burst 2",
            "100/s, sliding log, gcra",
            "100/s, sliding log, sliding log",
            "100/s, sliding",
            "100/s, Sliding Log",
            "100/s; burst 20",
            "sliding log, 100/s",
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!((error.field(), error.value()), ("quota", format!("{text:?}").as_str()));
            assert!(error.rule().starts_with("a quota, such as \"100/s\""), "{error}");
        }
    }

    #[test]
    fn what_reads_well_and_cannot_be_is_refused_by_its_own_rule() {
        for (text, field, rule) in [
            ("0/s", "quota", "at least one cell a period"),
            ("1/0s", "quota", "from 1 ns to 366 days"),
            ("1/400d", "quota", "from 1 ns to 366 days"),
            ("2000000000/s", "quota", "at most one cell a nanosecond"),
            ("1/s, burst 0", "burst", "at least 1"),
            ("1/d, burst 4000000000", "burst", "eighteen years"),
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!(error.field(), field, "{error}");
            assert!(error.rule().contains(rule), "{error}");
        }
    }

    #[test]
    fn a_long_text_is_not_repeated_in_its_error() {
        let text = "\u{1f980}".repeat(1_000_000);

        assert!(parse(&text).expect_err("no quota").to_string().len() < 1_000);
    }

    fn policy() -> impl Strategy<Value = Policy> {
        use Policy::{FixedWindow, Gcra, SlidingLog, SlidingWindow};
        prop::sample::select(vec![Gcra, FixedWindow, SlidingWindow, SlidingLog])
    }

    fn period() -> impl Strategy<Value = Duration> {
        let most = 366 * 86_400_000_000_000_u64;
        let nanos = prop_oneof![1..=most, 1..10_000_u64, (1..10_000_u64).prop_map(|us| us * 1_000)];
        let seconds = (1..=366 * 86_400_u64).prop_map(|secs| secs * 1_000_000_000);
        prop_oneof![nanos, seconds].prop_map(Duration::from_nanos)
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_as_the_same(
            cells in 1..=u32::MAX,
            period in period(),
            burst in prop::option::of(1..=u32::MAX),
            policy in policy(),
        ) {
            let cells = (u128::from(cells)).min(period.as_nanos()) as u32;
            let quota = Quota::new(cells, period).expect("at most one a nanosecond");
            let with_burst = burst.and_then(|burst| quota.burst(burst).ok());
            let quota = with_burst.unwrap_or(quota).policy(policy);

            prop_assert_eq!(parse(&quota.to_string()), Ok(quota));
        }

        #[test]
        fn no_text_makes_reading_panic(text in "[0-9]{0,11} ?/? ?([0-9.]{0,4}[a-zµ]{0,4}){0,3}(, ?(burst ?[0-9]{0,3}|sliding log)){0,3}") {
            if let Ok(quota) = parse(&text) {
                prop_assert_eq!(parse(&quota.to_string()), Ok(quota));
            }
        }

        #[test]
        fn no_text_at_all_makes_reading_panic(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
