//! A Tower service to wrap, and how a wrapped one is timed: by hand and without a runtime.

use std::{
    error::Error,
    fmt, future,
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
};

use seawall_core::Rejection;
use tower_service::Service;

use crate::{group::Group, poll};

/// An error of a user's own, which a rejection can be turned into.
#[derive(Clone, Copy, Debug)]
pub struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failed")
    }
}

impl Error for Failed {}

impl From<Rejection> for Failed {
    fn from(_: Rejection) -> Self {
        Self
    }
}

/// A service that is always ready, and answers at once that all is well.
#[derive(Clone, Debug)]
pub struct Ready;

impl Service<()> for Ready {
    type Response = ();
    type Error = Failed;
    type Future = future::Ready<Result<(), Failed>>;

    #[inline]
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, (): ()) -> Self::Future {
        future::ready(black_box(Ok(())))
    }
}

/// Times calls that go well: each polls readiness, calls, and polls the response. Each thread has a
/// clone of `service`.
pub fn calls<S: Service<()> + Clone + Sync>(group: &mut Group<'_>, name: &str, service: &S) {
    calls_each(group, name, || service.clone());
}

/// As [`calls`], where each thread has a service that `make` makes there.
pub fn calls_each<S: Service<()>>(group: &mut Group<'_>, name: &str, make: impl Fn() -> S + Sync) {
    group.case_each(name, || {
        let mut service = make();
        move || call(&mut service)
    });
}

/// As [`calls`], of calls that are refused.
pub fn refusals<S: Service<()> + Clone + Sync>(group: &mut Group<'_>, name: &str, service: &S) {
    refusals_each(group, name, || service.clone());
}

/// As [`calls_each`], of calls that are refused.
pub fn refusals_each<S: Service<()>>(
    group: &mut Group<'_>,
    name: &str,
    make: impl Fn() -> S + Sync,
) {
    group.case_each(name, || {
        let mut service = make();
        move || refused_call(&mut service)
    });
}

/// One call that goes well.
#[inline]
pub fn call(service: &mut impl Service<()>) {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(service.poll_ready(&mut cx), Poll::Ready(Ok(()))), "nothing fails");
    let response = poll::ready(pin!(service.call(())));
    assert!(black_box(&response).is_ok(), "nothing fails");
}

/// One call that is refused.
#[inline]
pub fn refused_call(service: &mut impl Service<()>) {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(service.poll_ready(&mut cx), Poll::Ready(Ok(()))), "it refuses later");
    let response = poll::ready(pin!(service.call(())));
    assert!(black_box(&response).is_err(), "there is no room");
}
