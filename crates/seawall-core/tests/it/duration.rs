//! Durations as people write them.

#![cfg(feature = "serde")]

use std::time::Duration;

use proptest::prelude::*;
use seawall_core::duration;

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Limits {
    #[serde(with = "duration")]
    wait: Duration,
    #[serde(default, with = "duration::option")]
    deadline: Option<Duration>,
}

#[track_caller]
fn assert_refused(text: &str) {
    let error = duration::parse(text).expect_err("it should be refused");
    assert_eq!(error.field(), "duration");
    assert!(error.rule().contains("with its unit"), "{error}");
}

#[test]
fn what_people_write_is_understood() {
    for (text, nanos) in [
        ("250ms", 250_000_000),
        ("1.5s", 1_500_000_000),
        ("2m 30s", 150_000_000_000),
        ("2m30s", 150_000_000_000),
        ("2 min 30 sec", 150_000_000_000),
        ("  5 us ", 5_000),
        ("7µs", 7_000),
        ("1h", 3_600_000_000_000),
        ("0s", 0),
        ("1000000000ns", 1_000_000_000),
        ("999ms 1ms", 1_000_000_000),
        ("3s 1500ms", 4_500_000_000),
    ] {
        assert_eq!(duration::parse(text), Ok(Duration::from_nanos(nanos)), "{text:?}");
    }
}

#[test]
fn a_number_without_a_unit_is_refused() {
    for text in ["250", "0", " 7 ", "1m 30", "1.5", "30 1m", "12345678901234567890123"] {
        assert_refused(text);
    }
}

#[test]
fn nothing_is_no_duration() {
    for text in ["", " ", "\t\n"] {
        assert_refused(text);
    }
}

#[test]
fn what_is_no_duration_is_refused() {
    for text in ["s", "ms 5", "-5s", "+5s", "5 parsecs", "1e3s", "1,5s", "1_000ms", "5s!", "0.5ns"]
    {
        assert_refused(text);
    }
}

#[test]
fn other_alphabets_are_refused_and_not_sliced_apart() {
    for text in ["５秒", "5秒", "٥s", "5µ", "🦀", "5🦀s", "5s 🦀", "é5s", "5é"] {
        assert_refused(text);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for text in [
        "18446744073709551616s",
        "18446744073709551615m",
        "584942417356y",
        "18446744073709551615s 1s",
        "99999999999999999999999999ns",
    ] {
        assert_refused(text);
    }
}

/// The parts carry over into a second that is one too many.
#[test]
fn parts_that_overflow_only_together_are_refused_without_a_panic() {
    for text in [
        "18446744073709551615s 1000ms",
        "18446744073709551615s 999ms 1ms",
        "18446744073709551615s1000000000ns",
        "1000ms 18446744073709551615s",
    ] {
        assert_refused(text);
    }
}

#[test]
fn the_longest_duration_fits() {
    let written = duration::format(Duration::MAX);

    assert_eq!(duration::parse(&written), Ok(Duration::MAX), "{written}");
}

#[test]
fn an_error_shows_the_beginning_of_a_long_text() {
    let error = duration::parse(&"é".repeat(1_000_000)).unwrap_err();

    assert_eq!(error.value(), format!("{:?}", "é".repeat(40)));
}

#[test]
fn a_duration_in_a_file_is_a_string() {
    let read = |json| serde_json::from_str::<Limits>(json);

    let limits = read(r#"{ "wait": "250ms", "deadline": "2s" }"#).unwrap();
    assert_eq!(limits.wait, Duration::from_millis(250));
    assert_eq!(limits.deadline, Some(Duration::from_secs(2)));
    assert_eq!(serde_json::to_string(&limits).unwrap(), r#"{"wait":"250ms","deadline":"2s"}"#);

    assert!(read(r#"{ "wait": 250 }"#).is_err());
    assert!(read(r#"{ "wait": null }"#).is_err());
    assert!(read(r#"{ "wait": "1s", "deadline": "soon" }"#).is_err());
}

#[test]
fn an_absent_deadline_and_a_null_one_are_none() {
    for json in [r#"{ "wait": "1s" }"#, r#"{ "wait": "1s", "deadline": null }"#] {
        let limits: Limits = serde_json::from_str(json).unwrap();

        assert_eq!(limits.deadline, None);
        let written = serde_json::to_string(&limits).unwrap();
        assert_eq!(serde_json::from_str::<Limits>(&written).unwrap(), limits);
    }
}

#[test]
fn escapes_in_the_text_are_read_too() {
    let limits: Limits = serde_json::from_str(r#"{ "wait": "\u0035s" }"#).unwrap();

    assert_eq!(limits.wait, Duration::from_secs(5));
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_as_the_same(secs: u64, nanos in 0..1_000_000_000_u32) {
        let whole = Duration::new(secs, nanos);

        let text = duration::format(whole);

        prop_assert_eq!(duration::parse(&text), Ok(whole), "{}", text);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,60}") {
        let _ = duration::parse(&text);
    }

    #[test]
    fn no_text_that_looks_like_a_duration_makes_it_panic(
        text in "([0-9]{1,21}(\\.[0-9]{1,21})? ?(ns|us|µs|ms|s|m|h|d|w|M|y|q)? ?){0,5}",
    ) {
        if let Ok(read) = duration::parse(&text) {
            prop_assert_eq!(duration::parse(&duration::format(read)), Ok(read));
        }
    }
}
