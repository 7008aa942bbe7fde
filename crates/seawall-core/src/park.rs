//! Waiting on a thread, for what has no runtime: for a time, or for a future's next step, which needs no
//! more than a thread that can sleep.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

use crate::{
    Clock,
    sync::unmodelled::{
        AtomicBool,
        Ordering::{Acquire, Release},
    },
};

/// Parks the thread for `wait`: nobody else has the lock, and these condition variables do not wake by
/// chance.
#[doc(hidden)]
#[cold]
pub fn park(wait: Duration) {
    let alone = Mutex::new(());
    Condvar::new().wait_for(&mut alone.lock(), wait);
}

/// A thread that waits for futures; for one at a time.
#[doc(hidden)]
#[derive(Debug)]
pub struct Parker {
    signal: Arc<Signal>,
    waker: Waker,
}

/// The flag is what counts: a thread's own token may be taken by whatever else sleeps on it meanwhile.
#[derive(Debug)]
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

#[expect(clippy::must_use_candidate, reason = "what is waited for need not have a result")]
impl Parker {
    /// For the present thread.
    #[must_use]
    pub fn new() -> Self {
        let signal = Arc::new(Signal { woken: AtomicBool::new(false), thread: thread::current() });
        Self { waker: signal.clone().into(), signal }
    }

    /// Waits until `future` is done.
    pub fn block_on<F: Future>(&self, mut future: Pin<&mut F>) -> F::Output {
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
    pub fn block_on_for<F: Future>(
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

impl Default for Parker {
    fn default() -> Self {
        Self::new()
    }
}
