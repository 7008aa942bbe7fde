//! Which bound a refusal ran into, where a pattern has more than one.

use std::fmt;

/// Which bound a refusal ran into: kept by a [`Rejection`](crate::Rejection), beside its reason.
///
/// The [`Reason`](crate::Reason) says what a caller should do; the bound says which setting decided,
/// to whoever looks after them.
///
/// | bound | what happened | what it tells |
/// |---|---|---|
/// | `Limit` | every place is taken, and there is no queue | the limit is small, or calls are slow |
/// | `Queue` | everybody who may wait waits already | more comes in than goes out |
/// | `Wait` | no place came free within the longest wait | calls take longer than one may wait |
/// | `Share` | the partition's share, and all that it may borrow, are taken | one partition wants more than its part |
/// | `Weight` | the call weighs more than the limit | it can't get in at this limit, however long it waits |
/// | `Priority` | its priority is below what is let in at present | the least important goes first |
/// | `Age` | it waited too long in a queue that does not drain | the queue stands: it adds delay, and no throughput |
///
/// # Examples
///
/// How do I count refusals by what was full?
///
/// ```
/// # use seawall_core::{Bound, Reason, Rejection};
/// fn label(refused: &Rejection) -> &'static str {
///     refused.bound().map_or(refused.reason().as_str(), Bound::as_str)
/// }
///
/// let refused = Rejection::new(Reason::BulkheadFull, "reports").with_bound(Bound::Queue);
/// assert_eq!(label(&refused), "queue");
/// assert_eq!(refused.to_string(), "`reports`: the bulkhead is full: no place to wait in");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Bound {
    /// Every place is taken, and there is no queue.
    Limit,
    /// Everybody who may wait waits already.
    Queue,
    /// No place came free within the longest wait.
    Wait,
    /// The partition's share, and all that it may borrow, are taken.
    Share,
    /// The call weighs more than the limit.
    Weight,
    /// The call's priority is below what is let in at present.
    Priority,
    /// The call waited too long in a queue that does not drain.
    Age,
}

impl Bound {
    /// The bound as one lower-case word, for labels of metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Queue => "queue",
            Self::Wait => "wait",
            Self::Share => "share",
            Self::Weight => "weight",
            Self::Priority => "priority",
            Self::Age => "age",
        }
    }

    /// Worded so as to follow a reason.
    const fn message(self) -> &'static str {
        match self {
            Self::Limit => "every place is taken",
            Self::Queue => "no place to wait in",
            Self::Wait => "no place came free in time",
            Self::Share => "the partition's share is taken",
            Self::Weight => "the call weighs more than the limit",
            Self::Priority => "the call's priority is too low at present",
            Self::Age => "the call waited too long in a standing queue",
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}
