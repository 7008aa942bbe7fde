//! The response: the life of one call through a balance.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use seawall_core::{Classify, Error, Outcome, marks, meaning};
use tower_service::Service;

use super::{Balance, Lease};

/// How many peers whose readiness fails a call tries.
const TRIES: u32 = 3;

pin_project! {
    /// The response of a [`BalanceService`](super::BalanceService).
    ///
    /// The peer is given back as soon as its response is there; the future may be kept longer. Dropped before
    /// that, the call counts as cancelled at its peer.
    ///
    /// # Panics
    ///
    /// When it is polled again after it was ready.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S: Service<Request>, C, Request> {
        #[pin]
        life: Life<S, S::Future, Request>,
        balance: Balance<S>,
        classify: C,
    }
}

pin_project! {
    #[project = LifeProjection]
    enum Life<S, F, Request> {
        /// A peer is looked for, or its readiness waited for.
        Waiting { chosen: Option<Chosen<S>>, request: Option<Request>, failed: u32 },
        Running { #[pin] future: F, lease: Option<Lease<S>> },
    }
}

/// A peer's clone, which is to be called once it is ready.
struct Chosen<S> {
    service: S,
    lease: Lease<S>,
}

impl<S: Service<Request> + Clone, C, Request> ResponseFuture<S, C, Request> {
    pub(crate) const fn new(balance: Balance<S>, classify: C, request: Request) -> Self {
        let life = Life::Waiting { chosen: None, request: Some(request), failed: 0 };
        Self { life, balance, classify }
    }
}

impl<S, C, Request> Future for ResponseFuture<S, C, Request>
where
    S: Service<Request> + Clone,
    C: Classify<S::Response, S::Error>,
{
    type Output = Result<S::Response, Error<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        const TWICE: &str = "a response is not polled after it was ready";
        let mut this = self.project();
        loop {
            match this.life.as_mut().project() {
                LifeProjection::Waiting { chosen, request, failed } => {
                    let waits = ready!(poll_choice::<S, Request>(this.balance, chosen, failed, cx));
                    let Chosen { mut service, lease } = waits?;
                    let request = request.take().expect(TWICE);
                    let future = service.call(request);
                    this.life.set(Life::Running { future, lease: Some(lease) });
                }
                LifeProjection::Running { future, lease: slot } => {
                    // Out of its slot while the inner future runs: if that panics, the lease is dropped by
                    // the unwinding, and knows a panic from a cancelled call.
                    let lease = slot.take().expect(TWICE);
                    let before = marks();
                    let Poll::Ready(result) = future.poll(cx) else {
                        *slot = Some(lease);
                        return Poll::Pending;
                    };
                    lease.record(meaning(this.classify, &result, before));
                    return Poll::Ready(result.map_err(Error::Inner));
                }
            }
        }
    }
}

/// Looks for a peer that is ready: the one that was chosen, or where that is not ready at once one other.
fn poll_choice<S, Request>(
    balance: &Balance<S>,
    slot: &mut Option<Chosen<S>>,
    failed: &mut u32,
    cx: &mut Context<'_>,
) -> Poll<Result<Chosen<S>, Error<S::Error>>>
where
    S: Service<Request> + Clone,
{
    loop {
        let is_new = slot.is_none();
        let mut chosen = match slot.take() {
            Some(chosen) => chosen,
            None => choose(balance)?,
        };
        match chosen.service.poll_ready(cx) {
            Poll::Ready(Ok(())) => return Poll::Ready(Ok(chosen)),
            Poll::Ready(Err(error)) => {
                chosen.lease.not_ready();
                *failed += 1;
                if *failed >= TRIES {
                    return Poll::Ready(Err(Error::Inner(error)));
                }
            }
            Poll::Pending => {
                if let Some(other) = is_new.then(|| ready_at_once(balance, cx)).flatten() {
                    chosen.lease.record(Outcome::Ignored); // it was never called
                    return Poll::Ready(Ok(other));
                }
                *slot = Some(chosen);
                return Poll::Pending;
            }
        }
    }
}

/// Another peer, if that is ready: the first one's call is held meanwhile, so that its load speaks for others.
fn ready_at_once<S, Request>(balance: &Balance<S>, cx: &mut Context<'_>) -> Option<Chosen<S>>
where
    S: Service<Request> + Clone,
{
    let mut other = choose::<S, S::Error>(balance).ok()?;
    match other.service.poll_ready(cx) {
        Poll::Ready(Ok(())) => return Some(other),
        Poll::Ready(Err(_)) => other.lease.not_ready(),
        Poll::Pending => other.lease.record(Outcome::Ignored),
    }
    None
}

fn choose<S: Clone, E>(balance: &Balance<S>) -> Result<Chosen<S>, Error<E>> {
    let lease = balance.pick()?;
    let service = S::clone(&lease);
    Ok(Chosen { service, lease })
}

impl<S: Service<Request>, C, Request> fmt::Debug for ResponseFuture<S, C, Request> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("balance", &self.balance).finish_non_exhaustive()
    }
}
