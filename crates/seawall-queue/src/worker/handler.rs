//! What is done with a job: a function or a service, and what its answer means.

use std::{future::Future, pin::Pin};

use seawall_core::BoxError;

use crate::{Job, job::Verdict};

/// A run's future. One allocation a job, beside that of its task.
pub(super) type Handled = Pin<Box<dyn Future<Output = Result<Verdict, BoxError>> + Send>>;

/// A handler of any kind.
pub(super) type Handle<T> = Box<dyn Fn(Job<T>) -> Handled + Send + Sync>;

pub(super) fn function<T, F, Fut, R, E>(handler: F) -> Handle<T>
where
    F: Fn(Job<T>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send + 'static,
    R: Into<Verdict>,
    E: Into<BoxError>,
{
    Box::new(move |job| {
        let handled = handler(job);
        Box::pin(async move { handled.await.map(R::into).map_err(E::into) })
    })
}

/// Each run has a clone of its own, and waits for its readiness itself: that one job's turn has not come
/// holds up no claim of another.
#[cfg(feature = "tower")]
pub(super) fn service<T, S>(service: S) -> Handle<T>
where
    T: Send + 'static,
    S: tower_service::Service<Job<T>> + Clone + Send + 'static,
    S::Response: Into<Verdict>,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    let service = seawall_core::sync::Mutex::new(service); // `Sync` is not asked of it; locked for a clone
    Box::new(move |job| {
        let mut service = service.lock().clone();
        Box::pin(async move {
            std::future::poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into)?;
            service.call(job).await.map(Into::into).map_err(Into::into)
        })
    })
}
