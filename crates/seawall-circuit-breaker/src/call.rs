//! Calls made through a circuit: plain, blocking, and with a classifier.

use std::future::Future;

use seawall_core::{Classify, ErrIsFailure, Error, watch, watch_blocking};

use crate::CircuitBreaker;

impl CircuitBreaker {
    /// Makes a call if the circuit lets it in; an `Err` is a failure of the dependency.
    ///
    /// An `Err` by which a pattern further in refuses the call (a bulkhead that is full) is no news
    /// about the dependency, and is ignored. Choose what counts with [`classify`](Self::classify).
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] where the circuit rejects the call, and `call` was not called;
    /// [`Error::Inner`] where the call was made and failed.
    ///
    /// # Panics
    ///
    /// Where `call` panics; that is counted as the builder was told.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future reports a call that was cancelled, and frees a probe's place.
    #[inline]
    pub async fn call<T, E, F, Fut>(&self, call: F) -> Result<T, Error<E>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        self.classify(ErrIsFailure).call(call).await
    }

    /// Makes a call that blocks, if the circuit lets it in; as [`call`](Self::call).
    ///
    /// # Errors
    ///
    /// Those of [`call`](Self::call).
    ///
    /// # Panics
    ///
    /// Those of [`call`](Self::call).
    #[inline]
    pub fn call_blocking<T, E>(&self, call: impl FnOnce() -> Result<T, E>) -> Result<T, Error<E>> {
        self.classify(ErrIsFailure).call_blocking(call)
    }

    /// Makes calls whose results `classify` tells the meaning of.
    ///
    /// # Examples
    ///
    /// Which results should count as failures?
    ///
    /// ```
    /// # use seawall_circuit_breaker::{CircuitBreaker, Outcome};
    /// # fn get(_: &str) -> Result<u16, std::io::Error> { Ok(404) }
    /// let breaker = CircuitBreaker::builder("catalog").build()?;
    /// let by_status = |result: Result<&u16, &std::io::Error>| match result {
    ///     Ok(500..) | Err(_) => Outcome::Failure,
    ///     Ok(400..) => Outcome::Ignored, // the caller's own fault
    ///     Ok(_) => Outcome::Success,
    /// };
    /// let status = breaker.classify(by_status).call_blocking(|| get("/book/1"));
    /// # assert_eq!(status.unwrap(), 404);
    /// # Ok::<(), seawall_circuit_breaker::ConfigError>(())
    /// ```
    pub const fn classify<C>(&self, classify: C) -> Classified<'_, C> {
        Classified { breaker: self, classify }
    }
}

/// A breaker with a classifier: made by [`CircuitBreaker::classify`].
#[derive(Clone, Copy, Debug)]
#[must_use = "it makes no call by itself"]
pub struct Classified<'a, C> {
    breaker: &'a CircuitBreaker,
    classify: C,
}

impl<C> Classified<'_, C> {
    /// As [`CircuitBreaker::call`].
    ///
    /// # Errors
    ///
    /// Those of [`CircuitBreaker::call`].
    ///
    /// # Panics
    ///
    /// Those of [`CircuitBreaker::call`].
    ///
    /// # Cancel safety
    ///
    /// As [`CircuitBreaker::call`].
    #[inline]
    pub async fn call<T, E, F, Fut>(self, call: F) -> Result<T, Error<E>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
    {
        let permit = self.breaker.try_acquire()?;
        let (result, outcome) = watch(&self.classify, call()).await;
        permit.record(outcome);
        result.map_err(Error::Inner)
    }

    /// As [`CircuitBreaker::call_blocking`].
    ///
    /// # Errors
    ///
    /// Those of [`CircuitBreaker::call`].
    ///
    /// # Panics
    ///
    /// Those of [`CircuitBreaker::call`].
    #[inline]
    pub fn call_blocking<T, E>(self, call: impl FnOnce() -> Result<T, E>) -> Result<T, Error<E>>
    where
        C: Classify<T, E>,
    {
        let permit = self.breaker.try_acquire()?;
        let (result, outcome) = watch_blocking(&self.classify, call);
        permit.record(outcome);
        result.map_err(Error::Inner)
    }
}
