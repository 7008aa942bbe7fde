//! Settings: what is refused and how it is said, what can change, and what a file looks like.

use std::time::Duration;

use seawall_bulkhead::{
    Adaptive, Bulkhead, BulkheadBuilder, Codel, Config, Order, Ratio, Shedding,
};

const MS: Duration = Duration::from_millis(1);

fn builder() -> BulkheadBuilder {
    Bulkhead::builder("config")
}

#[test]
fn each_setting_that_cannot_be_is_named_with_what_is_allowed() {
    let codel = Codel::default();
    let shed = Shedding::default();
    let none = Ratio::ZERO;
    let cases = [
        (builder().limit(0), "limit", "from 1 to 16777215"),
        (builder().limit(1 << 24), "limit", "from 1 to 16777215"),
        (builder().limit(5).adaptive(Adaptive::gradient2()), "limit", "adaptive.initial"),
        (builder().queue(1 << 16), "queue", "at most 65535"),
        (builder().max_wait(Duration::ZERO), "max_wait", "no `queue`"),
        (builder().codel(Codel { target: Duration::ZERO, ..codel }), "codel.target", "1 µs"),
        (builder().codel(Codel { interval: Duration::MAX, ..codel }), "codel.interval", "a day"),
        (builder().partition("a", -0.1), "partition", "from 0 to 1"),
        (builder().partition("a", f64::NAN), "partition", "from 0 to 1"),
        (builder().partition("a", 0.6).partition("b", 0.5), "partitions", "at most 1"),
        (builder().partition("a", 0.1).partition("a", 0.1), "partitions", "stands once"),
        (builder().limit(9).partition("a", 0.1), "partitions", "at least one place of 9"),
        (
            (0..65)
                .fold(builder().limit(1000), |builder, n| builder.partition(n.to_string(), 0.01)),
            "partitions",
            "at most 64",
        ),
        (
            builder().shed(Shedding { target_wait: Duration::MAX, ..shed }),
            "shedding.target_wait",
            "a day",
        ),
        (builder().shed(Shedding { window: Duration::ZERO, ..shed }), "shedding.window", "1 µs"),
        (builder().shed(Shedding { calls: 0, ..shed }), "shedding.calls", "at least 1"),
        (builder().shed(Shedding { down: none, ..shed }), "shedding.down", "above 0"),
        (builder().shed(Shedding { up: Ratio::ONE, ..shed }), "shedding.up", "below 1"),
    ];

    for (builder, field, rule) in cases {
        let error = builder.build().expect_err(field);
        assert_eq!(error.field(), field);
        assert!(error.rule().contains(rule), "`{error}` does not say `{rule}`");
    }
}

#[test]
fn the_first_setting_that_cannot_be_is_told_whatever_follows() {
    let error = builder().partition("a", 2.0).partition("b", -1.0).build().expect_err("no share");

    assert_eq!((error.field(), error.value()), ("partition", "2"));
}

#[test]
fn the_settings_at_their_bounds_can_be() {
    for builder in [
        builder().limit(1).queue(65_535).max_wait(None),
        builder().limit((1 << 24) - 1).partition("a", 1.0),
        builder().limit(64).partition("a", 1.0 / 64.0),
    ] {
        assert!(builder.clone().build().is_ok(), "{builder:?}");
    }
}

#[test]
fn what_is_not_set_is_the_default() {
    let bulkhead = builder().build().expect("the defaults are sound");

    assert_eq!((bulkhead.limit(), bulkhead.config()), (25, Config::default()));
}

#[test]
fn what_can_change_is_taken_over() {
    let bulkhead = builder().limit(5).build().expect("sound");
    let next = builder().limit(7).queue(9).max_wait(MS).order(Order::Lifo).build().expect("sound");

    bulkhead.reconfigure(next.config()).expect("all of that can change");

    assert_eq!((bulkhead.limit(), bulkhead.config()), (7, next.config()));
    let limits = bulkhead.snapshot().limits;
    assert_eq!((limits["queue"] as u32, (limits["max_wait_seconds"] * 1e3) as u32), (9, 1));
}

#[test]
fn what_is_fixed_is_refused_and_changes_nothing() {
    let bulkhead = builder().limit(5).partition("a", 0.5).build().expect("sound");
    let before = bulkhead.config();
    let cases = [
        (builder().adaptive(Adaptive::gradient2()).partition("a", 0.5), "adaptive"),
        (builder().limit(7).partition("a", 0.6), "partitions"),
        (builder().limit(7).partition("a", 0.5).shed(Shedding::default()), "shedding"),
        (builder().limit(1).partition("b", 1.0), "partitions"),
    ];

    for (other, field) in cases {
        let other = other.build().expect("sound by itself").config();
        let error = bulkhead.reconfigure(other).expect_err(field);
        assert_eq!(error.field(), field);
        assert_eq!((bulkhead.limit(), bulkhead.config()), (5, before.clone()));
    }
}

#[cfg(feature = "serde")]
mod file {
    use super::*;

    const FULL: &str = r#"
        limit = 32
        queue = 64
        max_wait = "200ms"
        order = "adaptive_lifo"
        codel = { target = "10ms", interval = "200ms" }
        partitions = [{ name = "web", share = 0.7 }, { name = "batch", share = 0.3 }]
        shedding = { target_wait = "30ms", window = "2s", calls = 1000, down = 0.1, up = 0.02 }
    "#;

    #[test]
    fn what_the_builder_can_say_stands_in_a_file() {
        let built = builder()
            .limit(32)
            .queue(64)
            .max_wait(MS * 200)
            .order(Order::AdaptiveLifo)
            .codel(Codel { target: MS * 10, interval: MS * 200 })
            .partition("web", 0.7)
            .partition("batch", 0.3)
            .shed(Shedding {
                target_wait: MS * 30,
                window: MS * 2_000,
                calls: 1_000,
                down: Ratio::new(0.1).expect("a share"),
                up: Ratio::new(0.02).expect("a share"),
            });

        assert_eq!(
            toml::from_str::<Config>(FULL).expect("sound"),
            built.build().expect("sound").config()
        );
    }

    #[test]
    fn what_is_written_is_read_back_as_the_same() {
        for text in ["", "max_wait = \"off\"", FULL, "codel = {}", "shedding = {}"] {
            let config: Config = toml::from_str(text).expect(text);
            let toml: Config = toml::from_str(&toml::to_string(&config).expect(text)).expect(text);
            let json = serde_json::to_string(&config).expect(text);

            assert_eq!(toml, config);
            assert_eq!(serde_json::from_str::<Config>(&json).expect(text), config);
        }
    }

    #[test]
    fn an_empty_file_is_the_default() {
        assert_eq!(toml::from_str::<Config>("").expect("nothing"), Config::default());
    }

    #[test]
    fn a_bad_file_is_refused_with_its_line_and_the_reason() {
        for (text, says) in [
            ("\nlimits = 5", "unknown field `limits`"),
            ("\nmax_wait = 5", "a time such as \"250ms\", or \"off\""),
            ("\norder = \"random\"", "unknown variant `random`"),
            ("\ncodel = { aim = \"5ms\" }", "unknown field `aim`"),
            ("\npartitions = [{ name = \"a\" }]", "missing field `share`"),
            ("\npartitions = [{ name = \"a\", share = 1.5 }]", "from 0 to 1"),
        ] {
            let error = toml::from_str::<Config>(text).expect_err(text).to_string();

            assert!(error.contains(says), "{error}");
            assert!(error.contains("line 2"), "{error}");
        }
    }
}
