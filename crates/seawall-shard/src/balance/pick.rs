//! Who takes the next call: the better of two that chance draws.
//!
//! # How it decides
//!
//! Two distinct peers are drawn, each as often as its weight says, and the one with the lower
//! [cost](super::load::Load::cost) takes the call. Looking at two is enough that no queue grows much longer
//! than the others (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001), and that
//! clients who know nothing of each other do not all run to the same peer, as they do to the least loaded.
//!
//! | peers | sight | who is taken |
//! |---|---|---|
//! | none | | nobody |
//! | one | `All`, `Panic` | that one |
//! | more | `All`, `Panic` | the better of two |
//! | any | `Some` | the better of two that are in; one that has just come back takes part in a share of the draws |
//! | any, all out | `Some` | nobody |
//!
//! # What it promises
//!
//! 1. The two are distinct, and each peer is drawn as often as its weight says.
//! 2. With some out, who is out is not taken; if anybody is in, somebody is taken.

use std::sync::Arc;

use seawall_core::Chance;

use super::{latency::Tick, outlook::Sight, peer::Peer, standing::Moment};

/// How many pairs are drawn, before each peer is looked at in turn.
const DRAWS: u32 = 4;

/// The peers of a balance at a time; another list follows when one joins or leaves.
pub(crate) struct Peers<V> {
    list: Box<[Arc<Peer<V>>]>,
    /// Where the span of each ends on a line that is `total` long; none where all weigh the same.
    ends: Option<Box<[u64]>>,
    total: u64,
    heaviest: u32,
}

/// What a pick is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) tick: Tick,
    pub(crate) now: Moment,
    pub(crate) sight: Sight,
    /// How long it takes until one that comes back is taken up.
    pub(crate) ramp: u64,
    pub(crate) chance: &'a Chance,
}

impl<V> Peers<V> {
    pub(crate) fn new(list: Vec<Arc<Peer<V>>>) -> Self {
        let list = list.into_boxed_slice();
        let heaviest = list.iter().map(|peer| peer.weight()).max().unwrap_or(1);
        if list.iter().all(|peer| peer.weight() == heaviest) {
            let total = list.len() as u64;
            return Self { list, ends: None, total, heaviest };
        }
        let mut total = 0;
        let end = |peer: &Arc<Peer<V>>| {
            total += u64::from(peer.weight());
            total
        };
        let ends = Some(list.iter().map(end).collect());
        Self { list, ends, total, heaviest }
    }

    pub(crate) fn list(&self) -> &[Arc<Peer<V>>] {
        &self.list
    }

    /// Takes the next call's peer.
    #[inline]
    pub(crate) fn pick(&self, ask: Ask<'_>) -> Option<&Arc<Peer<V>>> {
        if self.list.len() < 2 {
            let only = self.list.first()?;
            let taken = ask.sight != Sight::Some || only.standing.read().is_in(ask.now);
            return taken.then_some(only);
        }
        if ask.sight == Sight::Some {
            return self.pick_among_some(ask);
        }
        let [first, second] = self.two(ask.chance);
        Some(&self.list[self.better(ask.tick, (first, 1.0), (second, 1.0))])
    }

    fn pick_among_some(&self, ask: Ask<'_>) -> Option<&Arc<Peer<V>>> {
        let mut chosen: Option<(usize, f64)> = None;
        for _ in 0..DRAWS {
            for at in self.two(ask.chance) {
                let share = self.list[at].standing.read().share(ask.now, ask.ramp);
                if !ask.chance.happens(share) {
                    continue;
                }
                match chosen {
                    None => chosen = Some((at, share.as_f64())),
                    Some(first) if first.0 != at => {
                        return Some(
                            &self.list[self.better(ask.tick, first, (at, share.as_f64()))],
                        );
                    }
                    Some(_) => {}
                }
            }
        }
        if let Some((only, _)) = chosen {
            return Some(&self.list[only]);
        }
        // Few are in: from a place that chance draws, the first of them.
        let (before, after) = self.list.split_at(self.two(ask.chance)[0]);
        after.iter().chain(before).find(|peer| peer.standing.read().is_in(ask.now))
    }

    /// The one with the lower cost, each with the share of its weight that it is given at present.
    #[inline]
    fn better(&self, tick: Tick, first: (usize, f64), second: (usize, f64)) -> usize {
        let cost = |(at, share): (usize, f64)| {
            let peer = &self.list[at];
            let lightness = f64::from(self.heaviest) / (f64::from(peer.weight()) * share);
            peer.load.cost(tick, lightness)
        };
        // The first where they are equal: it was drawn by its weight alone, the second beside the first.
        if cost(second) < cost(first) { second.0 } else { first.0 }
    }

    /// Two distinct places of at least two, each as likely as its weight says.
    ///
    /// The second is drawn from a line without the first one's span (Floyd's sampling for two).
    #[inline]
    pub(crate) fn two(&self, chance: &Chance) -> [usize; 2] {
        let drawn = chance.uniform(0, u64::MAX);
        let first = self.at(below(drawn >> 32, self.total));
        let (start, end) = self.span(first);
        let rest = below(drawn & u64::from(u32::MAX), self.total - (end - start));
        let second = self.at(if rest < start { rest } else { rest + (end - start) });
        [first, second]
    }

    #[inline]
    fn at(&self, spot: u64) -> usize {
        match &self.ends {
            None => spot as usize,
            Some(ends) => ends.partition_point(|&end| end <= spot),
        }
    }

    #[inline]
    fn span(&self, at: usize) -> (u64, u64) {
        match &self.ends {
            None => (at as u64, at as u64 + 1),
            Some(ends) => (at.checked_sub(1).map_or(0, |before| ends[before]), ends[at]),
        }
    }
}

/// A number below `bound`, from 32 bits of chance.
#[inline]
const fn below(bits: u64, bound: u64) -> u64 {
    ((bits as u128 * bound as u128) >> 32) as u64
}
