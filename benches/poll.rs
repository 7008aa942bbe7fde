//! Futures that need no runtime: polled by hand, so that only they are timed.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

/// Polls `future` until it is ready.
///
/// It is polled where it was made (`pin!(..)`), since to move it would be timed too.
///
/// Nobody is woken: a future that waits for another thread is asked over and over, which is what
/// costs least where that thread is on another core and about to be done.
#[inline]
#[must_use]
pub fn ready<F: Future>(mut future: Pin<&mut F>) -> F::Output {
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        std::hint::spin_loop();
    }
}
