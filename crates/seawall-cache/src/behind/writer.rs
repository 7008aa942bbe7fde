//! Who brings the writes to the source: one batch at a time, so that those of a key stay in order.

use std::{fmt, future::poll_fn, hash::Hash, sync::Arc};

use super::queue::Shared;

/// A write that waits for the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write<K, V> {
    /// The key.
    pub key: K,
    /// Its value; `None` where it is to have none.
    pub value: Option<V>,
}

/// A call of the source that failed.
#[derive(Debug)]
pub struct Failed<K, V, E> {
    /// Why.
    pub error: E,
    /// How often this batch was tried.
    pub attempts: u32,
    /// What was to be written.
    pub batch: Arc<[Write<K, V>]>,
}

/// Empties a [`Behind`](super::Behind). There is one, so that writes of a key stay in order.
///
/// Dropped, it shuts the queue down: nobody would write any more.
#[must_use = "nothing is written unless it runs"]
pub struct Writer<K, V> {
    shared: Arc<Shared<K, V>>,
}

impl<K, V> Writer<K, V> {
    pub(super) const fn new(shared: Arc<Shared<K, V>>) -> Self {
        Self { shared }
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Writer<K, V> {
    /// Writes what waits, by `write`, until the queue is shut down and empty.
    ///
    /// Where a call fails, `retry` says whether it is made again, after it has waited as long as it wants;
    /// what is not is given up. Meanwhile later writes wait.
    ///
    /// # Panics
    ///
    /// Where `write` or `retry` does; as if the future were dropped.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it gives back what it was at, and can be run again. The call that was cut off may have
    /// happened, and is made again then.
    pub async fn run<E, W, F, R, A>(&mut self, mut write: W, mut retry: R)
    where
        W: FnMut(Arc<[Write<K, V>]>) -> F,
        F: Future<Output = Result<(), E>>,
        R: FnMut(Failed<K, V, E>) -> A,
        A: Future<Output = bool>,
    {
        let shared = &*self.shared;
        while let Some(batch) = poll_fn(|cx| shared.poll_batch(cx)).await {
            let mut at = At { shared, is_over: false };
            let mut attempts = 0_u32;
            let outcome = loop {
                attempts = attempts.saturating_add(1);
                let Err(error) = write(batch.clone()).await else { break &shared.written };
                shared.failed.add(1);
                let failed = Failed { error, attempts, batch: batch.clone() };
                if !retry(failed).await {
                    break &shared.given_up;
                }
            };
            outcome.add(batch.len() as u64);
            at.is_over = true;
        }
    }
}

/// What the writer is at: if it goes before that is over, nobody knows what has happened.
struct At<'a, K: Hash + Eq + Clone, V: Clone> {
    shared: &'a Shared<K, V>,
    is_over: bool,
}

impl<K: Hash + Eq + Clone, V: Clone> Drop for At<'_, K, V> {
    fn drop(&mut self) {
        if self.is_over {
            self.shared.done();
        } else {
            self.shared.put_back();
        }
    }
}

impl<K, V> Drop for Writer<K, V> {
    fn drop(&mut self) {
        self.shared.shut_down();
    }
}

impl<K, V> fmt::Debug for Writer<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}
