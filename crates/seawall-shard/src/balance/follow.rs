//! Learning the peers from a stream of changes.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower::discover::{Change, Discover};

use super::Balance;

pin_project! {
    /// A future that keeps a [`Balance`] at what is discovered: made by [`Balance::follow`].
    ///
    /// It ends when the stream ends, and with the stream's first error; the peers stay as they are then.
    ///
    /// # Cancel safety
    ///
    /// Dropping it leaves the peers as they are.
    #[must_use = "futures do nothing unless polled"]
    pub struct Follow<D: Discover> {
        #[pin]
        discover: D,
        balance: Balance<D::Service>,
    }
}

impl<S> Balance<S> {
    /// Keeps the peers at what is discovered, each called by its key: to be spawned beside the service, so
    /// that changes are seen while no call comes.
    ///
    /// # Examples
    ///
    /// How do I follow my service discovery?
    ///
    /// ```
    /// # use seawall_shard::Balance;
    /// # use tower::discover::Change;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # let changes = [Ok::<_, std::io::Error>(Change::Insert("10.0.0.1", "a client"))];
    /// # let discover = futures_util::stream::iter(changes);
    /// let balance = Balance::builder("search").build()?;
    /// balance.follow(discover).await?; // or `tokio::spawn` it
    /// assert_eq!(balance.peers()[0].name, "10.0.0.1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn follow<D>(&self, discover: D) -> Follow<D>
    where
        D: Discover<Service = S>,
        D::Key: fmt::Display,
    {
        Follow { discover, balance: self.clone() }
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
            match change? {
                Change::Insert(key, service) => {
                    this.balance.shared.insert(&key.to_string().into(), 1, service);
                }
                Change::Remove(key) => _ = this.balance.remove(&key.to_string()),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<D: Discover> fmt::Debug for Follow<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow").field("balance", &self.balance).finish_non_exhaustive()
    }
}
