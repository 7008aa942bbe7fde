//! What moves the rows of a slot, for `Migration::run`.
//!
//! A haul whose owner is dead is moved from the first replica that is up: that has all that was acknowledged,
//! and orders the writes meanwhile. So that replica is fenced in the dead node's place.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use seawall_shard::{
    NodeState, ShardMap,
    migration::{Batch, Haul, Level, Mover, Step},
};
use tokio::time::sleep;

use crate::{
    client::{first_up, is_up},
    store::{Entry, Place, Store, Trouble},
};

pub(crate) struct Carrier {
    shards: ShardMap,
    store: Arc<Store>,
}

impl Carrier {
    pub(crate) fn new(shards: ShardMap, store: Arc<Store>) -> Self {
        Self { shards, store }
    }

    fn is_dead(&self, node: &str) -> bool {
        self.shards.topology().node(node).is_some_and(|node| node.state == NodeState::Down)
    }

    /// Who has all rows of a slot: its owner, or who stands in.
    fn source<'a>(&'a self, haul: &'a Haul, slot: u32) -> &'a str {
        let replicas = self.shards.replicas_of_slot(slot).filter(|_| self.is_dead(&haul.from));
        replicas.map_or(&*haul.from, |replicas| first_up(replicas).name())
    }

    /// What `to` lacks of a slot.
    async fn newer(&self, haul: &Haul, slot: u32, to: &str) -> Result<Vec<Entry>, Trouble> {
        let from = self.source(haul, slot);
        if from == to {
            return Ok(Vec::new());
        }
        let rows = self.store.rows(from, slot).await?;
        let has = self.store.rows(to, slot).await?;
        let lacks = |(key, row): &Entry| has.get(key).is_none_or(|had| had.version < row.version);
        Ok(rows.into_iter().filter(lacks).collect())
    }

    async fn level(&self, haul: &Haul, slot: u32) -> Result<u64, Trouble> {
        let Some(to) = haul.to.as_deref() else { return Ok(0) };
        let rows = self.newer(haul, slot, to).await?;
        if !rows.is_empty() {
            self.store.take(to, Place { slot, epoch: haul.epoch }, &rows).await?;
        }
        Ok(rows.len() as u64)
    }
}

impl Mover for Carrier {
    type Error = Trouble;

    async fn record(&self, _step: &Step) -> Result<(), Trouble> {
        Ok(()) // who moves and who routes is this one process, and they end together
    }

    async fn fence(
        &self,
        node: &str,
        slots: RangeInclusive<u32>,
        epoch: u64,
    ) -> Result<(), Trouble> {
        if !self.is_dead(node) {
            return self.store.raise(node, slots, epoch).await;
        }
        for slot in slots {
            for member in self.shards.replicas_of_slot(slot).into_iter().flat_map(|all| all.iter())
            {
                if is_up(member) {
                    self.store.raise(member.name(), slot..=slot, epoch).await?;
                }
            }
        }
        Ok(())
    }

    /// A slot at a time: the cursor is the next one.
    async fn copy(
        &self,
        haul: &Haul,
        cursor: Option<&str>,
        _at_most: u64,
    ) -> Result<Batch, Trouble> {
        let slot = cursor.and_then(|slot| slot.parse().ok()).unwrap_or_else(|| *haul.slots.start());
        let items = self.level(haul, slot).await?;
        let next = (slot < *haul.slots.end()).then(|| (slot + 1).to_string());
        Ok(Batch { items, next, ..Batch::default() })
    }

    async fn catch_up(&self, haul: &Haul, _at_most: u64) -> Result<Level, Trouble> {
        let mut items = 0;
        for slot in haul.slots.clone() {
            items += self.level(haul, slot).await?;
        }
        Ok(Level { items, ..Level::default() })
    }

    async fn verify(&self, haul: &Haul) -> Result<bool, Trouble> {
        let Some(to) = haul.to.as_deref() else { return Ok(true) };
        for slot in haul.slots.clone() {
            let from = self.source(haul, slot);
            if from != to && self.store.rows(from, slot).await? != self.store.rows(to, slot).await?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn delete(
        &self,
        haul: &Haul,
        node: &str,
        _cursor: Option<&str>,
        _at_most: u64,
    ) -> Result<Batch, Trouble> {
        let mut items = 0;
        if !self.is_dead(node) {
            for slot in haul.slots.clone() {
                items += self.store.give_up(node, Place { slot, epoch: haul.epoch }).await?;
            }
        }
        Ok(Batch { items, ..Batch::default() })
    }

    async fn sleep(&self, time: Duration) {
        sleep(time).await;
    }
}
