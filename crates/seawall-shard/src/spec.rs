//! What a placement is made of, as plain data: to be kept in a file, and compared by its fingerprint.
//!
//! # The fingerprint, in every language
//!
//! XXH3_64 over these bytes, numbers little-endian, texts as their length in bytes (4 bytes) and UTF-8:
//!
//! ```text
//! "seawall-placement"  format: 4 bytes  algorithm: text  hash: text
//! seed: 8 bytes  slot bits: 4 bytes  replicas: 4 bytes
//! nodes: 4 bytes, and for each, by name:
//!     name: text  weight: 4 bytes  zone: 0, or 1 and a text
//! runs: 4 bytes, and for each, by slot:
//!     slots: 4 bytes  nodes: 4 bytes, and for each its place among the nodes: 4 bytes
//! ```
//!
//! The states of nodes and the epoch of moves are not in it: they place nothing.

use seawall_core::ConfigError;

use crate::{Node, Topology, hash, migration::spec::check_epoch, word::LANES};

/// The version of what a spec means. A spec of another version is refused, and never understood half.
const FORMAT: u32 = 1;

/// Two to the power of it is how many slots there are at most.
pub(crate) const MOST_SLOT_BITS: u32 = 22;

/// How many times a slot is drawn for a node, at most, to fill a table: two to the power of 32 takes half a minute.
const MOST_DRAWS: usize = 1 << 32;

/// Which algorithm fills the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Algorithm {
    /// Rendezvous hashing, once a slot: names, weights and zones say it all.
    #[default]
    Rendezvous,
    /// Slots that are assigned, and moved by plans.
    Explicit,
}

impl Algorithm {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Rendezvous => "rendezvous",
            Self::Explicit => "explicit",
        }
    }
}

/// By which hash keys are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum KeyHash {
    /// XXH3 with 64 bits and seed 0: [`hash`](crate::hash()).
    #[default]
    Xxh3,
}

impl KeyHash {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Xxh3 => "xxh3",
        }
    }
}

/// Slots that follow each other and have the same nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Run {
    /// How many slots.
    pub slots: u32,
    /// The nodes, by their places in [`PlacementSpec::nodes`], the owner first.
    pub nodes: Vec<u32>,
}

/// All that decides which key is where: whoever has it builds the same map.
///
/// | field | default | why, and what it was tuned for |
/// |---|---|---|
/// | `algorithm` | rendezvous | nothing to keep, nobody to ask |
/// | `hash` | XXH3-64 | frozen, fast, and there in every language |
/// | `seed` | 0 | another seed for a second map of the same nodes, so that it does not load the same ones |
/// | `slot_bits` | 16 | even to a tenth with 100 nodes; 19 for 1 000, where the fullest has 1.14 times the mean; the same whatever you begin with |
/// | `replicas` | 1 | a key is at its owner alone |
///
/// # Examples
///
/// How do two services find out that they agree?
///
/// ```
/// # use seawall_shard::{Node, ShardMap};
/// let ours = ShardMap::builder("ours").node(Node::new("db-a")).node(Node::new("db-b")).build()?;
/// let theirs = ShardMap::builder("theirs").node(Node::new("db-b")).node(Node::new("db-a")).build()?;
/// assert_eq!(ours.fingerprint(), theirs.fingerprint());
///
/// let again = ShardMap::builder("again").spec(ours.spec()).build()?;
/// assert_eq!(again.fingerprint(), ours.fingerprint());
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct PlacementSpec {
    /// The version of what the other fields mean: 1.
    pub format: u32,
    /// Which algorithm fills the table.
    #[cfg_attr(feature = "serde", serde(default))]
    pub algorithm: Algorithm,
    /// By which hash keys are found.
    #[cfg_attr(feature = "serde", serde(default))]
    pub hash: KeyHash,
    /// What the slots' hashes begin with.
    #[cfg_attr(feature = "serde", serde(default))]
    pub seed: u64,
    /// How many slots there are: two to the power of it, from 8 to 22.
    pub slot_bits: u32,
    /// How many nodes have a key: from 1 to 4.
    pub replicas: u32,
    /// The nodes; in which order makes no difference, unless `runs` names them.
    pub nodes: Vec<Node>,
    /// Who has which slots, where the algorithm is `explicit`; without, they are assigned anew.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub runs: Vec<Run>,
    /// The epoch of moves: 0 until a [migration](crate::migration) has moved something.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "is_default"))]
    pub epoch: u64,
}

/// Whether a field can be left out, where it is what it would be then.
#[cfg(feature = "serde")]
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Default for PlacementSpec {
    fn default() -> Self {
        Self {
            format: FORMAT,
            algorithm: Algorithm::Rendezvous,
            hash: KeyHash::Xxh3,
            seed: 0,
            slot_bits: 16,
            replicas: 1,
            nodes: Vec::new(),
            runs: Vec::new(),
            epoch: 0,
        }
    }
}

impl PlacementSpec {
    /// Sixty-four bits that are the same where the placement is, and in no other case that anybody will meet.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut by_name: Vec<usize> = (0..self.nodes.len()).collect();
        by_name.sort_by(|&a, &b| self.nodes[a].name.as_str().cmp(&self.nodes[b].name));
        let mut rank = vec![0; by_name.len()];
        by_name.iter().enumerate().for_each(|(at, &node)| rank[node] = at as u32);
        let rank_of = |&node: &u32| rank.get(node as usize).copied().unwrap_or(u32::MAX);

        let mut encoding = self.encode(by_name.iter().map(|&at| &self.nodes[at]));
        for run in &self.runs {
            encoding.run(run.slots, &run.nodes.iter().map(rank_of).collect::<Vec<_>>());
        }
        encoding.fingerprint()
    }

    /// The encoding with these nodes, which are by name, and without a run: those are to follow.
    pub(crate) fn encode<'a>(&self, nodes: impl ExactSizeIterator<Item = &'a Node>) -> Encoding {
        let mut bytes = Bytes(b"seawall-placement".to_vec());
        bytes.number(self.format);
        bytes.text(self.algorithm.as_str());
        bytes.text(self.hash.as_str());
        bytes.0.extend(self.seed.to_le_bytes());
        bytes.number(self.slot_bits);
        bytes.number(self.replicas);
        bytes.count(nodes.len());
        for node in nodes {
            bytes.text(&node.name);
            bytes.number(node.weight);
            bytes.0.push(node.zone.is_some().into());
            node.zone.iter().for_each(|zone| bytes.text(zone));
        }
        let runs_at = bytes.0.len();
        bytes.count(0); // known when it is done
        Encoding { bytes, runs_at, runs: 0 }
    }

    /// How many slots there are.
    pub(crate) const fn slots(&self) -> usize {
        1 << self.slot_bits
    }

    /// Whether a map can be built from it, and the topology of its nodes.
    ///
    /// # Errors
    ///
    /// Names the first field that can't be as it is, its value, and what is allowed.
    pub(crate) fn check(&self) -> Result<Topology, ConfigError> {
        if self.format != FORMAT {
            return Err(ConfigError::new("format", self.format, format!("{FORMAT}")));
        }
        // A model has two slots: loom looks at each access to each of them.
        let least = if cfg!(seawall_loom) { 1 } else { 8 };
        if !(least..=MOST_SLOT_BITS).contains(&self.slot_bits) {
            return Err(ConfigError::new("slot_bits", self.slot_bits, "from 8 to 22"));
        }
        if !(1..=LANES).contains(&(self.replicas as usize)) {
            return Err(ConfigError::new("replicas", self.replicas, "from 1 to 4"));
        }
        check_epoch(self.epoch)?;
        let mut topology = Topology::new();
        for node in &self.nodes {
            topology.add(node.clone())?;
        }
        topology.check()?;
        self.check_draws(topology.len())?;
        self.check_runs()?;
        Ok(topology)
    }

    /// Whether a table of so many nodes is filled in a time that can be waited for: each draws for each slot.
    ///
    /// # Errors
    ///
    /// More than 2^32 draws of a rendezvous map.
    pub(crate) fn check_draws(&self, nodes: usize) -> Result<(), ConfigError> {
        let most = MOST_DRAWS / self.slots();
        if self.algorithm == Algorithm::Rendezvous && nodes > most {
            let rule = format!("at most {most} with 2^{} slots", self.slot_bits);
            return Err(ConfigError::new("nodes", nodes, rule));
        }
        Ok(())
    }

    fn check_runs(&self) -> Result<(), ConfigError> {
        let refused =
            |value: String, rule: &'static str| Err(ConfigError::new("runs", value, rule));
        if self.runs.is_empty() {
            return Ok(());
        }
        if self.algorithm != Algorithm::Explicit {
            return refused(self.runs.len().to_string(), "left out where slots are not assigned");
        }
        let slots: u64 = self.runs.iter().map(|run| u64::from(run.slots)).sum();
        if slots != self.slots() as u64 {
            return refused(format!("{slots} slots"), "as many slots as there are");
        }
        for run in &self.runs {
            let nodes = &run.nodes;
            if nodes.is_empty() || nodes.len() > self.replicas as usize {
                return refused(
                    format!("{nodes:?}"),
                    "from one node to as many as there are replicas",
                );
            }
            for (at, &node) in nodes.iter().enumerate() {
                let weight = self.nodes.get(node as usize).map_or(0, |node| node.weight);
                if weight == 0 || nodes[..at].contains(&node) {
                    return refused(format!("{nodes:?}"), "distinct nodes that have a weight");
                }
            }
        }
        Ok(())
    }
}

/// The canonical encoding, to which runs are added slot by slot.
pub(crate) struct Encoding {
    bytes: Bytes,
    /// Where the number of runs stands.
    runs_at: usize,
    runs: u32,
}

impl Encoding {
    /// The next slots, and the places of their nodes among all of them.
    pub(crate) fn run(&mut self, slots: u32, places: &[u32]) {
        self.runs += 1;
        self.bytes.number(slots);
        self.bytes.count(places.len());
        places.iter().for_each(|&place| self.bytes.number(place));
    }

    pub(crate) fn fingerprint(mut self) -> u64 {
        let runs = self.runs_at..self.runs_at + size_of::<u32>();
        self.bytes.0[runs].copy_from_slice(&self.runs.to_le_bytes());
        hash(&self.bytes.0)
    }
}

struct Bytes(Vec<u8>);

impl Bytes {
    fn number(&mut self, number: u32) {
        self.0.extend(number.to_le_bytes());
    }

    fn count(&mut self, count: usize) {
        self.number(count as u32); // nodes and runs are bounded well below
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend(text.as_bytes());
    }
}
