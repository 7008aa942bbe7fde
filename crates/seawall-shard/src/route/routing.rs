//! What a map routes by, beside its table: the same for all of its handles.

use std::sync::Arc;

use seawall_core::{
    Chance, Name, Snapshot,
    bucket::ONE,
    lanes,
    sync::{SpreadStat, Stat},
};

#[cfg(seawall_loom)]
use crate::route::FreshReads;
use crate::{
    Member, NodeState, Topology,
    route::{Overflow, fresh_reads::Freshness, ledger::Ledger},
};

/// The settings that the routes of a map depend on, and what it counts of them.
#[derive(Debug)]
pub(crate) struct Routing {
    /// The zone of the one who asks.
    pub(crate) zone: Option<Name>,
    /// Who is asked first by a read that does not care.
    pub(crate) chance: Chance,
    /// The calls in flight, where they are bounded.
    pub(crate) ledger: Option<Arc<Ledger>>,
    pub(crate) overflow: Overflow,
    /// What reads that must be fresh go by.
    pub(crate) fresh: Freshness,
    pub(crate) counts: Counts,
}

/// What is seen in snapshots.
#[derive(Debug)]
pub(crate) struct Counts {
    /// Calls that got a node.
    pub(crate) routed: SpreadStat,
    /// Those among them that went to a node that was not their first candidate, as that was at its bound.
    pub(crate) overflowed: Stat,
    /// Calls that got none: all were at their bounds.
    pub(crate) refused: Stat,
    /// Calls that got none: all were down.
    pub(crate) unserved: Stat,
    /// Fresh reads that waited for a replica.
    pub(crate) waited: Stat,
    /// Fresh reads that the primary got, as the replicas were behind or full.
    pub(crate) sent_to_primary: Stat,
    /// Those that it did not get, as there had been too many.
    pub(crate) budget_spent: Stat,
}

impl Routing {
    pub(crate) fn new(
        zone: Option<Name>,
        chance: Chance,
        bound: Option<(u64, Overflow)>,
        fresh: Freshness,
    ) -> Self {
        Self {
            zone,
            chance,
            ledger: bound.map(|(factor, _)| Arc::new(Ledger::new(factor))),
            overflow: bound.map_or(Overflow::Refuse, |(_, overflow)| overflow),
            fresh,
            counts: Counts {
                routed: SpreadStat::new(lanes()),
                overflowed: Stat::default(),
                refused: Stat::default(),
                unserved: Stat::default(),
                waited: Stat::default(),
                sent_to_primary: Stat::default(),
                budget_spent: Stat::default(),
            },
        }
    }

    /// The nodes are others, or weigh another thing: a share is one of those that take calls.
    pub(crate) fn weigh(&self, topology: &Topology) {
        let Some(ledger) = &self.ledger else { return };
        let sum = |takes_part: fn(NodeState) -> bool| {
            let nodes = topology.nodes().iter().filter(|node| takes_part(node.state));
            nodes.map(|node| u64::from(node.weight)).sum::<u64>()
        };
        let active = sum(|state| state == NodeState::Active);
        // Where nobody is active, those that drain share what there is.
        ledger.weigh(if active > 0 { active } else { sum(|_| true) });
    }
}

impl Routing {
    /// Adds what it counts to a snapshot.
    pub(crate) fn observe<'a>(
        &self,
        snapshot: Snapshot,
        members: impl Iterator<Item = &'a Member> + Clone,
    ) -> Snapshot {
        let mut snapshot = snapshot
            .gauge("primary_budget", f64::from(self.fresh.budget.count()) / f64::from(ONE))
            .counter("routed", self.counts.routed.get())
            .counter("unserved", self.counts.unserved.get())
            .counter("waited", self.counts.waited.get())
            .counter("sent_to_primary", self.counts.sent_to_primary.get())
            .counter("budget_spent", self.counts.budget_spent.get());
        if let thresholds @ Some(_) = self.fresh.thresholds {
            let now = self.fresh.clock.now();
            let is_behind = |member: &&Member| member.progress().is_left_out(now, thresholds);
            snapshot =
                snapshot.gauge("nodes_behind", members.clone().filter(is_behind).count() as f64);
        }
        let Some(ledger) = &self.ledger else { return snapshot };
        let over_share = members.filter_map(|member| {
            let load = f64::from(member.load()?.in_flight());
            (member.weight() > 0).then(|| load / ledger.share(member.weight()))
        });
        snapshot
            .gauge("in_flight", ledger.total() as f64)
            .gauge("busiest_over_share", over_share.fold(0.0, f64::max))
            .counter("overflowed", self.counts.overflowed.get())
            .counter("refused", self.counts.refused.get())
            .limit("bounded_load_factor", ledger.factor())
    }
}

#[cfg(seawall_loom)]
impl Default for Routing {
    fn default() -> Self {
        let fresh = FreshReads::default().check().expect("the defaults are sound");
        Self::new(None, Chance::seeded(0), None, fresh)
    }
}
