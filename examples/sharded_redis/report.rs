//! The table: what each phase was for callers, what each change moved, and what was lost.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use seawall_shard::PlanStats;

use crate::{
    args::Args,
    name,
    phases::{Phase, Tally},
    traffic::Verdict,
    watch::{Sample, Turns},
};

/// What a change of the topology came to.
pub(crate) struct Change {
    pub(crate) took: Duration,
    /// What the plan said.
    pub(crate) stats: PlanStats,
    /// How many moves of a slot it was.
    pub(crate) moves: u64,
    /// How many rows were copied, beside those that writers sent on.
    pub(crate) items: u64,
    pub(crate) mismatches: u64,
    /// How many keys another node serves now.
    pub(crate) keys_moved: usize,
    /// How many keys each node serves after it.
    pub(crate) loads: BTreeMap<String, u64>,
}

pub(crate) struct Report {
    pub(crate) args: Args,
    pub(crate) joined: Change,
    pub(crate) repaired: Change,
    /// How long after the kill the node was marked.
    pub(crate) seen_after: Duration,
    pub(crate) dead: u32,
    pub(crate) tally: Arc<Tally>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) turns: Turns,
    pub(crate) verdict: Verdict,
}

impl Change {
    /// The keys of the fullest node over the mean.
    pub(crate) fn balance(&self) -> f64 {
        let fullest = self.loads.values().max().copied().unwrap_or(0) as f64;
        let sum: u64 = self.loads.values().sum();
        fullest * self.loads.len() as f64 / (sum as f64).max(1.0)
    }
}

impl Report {
    /// How long a phase was, in seconds.
    fn length(&self, phase: Phase) -> f64 {
        let Some(index) = self.turns.iter().position(|turn| turn.0 == phase) else { return 0.0 };
        let last = self.samples.last().map_or(0.0, |sample| sample.at);
        self.turns.get(index + 1).map_or(last, |turn| turn.1) - self.turns[index].1
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Args { keys, nodes, replicas, seed, .. } = self.args;
        writeln!(f, "{keys} keys on {nodes} nodes, {replicas} copies of each, seed {seed}\n")?;
        writeln!(
            f,
            "{:<15} {:>7} {:>8} {:>8} {:>8} {:>12} {:>12} {:>9} {:>9}",
            "",
            "seconds",
            "reads",
            "writes",
            "errors",
            "failed over",
            "tried again",
            "rerouted",
            "slowest",
        )?;
        for &phase in &Phase::ALL[1..] {
            let counts = self.tally.of(phase);
            writeln!(
                f,
                "{phase:<15} {:>7.1} {:>8} {:>8} {:>8} {:>12} {:>12} {:>9} {:>6} ms",
                self.length(phase),
                counts.reads,
                counts.writes,
                counts.errors,
                counts.failed_over,
                counts.tried_again,
                counts.rerouted,
                counts.slowest.as_millis(),
            )?;
        }
        let least = 100.0 / f64::from(nodes + 1);
        let Self { joined, repaired, verdict, .. } = self;
        let percent = |moved: usize| 100.0 * moved as f64 / f64::from(keys);
        writeln!(
            f,
            "\njoined    {} serves {} keys: {:.1} % moved, where {least:.1} % is the least for an even split",
            name(nodes),
            joined.keys_moved,
            percent(joined.keys_moved),
        )?;
        for (what, change) in [("", joined), ("repaired", repaired)] {
            if what == "repaired" {
                writeln!(
                    f,
                    "killed    {} was marked down after {} ms",
                    name(self.dead),
                    self.seen_after.as_millis(),
                )?;
            }
            writeln!(
                f,
                "{what:<9} {} moves of slots ({} owners, {} copies), {} rows copied, in {:.2} s; \
                 balance (max/mean) {:.3}",
                change.moves,
                change.stats.owners_moved,
                change.stats.copies_moved,
                change.items,
                change.took.as_secs_f64(),
                change.balance(),
            )?;
        }
        write!(
            f,
            "lost      {} of {} keys; {} copies short; {} reads wrong; {} slots differed when they were handed over; \
             {} errors seen by callers",
            verdict.lost,
            verdict.keys,
            verdict.short,
            verdict.wrong_reads,
            joined.mismatches + repaired.mismatches,
            self.tally.total().errors,
        )
    }
}
