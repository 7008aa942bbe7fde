//! The service: makes the first attempt with what is ready, and each other one with a clone.

use std::task::{Context, Poll};

use tower_service::Service;

use super::{Hedge, HedgeFuture, future::Spare, racing::Racing};
use crate::{Decide, Replay, RetryErrors};

/// A service whose slowest calls are made once more: made by a [`HedgeLayer`](crate::HedgeLayer).
///
/// The first attempt takes the readiness that `poll_ready` told of; each other one is made by a clone of
/// the inner service that gets ready by itself.
///
/// Cloning shares the hedge.
#[derive(Clone, Debug)]
pub struct HedgeService<S, R, D = RetryErrors> {
    inner: S,
    hedge: Hedge,
    replay: R,
    decide: D,
}

impl<S, R, D> HedgeService<S, R, D> {
    pub(super) const fn new(inner: S, hedge: Hedge, replay: R, decide: D) -> Self {
        Self { inner, hedge, replay, decide }
    }

    seawall_core::inner_service!();
}

impl<S, R, D, Request> Service<Request> for HedgeService<S, R, D>
where
    S: Service<Request> + Clone,
    R: Replay<Request> + Clone,
    D: Decide<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = HedgeFuture<S, Request, R, D>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        let mut race = self.hedge.begin();
        let copy = if race.is_open() { self.replay.again(&request) } else { None };
        let spare = Spare::new(copy, &self.inner, &self.replay);
        if spare.is_none() {
            race.close();
        }
        let first = self.inner.call(request);
        HedgeFuture::new(Racing::new(first, spare, self.decide.clone(), self.hedge.clone(), race))
    }
}
