//! A service that watches how it is used.
//!
//! A Tower service may be called only after `poll_ready` of *that instance* has said `Ready`, and
//! once for each time it did. A [`Probe`] around the inner service sees whether a middleware keeps to
//! it, and counts what becomes of the calls.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use tower_service::Service;

/// Wraps a service, and watches whether and how it is called.
///
/// Clones share the counts. A clone starts unready, as the clone of a service must.
///
/// # Examples
///
/// Does my middleware call the instance that it polled?
///
/// ```
/// # use seawall_test::{Probe, Scripted, Step};
/// # use tower::{ServiceExt, limit::ConcurrencyLimit};
/// let (probe, seen) = Probe::new(Scripted::new([Step::Ok]));
/// let service = ConcurrencyLimit::new(probe, 2);
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// assert_eq!(service.oneshot("hello").await, Ok("hello"));
/// # });
/// assert_eq!((seen.calls(), seen.completed(), seen.peak()), (1, 1, 1));
/// assert_eq!(seen.unready_calls(), 0);
/// ```
pub struct Probe<S> {
    inner: S,
    ready: bool,
    strict: bool,
    counts: Arc<Counts>,
}

/// Reads what the clones of one [`Probe`] have seen.
#[derive(Clone)]
pub struct ProbeHandle(Arc<Counts>);

/// Tests count by one and assert on sums: the strongest ordering leaves nothing to explain.
#[derive(Default)]
struct Counts {
    polls: AtomicUsize,
    reserved: AtomicUsize,
    calls: AtomicUsize,
    unready_calls: AtomicUsize,
    in_flight: AtomicUsize,
    peak: AtomicUsize,
    completed: AtomicUsize,
    dropped: AtomicUsize,
    panicked: AtomicUsize,
}

impl<S> Probe<S> {
    /// Watches `inner`; a call of an instance that was not ready panics.
    #[must_use]
    pub fn new(inner: S) -> (Self, ProbeHandle) {
        Self::with(inner, true)
    }

    /// Watches `inner`; a call of an instance that was not ready is only counted.
    #[must_use]
    pub fn lenient(inner: S) -> (Self, ProbeHandle) {
        Self::with(inner, false)
    }

    fn with(inner: S, strict: bool) -> (Self, ProbeHandle) {
        let counts = Arc::new(Counts::default());
        let handle = ProbeHandle(Arc::clone(&counts));
        let probe = Self { inner, ready: false, strict, counts };
        (probe, handle)
    }

    /// Another handle to the same counts.
    #[must_use]
    pub fn handle(&self) -> ProbeHandle {
        ProbeHandle(Arc::clone(&self.counts))
    }

    /// The service that is watched.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    fn set_ready(&mut self, ready: bool) {
        match (self.ready, ready) {
            (false, true) => _ = self.counts.reserved.fetch_add(1, SeqCst),
            (true, false) => _ = self.counts.reserved.fetch_sub(1, SeqCst),
            _ => {}
        }
        self.ready = ready;
    }
}

impl<S: Clone> Clone for Probe<S> {
    /// Readiness is a promise to one instance, so the clone starts without.
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            ready: false,
            strict: self.strict,
            counts: Arc::clone(&self.counts),
        }
    }
}

impl<S> Drop for Probe<S> {
    fn drop(&mut self) {
        self.set_ready(false);
    }
}

impl<S: Service<Request>, Request> Service<Request> for Probe<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = ProbeFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.counts.polls.fetch_add(1, SeqCst);
        let readiness = self.inner.poll_ready(cx);
        self.set_ready(matches!(readiness, Poll::Ready(Ok(()))));
        readiness
    }

    /// # Panics
    ///
    /// Where this instance was not polled ready since its last call, unless the probe is lenient.
    fn call(&mut self, request: Request) -> Self::Future {
        if !self.ready {
            self.counts.unready_calls.fetch_add(1, SeqCst);
            assert!(
                !self.strict,
                "called without `poll_ready` having returned `Ready` on this instance"
            );
        }
        self.set_ready(false);
        let mut flight = Flight::start(&self.counts);
        let future = self.inner.call(request);
        flight.end = End::Dropped;
        ProbeFuture { future, flight: Some(flight) }
    }
}

/// One call on its way, and how it ends if nothing more is heard of it.
struct Flight {
    counts: Arc<Counts>,
    end: End,
}

#[derive(Clone, Copy)]
enum End {
    Completed,
    Dropped,
    Panicked,
}

impl Flight {
    fn start(counts: &Arc<Counts>) -> Self {
        counts.calls.fetch_add(1, SeqCst);
        let now = counts.in_flight.fetch_add(1, SeqCst) + 1;
        counts.peak.fetch_max(now, SeqCst);
        Self {
            counts: Arc::clone(counts),
            end: End::Panicked, // until the inner `call` has returned
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.counts.in_flight.fetch_sub(1, SeqCst);
        let ended = match self.end {
            End::Completed => &self.counts.completed,
            End::Dropped => &self.counts.dropped,
            End::Panicked => &self.counts.panicked,
        };
        ended.fetch_add(1, SeqCst);
    }
}

pin_project_lite::pin_project! {
    /// The response of a [`Probe`].
    #[must_use = "futures do nothing unless polled"]
    pub struct ProbeFuture<F> {
        #[pin]
        future: F,
        flight: Option<Flight>,
    }
}

impl<F: Future> Future for ProbeFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let set = |flight: &mut Option<Flight>, end| {
            if let Some(flight) = flight {
                flight.end = end;
            }
        };
        set(this.flight, End::Panicked); // where the poll does not come back
        let polled = this.future.poll(cx);
        if polled.is_ready() {
            set(this.flight, End::Completed);
            *this.flight = None;
        } else {
            set(this.flight, End::Dropped);
        }
        polled
    }
}

impl ProbeHandle {
    /// How often an instance was asked whether it is ready.
    #[must_use]
    pub fn polls(&self) -> usize {
        self.0.polls.load(SeqCst)
    }

    /// How many instances have said that they are ready, and still wait for their call.
    ///
    /// Where readiness is a permit (a connection, a place in a limit), that many are tied up.
    #[must_use]
    pub fn reserved(&self) -> usize {
        self.0.reserved.load(SeqCst)
    }

    /// How many calls were made.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.0.calls.load(SeqCst)
    }

    /// How many of them were made on an instance that was not ready.
    #[must_use]
    pub fn unready_calls(&self) -> usize {
        self.0.unready_calls.load(SeqCst)
    }

    /// How many calls are on their way now.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.0.in_flight.load(SeqCst)
    }

    /// How many there were at most at one time.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.0.peak.load(SeqCst)
    }

    /// How many calls were answered, with a response or an error.
    #[must_use]
    pub fn completed(&self) -> usize {
        self.0.completed.load(SeqCst)
    }

    /// How many futures were dropped before they were done.
    #[must_use]
    pub fn dropped(&self) -> usize {
        self.0.dropped.load(SeqCst)
    }

    /// How many calls panicked.
    #[must_use]
    pub fn panicked(&self) -> usize {
        self.0.panicked.load(SeqCst)
    }
}

impl<S: fmt::Debug> fmt::Debug for Probe<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe")
            .field("inner", &self.inner)
            .field("ready", &self.ready)
            .field("seen", &self.handle())
            .finish_non_exhaustive()
    }
}

impl<F> fmt::Debug for ProbeFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProbeFuture").finish_non_exhaustive()
    }
}

impl fmt::Debug for ProbeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProbeHandle")
            .field("calls", &self.calls())
            .field("unready_calls", &self.unready_calls())
            .field("in_flight", &self.in_flight())
            .field("peak", &self.peak())
            .field("completed", &self.completed())
            .field("dropped", &self.dropped())
            .field("panicked", &self.panicked())
            .field("reserved", &self.reserved())
            .field("polls", &self.polls())
            .finish()
    }
}
