//! Servers that say when to come back.

use std::time::Duration;

use http::{Method, Request};
use seawall_core::{Reason, Rejection};
use seawall_http::{
    IDEMPOTENCY_KEY, QuotaPolicy, quota_policies, quotas_left, response_with_quotas, wait_asked_for,
};
use tower::ServiceExt;

use crate::{
    client::{get, of_https_types, of_reqwests_types, reqwest, retry},
    server::{Server, answer},
    within,
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_503_with_retry_after_is_tried_again_no_sooner_than_it_asked() {
    within(async {
        let server = Server::start(|nth| match nth {
            1 => Some(answer(503, &[("retry-after", "1")])),
            _ => Some(answer(200, &[])),
        })
        .await;

        let client = of_https_types(retry().build().expect("sound settings"));
        let response = client.oneshot(get(&server.url())).await.expect("an answer");

        assert_eq!(response.status(), 200);
        let visits = server.visits();
        let [first, second] = &visits[..] else { panic!("two visits, not {visits:?}") };
        assert!(second.at - first.at >= SECOND, "after {:?}", second.at - first.at);
    })
    .await;
}

/// Both are long past by any clock but the server's.
#[tokio::test]
async fn a_date_to_come_back_at_counts_from_the_servers_own() {
    within(async {
        let server = Server::start(|nth| match nth {
            1 => {
                let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
                let again = ("retry-after", "Sun, 06 Nov 1994 08:49:38 GMT");
                Some(answer(503, &[date, again]))
            }
            _ => Some(answer(200, &[])),
        })
        .await;

        let client = of_https_types(retry().build().expect("sound settings"));
        let response = client.oneshot(get(&server.url())).await.expect("an answer");

        assert_eq!(response.status(), 200);
        let visits = server.visits();
        let [first, second] = &visits[..] else { panic!("two visits, not {visits:?}") };
        assert!(second.at - first.at >= SECOND, "after {:?}", second.at - first.at);
    })
    .await;
}

#[tokio::test]
async fn reqwests_client_is_a_service_like_any_other() {
    within(async {
        let busy_twice = |nth| if nth < 3 { answer(502, &[]) } else { answer(200, &[]) };
        let server = Server::start(move |nth| Some(busy_twice(nth))).await;
        let request = reqwest().put(server.url()).body("a book").build().expect("a request");

        let client = of_reqwests_types(retry().build().expect("sound settings"));
        let response = client.oneshot(request).await.expect("an answer");

        assert_eq!(response.text().await.expect("a body"), "the body");
        let visits = server.visits();
        assert_eq!(visits.len(), 3);
        assert!(visits.iter().all(|visit| visit.method == Method::PUT && visit.body == b"a book"));
    })
    .await;
}

#[tokio::test]
async fn a_post_without_an_idempotency_key_is_sent_once() {
    within(async {
        let server = Server::start(|_| Some(answer(503, &[]))).await;
        let client = of_https_types(retry().build().expect("sound settings"));
        let mut post = Request::post(server.url()).body("one book").expect("a sound request");

        let response = client.clone().oneshot(post.clone()).await.expect("an answer");
        assert_eq!(response.status(), 503, "it is the server's own");
        assert_eq!(server.visits().len(), 1);

        post.headers_mut().insert(IDEMPOTENCY_KEY, "order-42".parse().expect("a value"));
        client.oneshot(post).await.expect("an answer");
        let visits = server.visits();
        assert_eq!(visits.len(), 1 + 3);
        assert!(visits[1..].iter().all(|visit| visit.headers[IDEMPOTENCY_KEY] == "order-42"));
    })
    .await;
}

#[tokio::test]
async fn a_refusal_with_quotas_says_the_same_to_whoever_reads_it() {
    within(async {
        let burst = QuotaPolicy::new("burst", 100).expect("a name").with_window(SECOND * 60);
        let policies = vec![burst];
        let server = Server::start({
            let policies = policies.clone();
            move |_| {
                let wait = Duration::from_millis(6_500);
                let refused = Rejection::new(Reason::RateLimited, "api").with_retry_after(wait);
                Some(response_with_quotas(&refused, &policies, &[]))
            }
        })
        .await;

        let mut response = reqwest().get(server.url()).send().await.expect("an answer");

        assert_eq!(response.status(), 429);
        assert_eq!(quota_policies(response.headers()), policies);
        assert_eq!(quotas_left(response.headers()), [policies[0].left(0).with_reset(SECOND * 7)]);
        let asked = |headers: &http::HeaderMap| wait_asked_for(headers, std::time::UNIX_EPOCH);
        assert_eq!(asked(response.headers()), Some(SECOND * 7));
        response.headers_mut().remove("retry-after");
        assert_eq!(asked(response.headers()), Some(SECOND * 7));
    })
    .await;
}
