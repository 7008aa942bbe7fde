//! The error that the services of this crate fail with, and how to find it again.

use std::{error::Error, fmt};

/// Any error, boxed: what tower calls by the same name.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The error of a call that was told to fail, with a number to know it by.
///
/// # Examples
///
/// Did the middleware keep the error that it was given?
///
/// ```
/// # use seawall_test::{BoxError, Failure};
/// let error: BoxError = Failure(7).into();
/// assert_eq!(Failure::find(&*error), Some(&Failure(7)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Failure(pub u64);

impl Failure {
    /// The first of them in an error's chain of sources, the error itself included.
    #[must_use]
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        std::iter::successors(Some(error), |&error| error.source())
            .find_map(|error| error.downcast_ref::<Self>())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call {} failed, as it was told to", self.0)
    }
}

impl Error for Failure {}
