//! Who can own keys: a node as it is described, and a member as a map knows it.
//!
//! A [`Node`] is plain data: what a builder, a topology or a file says of a node. A [`Member`] is that node
//! in a running map: what a look-up finds, with a state that changes under the reader's eyes.
//!
//! | state | its slots | new slots | who sets it |
//! |---|---|---|---|
//! | `Active` | served | yes | |
//! | `Draining` | served | an explicit map gives it none, and takes what it has | an operator |
//! | `Down` | not served: who needs one asks a replica | yes: it comes back | whoever watches its health |
//!
//! A state moves no slot of a rendezvous map: who comes back finds his keys where they were.

use std::{fmt, sync::Arc};

use seawall_core::{
    CachePadded, ConfigError, Name,
    sync::unmodelled::{AtomicU32, Ordering::Relaxed},
};

use crate::route::{Routing, ledger::Load, progress::Progress};

/// The most that a node can weigh.
const MOST_WEIGHT: u32 = 65_535;

/// A node, as it is described: a name, a share of the keys, a zone.
///
/// # Examples
///
/// ```
/// # use seawall_shard::Node;
/// let node = Node::new("db-a").weight(2).zone("eu-1");
/// assert_eq!((node.name.as_str(), node.weight), ("db-a", 2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Node {
    /// Its name: what keys are placed by, so that a node that returns under its name gets its keys back.
    pub name: Name,
    /// Its share of the keys, relative to the others'; 1 where not set.
    #[cfg_attr(feature = "serde", serde(default = "one"))]
    pub weight: u32,
    /// What it fails together with: a zone, a rack, a host. Without one, it fails alone.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub zone: Option<Name>,
    /// Whether it can be asked.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "NodeState::is_active"))]
    pub state: NodeState,
}

/// Whether a node can be asked. A look-up finds its owner whatever his state: who must not wait looks for an
/// active one among the replicas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum NodeState {
    /// It serves.
    #[default]
    Active,
    /// It serves what it has, and is to be emptied.
    Draining,
    /// It does not answer. What has left the map is down, too.
    Down,
}

impl Node {
    /// An active node of weight 1, in no zone.
    pub fn new(name: impl Into<Name>) -> Self {
        Self { name: name.into(), weight: 1, zone: None, state: NodeState::Active }
    }

    /// Its share of the keys, relative to the others': from 0 (none) to 65 535.
    #[must_use]
    pub fn weight(self, weight: u32) -> Self {
        Self { weight, ..self }
    }

    /// What it fails together with.
    #[must_use]
    pub fn zone(self, zone: impl Into<Name>) -> Self {
        Self { zone: Some(zone.into()), ..self }
    }

    /// Whether it can be asked.
    #[must_use]
    pub fn state(self, state: NodeState) -> Self {
        Self { state, ..self }
    }

    /// Whether it can be part of a topology.
    ///
    /// # Errors
    ///
    /// An empty name or zone, and a weight above 65 535.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.name.is_empty() {
            return Err(ConfigError::new("node.name", "\"\"", "a name"));
        }
        if self.zone.as_ref().is_some_and(|zone| zone.is_empty()) {
            let value = format_args!("\"\" for `{}`", self.name);
            return Err(ConfigError::new("node.zone", value, "a name, or left out"));
        }
        if self.weight > MOST_WEIGHT {
            let value = format_args!("{} for `{}`", self.weight, self.name);
            return Err(ConfigError::new("node.weight", value, "from 0 to 65535"));
        }
        Ok(())
    }
}

#[cfg(feature = "serde")]
const fn one() -> u32 {
    1
}

impl NodeState {
    /// The state as one lower-case word, for labels of metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Down => "down",
        }
    }

    /// Whether it serves and may be given more.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        matches!(self, Self::Active)
    }
}

impl fmt::Display for NodeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A node in a running map: what a look-up finds.
///
/// Cloning is cheap and shares it, so that who calls a node can hold it for as long as that takes. A reference
/// stays good as long as the handle that it was borrowed from, also when the node leaves: it is
/// [`Down`](NodeState::Down) then. Name and zone never change; a node that goes to another zone is another
/// member.
#[derive(Clone)]
pub struct Member(Arc<Inner>);

struct Inner {
    name: Name,
    /// The hash of its name, by which its service is found.
    #[cfg(feature = "tower")]
    name_hash: u64,
    zone: Option<Name>,
    /// Whether it is in the zone of the one who asks.
    is_near: bool,
    /// Its calls in flight, where they are bounded.
    load: Option<Box<CachePadded<Load>>>,
    /// How far it has come, where that is reported.
    progress: Progress,
    // What follows is set by the one who updates, and read by itself: Relaxed, and outside loom's view.
    weight: AtomicU32,
    state: AtomicU32,
}

impl Member {
    pub(crate) fn new(node: &Node, routing: &Routing) -> Self {
        Self(Arc::new(Inner {
            name: node.name.clone(),
            #[cfg(feature = "tower")]
            name_hash: crate::hash(node.name.as_bytes()),
            zone: node.zone.clone(),
            is_near: node.zone.is_some() && node.zone == routing.zone,
            load: routing
                .ledger
                .clone()
                .map(|ledger| Box::new(CachePadded::new(Load::new(ledger)))),
            progress: Progress::default(),
            weight: AtomicU32::new(node.weight),
            state: AtomicU32::new(node.state as u32),
        }))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its zone, if it is in one.
    #[must_use]
    pub fn zone(&self) -> Option<&str> {
        self.0.zone.as_deref()
    }

    /// Its share of the keys, relative to the others'.
    #[must_use]
    pub fn weight(&self) -> u32 {
        self.0.weight.load(Relaxed)
    }

    /// Whether it can be asked now.
    #[must_use]
    pub fn state(&self) -> NodeState {
        match self.0.state.load(Relaxed) {
            0 => NodeState::Active,
            1 => NodeState::Draining,
            _ => NodeState::Down,
        }
    }

    /// Whether it is in the [zone](crate::ShardMapBuilder::zone) of the one who asks.
    #[must_use]
    pub fn is_near(&self) -> bool {
        self.0.is_near
    }

    #[cfg(feature = "tower")]
    pub(crate) fn name_hash(&self) -> u64 {
        self.0.name_hash
    }

    pub(crate) fn load(&self) -> Option<&Load> {
        self.0.load.as_deref().map(|load| &**load)
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.0.progress
    }

    /// Whether it is that one, and not another of the same name.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn full_name(&self) -> Name {
        self.0.name.clone()
    }

    /// Takes over what may change.
    pub(crate) fn follow(&self, node: &Node) {
        self.0.weight.store(node.weight, Relaxed);
        self.0.state.store(node.state as u32, Relaxed);
    }

    /// The node has left.
    pub(crate) fn leave(&self) {
        self.0.state.store(NodeState::Down as u32, Relaxed);
        self.0.progress.forget(); // who comes back under its name may have lost what it had
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("name", &self.0.name)
            .field("zone", &self.0.zone)
            .field("weight", &self.weight())
            .field("state", &self.state())
            .finish()
    }
}
