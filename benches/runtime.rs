//! A runtime for those peers that cannot be called outside one; nothing is run by it.

use std::task::{Context, Poll};

use tokio::runtime::{Builder, EnterGuard, Runtime};
use tower_service::Service;

/// A runtime with timers.
#[must_use]
pub fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("it has what it needs")
}

/// A service whose thread is in a runtime.
#[derive(Debug)]
pub struct Entered<'a, S> {
    service: S,
    _in: EnterGuard<'a>,
}

impl<'a, S> Entered<'a, S> {
    /// What `make` makes in `runtime`.
    pub fn new(runtime: &'a Runtime, make: impl FnOnce() -> S) -> Self {
        let entered = runtime.enter();
        Self { service: make(), _in: entered }
    }
}

impl<S: Service<()>> Service<()> for Entered<'_, S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, (): ()) -> S::Future {
        self.service.call(())
    }
}
