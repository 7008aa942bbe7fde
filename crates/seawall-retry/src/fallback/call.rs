//! Plain calls with something to fall back to.

use std::{fmt, future::Future};

use super::{Fallback, Falls, Refusals, Refused, To};

impl Fallback {
    /// Makes a call, and makes `instead` of it where it was refused.
    ///
    /// An error that is no refusal is the caller's; choose what falls with [`when`](Self::when).
    /// `instead` gets the error, and can hand it back.
    ///
    /// # Errors
    ///
    /// The call's own where it does not fall, and what `instead` ends in where it does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call, or what runs instead of it, and leaves nothing behind.
    #[inline]
    pub async fn call<T, E, F, Fut, I, Instead>(&self, call: F, instead: I) -> Result<T, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        I: FnOnce(E) -> Instead,
        Instead: Future<Output = Result<T, E>>,
        E: Refused + fmt::Debug,
    {
        self.when(Refusals::any()).call(call, instead).await
    }

    /// The same fallback for the errors that `when` is true of: a closure over `&E`,
    /// [`Refusals::only`] some, or [`AnyError`](super::AnyError).
    pub const fn when<W>(&self, when: W) -> Asked<'_, W> {
        Asked { fallback: self, when }
    }
}

/// A fallback that is told which errors fall: made by [`Fallback::when`].
#[derive(Clone, Copy, Debug)]
#[must_use = "it makes no call by itself"]
pub struct Asked<'a, W> {
    fallback: &'a Fallback,
    when: W,
}

impl<W> Asked<'_, W> {
    /// As [`Fallback::call`].
    ///
    /// # Errors
    ///
    /// Those of [`Fallback::call`].
    ///
    /// # Cancel safety
    ///
    /// As [`Fallback::call`].
    #[inline]
    pub async fn call<T, E, F, Fut, I, Instead>(self, call: F, instead: I) -> Result<T, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        I: FnOnce(E) -> Instead,
        Instead: Future<Output = Result<T, E>>,
        W: Falls<E>,
        E: fmt::Debug,
    {
        let Self { fallback, when } = self;
        match call().await {
            Err(error) if fallback.falls(&when, To::Closure, &error) => {
                instead(error).await.inspect_err(|error| fallback.failed(To::Closure, error))
            }
            result => result,
        }
    }
}
