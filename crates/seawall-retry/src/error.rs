//! What is left of a call that failed in the end.

use std::{fmt, time::Duration};

use seawall_core::Error;

/// Why a call was not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GaveUp {
    /// The error is not worth another try.
    Final,
    /// All attempts were made.
    Attempts,
    /// The request cannot be sent a second time.
    NotRepeatable,
    /// The time is over, or would be by the next attempt.
    Deadline,
    /// The other side asked for a longer wait than one may be.
    RetryAfter,
    /// Retries would be too large a share of the traffic.
    Budget,
}

impl GaveUp {
    const fn message(self) -> &'static str {
        match self {
            Self::Final => "it is not worth another try",
            Self::Attempts => "no attempt is left",
            Self::NotRepeatable => "the request cannot be sent again",
            Self::Deadline => "no time is left",
            Self::RetryAfter => "the other side asks for a longer wait than is allowed",
            Self::Budget => "the retry budget is spent",
        }
    }
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

/// A call that failed, however often it was tried: the last error, and what led to it.
///
/// The source is the last attempt's error: [`Error::Inner`] with the caller's own, or
/// [`Error::Rejected`] where the attempt took too long.
///
/// # Examples
///
/// How do I get at my own error?
///
/// ```
/// # use seawall_retry::{Retry, RetryError};
/// # use std::time::Duration;
/// let retry = Retry::builder("catalog").max_attempts(1).build()?;
/// let failed: RetryError<&str> = retry.call_blocking(|_| Err::<(), _>("no")).unwrap_err();
/// assert_eq!((failed.attempts(), failed.inner()), (1, Some(&"no")));
/// # Ok::<(), seawall_retry::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryError<E>(Box<Failed<E>>);

/// In a box: a call that does well hands on no room for all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Failed<E> {
    last: Error<E>,
    attempts: u32,
    elapsed: Duration,
    why: GaveUp,
}

impl<E> RetryError<E> {
    pub(crate) fn new(last: Error<E>, attempts: u32, elapsed: Duration, why: GaveUp) -> Self {
        Self(Box::new(Failed { last, attempts, elapsed, why }))
    }

    /// How many attempts were made.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long all of it took, to a few milliseconds; counted as by
    /// [`Attempt::elapsed`](crate::Attempt::elapsed).
    #[must_use]
    pub const fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// Why it was not tried again.
    #[must_use]
    pub const fn why(&self) -> GaveUp {
        self.0.why
    }

    /// The last attempt's error.
    #[must_use]
    pub const fn last(&self) -> &Error<E> {
        &self.0.last
    }

    /// The last attempt's error, by value.
    #[must_use]
    pub fn into_last(self) -> Error<E> {
        self.0.last
    }

    /// The caller's own error, unless the last attempt took too long.
    #[must_use]
    pub const fn inner(&self) -> Option<&E> {
        self.0.last.inner()
    }
}

impl<E> fmt::Display for RetryError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failed { attempts, elapsed, why, .. } = &*self.0;
        let plural = if *attempts == 1 { "" } else { "s" };
        write!(f, "the call failed after {attempts} attempt{plural} in {elapsed:.1?}: {why}")
    }
}

impl<E: std::error::Error + 'static> std::error::Error for RetryError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.last {
            Error::Inner(error) => Some(error),
            Error::Rejected(rejection) => Some(rejection),
        }
    }
}

impl<E> From<RetryError<E>> for Error<E> {
    fn from(failed: RetryError<E>) -> Self {
        failed.into_last()
    }
}
