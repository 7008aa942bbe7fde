//! A task of a model: a future, and whether it was woken.

use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use seawall_core::sync::unmodelled::{AtomicUsize, Ordering::Relaxed};

use crate::ring::{Receiver, Sender};

#[derive(Default)]
struct Flag(AtomicUsize);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

pub(super) struct Sleeper<R> {
    future: Pin<Box<dyn Future<Output = R>>>,
    woken: Arc<Flag>,
    /// How often it had been woken when it was polled last.
    seen: usize,
    done: Option<R>,
}

impl<R> Sleeper<R> {
    pub(super) fn new(future: impl Future<Output = R> + 'static) -> Self {
        Self { future: Box::pin(future), woken: Arc::default(), seen: 0, done: None }
    }

    /// Polls it, whether it was woken or not.
    pub(super) fn poll(&mut self) {
        if self.done.is_some() {
            return;
        }
        self.seen = self.wakes();
        let waker = Waker::from(self.woken.clone());
        if let Poll::Ready(done) = self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            self.done = Some(done);
        }
    }

    pub(super) fn asleep(mut self) -> Self {
        self.poll();
        assert!(self.done.is_none(), "there is nothing for it yet");
        self
    }

    pub(super) fn wakes(&self) -> usize {
        self.woken.0.load(Relaxed)
    }

    /// Whether it is done, or will be polled.
    pub(super) fn is_awake(&self) -> bool {
        self.done.is_some() || self.wakes() > self.seen
    }

    /// As a runtime: polls those that were woken, until none is.
    pub(super) fn run(sleepers: &mut [&mut Self]) {
        while let Some(woken) = sleepers.iter_mut().find(|one| one.done.is_none() && one.is_awake())
        {
            woken.poll();
        }
    }

    /// What came of it; it sleeps for ever if nothing did.
    pub(super) fn end(&mut self) -> R {
        self.done.take().expect("it sleeps for ever")
    }
}

/// A task that receives.
pub(super) fn receives<T: 'static>(receiver: &Receiver<T>) -> Sleeper<Option<T>> {
    let receiver = receiver.clone();
    Sleeper::new(async move { receiver.recv().await })
}

/// A task that sends, and says whether it did.
pub(super) fn sends<T: 'static>(sender: &Sender<T>, value: T) -> Sleeper<bool> {
    let sender = sender.clone();
    Sleeper::new(async move { sender.send(value).await.is_ok() })
}

/// What one of the racers takes out of what they share.
pub(super) struct For<T>(Cell<Option<T>>);

impl<T> For<T> {
    pub(super) fn one(value: T) -> Self {
        Self(Cell::new(Some(value)))
    }

    pub(super) fn take(&self) -> T {
        self.0.take().expect("one racer takes it, once")
    }
}
