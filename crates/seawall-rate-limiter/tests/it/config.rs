//! Settings: what is refused and how it is said, what is the default, and what a file looks like.

use std::time::Duration;

use seawall_rate_limiter::{
    Config, Policy, Quota, RateLimiter, RateLimiterBuilder, RateLimiters, RateLimitersBuilder,
};

const MS: Duration = Duration::from_millis(1);

fn builder() -> RateLimiterBuilder {
    RateLimiter::builder("config")
}

fn per_second(cells: u32) -> Quota {
    Quota::per_second(cells).expect("a quota")
}

fn window(cells: u32) -> Quota {
    per_second(cells).policy(Policy::FixedWindow)
}

#[test]
fn each_setting_that_cannot_be_is_named_with_what_is_allowed() {
    let with_burst = window(5).burst(6).expect("a quota");
    let cases = [
        (builder(), "quotas", "0 quotas", "from 1 to 4"),
        (builder().quotas([per_second(1); 5]), "quotas", "5 quotas", "from 1 to 4"),
        (builder().quota(with_burst), "burst", "6", "left out where a window counts"),
        (
            builder().quota(per_second(1)).quota(with_burst.policy(Policy::SlidingWindow)),
            "burst",
            "6",
            "left out where a window counts",
        ),
        (
            builder().quota(per_second(1_000_001).policy(Policy::SlidingLog)),
            "quota",
            "1000001/s, sliding log",
            "at most a million cells",
        ),
        (
            builder().quota(per_second(1)).max_wait(Duration::ZERO),
            "max_wait",
            "0ns",
            "for no wait, `try_acquire`",
        ),
    ];

    for (builder, field, value, rule) in cases {
        let error = builder.clone().build().expect_err(field);
        assert_eq!((error.field(), error.value()), (field, value));
        assert!(error.rule().contains(rule), "`{error}` does not say `{rule}`");
        let keyed = builder.keyed::<str>().build().expect_err(field);
        assert_eq!(keyed, error, "and so for each key");
    }
}

#[test]
fn how_many_keys_there_can_be_has_its_bounds() {
    let builder = || -> RateLimitersBuilder<u64> { builder().quota(per_second(1)).keyed() };

    for keys in [0, (1 << 24) + 1, usize::MAX] {
        let error = builder().max_keys(keys).build().expect_err("too few, or too many");
        assert_eq!((error.field(), error.value()), ("max_keys", keys.to_string().as_str()));
    }
    for keys in [1, 2, 1_000] {
        let limiters: RateLimiters<u64> = builder().max_keys(keys).build().expect("sound");
        assert!(limiters.try_acquire(&1).is_ok());
    }
}

#[test]
fn the_settings_at_their_bounds_can_be() {
    for builder in [
        builder().quotas([per_second(1); 4]),
        builder().quota(per_second(1_000_000).policy(Policy::SlidingLog)),
        builder().quota(window(5).burst(5).expect("a quota")),
        builder().quota(per_second(1)).max_wait(Duration::from_nanos(1)),
        builder().quota(per_second(1)).max_wait(Duration::MAX),
        builder().quota(Quota::per_hour(1).and_then(|quota| quota.burst(160_127)).expect("one")),
        builder().quota(per_second(1_000_000_000)),
    ] {
        let built = builder.clone().build();
        assert!(built.is_ok_and(|limiter| limiter.try_acquire().is_ok()), "{builder:?}");
    }
}

#[test]
fn what_is_not_set_is_the_default() {
    let limiter = builder().quota(per_second(5)).build().expect("sound");

    assert_eq!(limiter.name(), "config");
    let Config { quotas, max_wait, .. } = limiter.config();
    assert_eq!((quotas, max_wait), (vec![per_second(5)], None));
    assert_eq!(Config::default().quotas, []);
}

#[test]
fn all_settings_at_once_take_the_place_of_those_before() {
    let mut config = Config::default();
    config.quotas = vec![per_second(7)];

    let limiter = builder().quota(per_second(5)).max_wait(MS).config(config.clone()).build();

    assert_eq!(limiter.expect("sound").config(), config);
}

#[test]
fn what_can_change_is_taken_over() {
    let limiter = builder().quota(per_second(5)).build().expect("sound");
    let next = builder().quota(per_second(7)).max_wait(MS).build().expect("sound").config();

    limiter.reconfigure(next.clone()).expect("all of that can change");

    assert_eq!((limiter.config(), limiter.standing().limit), (next, 7));
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let limiter = builder().quota(per_second(5)).build().expect("sound");
    let before = limiter.config();
    let mut endless = before.clone();
    endless.max_wait = Some(Duration::ZERO);

    assert_eq!(limiter.reconfigure(endless).expect_err("none").field(), "max_wait");
    assert_eq!(limiter.reconfigure(Config::default()).expect_err("none").field(), "quotas");
    let error = limiter.set_quotas([window(5)]).expect_err("another kind");
    assert_eq!((error.field(), error.value()), ("quotas", "5/s, fixed window"));
    assert!(error.rule().contains("build a new limiter"), "{error}");
    let error = limiter.set_quotas([per_second(1), per_second(2)]).expect_err("another kind");
    assert_eq!(error.value(), "1/s and 2/s");
    assert_eq!(limiter.config(), before);
}

#[test]
fn several_quotas_may_become_any_others() {
    let limiter = builder().quotas([per_second(5), window(9)]).build().expect("sound");

    for quotas in [vec![per_second(3)], vec![window(1)], vec![window(2), per_second(2), window(3)]]
    {
        limiter.set_quotas(quotas.clone()).expect("the lock counts any");
        assert_eq!(
            (limiter.config().quotas, limiter.standings().len()),
            (quotas.clone(), quotas.len())
        );
    }
}

#[cfg(feature = "serde")]
mod file {
    use super::*;

    fn toml(text: &str) -> Result<Config, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn what_the_builder_can_say_stands_in_a_file() {
        let built = builder()
            .quota(per_second(5).burst(2).expect("a quota"))
            .quota(Quota::per_hour(100).expect("a quota").policy(Policy::SlidingLog))
            .max_wait(MS * 250);
        let built = built.build().expect("sound").config();

        let text = "quotas = [\"5/s, burst 2\", \"100/h, sliding log\"]\nmax_wait = \"250ms\"";
        assert_eq!(toml(text).expect("sound"), built);
        let text = r#"{ "quotas": ["5/s, burst 2", "100/h, sliding log"], "max_wait": "250ms" }"#;
        assert_eq!(serde_json::from_str::<Config>(text).expect("sound"), built);
    }

    #[test]
    fn one_quota_needs_no_brackets() {
        let one = builder().quota(per_second(100)).build().expect("sound").config();

        for text in [
            r#"quota = "100/s""#,
            r#"quotas = "100/s""#,
            r#"quota = ["100/s"]"#,
            r#"quotas = ["100 / s"]"#,
        ] {
            assert_eq!(toml(text).expect(text), one);
        }
        assert_eq!(serde_json::from_str::<Config>(r#"{"quota": "100/s"}"#).expect("sound"), one);
        let none = r#"{"quota": "100/s", "max_wait": null}"#;
        assert_eq!(serde_json::from_str::<Config>(none).expect("sound"), one);
    }

    #[test]
    fn what_is_written_is_read_back_as_the_same() {
        for text in [
            "quota = \"100/s\"",
            "quotas = []",
            "quotas = [\"3/10s, burst 9\", \"7/1.5s, fixed window\"]\nmax_wait = \"1m 30s\"",
        ] {
            let config = toml(text).expect(text);
            let json = serde_json::to_string(&config).expect(text);

            assert_eq!(toml(&toml::to_string(&config).expect(text)).expect(text), config);
            assert_eq!(serde_json::from_str::<Config>(&json).expect(text), config);
        }
    }

    #[test]
    fn a_bad_file_is_refused_with_its_line_and_the_reason() {
        for (text, says) in [
            ("\nquotas = 5", "a quota such as \"100/s, burst 20\", or a list of them"),
            ("\nquotas = [5]", "a quota such as \"100/s, burst 20\", or a list of them"),
            ("\nquota = \"100 a second\"", "\"100 a second\""),
            ("\nquota = \"100 a second\"", "a quota, such as \"100/s\""),
            ("\nquotas = [\"5/s\", \"0/s\"]", "at least one cell a period"),
            ("\nquotas = [\"5/s, burst 0\"]", "at least 1"),
            ("\nquota = \"5/s\"\nquotas = [\"6/s\"]", "duplicate field `quotas`"),
            ("\nrate = \"5/s\"", "unknown field `rate`"),
            ("\nmax_wait = \"5ms\"", "missing field `quotas`"),
            ("\nmax_wait = 5\nquota = \"5/s\"", "invalid type"),
            ("\nmax_wait = \"5\"\nquota = \"5/s\"", "a duration with its unit"),
        ] {
            let error = toml(text).expect_err(text).to_string();

            assert!(error.contains(says), "`{error}` does not say `{says}`");
        }
    }

    #[test]
    fn what_a_file_says_wrong_is_told_at_its_line() {
        for text in ["\nquota = 5", "\nquotas = [\"5/s\", \"0/s\"]", "\nmax_wait = \"5\""] {
            let error = toml(text).expect_err(text).to_string();

            assert!(error.contains("line 2"), "{error}");
        }
    }

    #[test]
    fn a_quota_by_itself_stands_in_a_file_as_it_is_shown() {
        let quota = per_second(100).burst(20).expect("a quota");

        assert_eq!(serde_json::to_string(&quota).expect("a text"), "\"100/s, burst 20\"");
        assert_eq!(serde_json::from_str::<Quota>("\"100/s, burst 20\"").expect("the same"), quota);
        let error = serde_json::from_str::<Quota>("100").expect_err("a number").to_string();
        assert!(error.contains("expected a quota, such as \"100/s\""), "{error}");
    }
}
