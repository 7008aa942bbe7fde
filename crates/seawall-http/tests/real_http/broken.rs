//! Connections that break, and servers that hang.

use std::time::Duration;

use tower::ServiceExt;

use crate::{
    client::{get, of_https_types, of_reqwests_types, reqwest, retry},
    rude::{RudeServer, Rudeness},
    server::{Server, answer},
    within,
};

async fn is_tried_again(rudeness: Rudeness) {
    within(async {
        let server = RudeServer::start(rudeness).await;
        let retry = retry().build().expect("sound settings");

        let response = of_https_types(retry.clone()).oneshot(get(&server.url())).await;

        assert_eq!(response.expect("an answer").status(), 200, "{rudeness:?}");
        assert_eq!(server.requests(), 2, "{rudeness:?}");
        assert_eq!(retry.snapshot().counters["succeeded_after_retry"], 1, "{rudeness:?}");
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_is_reset_is_tried_again() {
    is_tried_again(Rudeness::Reset).await;
}

#[tokio::test]
async fn a_connection_that_closes_without_a_word_is_tried_again() {
    is_tried_again(Rudeness::Silence).await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_tried_again() {
    is_tried_again(Rudeness::HalfAnAnswer).await;
}

#[tokio::test]
async fn a_post_is_sent_once_into_a_connection_that_breaks() {
    within(async {
        let server = RudeServer::start(Rudeness::Reset).await;
        let client = of_reqwests_types(retry().build().expect("sound settings"));

        let post = reqwest().post(server.url()).build().expect("a request");
        client.oneshot(post).await.expect_err("nobody knows whether it came through");

        assert_eq!(server.requests(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_port_on_which_nobody_listens_costs_all_attempts_and_no_more() {
    within(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
        drop(listener);
        let retry = retry().build().expect("sound settings");

        let failed = of_https_types(retry.clone()).oneshot(get(&url)).await.err();

        let failed = failed.and_then(|error| error.into_inner()).expect("it fails by itself");
        let failed = failed.downcast_ref::<reqwest::Error>().expect("it is the client's own");
        assert!(failed.is_connect(), "{failed:?}");
        assert_eq!(retry.snapshot().counters["retries"], 2);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_hangs_costs_an_attempt_and_not_the_call() {
    within(async {
        let server = Server::start(|nth| (nth > 1).then(|| answer(200, &[]))).await;
        let retry =
            retry().attempt_timeout(Duration::from_secs(2)).build().expect("sound settings");

        let response = of_https_types(retry.clone()).oneshot(get(&server.url())).await;

        assert_eq!(response.expect("an answer").status(), 200);
        assert_eq!(server.visits().len(), 2);
        assert_eq!(retry.snapshot().counters["attempt_timeouts"], 1);
    })
    .await;
}
