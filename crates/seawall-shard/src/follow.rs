//! A future that keeps services at what is discovered: the same for the peers of a balance and for the nodes of a map.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower::discover::{Change, Discover};

use crate::{Balance, sharded::pool::Pool};

pin_project! {
    /// A future that keeps services at what is discovered, each called by its key: made by the `follow` of a
    /// [`Balance`](Balance::follow), a [`Sharded`](crate::Sharded::follow) and a
    /// [`ReplicaSet`](crate::ReplicaSet::follow).
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
        target: Target<D::Service>,
    }
}

/// Whose services they are.
pub(crate) enum Target<S> {
    Balance(Balance<S>),
    Pool(Arc<Pool<S>>),
}

impl<S> Target<S> {
    fn take_in<K: fmt::Display>(&self, change: Change<K, S>) {
        match self {
            Self::Balance(balance) => balance.take_in(change),
            Self::Pool(pool) => pool.take_in(change),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Balance(balance) => balance.name(),
            Self::Pool(pool) => pool.name(),
        }
    }
}

impl<D: Discover> Follow<D> {
    pub(crate) const fn new(discover: D, target: Target<D::Service>) -> Self {
        Self { discover, target }
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
            this.target.take_in(change?);
        }
        Poll::Ready(Ok(()))
    }
}

impl<D: Discover> fmt::Debug for Follow<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow").field("target", &self.target.name()).finish_non_exhaustive()
    }
}
