//! Refusals as responses, and which responses are worth another try.

#![expect(clippy::disallowed_types, reason = "a date on the wire is a wall clock's")]

use std::time::{Duration, SystemTime};

use http::StatusCode;
use proptest::prelude::*;
use seawall_core::{Reason, Rejection};
use seawall_http::{is_worth_a_retry, response, retry_after};

fn written(wait: Duration) -> http::Response<()> {
    response(&Rejection::new(Reason::RateLimited, "api").with_retry_after(wait))
}

#[test]
fn each_reason_has_its_status() {
    for (reason, status) in [
        (Reason::RateLimited, 429),
        (Reason::Timeout, 504),
        (Reason::DeadlineExceeded, 504),
        (Reason::CircuitOpen, 503),
        (Reason::BulkheadFull, 503),
        (Reason::ShuttingDown, 503),
    ] {
        let response = response::<()>(&Rejection::new(reason, "api"));
        assert_eq!(response.status().as_u16(), status, "{reason}");
        assert!(response.headers().is_empty());
    }
}

#[test]
fn a_wait_is_rounded_up_and_never_none() {
    for (millis, header) in [(0, "1"), (1, "1"), (1_000, "1"), (1_001, "2"), (59_999, "60")] {
        let response = written(Duration::from_millis(millis));
        assert_eq!(response.headers()["retry-after"], header, "{millis} ms");
    }
}

proptest! {
    #[test]
    fn nobody_who_reads_it_comes_back_too_early(nanos in 0..u64::MAX) {
        let wait = Duration::from_nanos(nanos);
        let read = retry_after(written(wait).headers(), SystemTime::now()).expect("it was written");
        prop_assert!(read >= wait && read <= wait + Duration::from_secs(1));
    }
}

#[test]
fn what_may_do_better_later_is_worth_a_retry() {
    let worth: Vec<_> = (100..600)
        .filter(|&code| is_worth_a_retry(StatusCode::from_u16(code).expect("a status")))
        .collect();

    assert_eq!(worth, [408, 425, 429, 502, 503, 504]);
}
