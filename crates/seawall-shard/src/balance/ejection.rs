//! Who is put out: the rules, as functions of what was counted.
//!
//! # How it decides
//!
//! | sign | found | who is put out |
//! |---|---|---|
//! | failures in a row | by the call that failed | its peer, from `consecutive_failures` on |
//! | success rate | once an interval, by a call that ends then | whose rate is below `mean - deviations * sigma`, worst first |
//! | readiness | by the call that met it | its peer, at once |
//!
//! The mean and the deviation are of the rates of all peers that had enough calls, and no rule holds where there
//! are too few of them. A peer goes for the `n`-th delay of the [`Backoff`](seawall_core::Backoff) if it is its
//! `n`-th time; each interval that it is in forgives one.
//!
//! # What it promises
//!
//! 1. At most the share is out by ejection, also when all fail at once; but for one, and never the only one.

use std::sync::Arc;

use seawall_core::Ratio;

use super::{SuccessRate, peer::Peer, standing::Moment};

/// How many of `peers` may be out at a time.
pub(crate) fn places(at_most: Ratio, peers: usize) -> usize {
    let share = peers as u64 * u64::from(at_most.parts_per_million()) / 1_000_000;
    (share as usize).max(1).min(peers.saturating_sub(1))
}

/// How many are out by ejection.
pub(crate) fn ejected<V>(peers: &[Arc<Peer<V>>], now: Moment) -> usize {
    let out = |peer: &&Arc<Peer<V>>| {
        let stand = peer.standing.read();
        !stand.down && !stand.is_in(now)
    };
    peers.iter().filter(out).count()
}

/// One whose success rate is too low.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outlier {
    /// Which of the peers that were counted.
    pub(crate) at: usize,
    pub(crate) rate: Ratio,
    pub(crate) least: Ratio,
}

/// Whose rate is too low, worst first, of peers with so many successes and failures each.
pub(crate) fn outliers(rule: SuccessRate, tallies: &[(u32, u32)]) -> Vec<Outlier> {
    let calls = |(good, bad): (u32, u32)| u64::from(good) + u64::from(bad);
    let rates: Vec<_> = tallies
        .iter()
        .enumerate()
        .filter(|&(_, &tally)| calls(tally) >= u64::from(rule.minimum_calls))
        .map(|(at, &tally)| (at, f64::from(tally.0) / calls(tally) as f64))
        .collect();
    if rates.len() < rule.minimum_peers as usize {
        return Vec::new();
    }
    let count = rates.len() as f64;
    let mean = rates.iter().map(|(_, rate)| rate).sum::<f64>() / count;
    let variance = rates.iter().map(|(_, rate)| (rate - mean).powi(2)).sum::<f64>() / count;
    let least = ratio(mean - rule.deviations * variance.sqrt());
    let outlier = |(at, rate)| Outlier { at, rate: ratio(rate), least };
    let mut outliers: Vec<_> = rates.into_iter().map(outlier).collect();
    // In whole parts, or a rounding in the mean would put out one of those who are all the same.
    outliers.retain(|outlier| outlier.rate < least);
    outliers.sort_by_key(|outlier| outlier.rate);
    outliers
}

fn ratio(share: f64) -> Ratio {
    Ratio::from_parts_per_million((share.max(0.0) * 1e6).round() as u32)
}
