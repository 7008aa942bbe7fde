//! The service: each call goes to the clone of a peer that should answer sooner.

use std::task::{Context, Poll};

use seawall_core::{Classify, ErrIsFailure, Error};
use tower_service::Service;

use super::{Balance, future::ResponseFuture};

/// A service that gives each call to a peer of a [`Balance`] of services.
///
/// It is always ready, and picks when it is called: a caller who polls and never calls holds no peer. The
/// chosen one's clone is waited for in the call's future, and one more is drawn where that one is not ready
/// at once. A peer whose readiness fails is put out for a time and not thrown away, and the next is tried.
///
/// Cloning shares the peers: no buffer is needed to use it from many tasks.
///
/// # Examples
///
/// How do I balance over connections?
///
/// ```
/// # use seawall_shard::{Balance, balance::BalanceService};
/// # use tower::{ServiceExt, service_fn};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let answer = |path: &'static str| async move { Ok::<usize, std::io::Error>(path.len()) };
/// let upstream = service_fn(answer);
/// let balance = Balance::builder("search").peer("a", upstream).peer("b", upstream).build()?;
///
/// let service = BalanceService::new(balance.clone());
/// assert_eq!(service.oneshot("/books").await?, 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct BalanceService<S, C = ErrIsFailure> {
    balance: Balance<S>,
    classify: C,
}

impl<S> BalanceService<S> {
    /// A service over the peers of `balance`; an `Err` of a peer is a failure.
    #[must_use]
    pub const fn new(balance: Balance<S>) -> Self {
        Self { balance, classify: ErrIsFailure }
    }
}

impl<S, C> BalanceService<S, C> {
    /// The same with another rule for what is a failure: a peer that answers 503 is best told from one that
    /// answers well.
    pub fn classify<D>(self, classify: D) -> BalanceService<S, D> {
        BalanceService { balance: self.balance, classify }
    }

    /// The balance.
    pub const fn balance(&self) -> &Balance<S> {
        &self.balance
    }
}

/// There is no readiness to copy: clones share the balance, and pick for themselves.
impl<S, C: Clone> Clone for BalanceService<S, C> {
    fn clone(&self) -> Self {
        Self { balance: self.balance.clone(), classify: self.classify.clone() }
    }
}

impl<S, C, Request> Service<Request> for BalanceService<S, C>
where
    S: Service<Request> + Clone,
    C: Classify<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S, C, Request>;

    #[inline]
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        ResponseFuture::new(self.balance.clone(), self.classify.clone(), request)
    }
}
