//! What users tell: writes and invalidations.

use std::{borrow::Borrow, collections::HashMap, hash::Hash};

use seawall_core::Rejection;

use super::super::{Cache, NotShared, level::recovery::Ends};
use crate::{Entry, Loaded, Store, WriteQueue, l2::Tag};

/// Writes and invalidations.
///
/// Each does what it does in this instance when it is **called**, and returns a future for the rest. Without a
/// second level there is no rest: the future is ready at once and never fails, and code that can't wait may
/// drop it. With one, the future ends it there too, and is over when that is confirmed; dropped before, it leaves
/// that to a task, as after a failure.
impl<K, V, E, S> Cache<K, V, E, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    S: Store<K, Entry<V>>,
{
    /// Puts a value in. A load that is under way does not overwrite it.
    ///
    /// With a second level: ends what is there first, and puts it in there too; it is kept here when that is
    /// over, if no other write or invalidation came in between. Who asks meanwhile waits for it.
    ///
    /// # Errors
    ///
    /// [`NotShared`] where the second level did not confirm it; it is in here.
    ///
    /// # Cancel safety
    ///
    /// With a second level: dropped before it is over, nothing is put in, and what was there is ended.
    pub fn insert(
        &self,
        key: K,
        value: impl Into<Loaded<V>>,
    ) -> impl Future<Output = Result<(), NotShared>> {
        self.insert_many([(key, value)])
    }

    /// Puts values in: to warm it up before callers come. With a second level, in one go.
    ///
    /// # Errors and cancel safety
    ///
    /// As [`insert`](Self::insert).
    pub fn insert_many<L: Into<Loaded<V>>>(
        &self,
        values: impl IntoIterator<Item = (K, L)>,
    ) -> impl Future<Output = Result<(), NotShared>> {
        let values = values.into_iter().map(|(key, value)| (key, value.into()));
        let rest = if self.shared.level.is_some() {
            let values: HashMap<_, _> = values.collect(); // of two of a key the last
            let keys: Vec<_> = values.keys().cloned().collect();
            for key in &keys {
                self.shared.end_here(key);
            }
            Some((values, self.shared.doubt(Ends::keys(keys))))
        } else {
            values.for_each(|(key, value)| self.shared.insert_here(&key, value));
            None
        };
        async move {
            match rest {
                Some((values, doubt)) => self.shared.insert_shared(values, doubt).await,
                None => Ok(()),
            }
        }
    }

    /// Ends the entry of `key`: whether there was one here. Nobody who asks from now on gets the value that was
    /// there, nor the one of a load that is under way.
    ///
    /// With a second level: from when the call returned, that holds for this instance but for what the second
    /// level still has; from when the future is over, for this instance; and for the others from when they
    /// [hear](crate::l2::Heard) of it, a moment later.
    ///
    /// # Errors
    ///
    /// [`NotShared`] where the second level did not confirm it. It holds for this instance all the same, and
    /// is told to the others once that is possible.
    ///
    /// # Examples
    ///
    /// ```
    /// # use seawall_cache::Cache;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let users: Cache<u32, String, std::io::Error> = Cache::builder("users").build()?;
    /// users.insert(7, "Ada".to_owned()).await?;
    ///
    /// assert!(users.invalidate(&7).await?);
    /// assert_eq!(users.get(&7), None);
    /// # Ok(()) }
    /// ```
    pub fn invalidate<'a, Q>(
        &'a self,
        key: &Q,
    ) -> impl Future<Output = Result<bool, NotShared>> + use<'a, Q, K, V, E, S>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let existed = self.shared.end_here(key);
        let rest = self.shared.second(|| Ends::keys(vec![key.to_owned()]));
        async move {
            if let Some(doubt) = rest {
                doubt.ends().await?;
            }
            Ok(existed)
        }
    }

    /// Ends what was loaded with this tag: [`Loaded::tags`]. Nobody who asks from now on gets it; with a second
    /// level, as with [`invalidate`](Self::invalidate).
    ///
    /// It costs the same however many entries have the tag; their room is given back as others need it.
    /// Two tags may fall together: then the entries of both end.
    ///
    /// # Errors
    ///
    /// As [`invalidate`](Self::invalidate).
    pub fn invalidate_tag<'a, T: AsRef<str>>(
        &'a self,
        tag: T,
    ) -> impl Future<Output = Result<(), NotShared>> + use<'a, T, K, V, E, S> {
        self.invalidate_tags([tag])
    }

    /// Ends what was loaded with any of these tags.
    ///
    /// # Errors
    ///
    /// As [`invalidate`](Self::invalidate).
    pub fn invalidate_tags<'a, T: AsRef<str>, I: IntoIterator<Item = T>>(
        &'a self,
        tags: I,
    ) -> impl Future<Output = Result<(), NotShared>> + use<'a, T, I, K, V, E, S> {
        let tags: Vec<_> = tags.into_iter().map(|tag| Tag::of(tag.as_ref())).collect();
        tags.iter().for_each(|tag| self.shared.tags.invalidate(*tag));
        let rest = self.shared.second(|| Ends::tags(tags));
        async move {
            match rest {
                Some(doubt) => doubt.ends().await,
                None => Ok(()),
            }
        }
    }

    /// Replaces the value of `key`, if there is one here that has not expired, by what `change` makes of it:
    /// whether there was one. How long it holds, and its tags, stay. Of two updates of an instance none is lost.
    ///
    /// With a second level: ends what is there, and then changes what is here; other instances load it anew.
    ///
    /// `change` runs under a lock: it must be short, and must not call the cache, or it waits for itself.
    ///
    /// # Errors
    ///
    /// [`NotShared`] where the second level did not confirm it; what is here is changed.
    ///
    /// # Cancel safety
    ///
    /// With a second level: dropped before it is over, it ends the entry.
    pub fn update<'a, Q, F>(
        &'a self,
        key: &Q,
        change: F,
    ) -> impl Future<Output = Result<bool, NotShared>> + use<'a, Q, F, K, V, E, S>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: FnOnce(&V) -> V,
    {
        let key = key.to_owned();
        let (existed, rest) = match self.shared.second(|| Ends::keys(vec![key.clone()])) {
            None => (self.shared.update_here(&key, change), None),
            Some(doubt) => (false, Some((doubt, change))),
        };
        async move {
            let Some((mut doubt, change)) = rest else { return Ok(existed) };
            let told = doubt.tell().await;
            let existed = self.shared.update_here(&key, change);
            doubt.here = Ends::none();
            told.map(|()| existed)
        }
    }

    /// Ends all entries, and keeps all loads that are under way from being kept; with a second level, as with
    /// [`invalidate`](Self::invalidate).
    ///
    /// # Errors
    ///
    /// As [`invalidate`](Self::invalidate).
    pub fn clear(&self) -> impl Future<Output = Result<(), NotShared>> {
        self.shared.clear_here();
        let rest = self.shared.second(Ends::all);
        async move {
            match rest {
                Some(doubt) => doubt.ends().await,
                None => Ok(()),
            }
        }
    }

    /// Writes to the source by `write`, and then puts the value in.
    ///
    /// Fresh hits go on to get the old value until the write is over; who misses waits for it. If
    /// another write or invalidation of the key comes in between, nothing is kept of either: which of two
    /// writes the source took last, only the source knows.
    ///
    /// With a second level: when the write is over, ends what is there, and then keeps the value here; other
    /// instances load it. What the second level does not confirm is an event
    /// ([`NotShared`](crate::Turn::NotShared)), and is told once that is possible.
    ///
    /// # Errors
    ///
    /// Those of `write`. The entry is gone then, here and there: the write may have happened.
    ///
    /// # Panics
    ///
    /// The future panics where `write` does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the write, and ends the key's entry.
    pub async fn write_through<T, W, F>(
        &self,
        key: K,
        value: impl Into<Loaded<V>>,
        write: impl FnOnce() -> F,
    ) -> Result<T, W>
    where
        F: Future<Output = Result<T, W>>,
    {
        self.shared.write_through(key, value.into(), write).await
    }

    /// Puts the value in at once, and gives the write to `queue`, which brings it to the source later;
    /// [`Loaded::absent`] is the write that there is none.
    ///
    /// Writes of one key come to the queue in the order in which the cache takes them. The entry can leave
    /// the cache before its write has come to the source, and a load would then read what was before: let
    /// it ask the queue first, as by [`Behind::waiting`](crate::Behind::waiting).
    ///
    /// With a second level: what is there is owed to be ended, and a task does that.
    ///
    /// # Errors
    ///
    /// Those of the queue: it is full, or shut down. What the cache holds has not changed then, but for a
    /// load of the key that was under way, which it does not keep.
    #[expect(clippy::needless_pass_by_value, reason = "a key that is put in is given")]
    pub fn write_behind<W: WriteQueue<K, V> + ?Sized>(
        &self,
        key: K,
        value: impl Into<Loaded<V>>,
        queue: &W,
    ) -> Result<(), Rejection> {
        self.shared.write_behind(&key, value.into(), queue)
    }
}
