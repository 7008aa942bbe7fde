//! Refusals: what they say, where they are found, and the mark that they leave.

use std::{error::Error as StdError, fmt, io, sync::Arc, time::Duration};

use seawall_core::{Bound, BoxError, Error, Reason, Rejection, marks};

const REASONS: [Reason; 10] = [
    Reason::CircuitOpen,
    Reason::BulkheadFull,
    Reason::RateLimited,
    Reason::Timeout,
    Reason::DeadlineExceeded,
    Reason::Overloaded,
    Reason::QueueFull,
    Reason::NoShard,
    Reason::RetryBudgetSpent,
    Reason::ShuttingDown,
];

const BOUNDS: [Bound; 7] = [
    Bound::Limit,
    Bound::Queue,
    Bound::Wait,
    Bound::Share,
    Bound::Weight,
    Bound::Priority,
    Bound::Age,
];

fn refused() -> Rejection {
    Rejection::new(Reason::RateLimited, "api")
}

/// An error of somebody else's around another.
#[derive(Debug)]
struct Wrapper<E>(E);

impl<E> fmt::Display for Wrapper<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("somebody else's trouble")
    }
}

impl<E: StdError + 'static> StdError for Wrapper<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

mod found {
    use super::*;

    fn reason(error: &(dyn StdError + 'static)) -> Option<Reason> {
        Rejection::find(error).map(Rejection::reason)
    }

    #[test]
    fn itself() {
        assert_eq!(reason(&refused()), Some(Reason::RateLimited));
    }

    #[test]
    fn in_a_box() {
        let boxed: BoxError = refused().into();

        assert_eq!(reason(&*boxed), Some(Reason::RateLimited));
    }

    #[test]
    fn in_the_family_s_own_error_however_deep() {
        let once = Error::<io::Error>::Rejected(refused());
        let thrice = Error::Inner(Error::Inner(Error::<fmt::Error>::Rejected(refused())));

        assert_eq!(reason(&once), Some(Reason::RateLimited));
        assert_eq!(reason(&thrice), Some(Reason::RateLimited));
    }

    #[test]
    fn behind_errors_of_others() {
        let boxed: BoxError = Wrapper(Wrapper(Error::<fmt::Error>::from(refused()))).into();

        assert_eq!(reason(&*boxed), Some(Reason::RateLimited));
    }

    /// `io::Error::source` is the source of what it carries, and skips what it carries.
    #[test]
    fn as_what_an_io_error_carries() {
        let direct = io::Error::other(refused());
        let wrapped = Wrapper(io::Error::other(Error::<fmt::Error>::from(refused())));
        let nested = io::Error::other(Wrapper(io::Error::other(refused())));

        assert_eq!(reason(&direct), Some(Reason::RateLimited));
        assert_eq!(reason(&wrapped), Some(Reason::RateLimited));
        assert_eq!(reason(&nested), Some(Reason::RateLimited));
    }

    #[test]
    fn the_outermost_first() {
        let inner = Wrapper(Rejection::new(Reason::Timeout, "inner"));
        let outer = Error::Inner(inner);
        assert_eq!(reason(&outer), Some(Reason::Timeout));

        let outer: Error<Wrapper<Rejection>> = refused().into();
        assert_eq!(reason(&outer), Some(Reason::RateLimited));
    }

    #[test]
    fn nowhere_where_there_is_none() {
        let failed = Error::Inner(io::Error::other("down"));
        let plain = io::Error::from(io::ErrorKind::TimedOut);

        assert_eq!(reason(&failed), None);
        assert_eq!(reason(&plain), None);
        assert_eq!(reason(&io::Error::other(fmt::Error)), None);
    }
}

#[test]
fn a_refusal_says_who_and_why() {
    assert_eq!(refused().to_string(), "`api`: the rate limit is reached");
}

#[test]
fn a_refusal_says_when_to_come_back_where_that_is_known() {
    let refused = refused().with_retry_after(Duration::from_millis(1_500));

    assert_eq!(refused.to_string(), "`api`: the rate limit is reached; retry after 1.5s");
    assert_eq!(refused.retry_after(), Some(Duration::from_millis(1_500)));
}

#[test]
fn a_refusal_is_the_end_of_its_chain() {
    assert!(refused().source().is_none());
}

#[test]
fn the_parts_of_a_refusal_can_be_read() {
    let named = Rejection::new(Reason::NoShard, format!("shard-{}", 7));

    assert_eq!((named.name(), named.reason()), ("shard-7", Reason::NoShard));
    assert_eq!(named.retry_after(), None);
    assert_eq!(named, Rejection::new(Reason::NoShard, Arc::<str>::from("shard-7")));
}

#[test]
fn a_refusal_says_at_which_bound_where_that_is_known() {
    let full = Rejection::new(Reason::BulkheadFull, "reports");
    let waited = full.clone().with_bound(Bound::Wait);
    let hinted = waited.clone().with_retry_after(Duration::from_secs(2));

    assert_eq!((full.bound(), waited.bound()), (None, Some(Bound::Wait)));
    assert_ne!(full, waited);
    assert_eq!(
        hinted.to_string(),
        "`reports`: the bulkhead is full: no place came free in time; retry after 2s"
    );
}

#[test]
fn each_reason_and_each_bound_has_its_own_words() {
    fn assert_own<T: ToString, const N: usize>(all: &[T; N], as_str: fn(&T) -> &str) {
        let mut labels: Vec<_> = all.iter().map(as_str).collect();
        let mut messages: Vec<_> = all.iter().map(ToString::to_string).collect();
        assert!(labels.iter().all(|it| it.chars().all(|c| c == '_' || c.is_ascii_lowercase())));

        labels.sort_unstable();
        labels.dedup();
        messages.sort_unstable();
        messages.dedup();

        assert_eq!((labels.len(), messages.len()), (N, N));
    }

    assert_own(&REASONS, |reason| reason.as_str());
    assert_own(&BOUNDS, |bound| bound.as_str());
}

#[test]
fn a_refusal_leaves_a_mark() {
    for reason in REASONS.into_iter().filter(|reason| reason.is_local()) {
        let before = marks();

        let _ = Rejection::new(reason, "api");

        assert_eq!(marks(), before.wrapping_add(1), "{reason:?}");
    }
}

/// There the dependency was asked, and did not answer: that is news about it.
#[test]
fn a_timeout_leaves_none() {
    let before = marks();

    let _ = Rejection::new(Reason::Timeout, "api");

    assert_eq!(marks(), before);
    assert!(!Reason::Timeout.is_local());
}

#[test]
fn to_look_at_a_refusal_leaves_no_mark() {
    let error = Error::<fmt::Error>::from(refused());
    let before = marks();

    let moved: BoxError = error.clone().flatten();
    let copied = error.rejection().cloned().map(|copy| copy.with_retry_after(Duration::ZERO));
    let _ = (moved.to_string(), Rejection::find(&*moved), copied);

    assert_eq!(marks(), before);
}

#[test]
fn a_refusal_that_was_kept_leaves_a_mark_when_it_is_handed_on() {
    let kept = refused();
    let before = marks();

    let _ = Error::<fmt::Error>::from(kept);

    assert_ne!(marks(), before);
}

#[test]
fn marks_of_other_threads_are_not_seen() {
    let before = marks();

    std::thread::spawn(|| drop(refused())).join().unwrap();

    assert_eq!(marks(), before);
}
