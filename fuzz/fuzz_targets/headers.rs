//! Waits and deadlines from the wire: no header makes reading panic, and a deadline that was read is
//! written as one that is not longer.

#![no_main]

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, header::RETRY_AFTER};
use libfuzzer_sys::fuzz_target;
use seawall_http::{
    ENVOY_TIMEOUT, GRPC_TIMEOUT, grpc_timeout, grpc_timeout_value, retry_after, time_left,
};

fuzz_target!(|value: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(value) else {
        return;
    };
    let mut headers = HeaderMap::new();
    for name in [RETRY_AFTER, http::header::DATE, GRPC_TIMEOUT, ENVOY_TIMEOUT] {
        headers.insert(name, value.clone());
    }
    let _ = retry_after(&headers, SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    let _ = time_left(&headers);

    let Some(left) = grpc_timeout(&headers) else {
        return;
    };
    headers.insert(GRPC_TIMEOUT, grpc_timeout_value(left));
    let again = grpc_timeout(&headers).unwrap_or_default();
    assert!(again <= left, "{left:?} was written as {again:?}");
});
