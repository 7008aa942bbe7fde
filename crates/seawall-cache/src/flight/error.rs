//! What comes of a load that gave no value, for all who waited for it.

use std::{any::Any, error::Error, fmt, sync::Arc};

use seawall_core::{BoxError, Rejection};

/// A load was made and gave no value: it failed, or it panicked.
///
/// All who waited for the load get the same error: it is cloned by counting, whatever `E` is.
///
/// As a [`std::error::Error`] it prints its own level only; `source()` is the loader's error itself, so
/// that whoever walks the chain finds it by its own type.
///
/// # Examples
///
/// How do I get at the loader's error?
///
/// ```
/// # use seawall_cache::{Error, LoadError, SingleFlight};
/// # use std::{error::Error as _, io};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let users = SingleFlight::<u32, String, io::Error>::builder("users").build()?;
/// let error = users.run(7, || async { Err(io::ErrorKind::NotFound.into()) }).await.unwrap_err();
///
/// if let Error::Inner(LoadError::Failed(error)) = &error {
///     assert_eq!(error.kind(), io::ErrorKind::NotFound);
/// }
/// let found = error.source().and_then(|load| load.source()).unwrap();
/// assert!(found.is::<io::Error>());
/// # Ok::<(), seawall_cache::ConfigError>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadError<E> {
    /// The loader's error.
    Failed(Arc<E>),
    /// The load panicked in another task. In the task that it ran in, the panic went on.
    Panicked(Panicked),
    /// The load asked for its own key, and would have waited for itself.
    Recursive,
    /// The source was asked, and has no value for the key.
    Absent,
}

impl<E> LoadError<E> {
    pub(crate) fn failed(error: E) -> Self {
        Self::Failed(Arc::new(error))
    }

    /// The loader's error, where that is what it is.
    #[must_use]
    pub fn inner(&self) -> Option<&E> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Panicked(_) | Self::Recursive | Self::Absent => None,
        }
    }
}

impl LoadError<BoxError> {
    /// The same as a boxed error, with the loader's one as its source: a boxed error is none by itself.
    #[must_use]
    pub fn boxed(self) -> BoxError {
        Boxed(self).into()
    }
}

/// A refusal as the loader's error: for a stack of layers whose error is flat.
impl<E: From<Rejection>> From<Rejection> for LoadError<E> {
    fn from(refused: Rejection) -> Self {
        Self::failed(refused.into())
    }
}

/// An error that was boxed before it was shared.
#[derive(Debug)]
struct Boxed(LoadError<BoxError>);

impl fmt::Display for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Boxed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            LoadError::Failed(error) => Some(&***error),
            LoadError::Panicked(panicked) => Some(panicked),
            LoadError::Recursive | LoadError::Absent => None,
        }
    }
}

impl<E> Clone for LoadError<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Failed(error) => Self::Failed(error.clone()),
            Self::Panicked(panicked) => Self::Panicked(panicked.clone()),
            Self::Recursive => Self::Recursive,
            Self::Absent => Self::Absent,
        }
    }
}

impl<E> fmt::Display for LoadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed(_) => "the load failed",
            Self::Panicked(_) => "the load did not end",
            Self::Recursive => "the load waits for its own key",
            Self::Absent => "there is no value for the key",
        })
    }
}

impl<E: Error + 'static> Error for LoadError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(&**error),
            Self::Panicked(panicked) => Some(panicked),
            Self::Recursive | Self::Absent => None,
        }
    }
}

/// A load panicked: what it said.
///
/// The panic itself went on in the task that polled the load; who only waited for it gets this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panicked(Arc<str>);

impl Panicked {
    pub(crate) fn new(panic: &(dyn Any + Send)) -> Self {
        let text = match (panic.downcast_ref::<&'static str>(), panic.downcast_ref::<String>()) {
            (Some(text), _) => text,
            (_, Some(text)) => text.as_str(),
            _ => "(no text)",
        };
        Self(text.into())
    }

    /// What the panic said; a placeholder where it carried something other than text.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the load panicked: {}", self.0)
    }
}

impl Error for Panicked {}
