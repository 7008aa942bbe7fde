//! The caller's side: waits for the answer, and gives up when it is dropped.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use seawall_core::{Bound, Error, Reason, Rejection};

use super::{
    Panicked,
    job::{Due, End},
    panicked::quietly,
    pool::Pool,
    reply::{NoValue, Reply},
};

pub(crate) struct Waiting<'a, T> {
    pool: &'a Arc<Pool>,
    /// In the line; `None` where it never came to stand there.
    number: Option<u64>,
    due: Due,
    reply: Arc<Reply<T>>,
    answered: bool,
}

impl<'a, T> Waiting<'a, T> {
    pub(crate) const fn new(
        pool: &'a Arc<Pool>,
        number: Option<u64>,
        reply: Arc<Reply<T>>,
        due: Due,
    ) -> Self {
        Self { pool, number, due, reply, answered: false }
    }

    /// How long the job may still wait for its turn; `None` for as long as it takes.
    pub(crate) fn remaining(&self) -> Option<Duration> {
        self.due.remaining(&self.pool.clock)
    }

    /// The time is over: a job that still waits is refused, and one that has begun has no bound.
    pub(crate) fn expire(&mut self) {
        if let Some(reason) = self.due.passed(&self.pool.clock) {
            self.give_up(End::Expired(reason));
            self.due = Due::default();
        }
    }

    fn give_up(&self, end: End) -> bool {
        self.number.is_some_and(|number| self.pool.give_up(number, end))
    }
}

impl<T> Future for Waiting<'_, T> {
    type Output = Result<T, Error<Panicked>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = std::task::ready!(self.reply.poll(cx));
        self.answered = true;
        Poll::Ready(outcome.map_err(|none| match none {
            NoValue::Panicked(panicked) => Error::Inner(panicked),
            NoValue::Refused(reason) => {
                let rejection = Rejection::new(reason, self.pool.name.clone());
                match reason {
                    Reason::BulkheadFull => rejection.with_bound(Bound::Wait).into(),
                    _ => rejection.into(),
                }
            }
        }))
    }
}

impl<T> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        if !self.answered && !self.give_up(End::Cancelled) {
            quietly(|| self.reply.abandon());
        }
    }
}
