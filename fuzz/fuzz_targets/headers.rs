//! Waits, deadlines, quotas and gRPC's words from the wire: no header makes reading panic; a deadline that was
//! read is written as one that is not longer, and a quota as the same one.

#![no_main]

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap, HeaderValue,
    header::{AGE, DATE, RETRY_AFTER},
};
use libfuzzer_sys::fuzz_target;
use seawall_http::{
    ENVOY_TIMEOUT, GRPC_PUSHBACK, GRPC_STATUS, GRPC_TIMEOUT, RATELIMIT, RATELIMIT_POLICY,
    grpc_pushback, grpc_status, grpc_timeout, grpc_timeout_value, quota_policies,
    quota_policies_value, quotas_left, quotas_left_value, retry_after, time_left, wait_asked_for,
};

fuzz_target!(|value: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(value) else {
        return;
    };
    let mut headers = HeaderMap::new();
    for name in [
        RETRY_AFTER,
        DATE,
        AGE,
        GRPC_TIMEOUT,
        ENVOY_TIMEOUT,
        GRPC_STATUS,
        GRPC_PUSHBACK,
        RATELIMIT,
        RATELIMIT_POLICY,
    ] {
        headers.insert(name, value.clone());
    }
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let _ = retry_after(&headers, now);
    let _ = time_left(&headers);
    let _ = (grpc_status(&headers), grpc_pushback(&headers));
    deadlines(&mut headers);
    headers.remove(AGE);
    quotas(&mut headers, now);
});

fn deadlines(headers: &mut HeaderMap) {
    let Some(left) = grpc_timeout(headers) else {
        return;
    };
    headers.insert(GRPC_TIMEOUT, grpc_timeout_value(left));
    let again = grpc_timeout(headers).unwrap_or_default();
    assert!(again <= left, "{left:?} was written as {again:?}");
}

fn quotas(headers: &mut HeaderMap, now: SystemTime) {
    let (policies, left) = (quota_policies(headers), quotas_left(headers));
    if let Some(value) = quota_policies_value(&policies) {
        headers.insert(RATELIMIT_POLICY, value);
        assert_eq!(quota_policies(headers), policies);
    }
    if let Some(value) = quotas_left_value(&left) {
        headers.insert(RATELIMIT, value);
        assert_eq!(quotas_left(headers), left);
    }
    headers.remove(RETRY_AFTER);
    let longest = left.iter().filter(|left| left.left() == 0).filter_map(|left| left.reset()).max();
    assert_eq!(wait_asked_for(headers, now), longest);
}
