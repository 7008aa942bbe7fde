//! Zones that cannot keep both promises: copies spread over zones, and shares by weight.
//!
//! A zone takes one copy of a slot before any takes two. So a light zone takes as many copies as a heavy one
//! where there are no more zones than replicas, and its nodes carry more than their weight. By how much,
//! follows from the weights alone, for R replicas:
//!
//! | map | R | copies of a slot in the lightest zone |
//! |---|---|---|
//! | rendezvous | at most one a zone | zones come first as exponential draws do, at a rate of their weight: the chance that fewer than R others are before it, an integral |
//! | rendezvous | more | one, and what it draws of the rest: nodes come one after the other, and who is not the first of its zone takes one that is left over |
//! | explicit | at most one a zone | by weight, but never above one: what heavy zones cannot take goes to the others by weight |
//! | explicit | more | by weight, but never below one |
//!
//! # From when on it is told
//!
//! From a tenth above the mean on. Below that chance says more: with the slots that a map has where nothing is
//! set, the fullest of a hundred nodes has a tenth too much anyway. And a zone of ten nodes of which one is
//! replaced is 7% above for a while, which nobody is to be woken for.

use std::{collections::BTreeMap, fmt};

use seawall_core::Name;

use crate::{Algorithm, Node, NodeState, Topology};

/// From which load on it is told, in percent of the mean.
const LEAST: u32 = 110;

/// Steps of the integral: even, as Simpson's rule has it. With so many, and by the eighth power, it is within a
/// thousandth, also where zones differ a billionfold.
const STEPS: u32 = 128;

/// How often a share of what heavy zones cannot take is halved, to find what the others get.
const HALVINGS: u32 = 60;

/// A zone whose nodes carry more than their weight, as copies are spread over zones.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ZoneSkew {
    /// The most loaded zone: the lightest one.
    pub zone: Name,
    /// What its nodes carry for their weight, in percent of the mean of all: 110 or more.
    pub percent: u32,
}

impl fmt::Display for ZoneSkew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { zone, percent } = self;
        write!(f, "nodes of zone `{zone}` carry {percent}% of their share of the copies: ")?;
        f.write_str("give it more weight, use fewer replicas, or make the zones even")
    }
}

/// A zone, or a node that is in none and so is one of its own.
struct Zone<'a> {
    name: Option<&'a Name>,
    weight: f64,
    nodes: usize,
}

impl Topology {
    /// The zone whose nodes carry at least a tenth more than their weight, with that many replicas placed by
    /// that algorithm.
    ///
    /// Exact for a rendezvous map with no more replicas than zones, or with nodes that weigh the same within a
    /// zone; for an explicit map it is what its planner aims at. A node without a zone is a zone of its own, and
    /// is not told.
    ///
    /// # Examples
    ///
    /// Why do the nodes of my smallest zone have the most to do?
    ///
    /// ```
    /// # use seawall_shard::{Algorithm, Node, Topology};
    /// let mut topology = Topology::new();
    /// topology.add(Node::new("a").zone("eu-1").weight(3))?;
    /// topology.add(Node::new("b").zone("eu-2"))?; // a quarter of the weight, and half of the copies
    /// let skew = topology.zone_skew(2, Algorithm::Rendezvous).expect("each zone has a copy of all");
    /// assert_eq!((&*skew.zone, skew.percent), ("eu-2", 200));
    /// # Ok::<(), seawall_shard::ConfigError>(())
    /// ```
    #[must_use]
    pub fn zone_skew(&self, replicas: u32, algorithm: Algorithm) -> Option<ZoneSkew> {
        let zones = self.zones(algorithm);
        let named = zones.iter().filter_map(|zone| Some((zone.name?, zone)));
        let (name, lightest) = named.min_by(|a, b| a.1.weight.total_cmp(&b.1.weight))?;
        let nodes: usize = zones.iter().map(|zone| zone.nodes).sum();
        let replicas = (replicas as usize).min(nodes);
        if replicas == 1 {
            return None; // there is nothing to spread
        }

        let copies = match algorithm {
            Algorithm::Rendezvous => drawn(&zones, lightest, replicas),
            Algorithm::Explicit => planned(&zones, lightest, replicas),
        };
        let by_weight = replicas as f64 * lightest.weight / sum(&zones);
        let percent = (100.0 * copies / by_weight).round() as u32;
        (percent >= LEAST).then(|| ZoneSkew { zone: name.clone(), percent })
    }

    /// Where copies can be: by name, those without a zone by their own.
    fn zones(&self, algorithm: Algorithm) -> Vec<Zone<'_>> {
        let is_open = |node: &&Node| node.weight > 0;
        let drains =
            |node: &Node| algorithm == Algorithm::Explicit && node.state == NodeState::Draining;
        let all_drain = self.nodes().iter().filter(is_open).all(drains);
        let mut zones = BTreeMap::new();
        for node in self.nodes().iter().filter(is_open).filter(|node| all_drain || !drains(node)) {
            let alone = node.zone.is_none().then_some(node.name.as_str());
            let name = node.zone.as_ref();
            let zone = zones.entry((name.map(Name::as_str), alone));
            let zone = zone.or_insert(Zone { name, weight: 0.0, nodes: 0 });
            zone.weight += f64::from(node.weight);
            zone.nodes += 1;
        }
        zones.into_values().collect()
    }
}

fn sum(zones: &[Zone<'_>]) -> f64 {
    zones.iter().map(|zone| zone.weight).sum()
}

/// How many copies of a slot `zone` has on average, where each node draws for it.
fn drawn(zones: &[Zone<'_>], zone: &Zone<'_>, replicas: usize) -> f64 {
    if replicas < zones.len() {
        let others = zones.iter().filter(|other| !std::ptr::eq(*other, zone));
        let others: Vec<f64> = others.map(|other| other.weight / zone.weight).collect();
        return chance_among(replicas, &others);
    }
    1.0 + drawn_of_rest(zones, zone, &mut vec![0; zones.len()], replicas - zones.len())
}

/// The same of `left` copies that zones take above their first one, where so many nodes of each have come.
fn drawn_of_rest(zones: &[Zone<'_>], zone: &Zone<'_>, come: &mut [usize], left: usize) -> f64 {
    if left == 0 {
        return 0.0;
    }
    let rate = |each: &Zone<'_>, come: usize| {
        each.weight * (each.nodes - come) as f64 / each.nodes as f64 // of those who are still to come
    };
    let rates: Vec<f64> = zones.iter().zip(&*come).map(|(each, &come)| rate(each, come)).collect();
    let sum: f64 = rates.iter().sum();
    let mut drawn = 0.0;
    for (at, chance) in rates.iter().map(|rate| rate / sum).enumerate() {
        let takes = come[at] > 0;
        let own = takes && std::ptr::eq(&zones[at], zone);
        come[at] += 1;
        let later = if chance > 0.0 {
            // else all of it have come
            drawn_of_rest(zones, zone, come, left - usize::from(takes))
        } else {
            0.0
        };
        come[at] -= 1;
        drawn += chance * (f64::from(u8::from(own)) + later);
    }
    drawn
}

/// How likely one of weight 1 is among the first `places`, where the others weigh `others`.
fn chance_among(places: usize, others: &[f64]) -> f64 {
    // Over u, the chance to come later than a time: by u = 1 - x^8, as heavy others are near u = 1.
    let at = |step: u32| {
        let x = f64::from(step) / f64::from(STEPS);
        8.0 * x.powi(7) * fewer_than(places, 1.0 - x.powi(8), others)
    };
    let inner: f64 = (1..STEPS).map(|step| at(step) * f64::from(2 + 2 * (step % 2))).sum();
    (at(0) + inner + at(STEPS)) / (3.0 * f64::from(STEPS))
}

/// How likely fewer than `places` of the others have come, where one of weight 1 has not by the chance `u`.
fn fewer_than(places: usize, u: f64, others: &[f64]) -> f64 {
    let mut come = vec![0.0; places]; // how likely that many have come
    come[0] = 1.0;
    for weight in others {
        let not_yet = u.powf(*weight);
        for count in (0..places).rev() {
            let more = if count == 0 { 0.0 } else { come[count - 1] * (1.0 - not_yet) };
            come[count] = come[count] * not_yet + more;
        }
    }
    come.iter().sum()
}

/// The same where a planner shares them out: each zone by its weight, within what it can take.
fn planned(zones: &[Zone<'_>], zone: &Zone<'_>, replicas: usize) -> f64 {
    let least = if replicas < zones.len() { 0.0 } else { 1.0 };
    let at = |zone: &Zone<'_>, level: f64| {
        let most = if replicas <= zones.len() { 1.0 } else { zone.nodes as f64 };
        (level * zone.weight).clamp(least, most)
    };
    let (mut low, mut high) = (0.0, replicas as f64 / zone.weight); // at which nobody is below `most`
    for _ in 0..HALVINGS {
        let level = f64::midpoint(low, high);
        let taken: f64 = zones.iter().map(|zone| at(zone, level)).sum();
        if taken < replicas as f64 { low = level } else { high = level }
    }
    at(zone, high)
}
