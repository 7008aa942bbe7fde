//! Which responses are failures of who gave them.

use http::{HeaderMap, HeaderValue, Response, StatusCode};
use seawall_core::{Classify, Outcome};
use seawall_http::{ClassifyResponses, GRPC_STATUS, outcome};

fn by_status(meaning: Outcome) -> Vec<u16> {
    let statuses = (100..=999).filter_map(|code| StatusCode::from_u16(code).ok());
    statuses
        .filter(|&status| outcome(status, &HeaderMap::new()) == meaning)
        .map(|status| status.as_u16())
        .collect()
}

#[test]
fn every_status_has_its_meaning() {
    let success: Vec<_> = (100..400).chain([404, 409, 410, 412]).collect();
    let ignored: Vec<_> =
        (400..500).filter(|code| ![404, 409, 410, 412].contains(code)).chain([501, 505]).collect();
    let failure: Vec<_> = (500..=999).filter(|code| ![501, 505].contains(code)).collect();

    assert_eq!(by_status(Outcome::Success), success);
    assert_eq!(by_status(Outcome::Ignored), ignored);
    assert_eq!(by_status(Outcome::Failure), failure);
}

#[test]
fn grpcs_status_counts_before_that_of_http() {
    let grpc = |number: u64| {
        let headers = HeaderMap::from_iter([(GRPC_STATUS, HeaderValue::from(number))]);
        [StatusCode::OK, StatusCode::BAD_GATEWAY].map(|status| outcome(status, &headers))
    };

    for number in 0..=17 {
        let meaning = match number {
            0 | 5 | 6 | 10 => Outcome::Success,
            2 | 4 | 13 | 14 | 15 | 17 => Outcome::Failure,
            _ => Outcome::Ignored,
        };
        assert_eq!(grpc(number), [meaning; 2], "{number}");
    }
}

#[test]
fn an_error_is_a_failure_and_a_response_is_what_it_says() {
    let classify = |result: Result<&Response<Vec<u8>>, &()>| ClassifyResponses.classify(result);
    let mut busy = Response::new(Vec::new());
    *busy.status_mut() = StatusCode::TOO_MANY_REQUESTS;

    assert_eq!(classify(Err(&())), Outcome::Failure);
    assert_eq!(classify(Ok(&busy)), Outcome::Ignored);
    assert_eq!(classify(Ok(&Response::new(Vec::new()))), Outcome::Success);
}
