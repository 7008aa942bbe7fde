//! The layer's strictest mode: a call that finds no place is refused, and never waits.

use std::task::{Context, Poll};

use seawall_core::{Bound, Classify, Error, Flatten};
use tower_layer::Layer;
use tower_service::Service;

use crate::{Bulkhead, Permit, demand::Demands, future::ResponseFuture};

/// Wraps services so that a call that finds no place is refused: made by
/// [`BulkheadLayer::rejecting`](crate::BulkheadLayer::rejecting).
///
/// All services that it wraps share the bulkhead; they need not be `Clone`.
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct BulkheadRejectingLayer<D, C> {
    bulkhead: Bulkhead,
    demands: D,
    classify: C,
}

impl<D, C> BulkheadRejectingLayer<D, C> {
    pub(crate) const fn new(bulkhead: Bulkhead, demands: D, classify: C) -> Self {
        Self { bulkhead, demands, classify }
    }

    /// The same layer for services whose error is to stay as it is.
    pub const fn flatten(self) -> Flatten<Self> {
        Flatten::new(self)
    }
}

impl<S, D: Clone, C: Clone> Layer<S> for BulkheadRejectingLayer<D, C> {
    type Service = BulkheadRejecting<S, D, C>;

    fn layer(&self, inner: S) -> Self::Service {
        BulkheadRejecting::new(
            inner,
            self.bulkhead.clone(),
            self.demands.clone(),
            self.classify.clone(),
        )
    }
}

/// A service that refuses a call that finds no place: made by a [`BulkheadRejectingLayer`].
///
/// While the bulkhead is full it is ready without asking the inner service, and refuses the call.
/// Cloning shares the bulkhead.
#[derive(Debug)]
pub struct BulkheadRejecting<S, D, C> {
    inner: S,
    bulkhead: Bulkhead,
    demands: D,
    classify: C,
    /// The bulkhead was full: the inner service was not asked, and must not be called.
    refuses: bool,
}

impl<S, D, C> BulkheadRejecting<S, D, C> {
    const fn new(inner: S, bulkhead: Bulkhead, demands: D, classify: C) -> Self {
        Self { inner, bulkhead, demands, classify, refuses: false }
    }

    /// The bulkhead.
    pub const fn bulkhead(&self) -> &Bulkhead {
        &self.bulkhead
    }

    seawall_core::inner_service!();
}

/// A clone was not polled, and refuses nothing yet.
impl<S: Clone, D: Clone, C: Clone> Clone for BulkheadRejecting<S, D, C> {
    fn clone(&self) -> Self {
        Self::new(
            self.inner.clone(),
            self.bulkhead.clone(),
            self.demands.clone(),
            self.classify.clone(),
        )
    }
}

impl<S, D, C, Request> Service<Request> for BulkheadRejecting<S, D, C>
where
    S: Service<Request>,
    D: Demands<Request>,
    C: Classify<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S::Future, C>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.refuses = self.refuses || self.bulkhead.is_full();
        if self.refuses {
            return Poll::Ready(Ok(())); // what was promised stays true until the call
        }
        self.inner.poll_ready(cx).map_err(Error::Inner)
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        let demand = self.demands.demand(&request);
        let entered = if std::mem::take(&mut self.refuses) {
            Err(self
                .bulkhead
                .shared()
                .turn_away(self.bulkhead.call_of(demand.weight), Bound::Limit))
        } else {
            self.bulkhead.try_enter(demand.weight, demand.priority)
        };
        match entered {
            Ok(started) => {
                let permit = Permit::new(self.bulkhead.clone(), demand.weight, started);
                let classify = self.classify.clone();
                ResponseFuture::running(self.inner.call(request), permit, classify)
            }
            Err(rejection) => ResponseFuture::rejected(rejection),
        }
    }
}
