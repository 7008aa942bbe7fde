//! Settings: what is refused and how it is said, and what a file looks like.

use std::time::Duration;

use seawall_circuit_breaker::{
    Backoff, CircuitBreaker, CircuitBreakerBuilder, Ratio, Throttle, Window,
};

fn builder() -> CircuitBreakerBuilder {
    CircuitBreaker::builder("config")
}

#[test]
fn each_setting_that_cannot_be_is_named_with_what_is_allowed() {
    const MS: Duration = Duration::from_millis(1);
    let throttle = Throttle::default();
    let cases = [
        (builder().window(Window::count(0)), "window.calls", "from 1 to 100000"),
        (builder().window(Window::count(100_001)), "window.calls", "from 1 to 100000"),
        (builder().window(Window::time(MS * 9)), "window.time", "a millisecond for each bucket"),
        (builder().window(Window::time(Duration::MAX)), "window.time", "at most a day"),
        (builder().window(Window::time(MS).buckets(1)), "window.buckets", "from 2 to 120"),
        (builder().minimum_calls(0), "minimum_calls", "from 1 to 100"),
        (builder().minimum_calls(101), "minimum_calls", "the most that the window can hold"),
        (builder().failure_rate(0.0), "failure_rate", "above 0"),
        (builder().failure_rate(1.5), "failure_rate", "from 0 to 1"),
        (builder().failure_rate(f64::NAN), "failure_rate", "from 0 to 1"),
        (builder().slow_call(MS, -0.1), "slow_call.rate", "from 0 to 1"),
        (builder().slow_call(Duration::MAX, 0.1), "slow_call.longer_than", "198 days"),
        (builder().consecutive_failures(0), "consecutive_failures", "at least 1"),
        (builder().hung_calls(MS, 1), "hung_calls.longer_than", "10ms"),
        (builder().hung_calls(MS * 10, 0), "hung_calls.count", "at least 1"),
        (builder().open_for(Backoff::constant(MS).max(Duration::MAX)), "open_for.max", "198 days"),
        (builder().open_for(Backoff::exponential(MS).factor(0.5)), "open_for.factor", "at least 1"),
        (builder().half_open_probes(0), "half_open_probes", "from 1 to 255"),
        (builder().half_open_probes(256), "half_open_probes", "from 1 to 255"),
        (builder().probe_lease(Duration::ZERO), "probe_lease", "1ms"),
        (builder().ramp(Duration::ZERO, 0.5), "ramp.over", "1ms"),
        (builder().ramp(MS, f64::INFINITY), "ramp.from", "from 0 to 1"),
        (builder().enforce(2.0), "enforce", "from 0 to 1"),
        (builder().throttle(Throttle { k: 0.5, ..throttle }), "throttle.k", "at least 1"),
        (builder().throttle(Throttle { over: MS, ..throttle }), "throttle.over", "10 ms"),
        (builder().throttle(Throttle { most: Ratio::ONE, ..throttle }), "throttle.most", "below"),
        (builder().lanes(0), "lanes", "from 1 to 64"),
    ];

    for (builder, field, rule) in cases {
        let error = builder.build().expect_err(field);
        assert_eq!(error.field(), field);
        assert!(error.rule().contains(rule), "`{error}` does not say `{rule}`");
    }
}

#[test]
fn a_small_count_window_lowers_the_minimum_that_was_not_set() {
    let breaker = builder().window(Window::count(3)).build().unwrap();

    assert_eq!(breaker.snapshot().limits["minimum_calls"] as u64, 3);
}

#[cfg(feature = "serde")]
mod file {
    use seawall_circuit_breaker::{Config, Outcome};

    use super::*;

    const FULL: &str = r#"
        minimum_calls = 10
        failure_rate = 0.4
        consecutive_failures = 5
        stable_after = "2m"
        half_open_probes = 4
        probe_lease = "5s"
        enforce = 0.5
        on_cancel = "failure"
        on_panic = "ignored"
        seed = 7
        window = { time = "10s", buckets = 20 }
        slow_call = { longer_than = "250ms", rate = 0.8 }
        hung_calls = { longer_than = "30s", count = 10 }
        throttle = { over = "1m", k = 1.5, most = 0.9 }
        open_for = { growth = "exponential", base = "1s", factor = 1.5, max = "30s", jitter = "full" }
        ramp = { over = "30s", from = 0.1 }
    "#;

    #[test]
    fn everything_the_builder_can_say_stands_in_a_file() {
        let config: Config = toml::from_str(FULL).unwrap();

        let built = builder()
            .minimum_calls(10)
            .failure_rate(0.4)
            .consecutive_failures(5)
            .stable_after(Duration::from_secs(120))
            .half_open_probes(4)
            .probe_lease(Duration::from_secs(5))
            .enforce(0.5)
            .on_cancel(Outcome::Failure)
            .on_panic(Outcome::Ignored)
            .seed(7)
            .window(Window::time(Duration::from_secs(10)).buckets(20))
            .slow_call(Duration::from_millis(250), 0.8)
            .hung_calls(Duration::from_secs(30), 10)
            .throttle(Throttle {
                over: Duration::from_secs(60),
                k: 1.5,
                most: Ratio::new(0.9).unwrap(),
            })
            .open_for(
                Backoff::exponential(Duration::from_secs(1))
                    .factor(1.5)
                    .max(Duration::from_secs(30)),
            )
            .ramp(Duration::from_secs(30), 0.1)
            .build()
            .unwrap();
        assert_eq!(config, built.config());
    }

    #[test]
    fn what_is_written_is_read_back_as_the_same() {
        let off = "failure_rate = \"off\"";
        for text in ["", off, FULL, "window = { calls = 7 }"] {
            let config: Config = toml::from_str(text).unwrap();
            let toml: Config = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
            let json = serde_json::to_string(&config).unwrap();

            assert_eq!(toml, config);
            assert_eq!(serde_json::from_str::<Config>(&json).unwrap(), config);
        }
    }

    #[test]
    fn an_empty_file_is_the_default() {
        assert_eq!(toml::from_str::<Config>("").unwrap(), Config::default());
    }

    #[test]
    fn a_bad_file_is_refused_with_its_line_and_the_reason() {
        for (text, says) in [
            ("\nfailure_rat = 0.5", "unknown field `failure_rat`"),
            ("\nfailure_rate = 1.5", "a share from 0 to 1, or \"off\""),
            ("\nprobe_lease = 5", "invalid type: integer `5`"),
            ("\nprobe_lease = \"5\"", "with its unit"),
            ("\nwindow = { calls = 5, time = \"1s\" }", "either `calls`, or `time`"),
            ("\nwindow = {}", "either `calls`, or `time`"),
            ("\nopen_for = { growth = \"linear\", base = \"1s\", factor = 2.0 }", "has a factor"),
            ("\non_cancel = \"maybe\"", "unknown variant `maybe`"),
        ] {
            let error = toml::from_str::<Config>(text).unwrap_err().to_string();

            assert!(error.contains(says), "{error}");
            assert!(error.contains("line 2"), "{error}");
        }
    }
}
