//! How much time is left, read and written.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use seawall_http::{
    ENVOY_TIMEOUT, GRPC_TIMEOUT, envoy_timeout, envoy_timeout_value, grpc_timeout,
    grpc_timeout_value, time_left,
};

/// What a value of eight digits can say at most.
const MOST: Duration = Duration::from_secs(99_999_999 * 3_600);

fn grpc(value: impl AsRef<[u8]>) -> Option<Duration> {
    let value = HeaderValue::from_bytes(value.as_ref()).expect("a header's value");
    grpc_timeout(&HeaderMap::from_iter([(GRPC_TIMEOUT, value)]))
}

fn envoy(value: &str) -> Option<Duration> {
    let value = HeaderValue::from_str(value).expect("a header's value");
    envoy_timeout(&HeaderMap::from_iter([(ENVOY_TIMEOUT, value)]))
}

#[test]
fn each_unit_of_grpc_is_read() {
    assert_eq!(grpc("2H"), Some(Duration::from_secs(7_200)));
    assert_eq!(grpc("2M"), Some(Duration::from_secs(120)));
    assert_eq!(grpc("2S"), Some(Duration::from_secs(2)));
    assert_eq!(grpc("2m"), Some(Duration::from_millis(2)));
    assert_eq!(grpc("2u"), Some(Duration::from_micros(2)));
    assert_eq!(grpc("2n"), Some(Duration::from_nanos(2)));
    assert_eq!(grpc("99999999H"), Some(MOST));
    assert_eq!(grpc("0m"), Some(Duration::ZERO));
}

#[test]
fn what_is_no_time_of_grpcs_is_ignored() {
    for value in ["", "S", "5", "5s", "-5S", "+5S", "5.0S", "100000000n", "5 S", " 5S", "5Sm", "5é"]
    {
        assert_eq!(grpc(value), None, "{value:?}");
    }
    assert_eq!(grpc(b"5\xff"), None);
}

#[test]
fn grpc_is_written_as_finely_as_it_goes() {
    let written = |left| grpc_timeout_value(left).to_str().expect("it is ASCII").to_owned();
    assert_eq!(written(Duration::ZERO), "0n");
    assert_eq!(written(Duration::from_nanos(99_999_999)), "99999999n");
    assert_eq!(written(Duration::from_nanos(100_000_000)), "100000u");
    assert_eq!(written(Duration::from_secs(100)), "100000m");
    assert_eq!(written(Duration::MAX), "99999999H");
}

#[test]
fn envoys_are_milliseconds() {
    assert_eq!(envoy("250"), Some(Duration::from_millis(250)));
    assert_eq!(envoy_timeout_value(Duration::from_micros(2_900)).expect("some time"), "2");
    for value in ["", "0", "-1", "1.5", "1s"] {
        assert_eq!(envoy(value), None, "{value:?}");
    }
    assert_eq!(envoy_timeout_value(Duration::from_micros(900)), None);
}

#[test]
fn the_least_that_is_left_holds() {
    let mut headers = HeaderMap::new();
    assert_eq!(time_left(&headers), None);
    headers.insert(GRPC_TIMEOUT, HeaderValue::from_static("3S"));
    assert_eq!(time_left(&headers), Some(Duration::from_secs(3)));
    headers.insert(ENVOY_TIMEOUT, HeaderValue::from_static("2000"));
    assert_eq!(time_left(&headers), Some(Duration::from_secs(2)));
}

proptest! {
    #[test]
    fn no_header_makes_it_panic(value in proptest::collection::vec(any::<u8>(), 0..16)) {
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            let both = [(GRPC_TIMEOUT, value.clone()), (ENVOY_TIMEOUT, value)];
            let _ = time_left(&HeaderMap::from_iter(both));
        }
    }

    /// Never more than there is, and less by one part in 100 000 at most.
    #[test]
    fn what_is_written_is_read_again(seconds in 0..MOST.as_secs(), nanos in 0_u32..1_000_000_000) {
        let left = Duration::new(seconds, nanos);
        let read = grpc(grpc_timeout_value(left)).expect("it was written so");
        prop_assert!(read <= left);
        prop_assert!(left - read <= left / 100_000, "{left:?} is read as {read:?}");
    }

    #[test]
    fn every_value_of_grpcs_is_read(count in 0_u32..100_000_000, unit in "[HMSmun]") {
        let value = format!("{count}{unit}");
        prop_assert!(grpc(value).is_some());
    }

    #[test]
    fn every_number_of_milliseconds_is_read_again(millis in 1_u64..) {
        let left = Duration::from_millis(millis);
        let value = envoy_timeout_value(left).expect("some time");
        prop_assert_eq!(envoy(value.to_str().expect("digits")), Some(left));
    }
}
