//! A push to many lists, a chunk at a time, at the pace of whoever drives it.

use std::{fmt, hash::Hash};

use seawall_core::BoxError;

use super::{Item, Pushed, Store, Timeline};

/// A fan-out under way: made by [`Timeline::fan_out`].
///
/// It pushes when it is told to, so that its caller sets the pace: a chunk at a time, or
/// [all](Self::push_all) as fast as a limiter lets it. To go on after a crash, keep
/// [`done`](Self::done) and give it to [`resume`](Self::resume) with the same targets in the same order.
#[must_use = "a fan-out pushes nothing until `push_chunk`"]
pub struct FanOut<'a, U, I, S, T> {
    timeline: &'a Timeline<U, I, S>,
    item: Item<I>,
    targets: T,
    /// Taken from the targets and not known to be pushed.
    chunk: Vec<U>,
    done: u64,
}

impl<'a, U, I, S, T: Iterator<Item = U>> FanOut<'a, U, I, S, T> {
    pub(super) const fn new(timeline: &'a Timeline<U, I, S>, item: Item<I>, targets: T) -> Self {
        Self { timeline, item, targets, chunk: Vec::new(), done: 0 }
    }

    /// Passes over the targets that an earlier fan-out of this item has done.
    pub fn resume(mut self, done: u64) -> Self {
        for _ in 0..done {
            if self.targets.next().is_none() {
                break;
            }
            self.done += 1;
        }
        self
    }

    /// How many targets are done: the cursor to resume at.
    pub const fn done(&self) -> u64 {
        self.done
    }
}

impl<U, I, S, T> FanOut<'_, U, I, S, T>
where
    U: Hash + Eq + Clone,
    I: Ord + Clone,
    S: Store<U, I, Error: Into<BoxError>>,
    T: Iterator<Item = U>,
{
    /// Pushes to the next targets; `None` when all are done.
    ///
    /// # Errors
    ///
    /// If the store fails. The next call pushes the same chunk again, which is harmless.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, its chunk counts as not done, and the next call pushes it again.
    pub async fn push_chunk(&mut self) -> Result<Option<Pushed>, S::Error> {
        self.fill();
        if self.chunk.is_empty() {
            return Ok(None);
        }
        let pushed = self.timeline.push(&self.item, &self.chunk).await?;
        self.done += self.chunk.len() as u64;
        self.chunk.clear();
        Ok(Some(pushed))
    }

    /// Pushes to all that are left, and waits before each chunk for `pace`, which gets how many lists it has:
    /// what became of all that it pushed.
    ///
    /// # Errors
    ///
    /// As [`push_chunk`](Self::push_chunk); called again, it goes on there.
    ///
    /// # Cancel safety
    ///
    /// As [`push_chunk`](Self::push_chunk).
    ///
    /// # Examples
    ///
    /// How do I let a rate limiter set the pace?
    ///
    /// ```
    /// # use seawall_cache::{BoxError, timeline::{Item, Memory, Timeline}};
    /// # struct Limiter;
    /// # impl Limiter { async fn acquire_many(&self, _: u64) {} }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), BoxError> {
    /// # let (home, limiter) = (Timeline::builder("home").store(Memory::new(9)?).build()?, Limiter);
    /// let followers = 0..2_000_u32;
    /// let mut fan_out = home.fan_out(Item::new(1, "new post"), followers);
    /// let pushed = fan_out.push_all(|lists| limiter.acquire_many(lists)).await?;
    /// assert_eq!(pushed.reached + pushed.absent, 2_000);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn push_all<P, F>(&mut self, mut pace: P) -> Result<Pushed, S::Error>
    where
        P: FnMut(u64) -> F,
        F: Future<Output = ()>,
    {
        let mut all = Pushed::default();
        loop {
            self.fill();
            if self.chunk.is_empty() {
                return Ok(all);
            }
            pace(self.chunk.len() as u64).await;
            if let Some(pushed) = self.push_chunk().await? {
                all.reached += pushed.reached;
                all.absent += pushed.absent;
                all.trimmed += pushed.trimmed;
            }
        }
    }

    fn fill(&mut self) {
        if self.chunk.is_empty() {
            self.chunk.extend(self.targets.by_ref().take(self.timeline.chunk()));
        }
    }
}

impl<U, I: fmt::Debug, S, T> fmt::Debug for FanOut<'_, U, I, S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FanOut")
            .field("item", &self.item)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}
