//! Retries written behind the call: `(|| get(7)).retry(&retry).await`.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use crate::{
    Attempt, Decide, Retry, RetryError, RetryErrors, When,
    drive::{Drive, Make},
};

/// Puts [`retry`](Self::retry) behind closures that make a call.
///
/// # Examples
///
/// How do I add retries to a call that is there already?
///
/// ```
/// # use seawall_retry::{Retry, RetryExt};
/// # use std::io::{Error, ErrorKind};
/// # async fn get(_: u32) -> Result<u32, Error> { Ok(7) }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let retry = Retry::builder("catalog").build()?;
/// let book = (|| get(1)).retry(&retry).when(|e: &Error| e.kind() != ErrorKind::NotFound).await;
/// # assert_eq!(book.unwrap(), 7);
/// # Ok::<(), seawall_retry::ConfigError>(())
/// # }).unwrap();
/// ```
pub trait RetryExt<F>: FnMut() -> F + Sized {
    /// The same call, tried again as `retry` says.
    fn retry(self, retry: &Retry) -> Retried<'_, Self> {
        Retried { call: self, retry, decide: RetryErrors }
    }
}

impl<C, F, T, E> RetryExt<F> for C
where
    C: FnMut() -> F,
    F: Future<Output = Result<T, E>>,
{
}

/// A call with its retries, to be awaited: made by [`RetryExt::retry`].
#[derive(Clone, Copy, Debug)]
#[must_use = "it makes no call until it is awaited"]
pub struct Retried<'a, C, D = RetryErrors> {
    call: C,
    retry: &'a Retry,
    decide: D,
}

impl<'a, C, D> Retried<'a, C, D> {
    /// The same call with a rule of your own: see [`Retry::decide`].
    pub fn decide<G>(self, decide: G) -> Retried<'a, C, G> {
        Retried { call: self.call, retry: self.retry, decide }
    }

    /// The same call, tried again after an error for which `worth_it` is true.
    pub fn when<G>(self, worth_it: G) -> Retried<'a, C, When<G>> {
        self.decide(When(worth_it))
    }
}

impl<'a, C, D, F, T, E> IntoFuture for Retried<'a, C, D>
where
    C: FnMut() -> F,
    D: Decide<T, E>,
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, RetryError<E>>;
    type IntoFuture = RetriedFuture<'a, C, D, F, E>;

    #[inline]
    fn into_future(self) -> Self::IntoFuture {
        RetriedFuture { drive: Drive::new(self.retry, Plain(self.call), self.decide) }
    }
}

pin_project! {
    /// A call with its retries: what a [`Retried`] becomes when it is awaited.
    ///
    /// # Panics
    ///
    /// When it is polled again after it was ready; otherwise as [`Retry::call`].
    #[must_use = "futures do nothing unless polled"]
    pub struct RetriedFuture<'a, C, D, F, E> {
        #[pin]
        drive: Drive<&'a Retry, Plain<C>, D, F, E>,
    }
}

/// A closure that does not ask which attempt it is.
struct Plain<C>(C);

impl<C: FnMut() -> F, F, E> Make<F, E> for Plain<C> {
    #[inline]
    fn make(&mut self, _: Attempt, _: Option<&E>) -> F {
        self.0()
    }
}

impl<C, D, F, T, E> Future for RetriedFuture<'_, C, D, F, E>
where
    C: FnMut() -> F,
    D: Decide<T, E>,
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, RetryError<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().drive.poll(cx)
    }
}

impl<C, D, F, E> fmt::Debug for RetriedFuture<'_, C, D, F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetriedFuture").field("phase", &self.drive.phase()).finish_non_exhaustive()
    }
}
