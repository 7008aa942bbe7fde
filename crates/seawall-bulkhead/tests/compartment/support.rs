//! What the tests hold jobs with: nothing here sleeps, and nothing waits for ever.

use std::{
    future::Future,
    pin::Pin,
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};

use seawall_bulkhead::{Compartment, CompartmentBuilder, Error, Panicked, Reason};
use tokio_test::task::{Spawn, spawn};

/// Longer than any machine takes; reached by a failure only.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// One thread, unless told otherwise.
pub(crate) fn one_thread() -> CompartmentBuilder {
    Compartment::builder("cpu").threads(1).queue(4)
}

/// The outside of a job that says when it begins, and ends when it is told to.
pub(crate) struct Gate {
    begun: Receiver<()>,
    go: Sender<()>,
}

/// A job to hold a thread with.
pub(crate) fn gate() -> (Gate, impl FnOnce() + Send + 'static) {
    let (tell, begun) = mpsc::channel();
    let (go, told) = mpsc::channel();
    let job = move || {
        tell.send(()).expect("the test waits for it");
        told.recv_timeout(LONG).expect("the test lets it go");
    };
    (Gate { begun, go }, job)
}

impl Gate {
    pub(crate) fn begun(&self) {
        self.begun.recv_timeout(LONG).expect("it begins");
    }

    pub(crate) fn open(&self) {
        self.go.send(()).expect("it waits");
    }
}

/// A future that was polled once, and waits.
pub(crate) fn handed_in<F: Future>(future: F) -> Spawn<Pin<Box<F>>> {
    let mut task = spawn(Box::pin(future));
    assert!(task.poll().is_pending());
    task
}

/// Waits for a future on an executor that has timers, but not for ever.
pub(crate) fn finish<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(LONG, future).await.expect("it ends") })
}

/// The same without a runtime around it.
pub(crate) fn finish_anywhere<F: Future>(future: F) -> F::Output {
    use std::{
        pin::pin,
        sync::Arc,
        task::{Context, Poll, Wake},
    };
    struct Bell(Sender<()>);
    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            let _ = self.0.send(());
        }
    }
    let (ring, rung) = mpsc::channel();
    let waker = Arc::new(Bell(ring)).into();
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => rung.recv_timeout(LONG).expect("it is woken"),
        }
    }
}

/// Says when it is dropped.
#[derive(Debug)]
pub(crate) struct Witness(pub(crate) Sender<()>);

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

/// Panics when it is dropped.
#[derive(Debug)]
pub(crate) struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("dropped");
        }
    }
}

#[track_caller]
pub(crate) fn reason<T>(result: Result<T, Error<Panicked>>) -> Reason {
    match result {
        Err(Error::Rejected(refused)) => refused.reason(),
        Err(Error::Inner(panicked)) => panic!("it ran: {panicked}"),
        Ok(_) => panic!("it ran"),
    }
}
