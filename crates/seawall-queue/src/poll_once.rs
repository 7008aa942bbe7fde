//! A look at a future, without waiting for it.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

/// Whether it is ready; asked once, and woken when it is.
pub(crate) async fn poll_once(mut future: Pin<&mut impl Future<Output = ()>>) -> bool {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await
}
