//! The service: answers from the cache, follows what is in flight, or asks the inner service.

use std::{
    fmt,
    hash::Hash,
    panic::resume_unwind,
    task::{Context, Poll},
    time::Duration,
};

use seawall_core::Error;
use tower_service::Service;

use super::{CacheLayer, Keeps, ResponseFuture};
use crate::{
    Cache, Entry, LoadError, Loaded, Store,
    cache::{
        find::Found,
        load::{Way, load},
    },
    coalesce::Inner,
    flight::{Entry as Seat, Place},
};

/// A service whose responses are kept and answered: made by a [`CacheLayer`].
///
/// While there is anything to answer with, it is ready though the inner service is not. If it was ready
/// and the call is a hit, it stays so for the next call.
///
/// Cloning shares the cache.
pub struct CacheService<S, K, R, E, F, T> {
    inner: S,
    layer: CacheLayer<K, R, E, F, T>,
    /// Whether it is the inner service that said it was ready.
    inner_is_ready: bool,
}

impl<S, K, R, E, F, T> CacheService<S, K, R, E, F, T> {
    pub(super) const fn new(inner: S, layer: CacheLayer<K, R, E, F, T>) -> Self {
        Self { inner, layer, inner_is_ready: false }
    }

    /// The cache.
    pub const fn cache(&self) -> &Cache<K, R, E, T> {
        &self.layer.cache
    }

    seawall_core::inner_service!();
}

/// A clone was not polled: it must not take the readiness of the original's inner service for its
/// own.
impl<S: Clone, K, R, E, F: Clone, T> Clone for CacheService<S, K, R, E, F, T> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.layer.clone())
    }
}

impl<S, K, F, T, Request> Service<Request> for CacheService<S, K, S::Response, S::Error, F, T>
where
    S: Service<Request> + Clone + Send + 'static,
    S::Response: Clone + Send + Sync + 'static,
    S::Error: Send + Sync + 'static,
    S::Future: Send + 'static,
    Request: Send + 'static,
    K: Hash + Eq + Clone + Send + Sync + 'static,
    F: Fn(&Request) -> Option<K>,
    T: Store<K, Entry<S::Response>>,
{
    type Response = S::Response;
    type Error = Error<LoadError<S::Error>>;
    type Future = ResponseFuture<S, Request>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let polled = self.inner.poll_ready(cx);
        self.inner_is_ready = matches!(polled, Poll::Ready(Ok(())));
        let shared = self.layer.cache.shared();
        match polled {
            Poll::Pending if shared.store.is_empty() && shared.flights.is_empty() => Poll::Pending,
            Poll::Pending => Poll::Ready(Ok(())), // the call may be a hit, or follow
            Poll::Ready(ready) => {
                Poll::Ready(ready.map_err(|error| Error::Inner(LoadError::failed(error))))
            }
        }
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Some(key) = (self.layer.key)(&request) else {
            return ResponseFuture::passing(Inner::begin(
                &mut self.inner,
                &mut self.inner_is_ready,
                request,
            ));
        };
        let shared = self.layer.cache.shared().clone();
        let found = shared.find(&key, S::Response::clone);
        shared.count(&found);
        let late = match found {
            Found::Fresh(response) | Found::Kept(response) => {
                return ResponseFuture::known(Ok(response));
            }
            Found::Early(response, seen) | Found::Stale(response, seen) => {
                let call = (self.inner.clone(), request);
                let keeps = self.layer.keeps.clone();
                let load = || kept(Inner::unready(call), keeps);
                return match shared.refresh(&key, seen, load) {
                    None => ResponseFuture::known(Ok(response)),
                    Some(task) => ResponseFuture::loading(async {
                        task.await;
                        Ok(response)
                    }),
                };
            }
            Found::Absent => return ResponseFuture::known(Err(Error::Inner(LoadError::Absent))),
            Found::Spare(_) => true,
            Found::Nothing => false,
        };

        let came = shared.tags.mark();
        let keeps = self.layer.keeps.clone();
        let mut leader = match shared.flights.join_or_lead(&key) {
            // Where the second level is asked first, the inner service is not called yet.
            Seat::Leads(leader) if shared.level.is_none() => leader,
            seat => {
                let call = Inner::postpone(&mut self.inner, &mut self.inner_is_ready, request); // for the case that it takes over
                let load = || kept(Inner::unready(call), keeps);
                return ResponseFuture::loading(async move {
                    shared.seated(&key, seat, load, late, came).await
                });
            }
        };
        if let Some(landed) = shared.published(&key, None) {
            return ResponseFuture::known(shared.answer(&key, leader.settle(Ok(landed))));
        }
        let place = match shared.enter() {
            Ok(place) => place,
            Err(refused) => {
                let outcome = leader.settle(Err(refused.into()));
                return ResponseFuture::known(shared.answer(&key, outcome));
            }
        };
        // The instance that was ready is called here; where a slot is waited for, a clone is later.
        let (place, inner) = match place.try_into_slot() {
            Ok(slot) => match leader
                .guard(|| Inner::begin(&mut self.inner, &mut self.inner_is_ready, request))
            {
                Ok(inner) => (Place::from(slot), inner),
                Err(panic) => {
                    drop(slot);
                    resume_unwind(panic)
                }
            },
            Err(place) => (
                place,
                Inner::unready(Inner::postpone(&mut self.inner, &mut self.inner_is_ready, request)),
            ),
        };
        let course =
            Box::pin(load(shared.clone(), leader, Way::Turn(place), || kept(inner, keeps)));
        ResponseFuture::loading(async move {
            let timer = shared.soft_timer(late); // from the first poll, in the task that waits
            shared.drive(&key, course, timer).await
        })
    }
}

/// A call whose response is kept if it should be.
async fn kept<S: Service<Request>, Request>(
    inner: Inner<S, Request>,
    keeps: Option<Keeps<S::Response>>,
) -> Result<Loaded<S::Response>, S::Error> {
    let response = inner.await?;
    let kept = keeps.is_none_or(|keeps| keeps(&response));
    let loaded = Loaded::new(response);
    Ok(if kept { loaded } else { loaded.ttl(Duration::ZERO) })
}

impl<S: fmt::Debug, K, R, E, F, T> fmt::Debug for CacheService<S, K, R, E, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheService")
            .field("inner", &self.inner)
            .field("layer", &self.layer)
            .finish_non_exhaustive()
    }
}
