//! A limit that makes callers wait, in the response of their call: right, but for one fault.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;
use pin_project_lite::pin_project;
use tower::Service;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    None,
    HoldsReadinessWhileWaiting,
    WakesOneAndForgets,
}

pub(crate) struct Queue<S> {
    inner: S,
    hall: Arc<Hall>,
}

struct Hall {
    state: Mutex<State>,
    fault: Fault,
}

struct State {
    free: usize,
    next: u64,
    waiting: VecDeque<(u64, Waker)>,
}

impl<S> Queue<S> {
    pub(crate) fn new(inner: S, limit: usize, fault: Fault) -> Self {
        let state = Mutex::new(State { free: limit, next: 0, waiting: VecDeque::new() });
        let hall = Arc::new(Hall { state, fault });
        Self { inner, hall }
    }
}

impl<S: Clone> Clone for Queue<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), hall: Arc::clone(&self.hall) }
    }
}

/// A caller in the hall: without a place at first, then with one.
pub(crate) struct Visit {
    hall: Arc<Hall>,
    number: u64,
    seated: bool,
}

impl Visit {
    fn new(hall: &Arc<Hall>) -> Self {
        let mut state = hall.state.lock();
        state.next += 1;
        Self { hall: Arc::clone(hall), number: state.next, seated: false }
    }

    fn poll_seat(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.seated {
            return Poll::Ready(());
        }
        let mut state = self.hall.state.lock();
        state.waiting.retain(|(number, _)| *number != self.number);
        if state.free == 0 {
            state.waiting.push_back((self.number, cx.waker().clone()));
            return Poll::Pending;
        }
        state.free -= 1;
        self.seated = true;
        Poll::Ready(())
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut state = self.hall.state.lock();
        state.waiting.retain(|(number, _)| *number != self.number);
        if !self.seated {
            return;
        }
        state.free += 1;
        let woken: Vec<_> = match self.hall.fault {
            Fault::WakesOneAndForgets => state.waiting.pop_front().into_iter().collect(),
            _ if state.waiting.is_empty() => return, // an empty list costs no allocation
            _ => state.waiting.drain(..).collect(),
        };
        drop(state);
        for (_, waker) in woken {
            waker.wake();
        }
    }
}

impl<S: Service<u64, Response = u64> + Clone> Service<u64> for Queue<S> {
    type Response = u64;
    type Error = S::Error;
    type Future = Response<S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        match self.hall.fault {
            Fault::HoldsReadinessWhileWaiting => self.inner.poll_ready(cx),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: u64) -> Response<S> {
        let clone = self.inner.clone();
        Response {
            // The instance that may be ready goes with the call, and a fresh one stays.
            inner: Some(std::mem::replace(&mut self.inner, clone)),
            request,
            visit: Some(Visit::new(&self.hall)),
            running: None,
        }
    }
}

pin_project! {
    pub(crate) struct Response<S: Service<u64>> {
        inner: Option<S>,
        request: u64,
        visit: Option<Visit>,
        #[pin]
        running: Option<S::Future>,
    }
}

impl<S: Service<u64, Response = u64>> Future for Response<S> {
    type Output = Result<u64, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(visit) = this.visit
            && visit.poll_seat(cx).is_pending()
        {
            return Poll::Pending;
        }
        if let Some(inner) = this.inner {
            match inner.poll_ready(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => {
                    *this.visit = None;
                    return Poll::Ready(Err(error));
                }
                Poll::Ready(Ok(())) => {}
            }
            let future = inner.call(*this.request);
            this.running.set(Some(future));
            *this.inner = None;
        }
        let running = this.running.as_mut().as_pin_mut().expect("it was started");
        let answered = running.poll(cx);
        if answered.is_ready() {
            *this.visit = None;
        }
        answered
    }
}
