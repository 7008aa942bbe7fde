//! What an attempt's result means: is it worth another try?

use std::time::Duration;

use seawall_core::Backoff;

/// What to do after an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Nothing: this is the answer.
    Stop,
    /// Try again, after what the backoff says.
    Retry,
    /// Try again, not before the time that the other side asked for, such as by `Retry-After`.
    ///
    /// A time that is longer than [`max_retry_after`](crate::RetryBuilder::max_retry_after), or than
    /// the deadline leaves, ends the call at once.
    RetryAfter(Duration),
    /// Try again in exactly this time, at once where it is none: the other side has chosen it for this
    /// call, as by gRPC's `grpc-retry-pushback-ms`.
    ///
    /// Chance adds nothing, and the backoff begins anew for the attempt after that. A time that is longer
    /// than [`max_retry_after`](crate::RetryBuilder::max_retry_after), or than the deadline leaves, ends
    /// the call at once.
    Pushback(Duration),
    /// Try again, after what another backoff says for this attempt: a longer one where the other side
    /// throttles.
    RetryWith(Backoff),
}

/// Tells what an attempt's result means.
///
/// Closures over `Result<&T, &E>` implement it.
///
/// # Examples
///
/// Which answers are worth another try?
///
/// ```
/// # use seawall_retry::{Decide, Decision};
/// # use std::time::Duration;
/// struct Answer { status: u16, retry_after: Option<Duration> }
///
/// let by_status = |result: Result<&Answer, &std::io::Error>| match result {
///     Ok(Answer { status: 429 | 503, retry_after: Some(wait) }) => Decision::RetryAfter(*wait),
///     Ok(Answer { status: 429 | 502 | 503 | 504, .. }) | Err(_) => Decision::Retry,
///     Ok(_) => Decision::Stop,
/// };
/// let busy = Answer { status: 503, retry_after: None };
/// assert_eq!(by_status.decide(Ok(&busy)), Decision::Retry);
/// ```
pub trait Decide<T, E> {
    /// What to do after `result`.
    fn decide(&self, result: Result<&T, &E>) -> Decision;

    /// What to do after a refusal by a pattern further in: an open circuit, a full bulkhead.
    ///
    /// As [`decide`](Self::decide), unless a rule says otherwise.
    #[inline]
    fn decide_refused(&self, error: &E) -> Decision {
        self.decide(Err(error))
    }
}

impl Decision {
    /// The wait that the other side asked for.
    pub(crate) const fn asked(&self) -> Option<Duration> {
        match self {
            Self::RetryAfter(time) | Self::Pushback(time) => Some(*time),
            Self::Stop | Self::Retry | Self::RetryWith(_) => None,
        }
    }
}

impl<T, E, F: Fn(Result<&T, &E>) -> Decision> Decide<T, E> for F {
    #[inline]
    fn decide(&self, result: Result<&T, &E>) -> Decision {
        self(result)
    }
}

/// The default: every `Err` is worth another try, unless a pattern further in refused the call: what
/// protects the other side is not to be stormed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetryErrors;

impl<T, E> Decide<T, E> for RetryErrors {
    #[inline]
    fn decide(&self, result: Result<&T, &E>) -> Decision {
        match result {
            Ok(_) => Decision::Stop,
            Err(_) => Decision::Retry,
        }
    }

    #[inline]
    fn decide_refused(&self, _: &E) -> Decision {
        Decision::Stop
    }
}

/// An `Err` for which `f` is true is worth another try.
#[derive(Clone, Copy, Debug)]
pub struct When<F>(pub(crate) F);

impl<T, E, F: Fn(&E) -> bool> Decide<T, E> for When<F> {
    #[inline]
    fn decide(&self, result: Result<&T, &E>) -> Decision {
        match result {
            Err(error) if (self.0)(error) => Decision::Retry,
            _ => Decision::Stop,
        }
    }
}
