//! The layer: hedges the calls of any number of services.

use tower_layer::Layer;

use super::{Hedge, HedgeService};
use crate::{CloneRequest, RetryErrors};

/// Wraps services so that a call that takes longer than most is made once more.
///
/// It is a layer once it was told which requests may be made twice, by [`replay`](Self::replay) or
/// [`replay_all`](Self::replay_all): a request that has an effect must not.
///
/// The layer holds the hedge: all services that it wraps learn together and share its budget. Errors
/// stay those of the inner service; a hedge refuses nothing.
///
/// # Examples
///
/// How do I hedge reads, and never a write?
///
/// ```
/// # use seawall_retry::{BoxError, Hedge, HedgeLayer};
/// # use tower::{ServiceBuilder, ServiceExt, service_fn};
/// #[derive(Clone)]
/// enum Request { Read(u32), Write(u32) }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let reads = |request: &Request| match request {
///     Request::Read(_) => Some(request.clone()),
///     Request::Write(_) => None,
/// };
/// let service = ServiceBuilder::new()
///     .layer(HedgeLayer::new(Hedge::builder("store").build()?).replay(reads))
///     .service(service_fn(|request: Request| async move { Ok::<_, BoxError>(request) }));
///
/// service.oneshot(Request::Read(7)).await?;
/// # Ok::<(), BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct HedgeLayer<R = NoReplay, D = RetryErrors> {
    hedge: Hedge,
    replay: R,
    decide: D,
}

impl HedgeLayer {
    /// A layer for `hedge`, to be told which requests may be made twice.
    pub const fn new(hedge: Hedge) -> Self {
        Self { hedge, replay: NoReplay, decide: RetryErrors }
    }
}

impl<R, D> HedgeLayer<R, D> {
    /// The same layer, with which requests may be made twice: those that `copy` makes a copy of.
    ///
    /// The copy is made before the call, by whoever calls, once there is a delay to hedge after.
    pub fn replay<Request, F>(self, copy: F) -> HedgeLayer<F, D>
    where
        F: Fn(&Request) -> Option<Request>,
    {
        HedgeLayer { hedge: self.hedge, replay: copy, decide: self.decide }
    }

    /// The same layer, where all requests may be made twice: none has an effect that a second one
    /// would repeat.
    pub fn replay_all(self) -> HedgeLayer<CloneRequest, D> {
        HedgeLayer { hedge: self.hedge, replay: CloneRequest, decide: self.decide }
    }

    /// The same layer with another rule for [what results mean](Hedge::decide).
    pub fn decide<B>(self, decide: B) -> HedgeLayer<R, B> {
        HedgeLayer { hedge: self.hedge, replay: self.replay, decide }
    }
}

impl<S, R: Clone, D: Clone> Layer<S> for HedgeLayer<R, D> {
    type Service = HedgeService<S, R, D>;

    fn layer(&self, inner: S) -> Self::Service {
        HedgeService::new(inner, self.hedge.clone(), self.replay.clone(), self.decide.clone())
    }
}

/// Nobody has said yet which requests may be made twice: what is wrapped so is no service.
#[derive(Clone, Copy, Debug)]
pub struct NoReplay;
