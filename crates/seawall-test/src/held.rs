//! A service whose every answer, and whose readiness, the test gives by hand.

mod future;
mod handle;

use std::{
    collections::VecDeque,
    fmt,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;
use tower_service::Service;

pub use self::{
    future::HeldFuture,
    handle::{HeldCall, HeldHandle},
};

/// What a [`Held`] service says to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer<Response, Error> {
    /// This response.
    Ok(Response),
    /// This error.
    Err(Error),
    /// Nothing, until the test answers by hand.
    Hold,
    /// A panic when the response is polled.
    Panic,
    /// A panic before there is a response to poll.
    PanicInCall,
}

/// A service that answers when the test says so.
///
/// It is ready, and holds each call until the test answers it through the [`HeldHandle`]; both can be
/// changed there. Clones share the calls and the readiness.
///
/// # Examples
///
/// How do I look at a middleware while a call is on its way?
///
/// ```
/// # use seawall_test::{Failure, Held, Task};
/// # use std::{pin::pin, task::Poll};
/// # use tower::{Service, ServiceExt, limit::ConcurrencyLimit};
/// let (held, handle) = Held::<&str, u16, Failure>::new();
/// let service = ConcurrencyLimit::new(held, 1);
/// let task = Task::new();
/// let mut first = pin!(service.clone().oneshot("first"));
/// let mut second = pin!(service.clone().oneshot("second"));
/// assert!(task.poll(first.as_mut()).is_pending());
/// assert!(task.poll(second.as_mut()).is_pending());
///
/// assert_eq!(handle.waiting(), 1); // the limit holds the other one back
/// assert_eq!(handle.ok(200), "first");
/// assert_eq!(task.poll(first.as_mut()), Poll::Ready(Ok(200)));
/// ```
pub struct Held<Request, Response, Error>(Shared<Request, Response, Error>);

type Shared<Request, Response, Error> = Arc<Mutex<State<Request, Response, Error>>>;
type Rule<Request, Response, Error> =
    Arc<dyn Fn(&Request) -> Answer<Response, Error> + Send + Sync>;

struct State<Request, Response, Error> {
    unready: bool,
    wakers: Vec<Waker>,
    readiness_errors: VecDeque<Error>,
    /// What is said to a call at once; nothing is allocated then.
    rule: Option<Rule<Request, Response, Error>>,
    waiting: VecDeque<HeldCall<Request, Response, Error>>,
}

impl<Request, Response, Error> Held<Request, Response, Error> {
    /// A service that is ready and answers nothing, and the handle to answer with.
    #[must_use]
    pub fn new() -> (Self, HeldHandle<Request, Response, Error>) {
        let held = Self(Arc::new(Mutex::new(State {
            unready: false,
            wakers: Vec::new(),
            readiness_errors: VecDeque::new(),
            rule: None,
            waiting: VecDeque::new(),
        })));
        let handle = held.handle();
        (held, handle)
    }

    /// Another handle to the same calls.
    #[must_use]
    pub fn handle(&self) -> HeldHandle<Request, Response, Error> {
        HeldHandle(Arc::clone(&self.0))
    }
}

impl<Request, Response, Error> Service<Request> for Held<Request, Response, Error> {
    type Response = Response;
    type Error = Error;
    type Future = HeldFuture<Response, Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let mut state = self.0.lock();
        if let Some(error) = state.readiness_errors.pop_front() {
            return Poll::Ready(Err(error));
        }
        if state.unready {
            if !state.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
                state.wakers.push(cx.waker().clone());
            }
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    /// # Panics
    ///
    /// Where the answer is [`Answer::PanicInCall`].
    fn call(&mut self, request: Request) -> HeldFuture<Response, Error> {
        let rule = self.0.lock().rule.clone();
        match rule.map_or(Answer::Hold, |rule| rule(&request)) {
            Answer::Hold => {
                let (future, call) = future::held(request);
                self.0.lock().waiting.push_back(call);
                future
            }
            Answer::PanicInCall => future::panic_quietly(),
            answer => HeldFuture::answered(answer),
        }
    }
}

impl<Request, Response, Error> Clone for Held<Request, Response, Error> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Request, Response, Error> fmt::Debug for Held<Request, Response, Error> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.handle()).finish()
    }
}
