//! The layer: a service whose answer is that the work will be done, not that it is.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use seawall_core::{BoxError, Error};
use tower_layer::Layer;
use tower_service::Service;

use crate::{Queue, StorageError, job::JobId, storage::NewJob};

/// Wraps services that say what there is to do, so that it is pushed, and the answer is the job's id: once
/// there is one, the job will be done at least once.
///
/// The inner service turns a request into a payload, or into a job that has a priority or a unique key; what
/// it refuses is not pushed. While the queue is full, a call waits for room until its
/// [deadline](seawall_core::deadline); or it is [refused at once](Self::refuse_when_full).
///
/// One allocation a call, beside those of the job.
///
/// # Examples
///
/// How does a service answer "accepted", and leave the work to others?
///
/// ```
/// # use seawall_queue::{BoxError, EnqueueLayer, Queue};
/// # use tower::{ServiceBuilder, ServiceExt, service_fn};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let queue = Queue::<u32>::memory("thumbnails").capacity(1).build()?;
/// let accept = ServiceBuilder::new()
///     .layer(EnqueueLayer::new(queue.clone()).refuse_when_full())
///     .service(service_fn(|photo: String| async move { photo.parse::<u32>() }));
///
/// let id = accept.clone().oneshot("7".into()).await?; // 202 Accepted
/// assert!(queue.job(id).await?.is_some());
///
/// let full = accept.oneshot("8".into()).await.unwrap_err(); // 503, and when to come again
/// assert!(full.rejection().is_some());
/// # Ok::<(), BoxError>(())
/// # })?;
/// # Ok::<(), BoxError>(())
/// ```
#[must_use = "a layer does nothing until it wraps a service"]
pub struct EnqueueLayer<T> {
    queue: Queue<T>,
    is_patient: bool,
}

impl<T> EnqueueLayer<T> {
    /// A layer that pushes into `queue`, and waits for room.
    pub const fn new(queue: Queue<T>) -> Self {
        Self { queue, is_patient: true }
    }

    /// The same layer in another mode: a call that finds no room is refused, and never waits.
    pub fn refuse_when_full(self) -> Self {
        Self { is_patient: false, ..self }
    }
}

impl<T, S> Layer<S> for EnqueueLayer<T> {
    type Service = EnqueueService<S, T>;

    fn layer(&self, inner: S) -> Self::Service {
        EnqueueService { inner, layer: self.clone() }
    }
}

/// Pushes what its inner service answers: made by an [`EnqueueLayer`].
pub struct EnqueueService<S, T> {
    inner: S,
    layer: EnqueueLayer<T>,
}

/// Why nothing was accepted, beside that there was no room.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnqueueError {
    /// The inner service failed: nothing is in.
    #[error("the service did not say what there is to do")]
    Service(#[source] BoxError),
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] StorageError),
}

/// What an [`EnqueueService`] answers, in time. Dropped before, the job may be in or not; in memory it is not.
pub type Enqueueing = Pin<Box<dyn Future<Output = Result<JobId, Error<EnqueueError>>> + Send>>;

impl<R, S, T> Service<R> for EnqueueService<S, T>
where
    S: Service<R>,
    S::Response: Into<NewJob<T>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    T: Send + Sync + 'static,
{
    type Response = JobId;
    type Error = Error<EnqueueError>;
    type Future = Enqueueing;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(|error| Error::Inner(EnqueueError::Service(error.into())))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let asked = self.inner.call(request);
        let EnqueueLayer { queue, is_patient } = self.layer.clone();
        Box::pin(async move {
            let job = asked
                .await
                .map_err(|error| Error::Inner(EnqueueError::Service(error.into())))?
                .into();
            let pushed = match is_patient {
                true => queue.push(job).await,
                false => queue.try_push(job).await,
            };
            pushed.map_err(|error| error.map_inner(EnqueueError::from))
        })
    }
}

impl<S: Clone, T> Clone for EnqueueService<S, T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<T> Clone for EnqueueLayer<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), is_patient: self.is_patient }
    }
}

impl<T> fmt::Debug for EnqueueLayer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnqueueLayer").field("is_patient", &self.is_patient).finish_non_exhaustive()
    }
}

impl<S: fmt::Debug, T> fmt::Debug for EnqueueService<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnqueueService")
            .field("inner", &self.inner)
            .field("layer", &self.layer)
            .finish()
    }
}
