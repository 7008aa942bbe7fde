//! A write and a read by their routes, also while slots move and nodes are dead.
//!
//! A write is acknowledged when all nodes of its key that are up have it. To pass over who is down is sound
//! here because that node is dead, and does not come back with its old rows: it is removed, and its copies are
//! made anew. Of a node that may return, a write has to wait until it is removed.
//!
//! Where the owner is down the first replica orders the writes in its place. It may have missed a write that
//! was never acknowledged and that another replica has; so a row that is kept out by another one is
//! written again, with a version above that.

use std::{sync::Arc, time::Duration};

use futures_util::future::try_join_all;
use seawall_shard::{Member, NodeState, Replicas, ShardMap};
use tokio::time::{Instant, sleep};

use crate::{
    phases::Tally,
    store::{Place, Row, Store, Trouble},
};

/// How long a call tries before its caller sees an error.
const PATIENCE: Duration = Duration::from_secs(2);

/// Between two tries: a hand-off takes some milliseconds.
const PAUSE: Duration = Duration::from_millis(3);

#[derive(Clone)]
pub(crate) struct Client {
    shards: ShardMap,
    store: Arc<Store>,
    tally: Arc<Tally>,
}

/// What a try came to, if not to a row.
enum Missed {
    /// The slot is handed over at this moment.
    Paused,
    /// Somebody has a newer row, with this version.
    Older(u64),
    Trouble(Trouble),
}

impl From<Trouble> for Missed {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// The call was tried as long as there was patience.
#[derive(Debug)]
pub(crate) struct Exhausted;

pub(crate) fn is_up(member: &Member) -> bool {
    member.state() != NodeState::Down
}

/// Who orders the writes of a slot: its owner, or the first replica that is up in its place.
pub(crate) fn first_up(replicas: Replicas<'_>) -> &Member {
    replicas.iter().find(|member| is_up(member)).unwrap_or_else(|| replicas.owner())
}

impl Client {
    pub(crate) fn new(shards: ShardMap, store: Arc<Store>, tally: Arc<Tally>) -> Self {
        Self { shards, store, tally }
    }

    /// Writes until all have it; an error says that it may have been written or not.
    pub(crate) async fn write(&self, key: &str, value: u64) -> Result<(), Exhausted> {
        let begun = Instant::now();
        let mut least = 0;
        loop {
            match self.write_once(key, value, least).await {
                Ok(()) => {
                    self.tally.wrote(begun.elapsed());
                    return Ok(());
                }
                Err(Missed::Paused | Missed::Trouble(Trouble::Stale)) => self.tally.rerouted(),
                Err(Missed::Older(version)) => least = version,
                Err(Missed::Trouble(Trouble::Failed(_))) => self.tally.tried_again(),
            }
            if begun.elapsed() >= PATIENCE {
                self.tally.failed();
                return Err(Exhausted);
            }
            sleep(PAUSE).await;
        }
    }

    async fn write_once(&self, key: &str, value: u64, least: u64) -> Result<(), Missed> {
        let route = self.shards.write_route(key);
        if route.is_paused() {
            return Err(Missed::Paused);
        }
        let place = Place { slot: route.slot(), epoch: route.epoch() };
        let owner = first_up(route.replicas());
        let version = self.store.put(owner.name(), place, key, value, least).await?;
        let rows = [(key.to_owned(), Row { version, value })];
        let others = route.replicas().iter().chain(route.forward());
        let others = others.filter(|member| is_up(member) && member.name() != owner.name());
        let told = others.map(|member| self.store.take(member.name(), place, &rows));
        match try_join_all(told).await?.into_iter().max() {
            None | Some(0) => Ok(()),
            Some(against) => Err(Missed::Older(against)),
        }
    }

    /// Reads from the first that has the key; `None` where all say that nobody has.
    pub(crate) async fn read(&self, key: &str) -> Result<Option<u64>, Exhausted> {
        let begun = Instant::now();
        loop {
            match self.read_once(key).await {
                Ok(row) => {
                    self.tally.read(begun.elapsed());
                    return Ok(row.map(|row| row.value));
                }
                Err(Trouble::Stale) => self.tally.rerouted(),
                Err(Trouble::Failed(_)) => self.tally.tried_again(),
            }
            if begun.elapsed() >= PATIENCE {
                self.tally.failed();
                return Err(Exhausted);
            }
            sleep(PAUSE).await;
        }
    }

    async fn read_once(&self, key: &str) -> Result<Option<Row>, Trouble> {
        let route = self.shards.read_route(key);
        let place = Place { slot: route.slot(), epoch: route.epoch() };
        let nodes = [route.first()].into_iter().chain(route.fallback());
        let nodes = nodes.chain(route.replicas().iter().skip(1));
        let mut failed = None;
        let mut is_known = false;
        for (turn, member) in nodes.enumerate() {
            if !is_up(member) {
                continue;
            }
            match self.store.get(member.name(), place, key).await {
                Ok(None) => is_known = true,
                Ok(row) => {
                    if turn > 0 && !is_known {
                        self.tally.failed_over(); // who came before is down, or did not answer
                    }
                    return Ok(row);
                }
                Err(Trouble::Stale) => return Err(Trouble::Stale),
                Err(trouble) => failed = Some(trouble),
            }
        }
        failed.map_or(Ok(None), Err) // who did not answer may have had it
    }
}
