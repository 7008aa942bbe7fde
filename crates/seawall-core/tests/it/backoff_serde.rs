//! A backoff in a file.

#![cfg(feature = "serde")]

use std::time::Duration;

use proptest::prelude::*;
use seawall_core::{Backoff, Jitter};

fn read(json: &str) -> Result<Backoff, serde_json::Error> {
    serde_json::from_str(json)
}

#[track_caller]
fn assert_refused(json: &str, why: &str) {
    let error = read(json).expect_err("it should be refused").to_string();
    assert!(error.contains(why), "{error}");
}

#[test]
fn a_short_form_takes_the_defaults() {
    let backoff = read(r#"{ "growth": "exponential", "base": "100ms" }"#);

    assert_eq!(backoff.unwrap(), Backoff::exponential(Duration::from_millis(100)));
}

#[test]
fn every_field_can_be_written() {
    let backoff = read(
        r#"{ "growth": "exponential", "base": "1s", "factor": 1.5, "max": "1m",
             "jitter": "decorrelated", "seed": 7 }"#,
    );

    let expected = Backoff::exponential(Duration::from_secs(1))
        .factor(1.5)
        .max(Duration::from_secs(60))
        .jitter(Jitter::Decorrelated)
        .seed(7);
    assert_eq!(backoff.unwrap(), expected);
}

#[test]
fn an_unknown_field_is_refused() {
    assert_refused(
        r#"{ "growth": "constant", "base": "1s", "maximum": "1m" }"#,
        "unknown field `maximum`",
    );
}

#[test]
fn an_unknown_growth_or_jitter_is_refused() {
    assert_refused(r#"{ "growth": "cubic", "base": "1s" }"#, "unknown variant `cubic`");
    assert_refused(
        r#"{ "growth": "constant", "base": "1s", "jitter": "some" }"#,
        "unknown variant `some`",
    );
}

#[test]
fn a_bare_number_is_no_duration() {
    assert_refused(r#"{ "growth": "constant", "base": "100" }"#, "with its unit");
    assert_refused(r#"{ "growth": "constant", "base": 100 }"#, "expected a string");
}

#[test]
fn a_factor_that_is_no_growth_is_refused() {
    assert_refused(
        r#"{ "growth": "exponential", "base": "1s", "factor": 0.5 }"#,
        "`factor` is 0.5: it must be a number of at least 1",
    );
}

#[test]
fn a_factor_where_nothing_is_multiplied_is_refused() {
    assert_refused(
        r#"{ "growth": "linear", "base": "1s", "factor": 2 }"#,
        "only exponential growth has a factor",
    );
}

#[test]
fn a_custom_backoff_cannot_be_written() {
    let custom = Backoff::custom(|_| Duration::ZERO);

    let error = serde_json::to_string(&custom).unwrap_err();

    assert!(error.to_string().contains("is code"), "{error}");
}

proptest! {
    #[test]
    fn what_is_written_reads_back_as_the_same(
        kind in 0..4_u8, base: u64, max: u64, thousandths in 1_000..1_000_000_u32,
        jitter in 0..4_u8, seed: Option<u64>,
    ) {
        let base = Duration::from_nanos(base);
        let backoff = match kind {
            0 => Backoff::constant(base),
            1 => Backoff::linear(base),
            2 => Backoff::exponential(base).factor(f64::from(thousandths) / 1e3),
            _ => Backoff::fibonacci(base),
        };
        let jitter = [Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated]
            [usize::from(jitter)];
        let backoff = backoff.max(Duration::from_nanos(max)).jitter(jitter);
        let backoff = match seed {
            Some(seed) => backoff.seed(seed),
            None => backoff,
        };

        let written = serde_json::to_string(&backoff).unwrap();

        prop_assert_eq!(read(&written).unwrap(), backoff, "{}", written);
    }
}
