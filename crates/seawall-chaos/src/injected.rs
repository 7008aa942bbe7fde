//! The error that chaos injects.

use std::{error, fmt, io};

use seawall_core::{Error, Name};

/// An error that says that it was injected, and by which chaos.
///
/// It is no [`Rejection`](seawall_core::Rejection): to the patterns around it is a failure of the
/// dependency, which is the point of the drill. It becomes a `BoxError`, an `io::Error`, a
/// [`seawall_core::Error`], and whatever of yours is `From<Injected>`.
///
/// # Examples
///
/// How do I tell a drill from the real thing, whatever the error's type?
///
/// ```
/// # use seawall_chaos::Injected;
/// let error = std::io::Error::from(Injected::new("db-a", 12));
/// let injected = Injected::find(&error).expect("it is in the chain");
/// assert_eq!(injected.name(), "db-a");
/// assert_eq!(injected.to_string(), "`db-a`: this error was injected by chaos (call 12)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Injected {
    name: Name,
    call: u64,
}

impl Injected {
    /// The error that the chaos called `name` injects into its call number `call`.
    ///
    /// Chaos makes its own; this is for the tests of whatever is `From<Injected>`.
    #[must_use]
    pub fn new(name: impl Into<Name>, call: u64) -> Self {
        let name = name.into();
        Self { name, call }
    }

    /// The name of the chaos.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of the call that was struck, counted from 0 when the chaos was armed.
    #[must_use]
    pub const fn call(&self) -> u64 {
        self.call
    }

    /// The first injected error in an error's chain of sources, the error itself included.
    #[must_use]
    pub fn find<'a>(error: &'a (dyn error::Error + 'static)) -> Option<&'a Self> {
        std::iter::successors(Some(error), |&error| inner(error).or_else(|| error.source()))
            .find_map(|error| error.downcast_ref::<Self>())
    }
}

/// What an `io::Error` wraps: its `source` passes over that, to what is behind it.
fn inner<'a>(error: &'a (dyn error::Error + 'static)) -> Option<&'a (dyn error::Error + 'static)> {
    let wrapped = error.downcast_ref::<io::Error>()?.get_ref()?;
    Some(wrapped)
}

impl fmt::Display for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, call } = self;
        write!(f, "`{name}`: this error was injected by chaos (call {call})")
    }
}

impl error::Error for Injected {}

impl From<Injected> for io::Error {
    fn from(injected: Injected) -> Self {
        Self::other(injected)
    }
}

impl<E: From<Injected>> From<Injected> for Error<E> {
    /// As the inner error: the call failed, nobody refused it.
    fn from(injected: Injected) -> Self {
        Self::Inner(injected.into())
    }
}
