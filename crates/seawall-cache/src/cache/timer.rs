//! A timeout, where there is one.

use std::{
    task::{Context, Poll},
    time::Duration,
};

#[cfg(feature = "tokio")]
use std::pin::Pin;

/// Ready after its time; never, where it has none.
pub(crate) struct Timer {
    #[cfg(feature = "tokio")]
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
}

#[cfg(feature = "tokio")]
impl Timer {
    pub(crate) fn after(time: Option<Duration>) -> Self {
        Self { sleep: time.map(|time| Box::pin(tokio::time::sleep(time))) }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

#[cfg(not(feature = "tokio"))]
impl Timer {
    /// No setting can ask for a time without tokio.
    pub(crate) const fn after(_: Option<Duration>) -> Self {
        Self {}
    }

    #[expect(clippy::needless_pass_by_ref_mut, reason = "as with a timer")]
    pub(crate) const fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}
