//! Waiting on a thread: for its next step, a future here needs no more than a thread that can sleep.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use seawall_core::{
    Clock,
    sync::unmodelled::{
        AtomicBool,
        Ordering::{Acquire, Release},
    },
};

/// A thread that waits for futures; for one at a time.
pub(crate) struct Parker {
    signal: Arc<Signal>,
    waker: Waker,
}

/// The flag is what counts: a thread's own token may be taken by whatever else sleeps on it meanwhile.
struct Signal {
    woken: AtomicBool,
    thread: Thread,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Release); // pairs with the swap: who is woken sees why
        self.thread.unpark();
    }
}

impl Parker {
    /// For the present thread.
    pub(crate) fn new() -> Self {
        let signal = Arc::new(Signal { woken: AtomicBool::new(false), thread: thread::current() });
        Self { waker: signal.clone().into(), signal }
    }

    /// Waits until `future` is done.
    pub(crate) fn block_on<F: Future>(&self, mut future: Pin<&mut F>) -> F::Output {
        let mut cx = Context::from_waker(&self.waker);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return output;
            }
            while !self.signal.woken.swap(false, Acquire) {
                thread::park();
            }
        }
    }

    /// Waits until `future` is done, for about `time` at most.
    pub(crate) fn block_on_for<F: Future>(
        &self,
        time: Duration,
        mut future: Pin<&mut F>,
    ) -> Option<F::Output> {
        let clock = Clock::system(); // a thread sleeps by the system's time, whatever the handle's is
        let over = clock.now() + time;
        let mut cx = Context::from_waker(&self.waker);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return Some(output);
            }
            while !self.signal.woken.swap(false, Acquire) {
                match over.since(clock.now()) {
                    Duration::ZERO => return None,
                    left => thread::park_timeout(left),
                }
            }
        }
    }
}
