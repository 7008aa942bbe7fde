//! The service: follows what is in flight, or asks the inner service.

use std::{
    fmt,
    hash::Hash,
    panic::resume_unwind,
    task::{Context, Poll},
};

use seawall_core::Error;
use tower_service::Service;

use super::{ResponseFuture, inner::Inner};
use crate::{
    LoadError, SingleFlight,
    flight::{Course, Entry},
};

/// A service whose equal requests share one response: made by a
/// [`CoalesceLayer`](crate::CoalesceLayer).
///
/// While something is in flight it is ready though the inner service is not: the call may be one that
/// only waits for what is under way. A call is counted in when it is made; the load that it leads goes
/// on while its future is polled.
///
/// Cloning shares the flights.
pub struct CoalesceService<S, K, R, E, F> {
    inner: S,
    flights: SingleFlight<K, R, E>,
    key: F,
    /// Whether it is the inner service that said it was ready.
    inner_is_ready: bool,
}

impl<S, K, R, E, F> CoalesceService<S, K, R, E, F> {
    pub(super) const fn new(inner: S, flights: SingleFlight<K, R, E>, key: F) -> Self {
        Self { inner, flights, key, inner_is_ready: false }
    }

    /// The single flight.
    pub const fn flights(&self) -> &SingleFlight<K, R, E> {
        &self.flights
    }

    seawall_core::inner_service!();
}

/// A clone was not polled: it must not take the readiness of the original's inner service for its
/// own.
impl<S: Clone, K, R, E, F: Clone> Clone for CoalesceService<S, K, R, E, F> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.flights.clone(), self.key.clone())
    }
}

impl<S, K, F, Request> Service<Request> for CoalesceService<S, K, S::Response, S::Error, F>
where
    S: Service<Request> + Clone,
    S::Response: Clone,
    K: Hash + Eq + Clone,
    F: Fn(&Request) -> Option<K>,
{
    type Response = S::Response;
    type Error = Error<LoadError<S::Error>>;
    type Future = ResponseFuture<S, Request, K>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let polled = self.inner.poll_ready(cx);
        self.inner_is_ready = matches!(polled, Poll::Ready(Ok(())));
        match polled {
            Poll::Pending if self.flights.shared().flights.is_empty() => Poll::Pending,
            Poll::Pending => Poll::Ready(Ok(())), // the call may follow
            Poll::Ready(ready) => {
                Poll::Ready(ready.map_err(|error| Error::Inner(LoadError::failed(error))))
            }
        }
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Some(key) = (self.key)(&request) else {
            return ResponseFuture::passing(Inner::begin(
                &mut self.inner,
                &mut self.inner_is_ready,
                request,
            ));
        };
        let shared = self.flights.shared().clone();
        let mut leader = match shared.flights.join_or_lead(&key) {
            Entry::Leads(leader) => leader,
            Entry::Follows(follower) if follower.waits_for_itself() => {
                return ResponseFuture::failed(Error::Inner(LoadError::Recursive));
            }
            Entry::Follows(follower) => {
                let call = Inner::postpone(&mut self.inner, &mut self.inner_is_ready, request); // for the case that it takes over
                return ResponseFuture::sharing(Course::following(shared, follower, call));
            }
        };
        match shared.enter() {
            Err(refused) => {
                let _ = leader.settle(Err(refused.clone().into()));
                ResponseFuture::failed(refused.into())
            }
            Ok(place) => match place.try_into_slot() {
                Ok(slot) => match leader
                    .guard(|| Inner::begin(&mut self.inner, &mut self.inner_is_ready, request))
                {
                    Ok(load) => {
                        ResponseFuture::sharing(Course::loading(shared, leader, load, slot))
                    }
                    Err(panic) => resume_unwind(panic),
                },
                Err(place) => {
                    let call = Inner::postpone(&mut self.inner, &mut self.inner_is_ready, request);
                    ResponseFuture::sharing(Course::queueing(shared, leader, place, call))
                }
            },
        }
    }
}

impl<S: fmt::Debug, K, R, E, F> fmt::Debug for CoalesceService<S, K, R, E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoalesceService")
            .field("inner", &self.inner)
            .field("flights", &self.flights)
            .finish_non_exhaustive()
    }
}
