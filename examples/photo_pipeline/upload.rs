//! Where photos come in: the answer is that the work will be done, not that it is.
//!
//! ```text
//!   POST /photos ──▶ keep the bytes ──▶ EnqueueLayer: push the job ──▶ 202 Accepted, the job's id
//! ```

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed}, // names, of which each is another; no order among them
};

use axum::{
    BoxError, Extension, Router,
    body::to_bytes,
    error_handling::HandleErrorLayer,
    extract::Request,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
    routing::post_service,
};
use seawall_core::Error;
use seawall_queue::{EnqueueError, EnqueueLayer, Job, NewJob, Queue, job::JobId};
use tokio::task::spawn_blocking;
use tower::{ServiceBuilder, service_fn};

use crate::album::{Album, Photo};

/// What a camera makes, and no more.
const LARGEST: usize = 16 << 20;

/// With what each JPEG begins.
const MAGIC: &[u8] = b"\xff\xd8\xff";

/// A server's routes. Photos that came are kept in the album, and are in the queue before anybody hears of it.
pub(crate) fn routes(queue: Queue<Photo>, album: Album) -> Router {
    let names = Arc::new(AtomicU64::new(1));
    let name = move |mut request: Request| {
        let photo = Photo { file: format!("{}.jpg", names.fetch_add(1, Relaxed)) };
        request.extensions_mut().insert(photo); // for whoever refuses it, too
        request
    };
    let kept = album.clone();
    let refuse = move |Extension(photo): Extension<Photo>, error: Error<EnqueueError>| {
        refusal(kept.clone(), photo, error)
    };
    let accept = ServiceBuilder::new()
        .map_request(name)
        .layer(HandleErrorLayer::new(refuse))
        .map_response(|id: JobId| (StatusCode::ACCEPTED, id.to_string()))
        .layer(EnqueueLayer::new(queue).refuse_when_full())
        .service(service_fn(move |request| keep(album.clone(), request)));
    Router::new().route("/photos", post_service(accept))
}

/// What is wrong with a request.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("larger than {LARGEST} bytes, or not sent to its end")]
    Body(#[source] axum::Error),
    #[error("not a JPEG")]
    NoPhoto,
}

/// The inner service: says what there is to do, once the photo is on the disk.
async fn keep(album: Album, mut request: Request) -> Result<NewJob<Photo>, BoxError> {
    let photo = request.extensions_mut().remove::<Photo>().ok_or("nobody has named it")?;
    let bytes = to_bytes(request.into_body(), LARGEST).await.map_err(Refused::Body)?;
    if !bytes.starts_with(MAGIC) {
        return Err(Refused::NoPhoto.into());
    }
    let photo = spawn_blocking(move || album.keep(&photo, &bytes).map(|()| photo)).await??;
    Ok(Job::new(photo))
}

/// What a client gets whose photo was not accepted. The photo goes, unless its job may be in.
async fn refusal(album: Album, photo: Photo, error: Error<EnqueueError>) -> Response {
    if !matches!(error, Error::Inner(EnqueueError::Queue(_))) {
        let forget = spawn_blocking(move || album.forget(&photo));
        drop(forget.await); // what can't be deleted takes room, and does no other harm
    }
    match error {
        Error::Rejected(refused) => {
            let wait = refused.retry_after().map_or(1, |wait| wait.as_millis().div_ceil(1_000));
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, wait.to_string())]).into_response()
        }
        Error::Inner(EnqueueError::Service(error)) if error.is::<Refused>() => {
            (StatusCode::BAD_REQUEST, error.to_string()).into_response()
        }
        Error::Inner(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tower::ServiceExt;

    use super::*;
    use crate::picture::Picture;

    async fn post(routes: &Router, body: impl Into<Body>) -> (StatusCode, String) {
        let request = Request::post("/photos").body(body.into()).expect("it is a request");
        let answer = routes.clone().oneshot(request).await.expect("it never fails");
        let status = answer.status();
        let words = to_bytes(answer.into_body(), 1_000).await.expect("it is short");
        (status, String::from_utf8(words.into()).expect("it is text"))
    }

    #[tokio::test]
    async fn what_is_accepted_is_on_the_disk_and_in_the_queue() {
        let dir = tempfile::tempdir().expect("there is room");
        let album = Album::open(dir.path()).expect("it is writable");
        let queue = Queue::memory("photos").build().expect("the defaults can be");
        let routes = routes(queue.clone(), album.clone());
        let jpeg = Picture::new(1, 160).expect("it can be encoded").jpeg;

        let (status, id) = post(&routes, jpeg.clone()).await;

        assert_eq!(status, StatusCode::ACCEPTED);
        let id = JobId(id.parse().expect("it is a number"));
        let job = queue.job(id).await.expect("it is in memory").expect("it was pushed");
        let photo = job.payload.expect("it waits");
        assert_eq!(std::fs::read(album.upload(&photo)).expect("it was kept"), jpeg);
    }

    #[tokio::test]
    async fn what_is_no_photo_is_not_pushed_and_what_finds_no_room_may_come_again() {
        let dir = tempfile::tempdir().expect("there is room");
        let album = Album::open(dir.path()).expect("it is writable");
        let queue = Queue::memory("photos").capacity(1).build().expect("one is enough");
        let routes = routes(queue.clone(), album);
        let jpeg = Picture::new(1, 160).expect("it can be encoded").jpeg;

        let (status, words) = post(&routes, "a poem").await;
        assert_eq!((status, &*words), (StatusCode::BAD_REQUEST, "not a JPEG"));
        assert_eq!(queue.stats().await.expect("it is in memory").waiting(), 0);

        assert_eq!(post(&routes, jpeg.clone()).await.0, StatusCode::ACCEPTED);
        assert_eq!(post(&routes, jpeg).await.0, StatusCode::SERVICE_UNAVAILABLE);
        let kept = std::fs::read_dir(dir.path().join("uploads")).expect("it is readable");
        assert_eq!(kept.count(), 1, "of what is refused nothing stays");
    }
}
