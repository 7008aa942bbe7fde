//! The service: each call goes to a clone of the part whose turn it is.

use std::task::{Context, Poll};

use tower_service::Service;

use super::{Split, future::ResponseFuture};

/// A service that gives each call to a part of a [`Split`] of services.
///
/// It is always ready, and takes a turn when it is called; the part's clone is waited for in the call's future.
/// Errors are the part's own. Let each part be a [`BalanceService`](crate::balance::BalanceService) where it is
/// a fleet.
///
/// Cloning shares the sequence.
///
/// # Examples
///
/// How do I send one request in ten to the new release?
///
/// ```
/// # use seawall_shard::{Split, split::SplitService};
/// # use tower::{ServiceExt, service_fn};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let release = |number: u32| service_fn(move |()| async move { Ok::<_, std::io::Error>(number) });
/// let split = Split::builder("search").part("stable", 9, release(1)).part("canary", 1, release(2)).build()?;
///
/// let service = SplitService::new(split);
/// let mut sum = 0;
/// for _ in 0..10 {
///     sum += service.clone().oneshot(()).await?;
/// }
/// assert_eq!(sum, 9 + 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct SplitService<S> {
    split: Split<S>,
}

impl<S> SplitService<S> {
    /// A service over the parts of `split`.
    #[must_use]
    pub const fn new(split: Split<S>) -> Self {
        Self { split }
    }

    /// The split.
    #[must_use]
    pub const fn split(&self) -> &Split<S> {
        &self.split
    }
}

/// There is no readiness to copy: clones share the sequence, and take turns for themselves.
impl<S> Clone for SplitService<S> {
    fn clone(&self) -> Self {
        Self { split: self.split.clone() }
    }
}

impl<S, Request> Service<Request> for SplitService<S>
where
    S: Service<Request> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, Request>;

    #[inline]
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        ResponseFuture::new(S::clone(self.split.pick()), request)
    }
}
