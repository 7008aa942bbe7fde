//! A service that goes by a script: fine, fine, broken, hanging, fine again.

use std::{
    fmt,
    panic::resume_unwind,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use tower_service::Service;

use crate::Failure;

/// What a [`Scripted`] service does with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Answers with the request itself.
    Ok,
    /// Fails with [`Failure`] and the number of the call, from 0.
    Err,
    /// Never answers.
    Hang,
    /// Panics when the response is polled.
    Panic,
    /// Panics before there is a response to poll.
    PanicInCall,
}

/// A service that goes by a script, one [`Step`] a call; always ready.
///
/// Clones go on in the same script. The panics are quiet: they unwind without the message that the
/// panic hook would print.
///
/// # Examples
///
/// How does my code take it when the dependency fails twice and recovers?
///
/// ```
/// # use seawall_test::{Failure, Scripted, Step};
/// # use tower::ServiceExt;
/// let dependency = Scripted::new([Step::Err, Step::Err, Step::Ok]);
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// assert_eq!(dependency.clone().oneshot("a").await, Err(Failure(0)));
/// assert_eq!(dependency.clone().oneshot("b").await, Err(Failure(1)));
/// assert_eq!(dependency.clone().oneshot("c").await, Ok("c"));
/// assert_eq!(dependency.clone().oneshot("d").await, Ok("d")); // the last step goes on
/// # });
/// assert_eq!(dependency.calls(), 4);
/// ```
#[derive(Clone)]
pub struct Scripted {
    steps: Arc<[Step]>,
    exact: bool,
    calls: Arc<AtomicUsize>,
}

impl Scripted {
    /// Goes by `steps`, and repeats the last of them when they are over.
    ///
    /// # Panics
    ///
    /// Where there is no step.
    #[track_caller]
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        let steps: Arc<[Step]> = steps.into_iter().collect();
        assert!(!steps.is_empty(), "a script has at least one step");
        Self { steps, exact: false, calls: Arc::default() }
    }

    /// Goes by `steps`; a call after the last of them panics and says so.
    #[must_use]
    pub fn exactly(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), exact: true, calls: Arc::default() }
    }

    /// How many calls there were so far.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.load(SeqCst)
    }
}

impl<Request> Service<Request> for Scripted {
    type Response = Request;
    type Error = Failure;
    type Future = ScriptedFuture<Request>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    /// # Panics
    ///
    /// Where the script says so, and where an exact script is over.
    fn call(&mut self, request: Request) -> ScriptedFuture<Request> {
        let call = self.calls.fetch_add(1, SeqCst);
        let last = self.steps.len().saturating_sub(1);
        let step = if self.exact { self.steps.get(call) } else { self.steps.get(call.min(last)) };
        let Some(&step) = step else {
            panic!("the script has {} steps, and this is call {}", self.steps.len(), call + 1);
        };
        if step == Step::PanicInCall {
            panic_quietly(call);
        }
        ScriptedFuture { call, step, request: Some(request) }
    }
}

fn panic_quietly(call: usize) -> ! {
    resume_unwind(Box::new(format!("call {call} panicked, as it was told to")))
}

/// The response of a [`Scripted`] service.
#[must_use = "futures do nothing unless polled"]
pub struct ScriptedFuture<Request> {
    call: usize,
    step: Step,
    request: Option<Request>,
}

// Nothing in it is pinned.
impl<Request> Unpin for ScriptedFuture<Request> {}

impl<Request> Future for ScriptedFuture<Request> {
    type Output = Result<Request, Failure>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        match self.step {
            Step::Ok => Poll::Ready(Ok(self.request.take().expect("polled after it was ready"))),
            Step::Err => Poll::Ready(Err(Failure(self.call as u64))),
            Step::Hang => Poll::Pending,
            Step::Panic | Step::PanicInCall => panic_quietly(self.call),
        }
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripted")
            .field("steps", &self.steps)
            .field("exact", &self.exact)
            .field("calls", &self.calls())
            .finish()
    }
}

impl<Request> fmt::Debug for ScriptedFuture<Request> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedFuture")
            .field("call", &self.call)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}
