//! Whether a call that was refused is made again at another node.
//!
//! A node that cannot get ready costs the call nothing but time: the request is still there, and goes to the next.
//! Once it is called the request is gone, and only who has a copy can ask another node. That is the user's choice,
//! as a copy costs something, and as he alone knows which errors say that nothing was done.

use std::error::Error;

use seawall_core::Rejection;

/// Whether a request is kept for another node while one is called.
pub trait FailOver<Request, E> {
    /// Whether a copy is wanted at all.
    fn goes_on(&self) -> bool {
        true
    }

    /// A copy of a request that is about to be called. It is asked for only where there is another node to go to.
    fn copy(&self, request: &Request) -> Option<Request>;

    /// Whether the error says that the call was never made.
    fn was_refused(&self, error: &E) -> bool;
}

/// A call is made once: its error is the answer, whatever it says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Once;

impl<Request, E> FailOver<Request, E> for Once {
    #[inline]
    fn goes_on(&self) -> bool {
        false
    }

    #[inline]
    fn copy(&self, _request: &Request) -> Option<Request> {
        None
    }

    #[inline]
    fn was_refused(&self, _error: &E) -> bool {
        false
    }
}

/// A call that was refused is made again at the next node, by two closures: made by `fail_over`.
#[derive(Clone, Copy, Debug)]
pub struct Again<C, R> {
    pub(crate) copy: C,
    pub(crate) refused: R,
}

impl<C, R, Request, E> FailOver<Request, E> for Again<C, R>
where
    C: Fn(&Request) -> Option<Request>,
    R: Fn(&E) -> bool,
{
    #[inline]
    fn copy(&self, request: &Request) -> Option<Request> {
        (self.copy)(request)
    }

    fn was_refused(&self, error: &E) -> bool {
        (self.refused)(error)
    }
}

/// Whether there is a [`Rejection`] in an error's chain that was decided on this side: the node was never asked.
///
/// A time-out is none of these: a call that took too long may have had its effect.
///
/// # Examples
///
/// ```
/// # use seawall_core::{Error, Reason, Rejection};
/// # use seawall_shard::sharded::was_refused;
/// let error = |reason| Error::<std::io::Error>::Rejected(Rejection::new(reason, "db-a"));
/// assert!(was_refused(&error(Reason::CircuitOpen)));
/// assert!(!was_refused(&error(Reason::Timeout)));
/// ```
#[must_use]
pub fn was_refused(error: &(dyn Error + 'static)) -> bool {
    Rejection::find(error).is_some_and(|rejection| rejection.reason().is_local())
}
