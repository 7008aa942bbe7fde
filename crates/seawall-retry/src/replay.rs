//! How a request is sent a second time.

/// Makes a request once more, before it is sent.
///
/// Closures implement it, for requests that are not `Clone`. What cannot be made again gets one
/// attempt, and its own answer.
///
/// # Examples
///
/// Only what may have its effect twice is sent twice:
///
/// ```
/// # use seawall_retry::Replay;
/// #[derive(Clone)]
/// struct Request { method: &'static str, body: Vec<u8> }
///
/// let gets = |request: &Request| (request.method == "GET").then(|| request.clone());
/// assert!(gets.again(&Request { method: "POST", body: vec![1] }).is_none());
/// ```
pub trait Replay<Request> {
    /// The same request again, or nothing where that can't be.
    ///
    /// Asked before each attempt but the last that may be made.
    fn again(&self, request: &Request) -> Option<Request>;
}

impl<Request, F: Fn(&Request) -> Option<Request>> Replay<Request> for F {
    #[inline]
    fn again(&self, request: &Request) -> Option<Request> {
        self(request)
    }
}

/// The default: a clone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CloneRequest;

impl<Request: Clone> Replay<Request> for CloneRequest {
    #[inline]
    fn again(&self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }
}
