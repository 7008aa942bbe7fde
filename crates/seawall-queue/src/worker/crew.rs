//! Who polls the runs: a task each, or the worker itself.

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::{Future, pending, poll_fn},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::stream::{FuturesUnordered, Stream};
use seawall_core::sync::Mutex;
use tokio::{task::AbortHandle, time::Instant};

use super::run::Run;

/// So many runs begin before somebody looks at the time.
const TURNS: usize = 64;

/// For so long runs begin before the worker's other loops, and the runtime's other tasks, have their turn. Each turn
/// may cost a switch between threads.
const LONGEST: Duration = Duration::from_micros(200);

/// All runs of one [`run_until`](super::Worker::run_until); dropped with it, and they with it.
///
/// Its locks are taken by the one task that it belongs to: nobody ever waits for one.
pub(super) enum Crew<T> {
    /// By their seats. What is over is forgotten when another takes its seat.
    Tasks(Mutex<Vec<Option<AbortHandle>>>),
    Own(Mutex<Own<T>>),
}

/// What the worker polls itself.
pub(super) struct Own<T> {
    /// Not polled yet. Most of what is inline is over at its first poll, and needs no place among those who wait.
    fresh: VecDeque<Run<T>>,
    waiting: FuturesUnordered<Run<T>>,
}

impl<T: Send + Sync + 'static> Crew<T> {
    pub(super) fn new(is_inline: bool) -> Self {
        if is_inline {
            Self::Own(Mutex::new(Own { fresh: VecDeque::new(), waiting: FuturesUnordered::new() }))
        } else {
            Self::Tasks(Mutex::default())
        }
    }

    pub(super) fn begin(&self, runs: impl Iterator<Item = Run<T>>) {
        match self {
            Self::Tasks(tasks) => {
                let mut tasks = tasks.lock();
                for run in runs {
                    let seat = run.seat();
                    if tasks.len() <= seat {
                        tasks.resize(seat + 1, None);
                    }
                    tasks[seat] = Some(tokio::spawn(run).abort_handle());
                }
            }
            Self::Own(own) => own.lock().fresh.extend(runs),
        }
    }

    /// Polls those that are nobody else's.
    pub(super) async fn work(&self) -> Infallible {
        match self {
            Self::Tasks(_) => pending().await,
            Self::Own(own) => poll_fn(|cx| own.lock().poll(cx)).await,
        }
    }
}

impl<T> Drop for Crew<T> {
    fn drop(&mut self) {
        if let Self::Tasks(tasks) = self {
            tasks.lock().drain(..).flatten().for_each(|task| task.abort());
        }
    }
}

impl<T: Send + Sync + 'static> Own<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Infallible> {
        let began = Instant::now();
        while !self.fresh.is_empty() && began.elapsed() < LONGEST {
            let many = self.fresh.len().min(TURNS);
            for mut run in self.fresh.drain(..many) {
                if Pin::new(&mut run).poll(cx).is_pending() {
                    self.waiting.push(run); // polled again there, which gives it a waker of its own
                }
            }
        }
        if !self.fresh.is_empty() {
            cx.waker().wake_by_ref();
        }
        while let Poll::Ready(Some(())) = Pin::new(&mut self.waiting).poll_next(cx) {}
        Poll::Pending
    }
}
