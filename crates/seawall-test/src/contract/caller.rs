//! A caller who may have to wait.

use std::pin::Pin;

use super::Middleware;
use crate::{Settled, Task};

/// Somebody who wants one call made, and is polled now and then.
pub(super) struct Caller<S: Middleware> {
    pub(super) task: Task,
    pub(super) service: S,
    pub(super) response: Option<Pin<Box<S::Future>>>,
}

impl<S: Middleware> Caller<S> {
    pub(super) fn new(service: S) -> Self {
        Self { task: Task::new(), service, response: None }
    }

    /// Gets as far as it can now; the answer, if there is one.
    pub(super) fn go_on(&mut self) -> Option<Result<u64, S::Error>> {
        if self.response.is_none() {
            match self.task.settle(|cx| self.service.poll_ready(cx)) {
                Settled::Ready(Ok(())) => self.response = Some(Box::pin(self.service.call(1))),
                Settled::Ready(Err(error)) => return Some(Err(error)),
                Settled::Waiting | Settled::Spinning => return None,
            }
        }
        let response = self.response.as_mut()?;
        self.task.settle(|cx| response.as_mut().poll(cx)).ready()
    }
}
