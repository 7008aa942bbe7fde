//! Retries of HTTP and gRPC: what is decided, and what is sent again. Over real sockets: see
//! `real_http`.

#![cfg(feature = "retry")]
#![expect(clippy::disallowed_types, reason = "a date on the wire is a wall clock's")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use seawall_http::{
    GrpcStatus, IDEMPOTENCY_KEY, ReplayIdempotent, RetryResponses, is_idempotent, retry_layer,
};
use seawall_retry::{Decide, Decision, Replay, Retry};
use tower::{Layer, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

fn answer(status: u16, headers: &[(&'static str, &'static str)]) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    for (name, value) in headers {
        let name = HeaderName::from_static(name);
        response.headers_mut().append(name, HeaderValue::from_static(value));
    }
    response
}

fn decision(status: u16, headers: &[(&'static str, &'static str)]) -> Decision {
    let response = answer(status, headers);
    RetryResponses::new().decide(Ok::<_, &()>(&response))
}

#[test]
fn what_may_do_better_later_is_tried_again() {
    assert_eq!(decision(200, &[]), Decision::Stop);
    assert_eq!(decision(404, &[]), Decision::Stop);
    assert_eq!(decision(500, &[]), Decision::Stop);
    for status in [408, 425, 429, 502, 503, 504] {
        assert_eq!(decision(status, &[]), Decision::Retry, "{status}");
    }
}

#[test]
fn a_wait_that_is_asked_for_is_obeyed() {
    let dry = ("ratelimit", r#""burst";r=0;t=9"#);
    assert_eq!(decision(503, &[("retry-after", "7")]), Decision::RetryAfter(SECOND * 7));
    assert_eq!(decision(429, &[dry]), Decision::RetryAfter(SECOND * 9));
    assert_eq!(decision(429, &[dry, ("retry-after", "7")]), Decision::RetryAfter(SECOND * 7));
    assert_eq!(decision(503, &[("retry-after", "soon")]), Decision::Retry);
    assert_eq!(decision(200, &[("retry-after", "7")]), Decision::Stop);
}

#[test]
fn a_date_is_told_from_the_wall_clock_that_was_given() {
    let now = || SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777); // 08:49:37
    let rule = RetryResponses::new().wall_clock(now);
    let response = answer(503, &[("retry-after", "Sun, 06 Nov 1994 08:49:52 GMT")]);

    let decision = rule.decide(Ok::<_, &()>(&response));

    assert_eq!(decision, Decision::RetryAfter(SECOND * 15));
    let by_the_systems = RetryResponses::default().decide(Ok::<_, &()>(&response));
    assert_eq!(by_the_systems, Decision::RetryAfter(Duration::ZERO), "long past");
}

#[test]
fn grpcs_status_counts_before_that_of_http() {
    assert_eq!(decision(200, &[("grpc-status", "14")]), Decision::Retry);
    assert_eq!(decision(503, &[("grpc-status", "13")]), Decision::Stop);
    assert_eq!(decision(503, &[("grpc-status", "0")]), Decision::Stop);
    let waits = decision(200, &[("grpc-status", "14"), ("retry-after", "7")]);
    assert_eq!(waits, Decision::RetryAfter(SECOND * 7));
}

#[test]
fn a_pushback_is_exact_or_the_end() {
    let pushed =
        |millis| decision(200, &[("grpc-status", "14"), ("grpc-retry-pushback-ms", millis)]);

    assert_eq!(pushed("1500"), Decision::Pushback(Duration::from_millis(1_500)));
    assert_eq!(pushed("-1"), Decision::Stop);
    assert_eq!(pushed("soon"), Decision::Stop);
    let fatal = decision(200, &[("grpc-status", "3"), ("grpc-retry-pushback-ms", "0")]);
    assert_eq!(fatal, Decision::Stop, "it is not worth another try, whenever");
    let no_grpc = decision(503, &[("grpc-retry-pushback-ms", "-1")]);
    assert_eq!(no_grpc, Decision::Retry, "it is gRPC's, and this is not");
}

#[test]
fn other_statuses_can_be_chosen() {
    let rule = RetryResponses::new()
        .statuses(|status| status == StatusCode::IM_A_TEAPOT)
        .grpc_statuses(|status| status == GrpcStatus::Aborted);
    let decide = |response: Response<()>| rule.decide(Ok::<_, &()>(&response));

    assert_eq!(decide(answer(418, &[])), Decision::Retry);
    assert_eq!(decide(answer(503, &[])), Decision::Stop);
    assert_eq!(decide(answer(200, &[("grpc-status", "10")])), Decision::Retry);
    assert_eq!(decide(answer(200, &[("grpc-status", "14")])), Decision::Stop);
}

#[test]
fn errors_are_tried_again_unless_a_rule_says_otherwise() {
    let all = RetryResponses::new();
    let odd = all.when(|error: &u8| error % 2 == 1);
    type Answer<'a> = Result<&'a Response<()>, &'a u8>;

    assert_eq!(all.decide(Answer::Err(&2)), Decision::Retry);
    assert_eq!(odd.decide(Answer::Err(&1)), Decision::Retry);
    assert_eq!(odd.decide(Answer::Err(&2)), Decision::Stop);
    assert_eq!(odd.decide(Answer::Ok(&answer(503, &[]))), Decision::Retry);
    // By a pattern further in.
    assert_eq!(Decide::<Response<()>, u8>::decide_refused(&all, &1), Decision::Stop);
    assert_eq!(Decide::<Response<()>, u8>::decide_refused(&odd, &1), Decision::Retry);
}

#[test]
fn only_what_may_be_made_twice_is_sent_twice() {
    let methods =
        ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "POST", "PATCH", "CONNECT", "X"];
    let twice: Vec<_> = methods
        .into_iter()
        .filter(|method| {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            is_idempotent(&method, &HeaderMap::new())
        })
        .collect();
    assert_eq!(twice, ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

    let mut post = Request::post("/orders").body("one book").expect("a request");
    assert!(ReplayIdempotent.again(&post).is_none());
    post.headers_mut().insert(IDEMPOTENCY_KEY, HeaderValue::from_static(""));
    assert!(ReplayIdempotent.again(&post).is_none(), "no key");
    post.headers_mut().insert(IDEMPOTENCY_KEY, HeaderValue::from_static("order-42"));
    let again = ReplayIdempotent.again(&post).expect("it has a key");
    assert_eq!((again.method(), again.uri().path()), (&Method::POST, "/orders"));
    assert_eq!((again.headers(), again.body()), (post.headers(), post.body()));
}

/// By tokio's clock, which jumps: how long a call took whose server answers `first`, and then well.
async fn takes(first: Response<()>) -> (Duration, usize) {
    let calls = Arc::new(AtomicUsize::new(0));
    let server = service_fn({
        let calls = Arc::clone(&calls);
        move |_: Request<()>| {
            let first = (calls.fetch_add(1, Relaxed) == 0).then(|| first.clone());
            async move { Ok::<_, std::io::Error>(first.unwrap_or_default()) }
        }
    });
    let retry = Retry::builder("http").build().expect("sound settings");
    let began = tokio::time::Instant::now();
    let response = retry_layer(retry).layer(server).oneshot(Request::new(())).await;
    assert_eq!(response.expect("an answer").status(), 200);
    (began.elapsed(), calls.load(Relaxed))
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_as_long_as_it_is_asked_to_and_up_to_half_as_long_again() {
    let (took, calls) = takes(answer(429, &[("ratelimit", r#""burst";r=0;t=8"#)])).await;
    assert_eq!(calls, 2);
    assert!((SECOND * 8..=SECOND * 13).contains(&took), "it took {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_exactly_as_long_as_grpc_pushes_it_back() {
    let pushed = [("grpc-status", "14"), ("grpc-retry-pushback-ms", "2500")];
    let (took, calls) = takes(answer(200, &pushed)).await;
    assert_eq!((took, calls), (Duration::from_millis(2_500), 2));
}
