//! The layer: hangs a bulkhead on any number of services, in one of three modes.
//!
//! | mode | while the bulkhead is full | needs |
//! |---|---|---|
//! | [`BulkheadLayer`] | a call waits in its queue, if it has one | services that are `Clone` |
//! | [`rejecting`](BulkheadLayer::rejecting) | a call is refused | |
//! | [`pending_while_full`](BulkheadLayer::pending_while_full) | the service is not ready | |

use seawall_core::{ErrIsFailure, Flatten};
use tower_layer::Layer;

use crate::{
    Bulkhead, BulkheadGateLayer, BulkheadRejectingLayer, BulkheadService, demand::OnePlace,
};

/// Wraps services so that their calls take a place in a [`Bulkhead`], and wait for it where that has a
/// queue.
///
/// The layer holds the bulkhead: all services that it wraps, and their clones, share its places. For
/// separate ones make a layer each, or one bulkhead a key with [`BulkheadsLayer`].
///
/// A call that waits does so before it touches the inner service: a clone of that gets ready when the
/// place is there, so that nobody who waits keeps a connection from those who don't. Where nobody
/// waits, nothing is cloned.
///
/// [`BulkheadsLayer`]: crate::BulkheadsLayer
///
/// # Examples
///
/// How do I limit a Tower service, with errors that stay its own?
///
/// ```
/// # use seawall_bulkhead::{Bulkhead, BulkheadLayer};
/// # use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let bulkhead = Bulkhead::builder("reports").limit(32).queue(64).build()?;
/// let service = ServiceBuilder::new()
///     .layer(BulkheadLayer::new(bulkhead.clone()).flatten())
///     .service(service_fn(|year: u32| async move { Ok::<u32, BoxError>(year) }));
///
/// assert_eq!(service.oneshot(2026).await?, 2026);
/// # Ok::<(), BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct BulkheadLayer<D = OnePlace, C = ErrIsFailure> {
    bulkhead: Bulkhead,
    demands: D,
    classify: C,
}

impl BulkheadLayer {
    /// A layer for `bulkhead`, or for a [partition](Bulkhead::partition) of it; each call takes one
    /// place, and, to an adaptive limit, an `Err` was dropped for the load.
    pub const fn new(bulkhead: Bulkhead) -> Self {
        Self { bulkhead, demands: OnePlace, classify: ErrIsFailure }
    }
}

impl<D, C> BulkheadLayer<D, C> {
    /// The same layer, with [what each request asks for](crate::Demand).
    pub fn demand<E>(self, demands: E) -> BulkheadLayer<E, C> {
        BulkheadLayer { bulkhead: self.bulkhead, demands, classify: self.classify }
    }

    /// The same layer with another rule for what an adaptive limit takes for dropped.
    pub fn classify<B>(self, classify: B) -> BulkheadLayer<D, B> {
        BulkheadLayer { bulkhead: self.bulkhead, demands: self.demands, classify }
    }

    /// The same layer for services whose error is to stay as it is: a rejection becomes one by
    /// `From<Rejection>`.
    pub const fn flatten(self) -> Flatten<Self> {
        Flatten::new(self)
    }

    /// The same layer in another mode: a call that finds no place is refused, and never waits.
    pub fn rejecting(self) -> BulkheadRejectingLayer<D, C> {
        BulkheadRejectingLayer::new(self.bulkhead, self.demands, self.classify)
    }
}

impl<C> BulkheadLayer<OnePlace, C> {
    /// The same layer in another mode: back-pressure. Services are not ready until they have a place
    /// for their next call, which they then keep for it.
    pub fn pending_while_full(self) -> BulkheadGateLayer<C> {
        BulkheadGateLayer::new(self.bulkhead, self.classify)
    }
}

impl<S, D: Clone, C: Clone> Layer<S> for BulkheadLayer<D, C> {
    type Service = BulkheadService<S, D, C>;

    fn layer(&self, inner: S) -> Self::Service {
        BulkheadService::new(
            inner,
            self.bulkhead.clone(),
            self.demands.clone(),
            self.classify.clone(),
        )
    }
}
