//! Which errors fall.

use seawall_core::{BoxError, Error, Reason, Rejection};

use crate::RetryError;

/// Tells whether an error falls.
///
/// Closures over `&E` implement it.
pub trait Falls<E> {
    /// Whether to answer with something else than `error`.
    fn falls(&self, error: &E) -> bool;
}

impl<E, F: Fn(&E) -> bool> Falls<E> for F {
    fn falls(&self, error: &E) -> bool {
        self(error)
    }
}

/// The default: a refusal falls, and no error of the service's own.
///
/// It needs an error that can tell: one that is [`Refused`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// All where not set.
    only: Option<Vec<Reason>>,
}

impl Refusals {
    /// Refusals for any reason.
    #[must_use]
    pub const fn any() -> Self {
        Self { only: None }
    }

    /// Refusals for one of these reasons.
    #[must_use]
    pub fn only(reasons: impl IntoIterator<Item = Reason>) -> Self {
        Self { only: Some(reasons.into_iter().collect()) }
    }
}

impl<E: Refused> Falls<E> for Refusals {
    fn falls(&self, error: &E) -> bool {
        let Some(rejection) = error.rejection() else {
            return false;
        };
        self.only.as_ref().is_none_or(|only| only.contains(&rejection.reason()))
    }
}

/// Every error falls, bugs and bad requests included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnyError;

impl<E> Falls<E> for AnyError {
    fn falls(&self, _: &E) -> bool {
        true
    }
}

/// An error that can tell whether it is a refusal.
///
/// # Examples
///
/// How do I make my own error one?
///
/// ```
/// # use seawall_retry::{Rejection, fallback::Refused};
/// enum MyError { Refused(Rejection), NotFound }
///
/// impl Refused for MyError {
///     fn rejection(&self) -> Option<&Rejection> {
///         match self {
///             Self::Refused(rejection) => Some(rejection),
///             Self::NotFound => None,
///         }
///     }
/// }
/// # assert!(MyError::NotFound.rejection().is_none());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't tell whether it is a refusal",
    note = "say which errors fall with `when`, or implement `Refused`"
)]
pub trait Refused {
    /// The refusal, if it is one.
    fn rejection(&self) -> Option<&Rejection>;
}

impl Refused for Rejection {
    fn rejection(&self) -> Option<&Rejection> {
        Some(self)
    }
}

impl<E> Refused for Error<E> {
    fn rejection(&self) -> Option<&Rejection> {
        self.rejection()
    }
}

impl<E> Refused for RetryError<E> {
    fn rejection(&self) -> Option<&Rejection> {
        self.last().rejection()
    }
}

impl Refused for BoxError {
    fn rejection(&self) -> Option<&Rejection> {
        Rejection::find(&**self)
    }
}
