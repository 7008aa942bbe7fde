//! The handle: a table with a name, and somebody to tell when it changes.

use std::{fmt, sync::Arc};

use seawall_core::{
    ConfigError, Listeners, Name, Observe, Registry, Snapshot, sync::atomic::Ordering::Acquire,
};

use crate::{
    Event, Member, PlacementSpec, Plan, Replicas, ShardKey, ShardMapBuilder, Topology, Update,
    ZoneSkew,
    control::Control,
    migration::{
        Migration, MigrationBuilder, MigrationSpec, ReadRoute, Step, WriteRoute, route::Seen,
    },
    shared::Shared,
    slots::Table,
};

/// Says which node has a key, and which ones have its replicas: the same in every process that knows the
/// same nodes.
///
/// Cloning is cheap and shares the map: all clones follow its updates.
///
/// # Examples
///
/// How do I find out where a key is?
///
/// ```
/// # use seawall_shard::{Node, ShardMap};
/// let shards = ShardMap::builder("photos")
///     .node(Node::new("db-a").zone("eu-1"))
///     .node(Node::new("db-b").zone("eu-2").weight(2))
///     .node(Node::new("db-c").zone("eu-3"))
///     .replicas(2)
///     .build()?;
///
/// let owner = shards.lookup(b"user:42"); // one word read: no lock, no allocation
/// let both = shards.replicas(b"user:42");
/// assert_eq!(both.owner().name(), owner.name());
/// assert_ne!(both.get(1).map(|replica| replica.zone()), Some(owner.zone()));
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
///
/// How do I add a node while it runs?
///
/// ```
/// # use seawall_shard::{Node, ShardMap};
/// # let shards = ShardMap::builder("photos").node(Node::new("db-a")).build()?;
/// let update = shards.update(|topology| topology.add(Node::new("db-d")))?; // readers never wait
/// assert!(update.owners_moved > 0);
/// # Ok::<(), seawall_shard::ConfigError>(())
/// ```
pub struct ShardMap {
    pub(crate) shared: Arc<Shared>,
    /// Where look-ups begin: the newest table when this handle was made.
    pub(crate) table: Arc<Table>,
}

impl ShardMap {
    /// Begins to build the map called `name`, as it stands in snapshots and events.
    pub fn builder(name: impl Into<Name>) -> ShardMapBuilder {
        ShardMapBuilder::new(name.into())
    }

    pub(crate) fn new(name: Name, control: Control, listeners: Listeners<Event>) -> Self {
        let table = Arc::clone(control.table());
        Self { shared: Arc::new(Shared::new(name, control, listeners)), table }
    }

    /// The map's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The node that owns a key.
    ///
    /// Whatever its [state](Member::state): who must not wait for one that is down asks the
    /// [`replicas`](Self::replicas).
    #[inline]
    #[must_use]
    pub fn lookup<K: ShardKey + ?Sized>(&self, key: &K) -> &Member {
        let hash = key.shard_hash();
        self.table.in_newest(move |table| table.member(table.word(table.slot_of(hash)).owner()))
    }

    /// The nodes that have a key, the owner first: distinct, and spread over the zones.
    #[inline]
    #[must_use]
    pub fn replicas<K: ShardKey + ?Sized>(&self, key: &K) -> Replicas<'_> {
        let hash = key.shard_hash();
        self.table.in_newest(move |table| Replicas::new(table, table.word(table.slot_of(hash))))
    }

    /// The slot that a key falls into: what moves, moves by slots.
    #[inline]
    #[must_use]
    pub fn slot_of<K: ShardKey + ?Sized>(&self, key: &K) -> u32 {
        self.table.slot_of(key.shard_hash()) as u32 // the same in all tables
    }

    /// The nodes that have a slot, the owner first; `None` where there is no such slot.
    #[must_use]
    pub fn replicas_of_slot(&self, slot: u32) -> Option<Replicas<'_>> {
        let table = self.table.newest();
        let slot = slot as usize;
        (slot < table.len()).then(|| Replicas::new(table, table.word(slot)))
    }

    /// How many slots there are.
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.table.len() as u32
    }

    /// Changes the nodes, for all clones. Look-ups go on meanwhile, and see each slot as it was or as it
    /// will be; when it returns, all is as it will be.
    ///
    /// What is refused has changed nothing. One change is made at a time: `change` must not ask the map.
    ///
    /// The keys that move are looked up at their new nodes at once. Where data has to be there first,
    /// [`migrate`](Self::migrate). While that runs, only who can be asked may change.
    ///
    /// # Errors
    ///
    /// The error of `change`, and where no map can be made of the nodes that it leaves.
    pub fn update(
        &self,
        change: impl FnOnce(&mut Topology) -> Result<(), ConfigError>,
    ) -> Result<Update, ConfigError> {
        self.shared.update(change)
    }

    /// What it would move to change to other nodes; nothing is moved.
    ///
    /// # Errors
    ///
    /// Where no map can be made of them, and while a migration runs.
    pub fn plan(&self, next: &Topology) -> Result<Plan, ConfigError> {
        self.shared.control.lock().plan(next)
    }

    /// Where a write of the key goes, also while its slot moves; see [`migration`](crate::migration).
    #[inline]
    #[must_use]
    pub fn write_route<K: ShardKey + ?Sized>(&self, key: &K) -> WriteRoute<'_> {
        WriteRoute::new(self.seen(key))
    }

    /// Where a read of the key goes, also while its slot moves; see [`migration`](crate::migration).
    #[inline]
    #[must_use]
    pub fn read_route<K: ShardKey + ?Sized>(&self, key: &K) -> ReadRoute<'_> {
        ReadRoute::new(self.seen(key))
    }

    #[inline]
    fn seen<K: ShardKey + ?Sized>(&self, key: &K) -> Seen<'_> {
        let epoch = self.move_epoch(); // before the word, so that it is no newer than that
        Seen::new(self.table.newest(), key.shard_hash(), epoch)
    }

    /// Begins to move to other nodes, slot by slot; nothing has moved when it returns.
    ///
    /// As `self.migration().start(next)`: [`migration`](Self::migration) has the settings.
    ///
    /// # Errors
    ///
    /// Where no map can be made of them, where one moves already, and where a key has four nodes.
    pub fn migrate(&self, next: &Topology) -> Result<Migration, ConfigError> {
        self.migration().start(next)
    }

    /// Settings of a migration that is to start, or to go on.
    pub fn migration(&self) -> MigrationBuilder {
        MigrationBuilder::new(Arc::clone(&self.shared))
    }

    /// Routes by a migration that another process makes, from now on; whether it is over.
    ///
    /// # Errors
    ///
    /// Where the spec is older than what is known here, or of another placement than this map's.
    pub fn follow(&self, spec: &MigrationSpec) -> Result<bool, ConfigError> {
        self.shared.follow(spec)
    }

    /// The same by one step more; what has been taken already changes nothing.
    ///
    /// # Errors
    ///
    /// Where steps are missing in between: [`follow`](Self::follow) a whole spec then.
    pub fn follow_step(&self, step: &Step) -> Result<bool, ConfigError> {
        self.shared.take_step(step)
    }

    /// The migration that runs, as others are told of it.
    #[must_use]
    pub fn migration_spec(&self) -> Option<MigrationSpec> {
        self.shared.control.lock().migration_spec()
    }

    /// How often migrations have changed words: what a [`Fence`](crate::migration::Fence) compares. The same
    /// in all processes that follow a migration, other than [`epoch`](Self::epoch).
    #[inline]
    #[must_use]
    pub fn move_epoch(&self) -> u64 {
        self.shared.moves.load(Acquire) // pairs with the store after a step's words
    }

    /// The nodes, to be changed and [planned](Self::plan) with.
    #[must_use]
    pub fn topology(&self) -> Topology {
        self.shared.control.lock().topology().clone()
    }

    /// What `look` sees of the nodes, without a copy of them; it must not ask the map.
    #[cfg(feature = "tokio")]
    pub(crate) fn with_topology<R>(&self, look: impl FnOnce(&Topology) -> R) -> R {
        look(self.shared.control.lock().topology())
    }

    /// All that decides the placement as it is now, to be kept, and to build the same map from.
    #[must_use]
    pub fn spec(&self) -> PlacementSpec {
        self.shared.control.lock().spec()
    }

    /// The fingerprint of [`spec`](Self::spec): two processes that have the same one agree on each key.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.shared.control.lock().fingerprint()
    }

    /// How often the nodes have changed. Whoever reads it sees, in look-ups after it, that change or a later
    /// one.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.shared.epoch.load(Acquire) // pairs with the store after an update's words
    }

    /// Whether indexes ran out, so that another table came after the one where look-ups began.
    #[cfg(all(test, not(seawall_loom)))]
    pub(crate) fn has_moved_on(&self) -> bool {
        !std::ptr::eq(self.table.newest(), &*self.table)
    }

    /// The zone whose nodes carry more than their weight, as copies are spread over zones; see
    /// [`Topology::zone_skew`]. Listeners hear of one that a change brings: whoever has just built a map asks
    /// here.
    #[must_use]
    pub fn zone_skew(&self) -> Option<ZoneSkew> {
        self.shared.control.lock().zone_skew().cloned()
    }

    /// How it stands now; see the crate's page for the names of the numbers.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Adds it to a registry, which does not keep it alive.
    pub fn register(&self, registry: &Registry) {
        registry.add(&self.shared);
    }
}

impl Clone for ShardMap {
    /// The clone begins at the newest table, so that those before can be freed.
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), table: Arc::clone(Table::newest_of(&self.table)) }
    }
}

impl fmt::Debug for ShardMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShardMap")
            .field("name", &self.shared.name)
            .field("slots", &self.slots())
            .field("epoch", &self.epoch())
            .finish_non_exhaustive()
    }
}

impl Observe for ShardMap {
    fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}
