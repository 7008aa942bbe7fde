//! Learning the services from a stream that is looked at when a call comes.
//!
//! The stream is polled with a waker of its own, a bell: so a call that comes while there is no news reads one
//! flag, takes no lock, and is not woken for what is no news to it.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use seawall_core::sync::{
    Mutex,
    atomic::{
        AtomicBool,
        Ordering::{AcqRel, Acquire, Release},
    },
};
use tower::discover::Discover;

use super::pool::Pool;

/// After so many changes in one look, the next ones are for the call that comes then.
const AT_ONCE: usize = 1_024;

/// A stream: pending until the bell rings, ready when it is over.
type Source<S> = Box<dyn FnMut(&Pool<S>, &mut Context<'_>) -> Poll<()> + Send>;

pub(crate) struct Discovery<S> {
    sources: Mutex<Vec<Source<S>>>,
    bell: Arc<Bell>,
}

/// Whether a stream has something to say.
#[derive(Debug, Default)]
struct Bell(AtomicBool);

impl Bell {
    fn ring(&self) {
        self.0.store(true, Release); // pairs with `has_news` and `look`: who hears it sees what the stream has
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}

impl<S> Default for Discovery<S> {
    fn default() -> Self {
        Self { sources: Mutex::new(Vec::new()), bell: Arc::default() }
    }
}

impl<S> Discovery<S> {
    pub(crate) fn add<D>(&self, discover: D)
    where
        D: Discover<Service = S> + Send + 'static,
        D::Key: fmt::Display,
        D::Error: fmt::Display,
    {
        let mut discover = Box::pin(discover);
        let source =
            move |pool: &Pool<S>, cx: &mut Context<'_>| take_in(discover.as_mut(), pool, cx);
        self.sources.lock().push(Box::new(source));
        self.bell.ring(); // nobody has looked at it yet
    }

    #[inline]
    pub(crate) fn has_news(&self) -> bool {
        self.bell.0.load(Acquire) // pairs with `ring`
    }

    /// Takes in what there is. One call at a time: others go on with what is known.
    #[cold]
    pub(crate) fn look(&self, pool: &Pool<S>) {
        let Some(mut sources) = self.sources.try_lock() else { return };
        // Before the streams are polled: what rings from now on is for the next look.
        self.bell.0.swap(false, AcqRel);
        let waker = Waker::from(Arc::clone(&self.bell));
        let mut cx = Context::from_waker(&waker);
        sources.retain_mut(|source| source(pool, &mut cx).is_pending());
    }
}

fn take_in<D>(mut discover: Pin<&mut D>, pool: &Pool<D::Service>, cx: &mut Context<'_>) -> Poll<()>
where
    D: Discover,
    D::Key: fmt::Display,
    D::Error: fmt::Display,
{
    for _ in 0..AT_ONCE {
        match discover.as_mut().poll_discover(cx) {
            Poll::Ready(Some(Ok(change))) => pool.take_in(change),
            Poll::Ready(Some(Err(error))) => {
                #[cfg(feature = "tracing")]
                tracing::warn!(target: "seawall::sharded", name = pool.name().as_str(), %error, "discovery failed");
                let _ = error;
                return Poll::Ready(());
            }
            Poll::Ready(None) => return Poll::Ready(()),
            Poll::Pending => return Poll::Pending,
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}
