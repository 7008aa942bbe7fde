//! The builder: every setting by name, checked when it is built.

use seawall_core::{Chance, ConfigError, Listeners, Name};

use crate::{
    Algorithm, Event, Node, PlacementSpec, ShardMap,
    control::Control,
    route::{BoundedLoad, FreshReads, Routing},
};

/// Builds a [`ShardMap`]: made by [`ShardMap::builder`].
///
/// What is not set is as [`PlacementSpec`] says. What cannot be is told by [`build`](Self::build).
///
/// # Examples
///
/// How do I keep three copies in three zones?
///
/// ```
/// # use seawall_shard::{Node, ShardMap};
/// let shards = ShardMap::builder("photos")
///     .node(Node::new("db-a").zone("eu-1"))
///     .node(Node::new("db-b").zone("eu-2").weight(2))
///     .node(Node::new("db-c").zone("eu-3"))
///     .replicas(3)
///     .build()?;
/// assert_eq!(shards.replicas(b"user:42").len(), 3);
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder builds nothing until `build`"]
pub struct ShardMapBuilder {
    name: Name,
    spec: PlacementSpec,
    listeners: Listeners<Event>,
    zone: Option<Name>,
    read_seed: Option<u64>,
    bounded_load: Option<BoundedLoad>,
    fresh_reads: FreshReads,
    /// The first setting that cannot be, for `build` to tell.
    refused: Option<ConfigError>,
}

impl ShardMapBuilder {
    pub(crate) fn new(name: Name) -> Self {
        Self {
            name,
            spec: PlacementSpec::default(),
            listeners: Listeners::new(),
            zone: None,
            read_seed: None,
            bounded_load: None,
            fresh_reads: FreshReads::default(),
            refused: None,
        }
    }

    /// One more node.
    pub fn node(mut self, node: Node) -> Self {
        self.spec.nodes.push(node);
        self
    }

    /// More nodes.
    pub fn nodes(mut self, nodes: impl IntoIterator<Item = Node>) -> Self {
        self.spec.nodes.extend(nodes);
        self
    }

    /// How many nodes have a key, the owner included: from 1 (where not set) to 4.
    ///
    /// Where there are fewer nodes, all of them have it.
    pub const fn replicas(mut self, replicas: u32) -> Self {
        self.spec.replicas = replicas;
        self
    }

    /// Assigns slots, and moves them by plans, instead of letting hashes choose: for those who own data, as
    /// the map is even to one slot. How many slots there are, a power of two; 16 384 are a good number for
    /// up to a thousand nodes.
    ///
    /// The map is a state then: keep its [`spec`](ShardMap::spec), and build from that.
    pub fn explicit(mut self, slots: u32) -> Self {
        if slots.is_power_of_two() {
            self.spec.slot_bits = slots.trailing_zeros();
        } else {
            let rule = "a power of two, from 256 to 4194304";
            self.refused.get_or_insert_with(|| ConfigError::new("slots", slots, rule));
        }
        self.spec.algorithm = Algorithm::Explicit;
        self
    }

    /// Two to the power of it is how many slots there are: from 8 to 22, 16 where not set.
    ///
    /// More slots are more even and take more memory: 8 bytes each, and 8 more for a rendezvous map. They
    /// can't change later without moving nearly all keys. Every node of a rendezvous map draws for every slot: with 2^22
    /// slots it may have 1 024 nodes, and with up to 2^18 as many as any map.
    pub const fn slot_bits(mut self, bits: u32) -> Self {
        self.spec.slot_bits = bits;
        self
    }

    /// Another placement of the same nodes; 0 where not set.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.spec.seed = seed;
        self
    }

    /// The zone of whoever asks this map: where [`Read::Nearest`](crate::Read::Nearest) would rather read. It moves no key.
    pub fn zone(mut self, zone: impl Into<Name>) -> Self {
        self.zone = Some(zone.into());
        self
    }

    /// Bounds the calls in flight of each node by its share of them all; see [`ShardMap::route`]. Nothing is
    /// counted where it is not set.
    pub const fn bounded_load(mut self, bound: BoundedLoad) -> Self {
        self.bounded_load = Some(bound);
        self
    }

    /// How reads that must be fresh wait, and how many of them may go to the primary; see
    /// [`route::FreshReads`](crate::route::FreshReads) for the defaults.
    pub fn fresh_reads(mut self, settings: FreshReads) -> Self {
        self.fresh_reads = settings;
        self
    }

    /// What [`Read::Any`](crate::Read::Any) draws by: the same nodes in the same order for the same seed. Another one in each
    /// process where not set.
    pub const fn read_seed(mut self, seed: u64) -> Self {
        self.read_seed = Some(seed);
        self
    }

    /// All that decides a placement at once; what was set before is gone.
    pub fn spec(mut self, spec: PlacementSpec) -> Self {
        self.spec = spec;
        self.refused = None;
        self
    }

    /// Calls `listener` at each turn of the map, by the thread that makes it, outside any lock.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listeners.add(listener);
        self
    }

    /// Builds the map.
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed.
    pub fn build(self) -> Result<ShardMap, ConfigError> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        if self.zone.as_ref().is_some_and(|zone| zone.is_empty()) {
            return Err(ConfigError::new("zone", "\"\"", "a name, or left out"));
        }
        let bound = self.bounded_load.map(BoundedLoad::check).transpose()?;
        let fresh = self.fresh_reads.check()?;
        let routing = Routing::new(self.zone, Chance::from_seed(self.read_seed), bound, fresh);
        let control = Control::new(self.spec, routing)?;
        Ok(ShardMap::new(self.name, control, self.listeners))
    }
}
