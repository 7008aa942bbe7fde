//! The hand that answers.

use std::{fmt, sync::Arc};

use super::{Answer, Shared, future::Slot};

/// Answers the calls of a [`Held`](super::Held) service, and opens and closes its readiness.
///
/// Clones answer the same calls.
pub struct HeldHandle<Request, Response, Error>(pub(super) Shared<Request, Response, Error>);

/// One call that waits for its answer: made by [`HeldHandle::take_call`].
///
/// Dropped without an answer, the call hangs.
#[must_use = "the call hangs until it is answered"]
pub struct HeldCall<Request, Response, Error> {
    pub(super) request: Request,
    pub(super) slot: Arc<Slot<Response, Error>>,
}

impl<Request, Response, Error> HeldHandle<Request, Response, Error> {
    /// How many calls wait for an answer; those whose futures were dropped no longer do.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let mut state = self.0.lock();
        state.waiting.retain(|call| !call.is_dropped());
        state.waiting.len()
    }

    /// Takes the call that has waited longest, to answer it in its own time.
    #[must_use]
    pub fn take_call(&self) -> Option<HeldCall<Request, Response, Error>> {
        let mut state = self.0.lock();
        state.waiting.retain(|call| !call.is_dropped());
        state.waiting.pop_front()
    }

    #[track_caller]
    fn oldest(&self) -> HeldCall<Request, Response, Error> {
        self.take_call().expect("no call waits for an answer")
    }

    /// Answers the call that has waited longest; gives its request back.
    ///
    /// # Panics
    ///
    /// Where no call waits.
    #[track_caller]
    pub fn ok(&self, response: Response) -> Request {
        self.oldest().ok(response)
    }

    /// Lets the call that has waited longest fail; gives its request back.
    ///
    /// # Panics
    ///
    /// Where no call waits.
    #[track_caller]
    pub fn err(&self, error: Error) -> Request {
        self.oldest().err(error)
    }

    /// Lets the call that has waited longest panic; gives its request back.
    ///
    /// # Panics
    ///
    /// Here, where no call waits.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "the request is a courtesy")]
    pub fn panic(&self) -> Request {
        self.oldest().panic()
    }

    /// Answers every call from now on at once, as `rule` says. Those that wait already go on waiting.
    pub fn answer_with(
        &self,
        rule: impl Fn(&Request) -> Answer<Response, Error> + Send + Sync + 'static,
    ) {
        self.0.lock().rule = Some(Arc::new(rule));
    }

    /// Holds every call from now on.
    pub fn hold_calls(&self) {
        self.0.lock().rule = None;
    }

    /// Is not ready any more, until [`release_readiness`](Self::release_readiness).
    pub fn hold_readiness(&self) {
        self.0.lock().unready = true;
    }

    /// Is ready again, and wakes whoever waits for it.
    pub fn release_readiness(&self) {
        let wakers = {
            let mut state = self.0.lock();
            state.unready = false;
            std::mem::take(&mut state.wakers)
        };
        for waker in wakers {
            waker.wake();
        }
    }

    /// Answers the next `poll_ready` with `error`.
    pub fn fail_readiness(&self, error: Error) {
        let wakers = {
            let mut state = self.0.lock();
            state.readiness_errors.push_back(error);
            std::mem::take(&mut state.wakers)
        };
        for waker in wakers {
            waker.wake();
        }
    }
}

impl<Request, Response, Error> HeldCall<Request, Response, Error> {
    /// What was asked.
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Whether the future was dropped, so that nobody will see the answer.
    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.slot.is_dropped()
    }

    /// Answers; gives the request back.
    pub fn ok(self, response: Response) -> Request {
        self.answer(Answer::Ok(response))
    }

    /// Fails; gives the request back.
    pub fn err(self, error: Error) -> Request {
        self.answer(Answer::Err(error))
    }

    /// Panics when the response is polled; gives the request back.
    pub fn panic(self) -> Request {
        self.answer(Answer::Panic)
    }

    fn answer(self, answer: Answer<Response, Error>) -> Request {
        self.slot.answer(answer);
        self.request
    }
}

impl<Request, Response, Error> Clone for HeldHandle<Request, Response, Error> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Request, Response, Error> fmt::Debug for HeldHandle<Request, Response, Error> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.lock();
        f.debug_struct("HeldHandle")
            .field("waiting", &state.waiting.len())
            .field("unready", &state.unready)
            .finish_non_exhaustive()
    }
}

impl<Request: fmt::Debug, Response, Error> fmt::Debug for HeldCall<Request, Response, Error> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldCall").field("request", &self.request).finish_non_exhaustive()
    }
}
