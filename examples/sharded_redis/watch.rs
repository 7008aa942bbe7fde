//! The display, and the samples of the picture: one look in a tenth of a second.
//!
//! All goes to stderr: stdout is for the table.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed}, // it may notice the end one look later
    },
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use seawall_core::BoxError;
use seawall_shard::ShardMap;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{
    phases::{Counts, Phase, Tally},
    traffic::Spread,
};

const LOOK: Duration = Duration::from_millis(100);

/// One look.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) at: f64,
    /// A second, since the look before.
    pub(crate) reads: f64,
    pub(crate) writes: f64,
    /// Tries that a node failed, and errors that callers saw, a second.
    pub(crate) trouble: f64,
    /// How many keys each node serves.
    pub(crate) loads: BTreeMap<String, u64>,
}

/// When each phase began, in seconds.
pub(crate) type Turns = Vec<(Phase, f64)>;

pub(crate) struct Watch {
    looking: JoinSet<(Vec<Sample>, Turns)>,
    is_over: Arc<AtomicBool>,
}

impl Watch {
    pub(crate) fn start(shards: &ShardMap, tally: &Arc<Tally>, keys: u32) -> Self {
        let is_over = Arc::<AtomicBool>::default();
        let (shards, tally, ends) = (shards.clone(), Arc::clone(tally), Arc::clone(&is_over));
        let mut looking = JoinSet::new();
        looking.spawn(async move { look(&shards, &tally, keys, &ends).await });
        Self { looking, is_over }
    }

    pub(crate) async fn stop(&mut self) -> Result<(Vec<Sample>, Turns), BoxError> {
        self.is_over.store(true, Relaxed);
        Ok(self.looking.join_next().await.ok_or("it was stopped before")??)
    }
}

async fn look(
    shards: &ShardMap,
    tally: &Tally,
    keys: u32,
    is_over: &AtomicBool,
) -> (Vec<Sample>, Turns) {
    let bar = ProgressBar::new_spinner(); // hidden by itself where stderr is no terminal
    let style = ProgressStyle::with_template("{spinner} {prefix:15.bold} {msg}");
    bar.set_style(style.expect("the template is a constant, and indicatif takes it"));
    let spread = Spread::of(shards, keys);
    let begun = Instant::now();
    let (mut samples, mut turns) = (Vec::new(), Turns::new());
    let (mut before, mut before_at) = (tally.total(), 0.0);
    let mut beat = interval(LOOK);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat.tick().await;
    while !is_over.load(Relaxed) {
        let phase = tally.phase();
        if turns.last().is_none_or(|&(last, _)| last != phase) {
            turns.push((phase, begun.elapsed().as_secs_f64()));
            if bar.is_hidden() {
                eprintln!("{:>5.1} s  {phase}", begun.elapsed().as_secs_f64());
            }
        }
        beat.tick().await;
        let (now, at) = (tally.total(), begun.elapsed().as_secs_f64());
        let loads = spread.loads(shards);
        let rate = |count: fn(&Counts) -> u64| {
            (count(&now) - count(&before)) as f64 / (at - before_at).max(1e-3)
        };
        let sample = Sample {
            at,
            reads: rate(|counts| counts.reads),
            writes: rate(|counts| counts.writes),
            trouble: rate(|counts| counts.tried_again + counts.errors),
            loads,
        };
        bar.set_prefix(phase.to_string());
        bar.set_message(format!(
            "{at:>5.1} s  {:>6.0} reads/s  {:>6.0} writes/s  errors {}  {:?}",
            sample.reads, sample.writes, now.errors, sample.loads,
        ));
        bar.tick();
        samples.push(sample);
        (before, before_at) = (now, at);
    }
    bar.finish_and_clear();
    (samples, turns)
}
