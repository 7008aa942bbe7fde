//! What is kept of a request, for the case that its call falls.

/// Tells what to keep of a request before the call takes it.
pub trait Keeps<Request> {
    /// What is kept, in a [`Kept`]; or nothing, in a `()`.
    type Kept;

    /// What of `request` is kept.
    fn keep(&self, request: &Request) -> Self::Kept;
}

/// What was kept of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept<K>(pub K);

/// The default: a fallback does not look at the request, and nothing is copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepNothing;

impl<Request> Keeps<Request> for KeepNothing {
    type Kept = ();

    #[inline]
    fn keep(&self, _: &Request) {}
}

/// The whole request, cloned: what another service is called with where nothing else is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepRequest;

impl<Request: Clone> Keeps<Request> for KeepRequest {
    type Kept = Kept<Request>;

    #[inline]
    fn keep(&self, request: &Request) -> Kept<Request> {
        Kept(request.clone())
    }
}

/// What a closure takes from the request, such as its key.
#[derive(Clone, Copy, Debug)]
pub struct Keep<F>(pub(super) F);

impl<Request, K, F: Fn(&Request) -> K> Keeps<Request> for Keep<F> {
    type Kept = Kept<K>;

    #[inline]
    fn keep(&self, request: &Request) -> Kept<K> {
        Kept((self.0)(request))
    }
}
