//! What gRPC says in headers: how a call ended, and when to try again.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use seawall_http::{GRPC_PUSHBACK, GRPC_STATUS, GrpcStatus, Pushback, grpc_pushback, grpc_status};

fn status(value: &str) -> Option<GrpcStatus> {
    let value = HeaderValue::from_str(value).expect("a header's value");
    grpc_status(&HeaderMap::from_iter([(GRPC_STATUS, value)]))
}

fn pushback(value: &[u8]) -> Option<Pushback> {
    let value = HeaderValue::from_bytes(value).expect("a header's value");
    grpc_pushback(&HeaderMap::from_iter([(GRPC_PUSHBACK, value)]))
}

#[test]
fn each_status_has_its_number_and_its_like_in_http() {
    let http: Vec<_> =
        (0..=17).map(|number| GrpcStatus::from_number(number).as_http().as_u16()).collect();

    let by_the_mapping =
        [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401, 500];
    assert_eq!(http, by_the_mapping);
    assert_eq!(status("14"), Some(GrpcStatus::Unavailable));
    assert_eq!(status("0"), Some(GrpcStatus::Ok));
}

#[test]
fn a_status_that_grpc_does_not_have_is_unknown() {
    assert_eq!(status("17"), Some(GrpcStatus::Unknown));
    assert_eq!(status("99999999999999999999999"), Some(GrpcStatus::Unknown));
    assert_eq!(status("OK"), None);
    assert_eq!(status("-1"), None);
    assert_eq!(grpc_status(&HeaderMap::new()), None);
}

#[test]
fn a_pushback_is_a_number_of_milliseconds() {
    let after = |millis| Some(Pushback::After(Duration::from_millis(millis)));
    assert_eq!(pushback(b"0"), after(0));
    assert_eq!(pushback(b"1500"), after(1_500));
    assert_eq!(pushback(b"2147483647"), after(2_147_483_647));
    assert_eq!(grpc_pushback(&HeaderMap::new()), None);
}

#[test]
fn a_pushback_that_is_negative_or_no_number_means_never() {
    let values: [&[u8]; 10] =
        [b"-1", b"", b"soon", b"1.5", b"+5", b"007", b"00", b"2147483648", b" 5", b"\xff"];
    for value in values {
        assert_eq!(pushback(value), Some(Pushback::Never), "{value:?}");
    }
}

proptest! {
    #[test]
    fn no_header_makes_it_panic(value in proptest::collection::vec(any::<u8>(), 0..16)) {
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            let both = [(GRPC_STATUS, value.clone()), (GRPC_PUSHBACK, value)];
            let headers = HeaderMap::from_iter(both);
            let _ = (grpc_status(&headers), grpc_pushback(&headers));
        }
    }

    #[test]
    fn every_number_of_32_bits_is_read(millis: i32) {
        let wish = pushback(millis.to_string().as_bytes());
        let expected = u64::try_from(millis)
            .map_or(Pushback::Never, |millis| Pushback::After(Duration::from_millis(millis)));
        prop_assert_eq!(wish, Some(expected));
    }
}
