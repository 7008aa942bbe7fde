//! Whatever the inner error is.

use std::{convert::Infallible, fmt};

use tower_layer::Layer;
use tower_service::Service;

use super::{Inner, bench::bench, law::Law};
use crate::{Answer, BoxError, Failure};

/// An error that can't be cloned, as `std::io::Error` can't.
#[derive(Debug)]
pub struct Unclonable(u64);

impl fmt::Display for Unclonable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed with {}, once", self.0)
    }
}

impl std::error::Error for Unclonable {}

/// The layer takes a service whose error is a [`BoxError`].
///
/// What it catches: a bound `E: std::error::Error`, which a boxed error does not meet.
///
/// # Panics
///
/// Where calls do not come back as the inner service answers them.
pub fn works_with_box_error<L>(layer: &L)
where
    L: Layer<Inner<BoxError>>,
    L::Service: Service<u64, Response = u64>,
{
    let law = Law("works_with_box_error");
    succeeds(&law, layer);
    fails(&law, layer, || Failure(1).into());
}

/// The layer takes a service that never fails.
///
/// What it catches: a bound such as `E: From<…>` or `E: Default` on the inner error.
///
/// # Panics
///
/// Where a call does not come back as the inner service answers it.
pub fn works_with_infallible<L>(layer: &L)
where
    L: Layer<Inner<Infallible>>,
    L::Service: Service<u64, Response = u64>,
{
    succeeds(&Law("works_with_infallible"), layer);
}

/// The layer takes a service whose error can't be cloned.
///
/// What it catches: a bound `E: Clone` (tower-resilience #346: no `std::io::Error`).
///
/// # Panics
///
/// Where calls do not come back as the inner service answers them.
pub fn works_with_an_unclonable_error<L>(layer: &L)
where
    L: Layer<Inner<Unclonable>>,
    L::Service: Service<u64, Response = u64>,
{
    let law = Law("works_with_an_unclonable_error");
    succeeds(&law, layer);
    fails(&law, layer, || Unclonable(1));
}

fn succeeds<L, E>(law: &Law, layer: &L)
where
    L: Layer<Inner<E>>,
    L::Service: Service<u64, Response = u64>,
{
    let (inner, bench) = bench();
    let mut service = layer.layer(inner);
    match bench.serve(&mut service, 3) {
        Ok(Ok(_)) => {}
        Ok(Err(_)) => law.broken("the inner service succeeds, and the call fails"),
        Err(stuck) => law.broken(stuck),
    }
}

fn fails<L, E: 'static>(law: &Law, layer: &L, error: fn() -> E)
where
    L: Layer<Inner<E>>,
    L::Service: Service<u64, Response = u64>,
{
    let (inner, bench) = bench();
    let mut service = layer.layer(inner);
    bench.held.answer_with(move |_| Answer::Err(error()));
    match bench.ask(&mut service, 3) {
        Ok(Err(_)) => {}
        Ok(Ok(_)) => law.broken("the inner service fails, and the call succeeds"),
        Err(stuck) => law.broken(stuck),
    }
}
