//! The response that the test gives.

use std::{
    fmt,
    panic::resume_unwind,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

use super::{Answer, HeldCall};

/// The response of a [`Held`](super::Held) service.
#[must_use = "futures do nothing unless polled"]
pub struct HeldFuture<Response, Error>(Inner<Response, Error>);

enum Inner<Response, Error> {
    Answered(Option<Answer<Response, Error>>),
    Held(Arc<Slot<Response, Error>>),
}

/// Where the test leaves the answer to one call.
pub(super) struct Slot<Response, Error>(Mutex<Letter<Response, Error>>);

struct Letter<Response, Error> {
    answer: Option<Answer<Response, Error>>,
    waker: Option<Waker>,
    dropped: bool,
}

pub(super) fn held<Request, Response, Error>(
    request: Request,
) -> (HeldFuture<Response, Error>, HeldCall<Request, Response, Error>) {
    let slot = Arc::new(Slot(Mutex::new(Letter { answer: None, waker: None, dropped: false })));
    let future = HeldFuture(Inner::Held(Arc::clone(&slot)));
    (future, HeldCall { request, slot })
}

/// Unwinds without the message that the panic hook would print: a suite does this often.
pub(super) fn panic_quietly() -> ! {
    resume_unwind(Box::new("the call panicked, as it was told to"))
}

impl<Response, Error> Slot<Response, Error> {
    pub(super) fn answer(&self, answer: Answer<Response, Error>) {
        let waker = {
            let mut letter = self.0.lock();
            letter.answer = Some(answer);
            letter.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn is_dropped(&self) -> bool {
        self.0.lock().dropped
    }
}

impl<Response, Error> HeldFuture<Response, Error> {
    pub(super) const fn answered(answer: Answer<Response, Error>) -> Self {
        Self(Inner::Answered(Some(answer)))
    }
}

// Nothing in it is pinned.
impl<Response, Error> Unpin for HeldFuture<Response, Error> {}

impl<Response, Error> Future for HeldFuture<Response, Error> {
    type Output = Result<Response, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match &mut self.0 {
            Inner::Answered(answer) => Some(answer.take().expect("polled after it was ready")),
            Inner::Held(slot) => {
                let mut letter = slot.0.lock();
                let answer = letter.answer.take();
                if answer.is_none() {
                    letter.waker = Some(cx.waker().clone());
                }
                answer
            }
        };
        match answer {
            Some(Answer::Ok(response)) => Poll::Ready(Ok(response)),
            Some(Answer::Err(error)) => Poll::Ready(Err(error)),
            Some(Answer::Panic | Answer::PanicInCall) => panic_quietly(),
            Some(Answer::Hold) | None => Poll::Pending,
        }
    }
}

impl<Response, Error> Drop for HeldFuture<Response, Error> {
    fn drop(&mut self) {
        if let Inner::Held(slot) = &self.0 {
            slot.0.lock().dropped = true;
        }
    }
}

impl<Response, Error> fmt::Debug for HeldFuture<Response, Error> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldFuture").finish_non_exhaustive()
    }
}
