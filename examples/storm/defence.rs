//! The runs: what each client has that the one before it has not.
//!
//! | run | tries again | a call may take | around each member | has a key | before all that |
//! |---|---|---:|---|---|---|
//! | bare | never | 0.4 s | | one member | |
//! | naive | twice, at once | 1.2 s | | one | |
//! | retry | Seawall's: twice, after a jittered wait, within a budget | 1 s | | one | |
//! | + breaker | the same | 1 s | a circuit breaker | one | |
//! | + bulkhead | the same | 1 s | a circuit breaker and a bulkhead | one | |
//! | + replicas | the same | 1 s | the same | two | |
//! | + quotas | the same | 1 s | the same | two | a quota for each tenant |
//!
//! In all of them an attempt may take 0.4 s.
//!
//! **A pattern is one more row here**, after the run that it adds to.

use std::{fmt, time::Duration};

/// How long an attempt may take, from the request to the last byte of its answer.
pub(crate) const TIME_OUT: Duration = Duration::from_millis(400);

/// The attempts of a call, where there can be more than one.
pub(crate) const ATTEMPTS: u32 = 3;

/// What a client does about failure, run by run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Defence {
    Bare,
    /// A loop.
    Naive,
    /// A retry with jitter, a budget and a deadline.
    Retry,
    /// The retry, and a breaker.
    Breaker,
    /// The retry, the breaker and a bulkhead.
    Bulkhead,
    /// The retry, the breaker, the bulkhead, and a copy of each key at a second member.
    Replicas,
    /// The retry, the breaker, the bulkhead, the copies, and a quota for each tenant.
    Limiter,
}

impl Defence {
    pub(crate) const ALL: [Self; 7] = [
        Self::Bare,
        Self::Naive,
        Self::Retry,
        Self::Breaker,
        Self::Bulkhead,
        Self::Replicas,
        Self::Limiter,
    ];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Bare => "Bare client",
            Self::Naive => "With naive retries: three attempts, at once",
            Self::Retry => "With retries that have jitter, a budget and a deadline",
            Self::Breaker => "With a circuit breaker around each member too",
            Self::Bulkhead => "With a bulkhead around each member too",
            Self::Replicas => "With a copy of each key at a second member too",
            Self::Limiter => "With a quota for each tenant too",
        }
    }
}

impl fmt::Display for Defence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bare => "bare",
            Self::Naive => "naive",
            Self::Retry => "retry",
            Self::Breaker => "+ breaker",
            Self::Bulkhead => "+ bulkhead",
            Self::Replicas => "+ replicas",
            Self::Limiter => "+ quotas",
        })
    }
}
