//! Learning the services from a stream of changes, beside the calls.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower::discover::{Change, Discover};

use super::pool::Pool;

pin_project! {
    /// A future that keeps the services at what is discovered: made by [`Sharded::follow`](super::Sharded::follow)
    /// and [`ReplicaSet::follow`](super::ReplicaSet::follow).
    ///
    /// It ends when the stream ends, and with the stream's first error; the services stay as they are then.
    ///
    /// # Cancel safety
    ///
    /// Dropping it leaves the services as they are.
    #[must_use = "futures do nothing unless polled"]
    pub struct Follow<D: Discover> {
        #[pin]
        discover: D,
        pool: Arc<Pool<D::Service>>,
    }
}

impl<D: Discover> Follow<D> {
    pub(crate) const fn new(discover: D, pool: Arc<Pool<D::Service>>) -> Self {
        Self { discover, pool }
    }
}

impl<S> Pool<S> {
    pub(crate) fn take_in<K: fmt::Display>(&self, change: Change<K, S>) {
        match change {
            Change::Insert(key, service) => self.insert(key.to_string().into(), service),
            Change::Remove(key) => _ = self.remove(&key.to_string()),
        }
    }
}

impl<D> Future for Follow<D>
where
    D: Discover,
    D::Key: fmt::Display,
{
    type Output = Result<(), D::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        while let Some(change) = ready!(this.discover.as_mut().poll_discover(cx)) {
            this.pool.take_in(change?);
        }
        Poll::Ready(Ok(()))
    }
}

impl<D: Discover> fmt::Debug for Follow<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow").field("pool", self.pool.name()).finish_non_exhaustive()
    }
}
