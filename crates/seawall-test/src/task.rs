//! A task without a runtime: polls by hand, and knows how often it was woken.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Release},
        },
    },
    task::{Context, Poll, Wake, Waker},
};

/// How often a future may wake the task that polls it before that counts as spinning.
///
/// A channel or a cooperative yield wakes once or twice; a busy loop never stops.
const PATIENCE: usize = 100;

/// A task that is polled by hand.
///
/// # Examples
///
/// Does the waiter learn of it?
///
/// ```
/// # use seawall_test::{Settled, Task};
/// # use std::{pin::pin, task::Poll};
/// let (sender, receiver) = tokio::sync::oneshot::channel();
/// let mut receiver = pin!(receiver);
/// let task = Task::new();
/// assert!(task.poll(receiver.as_mut()).is_pending());
///
/// sender.send(5).unwrap();
///
/// assert_eq!(task.wakes(), 1);
/// assert_eq!(task.poll(receiver), Poll::Ready(Ok(5)));
/// ```
pub struct Task {
    wakes: Arc<Wakes>,
    waker: Waker,
}

/// What came of polling until nothing moved any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled<T> {
    /// It is done.
    Ready(T),
    /// It waits, and will be polled again when somebody wakes it.
    Waiting,
    /// It wakes itself again and again though nothing has happened.
    Spinning,
}

struct Wakes(AtomicU64);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Release);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Release);
    }
}

impl Task {
    /// A task that was never woken.
    #[must_use]
    pub fn new() -> Self {
        let wakes = Arc::new(Wakes(AtomicU64::new(0)));
        let waker = Arc::clone(&wakes).into();
        Self { wakes, waker }
    }

    /// How often it was woken so far.
    #[must_use]
    pub fn wakes(&self) -> u64 {
        self.wakes.0.load(Acquire)
    }

    /// Lets `f` poll something as this task.
    pub fn enter<T>(&self, f: impl FnOnce(&mut Context<'_>) -> T) -> T {
        f(&mut Context::from_waker(&self.waker))
    }

    /// Polls `future` once.
    pub fn poll<F: Future>(&self, future: Pin<&mut F>) -> Poll<F::Output> {
        self.enter(|cx| future.poll(cx))
    }

    /// Polls by `poll` as a runtime would: once, and again while it is woken in the meantime.
    pub fn settle<T>(&self, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Settled<T> {
        for _ in 0..PATIENCE {
            let before = self.wakes();
            if let Poll::Ready(done) = self.enter(&mut poll) {
                return Settled::Ready(done);
            }
            if self.wakes() == before {
                return Settled::Waiting;
            }
        }
        Settled::Spinning
    }
}

impl<T> Settled<T> {
    /// What came out, where it is done.
    #[must_use]
    pub fn ready(self) -> Option<T> {
        match self {
            Self::Ready(done) => Some(done),
            Self::Waiting | Self::Spinning => None,
        }
    }
}

impl Default for Task {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("wakes", &self.wakes()).finish_non_exhaustive()
    }
}
