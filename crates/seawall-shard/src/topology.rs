//! Which nodes there are: a value that can be changed, compared and planned with.

use seawall_core::{ConfigError, Name};

use crate::{Node, NodeState, hash, word::NOBODY};

/// The nodes of a map, in the order of their names: who came first makes no difference.
///
/// A value of its own: changing it changes no map. [`ShardMap::update`](crate::ShardMap::update) hands one
/// in to be changed, [`ShardMap::plan`](crate::ShardMap::plan) says what one would move.
///
/// # Examples
///
/// ```
/// # use seawall_shard::{Node, NodeState, Topology};
/// let mut topology = Topology::new();
/// topology.add(Node::new("db-b"))?;
/// topology.add(Node::new("db-a").zone("eu-1"))?;
/// topology.set_weight("db-b", 2)?;
/// topology.set_state("db-a", NodeState::Draining)?;
/// assert_eq!(topology.nodes()[0].name.as_str(), "db-a");
/// assert!(topology.add(Node::new("db-a")).is_err());
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    nodes: Vec<Node>,
}

impl Topology {
    /// No nodes.
    #[must_use]
    pub const fn new() -> Self {
        Self { nodes: Vec::new() }
    }

    /// One more node.
    ///
    /// # Errors
    ///
    /// Where there is one of its name, and where its name, zone or weight cannot be.
    pub fn add(&mut self, node: Node) -> Result<(), ConfigError> {
        node.check()?;
        match self.place_of(&node.name) {
            Ok(_) => Err(ConfigError::new("node.name", &node.name, "a name that stands once")),
            Err(place) => {
                self.nodes.insert(place, node);
                Ok(())
            }
        }
    }

    /// Takes a node out.
    ///
    /// # Errors
    ///
    /// Where there is none of that name.
    pub fn remove(&mut self, name: &str) -> Result<Node, ConfigError> {
        let place = self.place_of(name).map_err(|_| unknown(name))?;
        Ok(self.nodes.remove(place))
    }

    /// Changes a node's share of the keys; at 0 it has none, and stays known.
    ///
    /// # Errors
    ///
    /// Where there is none of that name, and where no node can weigh that.
    pub fn set_weight(&mut self, name: &str, weight: u32) -> Result<(), ConfigError> {
        self.change(name, |node| node.weight(weight))
    }

    /// Moves a node to a zone.
    ///
    /// # Errors
    ///
    /// Where there is none of that name, and where the zone has no name.
    pub fn set_zone(&mut self, name: &str, zone: impl Into<Name>) -> Result<(), ConfigError> {
        self.change(name, |node| node.zone(zone))
    }

    /// Says whether a node can be asked.
    ///
    /// # Errors
    ///
    /// Where there is none of that name.
    pub fn set_state(&mut self, name: &str, state: NodeState) -> Result<(), ConfigError> {
        self.change(name, |node| node.state(state))
    }

    /// The nodes, by name.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node of that name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&Node> {
        Some(&self.nodes[self.place_of(name).ok()?])
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether a map can be made of it.
    ///
    /// # Errors
    ///
    /// Where there are no nodes or too many, where none has a weight, and where the hashes of two names are
    /// the same.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let most = usize::from(NOBODY);
        if self.is_empty() || self.len() > most {
            return Err(ConfigError::new("nodes", self.len(), format!("from 1 to {most}")));
        }
        if self.nodes.iter().all(|node| node.weight == 0) {
            let rule = "above 0 for one node at least";
            return Err(ConfigError::new("node.weight", "0 for all", rule));
        }
        let mut hashes: Vec<_> = self.nodes.iter().map(|node| hash(node.name.as_bytes())).collect();
        hashes.sort_unstable();
        if let Some(pair) = hashes.windows(2).find(|pair| pair[0] == pair[1]) {
            let of = self.nodes.iter().find(|node| hash(node.name.as_bytes()) == pair[0]);
            let name = of.map_or("", |node| &node.name);
            let rule = "a name whose hash no other has (two in 2^64 do: rename one)";
            return Err(ConfigError::new("node.name", name, rule));
        }
        Ok(())
    }

    fn change(&mut self, name: &str, change: impl FnOnce(Node) -> Node) -> Result<(), ConfigError> {
        let place = self.place_of(name).map_err(|_| unknown(name))?;
        let changed = change(self.nodes[place].clone());
        changed.check()?;
        self.nodes[place] = changed;
        Ok(())
    }

    pub(crate) fn place_of(&self, name: &str) -> Result<usize, usize> {
        self.nodes.binary_search_by(|node| node.name.as_str().cmp(name))
    }
}

fn unknown(name: &str) -> ConfigError {
    ConfigError::new("node.name", name, "the name of a node that is there")
}
