//! Calls made in a place: plain, blocking, and with a classifier.

#[cfg(feature = "tokio")]
use seawall_core::watch;
use seawall_core::{Classify, ErrIsFailure, Error, watch_blocking};

use crate::Bulkhead;
#[cfg(feature = "tokio")]
use crate::{Acquire, Demand, Permit, acquire::Begun};

impl Bulkhead {
    /// Makes a call in a place, and waits for that where there is a queue.
    ///
    /// Where the limit is [adaptive](crate::Adaptive), an `Err` counts as a call that was dropped for
    /// the load, unless a pattern further in refused it; choose what counts with
    /// [`classify`](Self::classify).
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] where [`acquire`](Self::acquire) refuses, and `call` was not called;
    /// [`Error::Inner`] where the call was made and failed.
    ///
    /// # Panics
    ///
    /// Those of [`acquire`](Self::acquire), and where `call` panics; its place is given back.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives back its place, in line or in flight.
    #[cfg(feature = "tokio")]
    #[inline]
    pub async fn call<T, E, F, Fut>(&self, call: F) -> Result<T, Error<E>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        self.classify(ErrIsFailure).call(call).await
    }

    /// Makes a call that blocks in a place, and blocks for that too where there is a queue; as
    /// [`call`](Self::call).
    ///
    /// # Errors
    ///
    /// Those of [`call`](Self::call).
    ///
    /// # Panics
    ///
    /// Where `call` panics; its place is given back.
    #[inline]
    pub fn call_blocking<T, E>(&self, call: impl FnOnce() -> Result<T, E>) -> Result<T, Error<E>> {
        self.classify(ErrIsFailure).call_blocking(call)
    }

    /// Makes calls whose results `classify` tells the meaning of, to an adaptive limit: an
    /// [`Outcome::Failure`](seawall_core::Outcome::Failure) was dropped for the load.
    pub const fn classify<C>(&self, classify: C) -> Classified<'_, C> {
        Classified { bulkhead: self, classify }
    }
}

/// A bulkhead with a classifier: made by [`Bulkhead::classify`].
#[derive(Clone, Copy, Debug)]
#[must_use = "it makes no call by itself"]
pub struct Classified<'a, C> {
    bulkhead: &'a Bulkhead,
    classify: C,
}

impl<C> Classified<'_, C> {
    /// As [`Bulkhead::call`].
    ///
    /// # Errors
    ///
    /// Those of [`Bulkhead::call`].
    ///
    /// # Panics
    ///
    /// Those of [`Bulkhead::call`].
    ///
    /// # Cancel safety
    ///
    /// As [`Bulkhead::call`].
    #[cfg(feature = "tokio")]
    #[inline]
    pub async fn call<T, E, F, Fut>(self, call: F) -> Result<T, Error<E>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
    {
        let demand = Demand::new();
        let permit = match self.bulkhead.enter(demand.weight, demand.priority) {
            Ok(started) => Permit::new(self.bulkhead, demand.weight, started),
            Err(bound) => match Begun::or_wait(self.bulkhead, demand, bound)? {
                Begun::Over(permit) => permit,
                Begun::InLine(line) => Acquire::in_line(line).await?,
            },
        };
        let permit = permit.of_call();
        let (result, outcome) = watch(&self.classify, call()).await;
        permit.record(outcome);
        result.map_err(Error::Inner)
    }

    /// As [`Bulkhead::call_blocking`].
    ///
    /// # Errors
    ///
    /// Those of [`Bulkhead::call`].
    ///
    /// # Panics
    ///
    /// Those of [`Bulkhead::call_blocking`].
    #[inline]
    pub fn call_blocking<T, E>(self, call: impl FnOnce() -> Result<T, E>) -> Result<T, Error<E>>
    where
        C: Classify<T, E>,
    {
        let permit = self.bulkhead.acquire_blocking()?.of_call();
        let (result, outcome) = watch_blocking(&self.classify, call);
        permit.record(outcome);
        result.map_err(Error::Inner)
    }
}
