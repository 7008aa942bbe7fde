//! What `Retry-After` says, and what is no `Retry-After`.

#![expect(clippy::disallowed_types, reason = "a date on the wire is a wall clock's")]

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use seawall_http::retry_after;

/// Sun, 06 Nov 1994 08:49:37 GMT
const NOW: u64 = 784_111_777;

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

fn headers(value: &[u8], date: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", HeaderValue::from_bytes(value).expect("a header's value"));
    if let Some(date) = date {
        headers.insert("date", HeaderValue::from_str(date).expect("a header's value"));
    }
    headers
}

fn waits(value: &str) -> Option<u64> {
    retry_after(&headers(value.as_bytes(), None), now()).map(|wait| wait.as_secs())
}

#[test]
fn seconds_are_digits() {
    assert_eq!(waits("0"), Some(0));
    assert_eq!(waits("120"), Some(120));
    assert_eq!(waits(" 007\t"), Some(7));
    assert_eq!(waits("99999999999999999999999"), Some(u64::MAX));
}

#[test]
fn signs_fractions_and_words_are_ignored() {
    for value in ["", " ", "-1", "+1", "1.5", "1s", "0x10", "soon", "١٢", "1 2", "Infinity"] {
        assert_eq!(waits(value), None, "{value:?}");
    }
    assert_eq!(retry_after(&HeaderMap::new(), now()), None);
    assert_eq!(retry_after(&headers(b"\xff\xfe", None), now()), None);
}

#[test]
fn a_date_is_read_in_its_three_spellings() {
    assert_eq!(waits("Sun, 06 Nov 1994 08:49:52 GMT"), Some(15));
    assert_eq!(waits("Sunday, 06-Nov-94 08:49:52 GMT"), Some(15));
    assert_eq!(waits("Sun Nov  6 08:49:52 1994"), Some(15));
}

#[test]
fn a_date_counts_from_the_responses_own() {
    let headers = |date| headers(b"Sun, 06 Nov 1994 09:00:00 GMT", date);

    let skewed = retry_after(&headers(Some("Sun, 06 Nov 1994 08:59:50 GMT")), now());
    let unreadable = retry_after(&headers(Some("yesterday")), now());

    assert_eq!(skewed, Some(Duration::from_secs(10)));
    assert_eq!(unreadable, Some(Duration::from_secs(623)));
}

#[test]
fn a_date_that_has_passed_is_no_wait() {
    assert_eq!(waits("Sun, 06 Nov 1994 08:49:36 GMT"), Some(0));
}

proptest! {
    #[test]
    fn no_header_makes_it_panic(
        value in proptest::collection::vec(any::<u8>(), 0..48),
        date in proptest::collection::vec(any::<u8>(), 0..48),
    ) {
        let mut headers = HeaderMap::new();
        for (name, bytes) in [("retry-after", value), ("date", date)] {
            if let Ok(bytes) = HeaderValue::from_bytes(&bytes) {
                headers.insert(name, bytes);
            }
        }
        let _ = retry_after(&headers, now());
    }

    /// Nearly dates: what gets past the first checks of a parser.
    #[test]
    fn no_date_makes_it_panic(
        text in "(Sun|Mon|Sunday|Funday),? [0-9]{1,3}[ -](Nov|Feb|Foo)[ -][0-9]{1,5} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT",
    ) {
        let _ = waits(&text);
    }

    #[test]
    fn every_number_of_seconds_is_read(seconds: u64) {
        prop_assert_eq!(waits(&seconds.to_string()), Some(seconds));
    }

    #[test]
    fn every_date_of_the_next_century_is_read(seconds in 0_u64..3_000_000_000) {
        let at = httpdate::fmt_http_date(now() + Duration::from_secs(seconds));
        prop_assert_eq!(waits(&at), Some(seconds));
    }
}
