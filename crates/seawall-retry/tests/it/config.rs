//! Settings: what is refused and how it is said, what is the default, and what a file looks like.

use std::time::Duration;

use seawall_retry::{Backoff, Config, Jitter, Retry, RetryBuilder};

fn builder() -> RetryBuilder {
    Retry::builder("config")
}

#[test]
fn each_setting_that_cannot_be_is_named_with_what_is_allowed() {
    let second = Duration::from_secs(1);
    let cases = [
        (builder().max_attempts(0), "max_attempts", "from 1 to 1000"),
        (builder().max_attempts(1_001), "max_attempts", "from 1 to 1000"),
        (
            builder().backoff(Backoff::exponential(second).factor(0.5)),
            "backoff.factor",
            "at least 1",
        ),
        (builder().attempt_timeout(Duration::ZERO), "attempt_timeout", "at least 1 ms"),
        (builder().deadline(Duration::from_micros(999)), "deadline", "at least 1 ms"),
    ];

    for (builder, field, rule) in cases {
        let error = builder.build().expect_err(field);
        assert_eq!(error.field(), field);
        assert!(error.rule().contains(rule), "`{error}` does not say `{rule}`");
    }
}

#[test]
fn what_is_not_set_is_the_default() {
    let retry = builder().build().expect("the defaults are sound");

    let backoff = Backoff::exponential(Duration::from_millis(50)).max(Duration::from_secs(20));
    assert_eq!(retry.config().backoff, backoff.jitter(Jitter::Full));
    assert_eq!(retry.config(), Config::default());
    assert_eq!(retry.config().max_attempts, 3);
    assert!(retry.budget().is_some(), "retries are paid for unless somebody says otherwise");
    assert!(builder().without_budget().build().expect("sound").budget().is_none());
}

#[test]
fn a_snapshot_tells_settings_and_state() {
    let retry = builder().deadline(Duration::from_secs(5)).build().expect("sound");

    let snapshot = retry.snapshot();

    assert_eq!((snapshot.pattern.as_ref(), snapshot.state.as_ref()), ("retry", "ready"));
    assert_eq!(snapshot.limits["max_attempts"] as u32, 3);
    assert_eq!(snapshot.limits["deadline_seconds"] as u32, 5);
    assert_eq!(snapshot.gauges["budget"] as u32, 100);
}

#[cfg(feature = "serde")]
mod file {
    use super::*;

    #[test]
    fn a_file_says_what_the_builder_would() {
        let text = r#"
            max_attempts = 4
            backoff = { growth = "constant", base = "10ms", jitter = "none" }
            attempt_timeout = "1s"
            deadline = "5s"
            max_retry_after = "10s"
            seed = 7
        "#;

        let config: Config = toml::from_str(text).expect("it is sound");

        let constant = Backoff::constant(Duration::from_millis(10)).jitter(Jitter::None);
        let built = builder()
            .max_attempts(4)
            .backoff(constant)
            .attempt_timeout(Duration::from_secs(1))
            .deadline(Duration::from_secs(5))
            .max_retry_after(Duration::from_secs(10))
            .seed(7)
            .build()
            .expect("it is sound");
        assert_eq!(config, built.config());
    }

    #[test]
    fn what_is_written_is_read_back_as_the_same() {
        let written = toml::to_string(&Config::default()).expect("it can be written");

        assert_eq!(toml::from_str::<Config>(&written).expect("it can be read"), Config::default());
    }

    #[test]
    fn a_key_that_is_none_is_refused() {
        let error = toml::from_str::<Config>("max_retries = 3").expect_err("there is no such key");

        assert!(error.to_string().contains("max_retries"), "{error}");
    }
}
