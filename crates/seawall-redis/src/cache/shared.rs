//! What a store is made of, and how a batch of keys is cut into scripts.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::try_join_all;
use seawall_core::{
    Chance, Name, Observe, Snapshot,
    sync::{
        Stat,
        unmodelled::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use super::{SchemaId, names::Names};
use crate::{Arg, Connection, Error, Reply, Script};

/// Of so many keys at once a script takes care: no other client waits for more.
const BATCH: usize = 64;

pub(super) struct Shared<C> {
    pub(super) connection: Connection,
    pub(super) prefix: Name,
    pub(super) names: Names,
    pub(super) schema: SchemaId,
    pub(super) codec: C,
    pub(super) lease: Duration,
    pub(super) longest: usize,
    pub(super) heartbeat: Duration,
    /// Who tells what we tell, as long as we know that it was done; see [`Doubt`].
    pub(super) own: AtomicU64,
    pub(super) chance: Chance,
    pub(super) stats: Stats,
}

#[derive(Debug, Default)]
pub(super) struct Stats {
    pub(super) hits: Stat,
    pub(super) stale: Stat,
    pub(super) leases: Stat,
    pub(super) busy: Stat,
    pub(super) filled: Stat,
    pub(super) refused: Stat,
    pub(super) invalidated: Stat,
    pub(super) errors: Stat,
    pub(super) unreadable: Stat,
    pub(super) not_kept: Stat,
    pub(super) heard: Stat,
    pub(super) gaps: Stat,
    pub(super) listening: AtomicBool,
}

/// Some keys of one part: their places in the caller's list.
pub(super) struct Batch {
    pub(super) part: u16,
    pub(super) members: Vec<usize>,
}

impl<C> Shared<C> {
    /// Cuts a list of keys, each of which lies in a part, into batches for a script.
    pub(super) fn batches(&self, parts: impl Iterator<Item = u16>) -> Vec<Batch> {
        let mut members = BTreeMap::<u16, Vec<usize>>::new();
        for (index, part) in parts.enumerate() {
            members.entry(part).or_default().push(index);
        }
        let cut = |(part, members): (_, Vec<_>)| {
            let batch = move |members: &[usize]| Batch { part, members: members.to_vec() };
            members.chunks(BATCH).map(batch).collect::<Vec<_>>()
        };
        members.into_iter().flat_map(cut).collect()
    }

    /// Runs a script for a part, whose state is its first key, with a life to begin and what records begin
    /// with as its first arguments.
    pub(super) async fn run(
        &self,
        script: &Script,
        part: u16,
        head: [u8; 8],
        keys: Vec<Vec<u8>>,
        args: &[Arg<'_>],
    ) -> Result<Reply, Error> {
        let life = self.draw().to_be_bytes();
        let keys: Vec<_> = std::iter::once(self.names.state(part)).chain(keys).collect();
        let args = [&[Arg::Bytes(&life), Arg::Bytes(&head)], args].concat();
        self.connection.run(script, &keys, &args).await
    }

    /// Does each of them, at once; counts the failure of one.
    pub(super) async fn all<T>(
        &self,
        calls: impl IntoIterator<Item = impl Future<Output = Result<T, Error>>>,
    ) -> Result<Vec<T>, Error> {
        try_join_all(calls).await.inspect_err(|_| self.stats.errors.add(1))
    }

    /// A number that nobody else draws.
    pub(super) fn draw(&self) -> u64 {
        self.chance.uniform(0, u64::MAX)
    }

    /// Whether what `by` told was told here, and is known to have been done before the call for it ended.
    pub(super) fn is_own(&self, by: u64) -> bool {
        by == self.own.load(Relaxed) // a word that carries nothing but itself
    }
}

/// A change of which nobody knows whether it was done, until it is known.
///
/// What we tell others comes back to ourselves. It is no news where the call for it is under way, or has done
/// well. Where it failed, or was dropped, the server may do it at any later time: so from then on we go by
/// another name, and what was told under the former one is news.
pub(super) struct Doubt<'a, C> {
    shared: &'a Shared<C>,
    pub(super) by: u64,
    is_open: bool,
}

impl<'a, C> Doubt<'a, C> {
    pub(super) fn about(shared: &'a Shared<C>) -> Self {
        Self { shared, by: shared.own.load(Relaxed), is_open: true }
    }

    pub(super) fn settle<T>(mut self, result: Result<T, Error>) -> Result<T, Error> {
        self.is_open = result.as_ref().is_err_and(Error::may_have_run);
        result
    }
}

impl<C> Drop for Doubt<'_, C> {
    fn drop(&mut self) {
        if self.is_open {
            self.shared.own.store(self.shared.draw(), Relaxed);
        }
    }
}

impl<C: Send + Sync> Observe for Shared<C> {
    fn snapshot(&self) -> Snapshot {
        let stats = &self.stats;
        let state = if stats.listening.load(Relaxed) { "listening" } else { "deaf" };
        Snapshot::new("redis_cache_store", self.prefix.as_str(), state)
            .counter("hits", stats.hits.get())
            .counter("stale", stats.stale.get())
            .counter("leases", stats.leases.get())
            .counter("busy", stats.busy.get())
            .counter("filled", stats.filled.get())
            .counter("fills_refused", stats.refused.get())
            .counter("invalidated", stats.invalidated.get())
            .counter("errors", stats.errors.get())
            .counter("unreadable", stats.unreadable.get())
            .counter("not_kept", stats.not_kept.get())
            .counter("heard", stats.heard.get())
            .counter("gaps", stats.gaps.get())
            .limit("lease_seconds", self.lease.as_secs_f64())
            .limit("max_bytes", self.longest as f64)
            .limit("parts", self.names.parts().into())
    }
}

#[cfg(test)]
mod tests {
    use seawall_core::{Reason, Rejection, sync::unmodelled::Ordering::Relaxed};

    use super::Doubt;
    use crate::{Connection, Error, SchemaId};

    #[test]
    fn only_a_call_that_may_be_carried_out_later_is_in_doubt() {
        let connection = Connection::builder("c").url("redis://localhost").build().expect("sound");
        let shared = connection.cache_store("app:users", SchemaId(3)).shared;
        let own = || shared.own.load(Relaxed);
        let before = own();

        Doubt::about(&shared).settle(Ok(())).expect("it was done");
        let refused = Error::from(Rejection::new(Reason::CircuitOpen, "c"));
        Doubt::about(&shared).settle::<()>(Err(refused)).expect_err("it was not sent");
        assert_eq!(own(), before);

        let late = Error::TimedOut { sent: true };
        Doubt::about(&shared).settle::<()>(Err(late)).expect_err("nobody knows");
        let after = own();
        assert_ne!(after, before);
        drop(Doubt::about(&shared));
        assert_ne!(own(), after, "nor of one that was dropped");
    }
}
