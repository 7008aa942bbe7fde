//! How long a call may take, read off its request.

use std::time::Duration;

/// Tells how long a request may take.
///
/// Closures over `&Request` implement it.
pub trait Times<Request> {
    /// The time of this request; `None` for the one that is set.
    ///
    /// A request whose time is zero is refused as one whose deadline has passed.
    fn time(&self, request: &Request) -> Option<Duration>;
}

impl<Request, F: Fn(&Request) -> Option<Duration>> Times<Request> for F {
    #[inline]
    fn time(&self, request: &Request) -> Option<Duration> {
        self(request)
    }
}

/// The default: every request may take the time that is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetTime;

impl<Request> Times<Request> for SetTime {
    #[inline]
    fn time(&self, _: &Request) -> Option<Duration> {
        None
    }
}
