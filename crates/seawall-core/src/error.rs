//! The error of a guarded call: refused, or made and failed.

use crate::Rejection;

/// Any error, boxed: what tower calls by the same name.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What comes back from a guarded call that did not succeed.
///
/// The inner error is neither boxed nor changed. Several layers need not nest: `layer.flatten()`
/// gives a service whose error is any `E: From<Rejection>`, and this type is one of those, as are
/// [`BoxError`] and an enum of yours.
///
/// As a [`std::error::Error`] it prints its own level only; `source()` is the refusal or the inner
/// error, so that whoever walks the chain finds either.
///
/// # Examples
///
/// How do I tell "refused" from "failed"?
///
/// ```
/// # use seawall_core::{Error, Reason, Rejection};
/// fn answer(outcome: Result<u32, Error<std::io::Error>>) -> String {
///     match outcome {
///         Ok(value) => value.to_string(),
///         Err(Error::Rejected(refused)) => format!("come back in {:?}", refused.retry_after()),
///         Err(Error::Inner(error)) => format!("failed: {error}"),
///     }
/// }
/// # let refused = Rejection::new(Reason::CircuitOpen, "db");
/// # assert_eq!(answer(Err(refused.into())), "come back in None");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error<E> {
    /// The call was refused, and never made.
    #[error("the call was refused")]
    Rejected(#[source] Rejection),
    /// The call was made, and failed.
    #[error("the call failed")]
    Inner(#[source] E),
}

impl<E> Error<E> {
    /// The refusal, where the call was refused.
    #[must_use]
    pub const fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            Self::Inner(_) => None,
        }
    }

    /// The inner error, where the call was made and failed.
    #[must_use]
    pub const fn inner(&self) -> Option<&E> {
        match self {
            Self::Rejected(_) => None,
            Self::Inner(error) => Some(error),
        }
    }

    /// The inner error by value, where the call was made and failed.
    #[must_use]
    pub fn into_inner(self) -> Option<E> {
        match self {
            Self::Rejected(_) => None,
            Self::Inner(error) => Some(error),
        }
    }

    /// The same error with its inner error changed by `f`.
    pub fn map_inner<F>(self, f: impl FnOnce(E) -> F) -> Error<F> {
        match self {
            Self::Rejected(rejection) => Error::Rejected(rejection),
            Self::Inner(error) => Error::Inner(f(error)),
        }
    }

    /// One flat error: the inner one, or the refusal as the same type.
    ///
    /// `Error<Error<E>>` becomes `Error<E>`; any error becomes a [`BoxError`] or an enum of yours.
    #[must_use]
    pub fn flatten<F: From<Rejection> + From<E>>(self) -> F {
        match self {
            Self::Rejected(rejection) => rejection.into(),
            Self::Inner(error) => error.into(),
        }
    }
}

impl<E> From<Rejection> for Error<E> {
    fn from(rejection: Rejection) -> Self {
        rejection.mark();
        Self::Rejected(rejection)
    }
}
