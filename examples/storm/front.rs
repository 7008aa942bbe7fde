//! Who answers a call that brings a photo: the work is done in the request, or it is accepted and done later.
//!
//! ```text
//! in the request     a call ──▶ desk ──▶ 200                          the caller waits for line and desk
//!
//! with the queue     a call ──▶ EnqueueLayer ──▶ 202                  the caller waits for neither
//!                                    │    └────▶ 503                  where the queue is full
//!                                  queue ──▶ Worker ──▶ desk
//! ```
//!
//! The studio behind both is the same: as many desks, and no faster.
//!
//! | setting | value | why, for this storm |
//! |---|---|---|
//! | `capacity` | what the desks do in an act | who is accepted has his photo by then; who is not is told so at once |
//! | `concurrency` | half of the desks to all of them | more than there are desks would only wait in the line before them |
//! | `target_delay` | 1 s | what waits longer asks for more of them |
//! | `refuse_when_full` | | a caller who waits for room would hold a connection, as in the request |

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    error_handling::HandleErrorLayer,
    extract::{Query, Request},
    response::{IntoResponse, Response},
    routing::{get, get_service},
};
use http::StatusCode;
use seawall::queue::{Concurrency, EnqueueError, EnqueueLayer, Job, Queue, Worker, job::JobId};
use seawall_core::{Clock, ConfigError, Error};
use tower::ServiceBuilder;

use crate::studio::{Photo, Studio};

/// How long a photo may wait before the worker has more of them done at a time.
const TARGET_DELAY: Duration = Duration::from_secs(1);

/// The routes, and who works behind them.
pub(crate) struct Front {
    pub(crate) routes: Router,
    pub(crate) studio: Studio,
    /// Nothing where the work is done in the request.
    later: Option<Later>,
}

struct Later {
    queue: Queue<Photo>,
    worker: Worker<Photo>,
}

/// What waits at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Backlog {
    /// Photos that no desk has begun.
    pub(crate) waiting: usize,
    /// Those of them whose callers have gone without an answer.
    pub(crate) deserted: usize,
}

impl Front {
    /// One that answers when the photo is resized.
    pub(crate) fn in_the_request(desks: usize) -> Self {
        let studio = Studio::new(desks);
        let resize = {
            let studio = studio.clone();
            async move |Query(photo): Query<Photo>| studio.resize(photo).await
        };
        Self { routes: Router::new().route("/work", get(resize)), studio, later: None }
    }

    /// One that accepts up to `capacity` photos that wait, and has them resized later.
    pub(crate) fn accepting(desks: usize, capacity: usize) -> Result<Self, ConfigError> {
        let studio = Studio::new(desks);
        let queue = Queue::memory("photos")
            .capacity(capacity)
            .clock(Clock::tokio()) // a test can stop it
            .build()?;
        let accept = ServiceBuilder::new()
            .layer(HandleErrorLayer::new(refusal))
            .map_response(|_id: JobId| StatusCode::ACCEPTED)
            .layer(EnqueueLayer::new(queue.clone()).refuse_when_full())
            .service_fn(async |request: Request| {
                Query::<Photo>::try_from_uri(request.uri()).map(|Query(photo)| photo)
            });
        let resize = {
            let studio = studio.clone();
            move |job: Job<Photo>| {
                let studio = studio.clone();
                async move {
                    studio.resize(*job.payload()).await;
                    Ok::<_, Infallible>(())
                }
            }
        };
        let worker = Worker::builder(queue.clone())
            .concurrency(Concurrency::auto(desks.div_ceil(2)..=desks).target_delay(TARGET_DELAY))
            .handler(resize)
            .build()?;
        let routes = Router::new().route("/work", get_service(accept));
        Ok(Self { routes, studio, later: Some(Later { queue, worker }) })
    }

    /// Does what was accepted, until `over` is ready.
    pub(crate) async fn work_until(&self, over: impl Future<Output = ()>) {
        match &self.later {
            None => over.await,
            Some(later) => {
                later.worker.run_until(over).await;
            }
        }
    }

    pub(crate) fn backlog(&self) -> Backlog {
        let (in_line, deserted) = self.studio.line();
        Backlog { waiting: in_line + self.gauges(&["scheduled", "ready"]), deserted }
    }

    /// Whether all that was accepted is settled.
    pub(crate) fn is_through(&self) -> bool {
        self.gauges(&["scheduled", "ready", "leased"]) == 0
    }

    fn gauges(&self, names: &[&str]) -> usize {
        let Some(Later { queue, .. }) = &self.later else { return 0 };
        let gauges = queue.snapshot().gauges;
        names.iter().map(|&name| gauges[name] as usize).sum()
    }

    /// How often the queue was full; nothing where there is none.
    pub(crate) fn refused(&self) -> Option<u64> {
        self.later.as_ref().map(|later| later.queue.snapshot().counters["refused"])
    }
}

/// What a caller is told who is not accepted: that there is no room, or that his request is none.
async fn refusal(error: Error<EnqueueError>) -> Response {
    match error {
        Error::Rejected(refused) => seawall_http::response(&refused),
        Error::Inner(EnqueueError::Service(_)) => StatusCode::BAD_REQUEST.into_response(),
        Error::Inner(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tokio::time::{Instant, sleep, timeout};
    use tower::ServiceExt;

    use super::*;

    const WORK: Duration = Duration::from_millis(100);

    async fn ask(front: &Front, path: &str) -> StatusCode {
        let request = Request::get(path).body(Body::empty()).expect("the path is one");
        let answer = timeout(TARGET_DELAY, front.routes.clone().oneshot(request)).await;
        let Ok(response) = answer.expect("whoever is answered at all is by then");
        response.status()
    }

    async fn bring(front: &Front, number: u32) -> StatusCode {
        ask(front, &format!("/work?key={number}&micros={}", WORK.as_micros())).await
    }

    #[tokio::test(start_paused = true)]
    async fn in_the_request_the_answer_is_the_work() {
        let (start, front) = (Instant::now(), Front::in_the_request(1));
        assert_eq!(bring(&front, 0).await, StatusCode::OK);
        assert_eq!(start.elapsed(), WORK);
        assert!(front.studio.ready().at.contains_key(&0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_accepted_is_answered_at_once_and_done_later() {
        let start = Instant::now();
        let front = Front::accepting(2, 10).expect("its settings can be");
        for number in 0..4 {
            assert_eq!(bring(&front, number).await, StatusCode::ACCEPTED);
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(front.backlog(), Backlog { waiting: 4, deserted: 0 });

        front.work_until(sleep(WORK * 10)).await;

        assert!(front.is_through());
        let ready = front.studio.ready();
        assert_eq!((ready.at.len(), ready.times), (4, 4));
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_fit_is_refused_at_once_and_what_was_accepted_is_done() {
        let front = Front::accepting(1, 3).expect("its settings can be");
        let mut answers = Vec::new();
        for number in 0..5 {
            answers.push(bring(&front, number).await);
        }
        let (accepted, refused) = (StatusCode::ACCEPTED, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answers, [accepted, accepted, accepted, refused, refused]);
        assert_eq!(front.refused(), Some(2));

        front.work_until(sleep(WORK * 10)).await;

        let mut ready: Vec<_> = front.studio.ready().at.into_keys().collect();
        ready.sort_unstable();
        assert_eq!(ready, [0, 1, 2]);
    }

    #[tokio::test]
    async fn a_request_without_a_photo_is_wrong_on_both_fronts() {
        let accepting = Front::accepting(1, 3).expect("its settings can be");
        for front in [Front::in_the_request(1), accepting] {
            assert_eq!(ask(&front, "/work?key=x").await, StatusCode::BAD_REQUEST);
            assert!(front.is_through());
        }
    }
}
