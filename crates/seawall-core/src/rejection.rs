//! What a pattern says when it refuses a call: one small type for the whole family.
//!
//! A caller handles "refused" once, whichever pattern refused: see [`Reason`] for what each means
//! and what to do about it.
//!
//! # Refusals are no news about the dependency
//!
//! A bulkhead that is full says nothing about the health of what it guards. A pattern that draws
//! conclusions from failures must therefore tell a refusal from a failure, through error types that
//! it does not know. Each [`Rejection`] that is [`local`](Reason::is_local) leaves a mark on the
//! thread that makes it, or hands it on as an [`Error`](crate::Error) (a layer can know a refusal for
//! some time before its response is polled); whoever polls a call compares [`marks`] from before the
//! poll and after it.

use std::{cell::Cell, error::Error, fmt, io, time::Duration};

use crate::{Bound, Name, Nanos};

/// Why a call was refused.
///
/// | reason | what happened | what to do |
/// |---|---|---|
/// | `CircuitOpen` | the dependency fails, so it is not called | fall back; try again after `retry_after` |
/// | `BulkheadFull` | the compartment has no place left | shed, or try another member |
/// | `RateLimited` | the quota is used up | wait for `retry_after` |
/// | `Timeout` | the call took too long | it may have had an effect: retry only what may be repeated |
/// | `DeadlineExceeded` | the caller's time is over | give up: nobody waits for the answer |
/// | `Overloaded` | the service sheds load | slow down; try again later, with jitter |
/// | `QueueFull` | no place to wait in | shed, or try later |
/// | `NoShard` | no member owns the key, or none is up | check the topology |
/// | `RetryBudgetSpent` | retries would be too large a share of the traffic | take the error as it is |
/// | `ShuttingDown` | the service drains | go to another instance |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A circuit breaker is open.
    CircuitOpen,
    /// A bulkhead has no place left.
    BulkheadFull,
    /// A rate limiter's quota is used up.
    RateLimited,
    /// The call took longer than it was allowed to.
    Timeout,
    /// The deadline of the whole request has passed, or would pass while waiting.
    DeadlineExceeded,
    /// The service sheds load.
    Overloaded,
    /// A queue has no place left.
    QueueFull,
    /// No shard or replica can take the call.
    NoShard,
    /// A retry was due, and the retry budget does not allow it.
    RetryBudgetSpent,
    /// The service is shutting down.
    ShuttingDown,
}

impl Reason {
    /// The reason as one lower-case word, for labels of metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CircuitOpen => "circuit_open",
            Self::BulkheadFull => "bulkhead_full",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Overloaded => "overloaded",
            Self::QueueFull => "queue_full",
            Self::NoShard => "no_shard",
            Self::RetryBudgetSpent => "retry_budget_spent",
            Self::ShuttingDown => "shutting_down",
        }
    }

    /// Whether the refusal was decided on this side, without asking the dependency.
    ///
    /// Only a [`Timeout`](Self::Timeout) is not: there the dependency was asked and did not answer
    /// in time, which says a lot about it.
    #[must_use]
    pub const fn is_local(self) -> bool {
        !matches!(self, Self::Timeout)
    }

    const fn message(self) -> &'static str {
        match self {
            Self::CircuitOpen => "the circuit is open",
            Self::BulkheadFull => "the bulkhead is full",
            Self::RateLimited => "the rate limit is reached",
            Self::Timeout => "the call timed out",
            Self::DeadlineExceeded => "the deadline has passed",
            Self::Overloaded => "the service is overloaded",
            Self::QueueFull => "the queue is full",
            Self::NoShard => "no shard can take the call",
            Self::RetryBudgetSpent => "the retry budget is spent",
            Self::ShuttingDown => "the service is shutting down",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

/// A call that was refused: why, by whom, at which of its bounds, and when to come back.
///
/// # Examples
///
/// How do I find out, whatever the error's type, that a call was refused?
///
/// ```
/// # use seawall_core::{BoxError, Error, Reason, Rejection};
/// # use std::time::Duration;
/// let refused = Rejection::new(Reason::RateLimited, "api").with_retry_after(Duration::from_secs(2));
/// let error: BoxError = Error::<std::io::Error>::Rejected(refused).into();
///
/// let found = Rejection::find(&*error).expect("it is in the chain");
/// assert_eq!(found.reason(), Reason::RateLimited);
/// assert_eq!(found.retry_after(), Some(Duration::from_secs(2)));
/// assert_eq!(found.to_string(), "`api`: the rate limit is reached; retry after 2s");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejection {
    name: Name,
    retry_after: RetryAfter,
    reason: Reason,
    bound: Option<Bound>,
}

/// A duration or none, in one word: every result of a guarded call has room for a refusal.
#[derive(Clone, Copy, PartialEq, Eq)]
struct RetryAfter(u64);

impl RetryAfter {
    const UNKNOWN: Self = Self(u64::MAX);

    const fn get(self) -> Option<Duration> {
        match self {
            Self::UNKNOWN => None,
            Self(nanos) => Some(Duration::from_nanos(nanos)),
        }
    }
}

impl fmt::Debug for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

impl Rejection {
    /// A refusal by the handle called `name`.
    #[must_use]
    pub fn new(reason: Reason, name: impl Into<Name>) -> Self {
        let (name, retry_after) = (name.into(), RetryAfter::UNKNOWN);
        let rejection = Self { name, retry_after, reason, bound: None };
        rejection.mark();
        rejection
    }

    /// Leaves a mark where the refusal is local: when it is made, and when it is handed on.
    pub(crate) fn mark(&self) {
        if self.reason.is_local() {
            MARKS.set(MARKS.get().wrapping_add(1));
        }
    }

    /// The same refusal, with the time after which a call may be let in; some 584 years at most.
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        self.with_retry_after_nanos(Nanos::from(wait).0)
    }

    /// The same for patterns, which reckon in nanoseconds: a refusal need not divide and multiply.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub const fn with_retry_after_nanos(mut self, wait: u64) -> Self {
        self.retry_after = RetryAfter(if wait == u64::MAX { wait - 1 } else { wait });
        self
    }

    /// The same refusal, with the bound that it ran into.
    #[must_use]
    pub const fn with_bound(mut self, bound: Bound) -> Self {
        self.bound = Some(bound);
        self
    }

    /// Why the call was refused.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The name of the handle that refused.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which bound the call ran into, where the pattern that refused has more than one.
    #[must_use]
    pub const fn bound(&self) -> Option<Bound> {
        self.bound
    }

    /// How long to wait before it is worth trying again, where that is known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after.get()
    }

    /// The first refusal in an error's chain of sources, the error itself included.
    #[must_use]
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        std::iter::successors(Some(error), |&error| next(error))
            .find_map(|error| error.downcast_ref::<Self>())
    }
}

/// The next link of an error's chain.
fn next<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    // The source of an `io::Error` is the source of what it carries: the thing itself is skipped.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(carried) => Some(carried),
        None => error.source(),
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.name, self.reason)?;
        if let Some(bound) = self.bound {
            write!(f, ": {bound}")?;
        }
        match self.retry_after() {
            Some(wait) => write!(f, "; retry after {wait:?}"),
            None => Ok(()),
        }
    }
}

impl Error for Rejection {}

thread_local! {
    static MARKS: Cell<u32> = const { Cell::new(0) };
}

/// How many local refusals were made on this thread so far (it wraps).
///
/// For patterns, not for their users: where it differs before and after a poll that ended in an
/// error, the error is a refusal from further in, and no news about the dependency.
#[doc(hidden)]
#[inline]
#[must_use]
pub fn marks() -> u32 {
    MARKS.get()
}
