//! What a call's result means to the patterns that watch it.

use std::{future::Future, pin::pin};

use crate::rejection::marks;

/// What a finished call says about the dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase")
)]
pub enum Outcome {
    /// It answered, and the answer is a good one.
    Success,
    /// It did not answer, or answered that it can't.
    Failure,
    /// It says nothing, such as a request that the caller got wrong.
    Ignored,
}

/// Tells what a result means: a failure of the dependency, or not.
///
/// Closures over `Result<&T, &E>` implement it.
///
/// # Examples
///
/// Which errors should count?
///
/// ```
/// # use seawall_core::{Classify, Outcome};
/// # use std::io;
/// let only_io_counts = |result: Result<&u16, &io::Error>| match result {
///     Ok(500..) => Outcome::Failure,
///     Ok(_) => Outcome::Success,
///     Err(error) if error.kind() == io::ErrorKind::InvalidInput => Outcome::Ignored,
///     Err(_) => Outcome::Failure,
/// };
/// assert_eq!(only_io_counts.classify(Ok(&503)), Outcome::Failure);
/// ```
pub trait Classify<T, E> {
    /// What `result` means.
    fn classify(&self, result: Result<&T, &E>) -> Outcome;
}

impl<T, E, F> Classify<T, E> for F
where
    F: Fn(Result<&T, &E>) -> Outcome,
{
    #[inline]
    fn classify(&self, result: Result<&T, &E>) -> Outcome {
        self(result)
    }
}

/// The default: every `Ok` is a success, every `Err` a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrIsFailure;

impl<T, E> Classify<T, E> for ErrIsFailure {
    #[inline]
    fn classify(&self, result: Result<&T, &E>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Failure,
        }
    }
}

/// What a result says about the dependency.
///
/// An error is no news where a pattern further in refused the call: since `marks_before`, which was
/// taken before the poll that ended in it, a refusal was made on this thread.
#[doc(hidden)]
#[inline]
pub fn meaning<T, E>(
    classify: &impl Classify<T, E>,
    result: &Result<T, E>,
    marks_before: u32,
) -> Outcome {
    match result {
        Err(_) if marks() != marks_before => Outcome::Ignored,
        result => classify.classify(result.as_ref()),
    }
}

/// The result of a call, and its [`meaning`].
#[doc(hidden)]
#[inline]
pub async fn watch<T, E>(
    classify: &impl Classify<T, E>,
    call: impl Future<Output = Result<T, E>>,
) -> (Result<T, E>, Outcome) {
    let mut call = pin!(call);
    // The marks of the last poll are what counts.
    let (result, before) = std::future::poll_fn(|cx| {
        let before = marks();
        call.as_mut().poll(cx).map(|result| (result, before))
    })
    .await;
    let outcome = meaning(classify, &result, before);
    (result, outcome)
}

/// As [`watch`], of a call that blocks.
#[doc(hidden)]
#[inline]
pub fn watch_blocking<T, E>(
    classify: &impl Classify<T, E>,
    call: impl FnOnce() -> Result<T, E>,
) -> (Result<T, E>, Outcome) {
    let before = marks();
    let result = call();
    let outcome = meaning(classify, &result, before);
    (result, outcome)
}
