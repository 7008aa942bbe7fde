//! Calls that are tried again: plain, blocking, and with a rule of the caller's own.

#[cfg(feature = "tokio")]
use std::future::Future;

use seawall_core::{Error, marks, park};

#[cfg(feature = "tokio")]
use crate::drive::Drive;
use crate::{
    Attempt, Decide, GaveUp, Retry, RetryError, RetryErrors, When,
    course::{Attempted, Next},
};

impl Retry {
    /// Makes a call, and makes it again where it fails.
    ///
    /// An `Err` by which a pattern further in refuses the call (a circuit that is open) is not tried
    /// again. Choose what is with [`decide`](Self::decide) or [`when`](Self::when).
    ///
    /// # Errors
    ///
    /// The last attempt's, with how many there were and why there is no other.
    ///
    /// # Panics
    ///
    /// Where `call` panics; and where it has to wait, or an attempt's time is limited, outside a tokio
    /// runtime with its time driver.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the attempt; in a wait, what the budget gave for the next goes back.
    #[cfg(feature = "tokio")]
    #[inline]
    pub fn call<T, E, F>(
        &self,
        call: impl FnMut(Attempt) -> F,
    ) -> impl Future<Output = Result<T, RetryError<E>>>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.decide(RetryErrors).call(call)
    }

    /// As [`call`](Self::call); the closure also gets the error of the attempt before, where that did
    /// not just take too long.
    ///
    /// # Errors
    ///
    /// Those of [`call`](Self::call).
    ///
    /// # Panics
    ///
    /// Those of [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Self::call).
    ///
    /// # Examples
    ///
    /// How do I go to another host when one does not answer?
    ///
    /// ```
    /// # use seawall_retry::Retry;
    /// # async fn get(host: &str) -> Result<u32, std::io::Error> {
    /// #     if host == "a" { Err(std::io::ErrorKind::ConnectionRefused.into()) } else { Ok(7) }
    /// # }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let retry = Retry::builder("catalog").build()?;
    /// let book = retry.call_with(|_, previous| get(if previous.is_none() { "a" } else { "b" }));
    /// assert_eq!(book.await.unwrap(), 7);
    /// # Ok::<(), seawall_retry::ConfigError>(())
    /// # }).unwrap();
    /// ```
    #[cfg(feature = "tokio")]
    #[inline]
    pub fn call_with<T, E, F>(
        &self,
        call: impl FnMut(Attempt, Option<&E>) -> F,
    ) -> impl Future<Output = Result<T, RetryError<E>>>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.decide(RetryErrors).call_with(call)
    }

    /// Makes a call that blocks, and makes it again where it fails; as [`call`](Self::call), with waits
    /// that park the thread.
    ///
    /// No attempt is cut short: the deadline only decides whether there is another.
    ///
    /// # Errors
    ///
    /// Those of [`call`](Self::call).
    ///
    /// # Panics
    ///
    /// Where `call` panics.
    #[inline]
    pub fn call_blocking<T, E>(
        &self,
        call: impl FnMut(Attempt) -> Result<T, E>,
    ) -> Result<T, RetryError<E>> {
        self.decide(RetryErrors).call_blocking(call)
    }

    /// Makes calls whose results `decide` tells the meaning of, refusals by patterns further in
    /// included.
    ///
    /// An attempt that takes too long has no result, and is worth another try.
    ///
    /// # Examples
    ///
    /// How do I obey the other side's wishes?
    ///
    /// ```
    /// # use seawall_retry::{Decision, Retry};
    /// # use std::time::Duration;
    /// # struct Answer { status: u16, retry_after: Option<Duration> }
    /// # fn get(_: &str) -> Result<Answer, std::io::Error> { Ok(Answer { status: 200, retry_after: None }) }
    /// let retry = Retry::builder("catalog").build()?;
    /// let by_status = |result: Result<&Answer, &std::io::Error>| match result {
    ///     Ok(Answer { status: 429 | 503, retry_after: Some(wait) }) => Decision::RetryAfter(*wait),
    ///     Ok(Answer { status: 429 | 502..=504, .. }) | Err(_) => Decision::Retry,
    ///     Ok(_) => Decision::Stop,
    /// };
    /// let answer = retry.decide(by_status).call_blocking(|_| get("/book/1"));
    /// # assert_eq!(answer.unwrap().status, 200);
    /// # Ok::<(), seawall_retry::ConfigError>(())
    /// ```
    pub const fn decide<D>(&self, decide: D) -> Deciding<'_, D> {
        Deciding { retry: self, decide }
    }

    /// Makes calls that are tried again after an error for which `worth_it` is true.
    pub const fn when<F>(&self, worth_it: F) -> Deciding<'_, When<F>> {
        self.decide(When(worth_it))
    }
}

/// A retry with a rule: made by [`Retry::decide`] and [`Retry::when`].
#[derive(Clone, Copy, Debug)]
#[must_use = "it makes no call by itself"]
pub struct Deciding<'a, D> {
    retry: &'a Retry,
    decide: D,
}

impl<'a, D> Deciding<'a, D> {
    /// As [`Retry::call`].
    ///
    /// # Errors
    ///
    /// Those of [`Retry::call`].
    ///
    /// # Panics
    ///
    /// Those of [`Retry::call`].
    ///
    /// # Cancel safety
    ///
    /// As [`Retry::call`].
    #[cfg(feature = "tokio")]
    #[inline]
    pub fn call<T, E, F>(
        self,
        mut call: impl FnMut(Attempt) -> F,
    ) -> impl Future<Output = Result<T, RetryError<E>>>
    where
        D: Decide<T, E>,
        F: Future<Output = Result<T, E>>,
    {
        self.call_with(move |attempt, _| call(attempt))
    }

    /// As [`Retry::call_with`].
    ///
    /// # Errors
    ///
    /// Those of [`Retry::call`].
    ///
    /// # Panics
    ///
    /// Those of [`Retry::call`].
    ///
    /// # Cancel safety
    ///
    /// As [`Retry::call`].
    #[cfg(feature = "tokio")]
    #[inline]
    pub fn call_with<T, E, F>(
        self,
        call: impl FnMut(Attempt, Option<&E>) -> F,
    ) -> impl Future<Output = Result<T, RetryError<E>>>
    where
        D: Decide<T, E>,
        F: Future<Output = Result<T, E>>,
    {
        Drive::new(self.retry, call, self.decide)
    }

    /// As [`Retry::call_blocking`].
    ///
    /// # Errors
    ///
    /// Those of [`Retry::call`].
    ///
    /// # Panics
    ///
    /// Where `call` panics.
    #[inline]
    pub fn call_blocking<T, E>(
        self,
        mut call: impl FnMut(Attempt) -> Result<T, E>,
    ) -> Result<T, RetryError<E>>
    where
        D: Decide<T, E>,
    {
        let shared = self.retry.shared();
        let mut course = shared.begin_now();
        loop {
            let attempt = shared.attempt(&mut course);
            course.send();
            let before = marks();
            let (wait, last) = match call(attempt) {
                Ok(answer) => {
                    let decision = self.decide.decide(Ok(&answer));
                    match shared.judge(&mut course, &decision, Attempted::Answered, true) {
                        Next::End(_) => return Ok(answer),
                        Next::Wait(wait) => (wait, Ok(answer)),
                    }
                }
                Err(error) => {
                    let decision = match marks() == before {
                        true => self.decide.decide(Err(&error)),
                        false => self.decide.decide_refused(&error),
                    };
                    match shared.judge(&mut course, &decision, Attempted::Failed, true) {
                        Next::End(why) => {
                            return Err(shared.error(&mut course, Error::Inner(error), why));
                        }
                        Next::Wait(wait) => (wait, Err(error)),
                    }
                }
            };
            park(wait);
            if shared.overslept(&mut course) {
                let failed =
                    |error| shared.error(&mut course, Error::Inner(error), GaveUp::Deadline);
                return last.map_err(failed);
            }
        }
    }
}
