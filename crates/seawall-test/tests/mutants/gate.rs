//! A middleware that is unready while it refuses, as balancers want it: right, but for one fault.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;
use tower::Service;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    None,
    ForgetsWaker,
    Spins,
}

#[derive(Clone)]
pub(crate) struct Gate {
    state: Arc<Mutex<State>>,
    fault: Fault,
}

#[derive(Default)]
struct State {
    open: bool,
    waiting: Vec<Waker>,
}

pub(crate) struct Gated<S> {
    inner: S,
    gate: Gate,
}

impl Gate {
    /// A gate, and the key to it.
    pub(crate) fn shut(fault: Fault) -> (Self, Self) {
        let state = Arc::default();
        let gate = Self { state, fault };
        (gate.clone(), gate)
    }

    pub(crate) fn wrap<S>(&self, inner: S) -> Gated<S> {
        let gate = self.clone();
        Gated { inner, gate }
    }

    pub(crate) fn open(&self) {
        let mut state = self.state.lock();
        state.open = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl<S: Service<u64>> Service<u64> for Gated<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        let mut state = self.gate.state.lock();
        if state.open {
            return self.inner.poll_ready(cx);
        }
        match self.gate.fault {
            Fault::ForgetsWaker => {}
            Fault::Spins => cx.waker().wake_by_ref(),
            Fault::None => state.waiting.push(cx.waker().clone()),
        }
        Poll::Pending
    }

    fn call(&mut self, request: u64) -> S::Future {
        self.inner.call(request)
    }
}
