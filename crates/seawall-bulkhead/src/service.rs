//! The service: waits for a place, then for the inner service.

use std::task::{Context, Poll};

use seawall_core::{Bound, Classify, ErrIsFailure, Error, Nanos};
use tower_service::Service;

use crate::{Bulkhead, Demand, Demands, OnePlace, Permit, acquire::Begun, future::WaitingFuture};

/// A service whose calls take a place in a [`Bulkhead`]: made by a
/// [`BulkheadLayer`](crate::BulkheadLayer), or a [`BulkheadsLayer`](crate::BulkheadsLayer).
///
/// While there is no room it is ready without asking the inner service, and the call's future waits, or
/// ends at once in [`Error::Rejected`]. The place is taken when the call is made and not before: a
/// service that is ready and never called holds nothing.
///
/// Cloning shares the bulkhead.
#[derive(Debug)]
pub struct BulkheadService<S, D = OnePlace, C = ErrIsFailure, B = Bulkhead> {
    inner: S,
    bulkhead: B,
    demands: D,
    classify: C,
    /// Whether it is the inner service that said it was ready.
    inner_is_ready: bool,
}

impl<S, D, C, B> BulkheadService<S, D, C, B> {
    pub(crate) const fn new(inner: S, bulkhead: B, demands: D, classify: C) -> Self {
        Self { inner, bulkhead, demands, classify, inner_is_ready: false }
    }

    seawall_core::inner_service!();
}

/// Which bulkhead the calls of a service meet.
pub trait Which<Request> {
    /// The bulkhead of `request`.
    fn which(&self, request: &Request) -> Bulkhead;

    /// Whether any call would find it full now.
    fn is_full(&self) -> bool;
}

/// All calls meet the same.
impl<Request> Which<Request> for Bulkhead {
    #[inline]
    fn which(&self, _: &Request) -> Bulkhead {
        self.clone()
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.is_full()
    }
}

/// A clone was not polled: it must not take the readiness of the original's inner service for its
/// own.
impl<S: Clone, D: Clone, C: Clone, B: Clone> Clone for BulkheadService<S, D, C, B> {
    fn clone(&self) -> Self {
        Self::new(
            self.inner.clone(),
            self.bulkhead.clone(),
            self.demands.clone(),
            self.classify.clone(),
        )
    }
}

impl<S, D, C, B, Request> Service<Request> for BulkheadService<S, D, C, B>
where
    S: Service<Request> + Clone,
    B: Which<Request>,
    D: Demands<Request>,
    C: Classify<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = WaitingFuture<S, Request, C>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if !self.inner_is_ready && self.bulkhead.is_full() {
            return Poll::Ready(Ok(())); // the call will find out when the inner service is
        }
        let polled = self.inner.poll_ready(cx).map_err(Error::Inner);
        self.inner_is_ready = matches!(polled, Poll::Ready(Ok(())));
        polled
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        let demand = self.demands.demand(&request);
        let bulkhead = self.bulkhead.which(&request);
        match bulkhead.enter(demand.weight, demand.priority) {
            Ok(started) if self.inner_is_ready => {
                self.inner_is_ready = false;
                let permit = Permit::new(bulkhead, demand.weight, started);
                let classify = self.classify.clone();
                WaitingFuture::running(self.inner.call(request), permit, classify)
            }
            entered => self.call_later(bulkhead, entered, demand, request),
        }
    }
}

impl<S: Clone, D, C: Clone, B> BulkheadService<S, D, C, B> {
    /// A call that has no place, or has one sooner than its inner service is ready.
    #[inline(never)]
    fn call_later<Request>(
        &mut self,
        bulkhead: Bulkhead,
        entered: Result<Nanos, Bound>,
        demand: Demand,
        request: Request,
    ) -> WaitingFuture<S, Request, C>
    where
        S: Service<Request>,
    {
        let begun = match entered {
            Ok(started) => Ok(Begun::Over(Permit::new(bulkhead, demand.weight, started))),
            Err(bound) => Begun::or_wait(bulkhead, demand, bound),
        };
        match begun {
            Ok(begun) => {
                let classify = self.classify.clone();
                WaitingFuture::waiting(begun, self.unready(), request, classify)
            }
            Err(rejection) => WaitingFuture::rejected(rejection),
        }
    }

    /// An inner service for a call that waits.
    #[cold]
    fn unready(&mut self) -> S {
        if std::mem::take(&mut self.inner_is_ready) {
            // What the inner service had made ready is not needed now: whoever is not full may have it.
            self.inner = self.inner.clone();
        }
        self.inner.clone()
    }
}
