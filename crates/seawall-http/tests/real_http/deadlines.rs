//! How long the caller has, told to the server and kept by the client.

use std::time::Duration;

use seawall_core::deadline;
use seawall_http::time_left;
use tokio::time::Instant;
use tower::ServiceExt;

use crate::{
    client::{get, of_https_types, retry},
    server::{Server, answer},
    within,
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn the_deadline_travels_in_the_header() {
    within(async {
        let busy_once = |nth| if nth == 1 { answer(503, &[]) } else { answer(200, &[]) };
        let server = Server::start(move |nth| Some(busy_once(nth))).await;
        let client = of_https_types(retry().build().expect("sound settings"));

        let call = client.clone().oneshot(get(&server.url()));
        deadline::scope(SECOND * 20, call).await.expect("an answer");
        client.oneshot(get(&server.url())).await.expect("an answer");

        let left: Vec<_> = server.visits().iter().map(|visit| time_left(&visit.headers)).collect();
        let [Some(first), Some(second), None] = left[..] else { panic!("two, and none: {left:?}") };
        assert!(first <= SECOND * 20, "never more than there is");
        assert!(second < first, "what the first attempt took is gone");
        assert!(second > Duration::ZERO);
    })
    .await;
}

#[tokio::test]
async fn a_hint_beyond_the_deadline_ends_the_call_at_once() {
    within(async {
        let server = Server::start(|_| Some(answer(503, &[("retry-after", "60")]))).await;
        let retry = retry().build().expect("sound settings");
        let began = Instant::now();

        let call = of_https_types(retry.clone()).oneshot(get(&server.url()));
        let response = deadline::scope(SECOND * 20, call).await.expect("an answer");

        assert!(began.elapsed() < SECOND * 20, "not when the time is over");
        assert_eq!(response.status(), 503, "it is the server's own");
        assert_eq!(response.headers()["retry-after"], "60");
        assert_eq!(server.visits().len(), 1);
        assert_eq!(retry.snapshot().counters["gave_up_deadline"], 1);
    })
    .await;
}
