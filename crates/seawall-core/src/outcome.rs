//! What a call's result means to the patterns that watch it.

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
