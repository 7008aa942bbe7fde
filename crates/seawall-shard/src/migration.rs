//! Moves of data, slot by slot, while it is read and written.
//!
//! ```text
//!            writes, reads                             writes, reads
//!                 │                                         │
//!                 ▼          copies, changes                ▼         level
//!              source ─────────────────────▶ target      target ─────────────────▶ source
//!            stable ─▶ copying ─▶ catch-up ─▶ hand-off ─▶ dual read ─▶ clean-up ─▶ stable
//!                      ◀──────────────── there is a way back ─────────▶
//! ```
//!
//! [`ShardMap::migrate`](crate::ShardMap::migrate) leads from one topology to another: a node joins, leaves,
//! drains, or weighs another thing. It makes the [plan](crate::ShardMap::plan), and takes each slot through
//! the phases of its move, so that at every moment every key is read from where it was last written. What it
//! does in a store, a [`Mover`] does for it; when to do what, and how fast, is decided here.
//!
//! # The phases
//!
//! The phase is part of the slot's one word, so a client reads it together with the nodes, in one load:
//! [`write_route`](crate::ShardMap::write_route), [`read_route`](crate::ShardMap::read_route).
//!
//! | phase | who takes writes | and is told them | who is read | the mover | the way back |
//! |---|---|---|---|---|---|
//! | stable | the source | | the source | | |
//! | copying | the source | the target | the source | copies | the target is emptied |
//! | catch-up | the source | the target | the source | brings what has changed since | the same |
//! | hand-off | nobody: clients wait | | the source | brings the last of it, and compares | the same |
//! | dual read | the target | the source | the target; what it does not know, the source | waits | the source catches up and is handed the slot |
//! | clean-up | the target | | the target | deletes at the source | none: it is copied back when this is over |
//! | stable | the target | | the target | | |
//!
//! Where a replica moves the owner stays: there is no hand-off, nobody waits, and what is copied is the owner's.
//! An owner and a replica that change places copy nothing, and begin with the catch-up. A copy that is given up
//! begins with the clean-up. A slot of which several nodes change goes several times, one after the other.
//!
//! # What the data side does
//!
//! 1. A node lets nobody in but by its [`Fence`], with the slot and the epoch of the route, as long as it works
//!    on the row. Who is refused takes the route again, from a map that has [heard](crate::ShardMap::follow)
//!    more, and does all of it again.
//! 2. The owner comes first, and gives each write of a key a higher version than the last. It keeps a deletion
//!    as a version, too: a tombstone.
//! 3. Then come [`forward`](WriteRoute::forward), if there is somebody, and the replicas, with that version. They
//!    take it only where it is newer than what they have. Copies and catch-up are taken by the same rule: so what
//!    is deleted or written while it is copied is not undone by the copy, in whichever order they arrive.
//!    Until the hand-off of an owner, telling the target can be left to the catch-up, from a log of changes.
//! 4. The write is acknowledged when all of them have it. One that was not may have happened or not; it is
//!    written again until it is acknowledged.
//! 5. A read asks [`first`](ReadRoute::first), and if that has neither a row nor a tombstone of the key,
//!    [`fallback`](ReadRoute::fallback).
//! 6. Tombstones of a slot are kept as long as it moves.
//!
//! A store whose nodes run no code of this crate keeps the floor as a number for each slot, and compares in one
//! step with its work: a script, a condition, a transaction. It lets in what is not below; and there, nobody is
//! ever inside.
//!
//! # What it promises
//!
//! 1. A read returns the last write that was acknowledged before it began, or one that was under way since.
//! 2. When it is over, the placement is exactly that of the topology that it led to, or, if it was
//!    [aborted](Migration::abort), of the one that it began with. What was copied and deleted is what the plan
//!    says; nobody has anything left of slots that are not his.
//! 3. Each step can be done twice. A mover may crash anywhere, and another one goes on from what was
//!    [recorded](Mover::record); what the first had sent may arrive late.
//! 4. Look-ups cost what they cost without a migration; a route is two loads, without lock and allocation.
//!
//! # Why that is so
//!
//! Each change of phase has an epoch. It is recorded; then the words are stored, and the epoch is raised after
//! them; then the fences of all nodes of the move are raised to it, until nobody is inside who is older; and only
//! then the work of the phase begins. So clients are in two phases at most, one beside the other, and each two
//! that are beside each other bear it:
//!
//! * *stable and copying*: both write at the source. Before the first row is read there, all who do not tell the
//!   target are out.
//! * *catch-up and hand-off*: some write at the source and some wait. Before the last changes are read, all wait:
//!   what is brought then is all that there is.
//! * *hand-off and dual read*: some wait and read at the source; some write at the target. These tell the source
//!   before they acknowledge: so both read the same.
//! * *dual read and clean-up*: both write and read at the target. Before anything is deleted at the source, all
//!   who would fall back to it, or tell it something, are out.
//!
//! A client reads the epoch before the word, so its epoch is no newer than its word; the [fence](Fence) has the
//! rest of the argument. Epochs begin in the order in which they are recorded, one record after the other.
//!
//! # Several processes
//!
//! One moves; the others route. Each [`Step`] is told to them by whatever they share, and taken by
//! [`follow_step`](crate::ShardMap::follow_step); who comes new, or has missed one, takes the whole
//! [`MigrationSpec`] by [`follow`](crate::ShardMap::follow). Nobody has to be waited for: who has not heard is
//! refused at the fences, and hears then. A refusal says the floor that is to be reached.
//!
//! The map's [`spec`](crate::ShardMap::spec) stays that of the beginning until the migration is over, and has
//! the epoch of moves then.
//!
//! # Nodes that fail
//!
//! A mover's call fails, [`run`](Migration::run) returns with it, and everything stays as it is, however long.
//! If the target is gone for good, [`abort`](Migration::abort). If the source is, in a dual read or a clean-up,
//! go on. A fence of a node that will not come back with its old rows is raised already, and there is nothing to
//! delete: the mover says so. A source that is lost before the hand-off has what its replicas have: the data
//! side brings it back under the source's name.
//!
//! While an owner is down another of the key's nodes can order the writes in its place. It may lack a write that was
//! never acknowledged and that a third one has, with a version above its own next one: a row that a store keeps
//! out as older is to be written again, above the version that the store has. Of a node that may come back with its
//! old rows, a write waits until it is removed.
//!
//! # Examples
//!
//! How do I add a node, and move its share to it?
//!
//! ```
//! use std::{collections::{BTreeMap, HashMap}, convert::Infallible, ops::RangeInclusive, sync::Mutex, time::Duration};
//!
//! use seawall_shard::migration::{Batch, Fence, Haul, Level, Mover, Step};
//! use seawall_shard::{Node, ShardKey as _, ShardMap};
//!
//! /// The version, and the value if it was not deleted.
//! type Row = (u64, Option<&'static str>);
//!
//! /// One node: its fence, and its rows by the hash of their keys.
//! struct Store {
//!     fence: Fence,
//!     rows: Mutex<BTreeMap<u64, Row>>,
//! }
//!
//! impl Store {
//!     fn take(&self, hash: u64, row: Row) {
//!         let mut rows = self.rows.lock().unwrap();
//!         let had = rows.entry(hash).or_default();
//!         if had.0 < row.0 {
//!             *had = row; // the newer one wins
//!         }
//!     }
//! }
//!
//! struct Cluster(HashMap<&'static str, Store>);
//!
//! impl Cluster {
//!     fn bring(&self, haul: &Haul) -> u64 {
//!         let to = haul.to.as_deref().expect("something is copied");
//!         let rows = self.0[&*haul.from].rows.lock().unwrap().clone();
//!         let mut count = 0;
//!         for (&hash, &row) in rows.range(haul.hashes.clone()) {
//!             self.0[to].take(hash, row);
//!             count += 1;
//!         }
//!         count
//!     }
//! }
//!
//! impl Mover for Cluster {
//!     type Error = Infallible;
//!
//!     async fn record(&self, _step: &Step) -> Result<(), Infallible> {
//!         Ok(()) // a real one keeps it, where other processes can read it
//!     }
//!
//!     async fn fence(&self, node: &str, slots: RangeInclusive<u32>, epoch: u64) -> Result<(), Infallible> {
//!         while !self.0[node].fence.raise(slots.clone(), epoch) {
//!             tokio::task::yield_now().await;
//!         }
//!         Ok(())
//!     }
//!
//!     async fn copy(&self, haul: &Haul, _: Option<&str>, _: u64) -> Result<Batch, Infallible> {
//!         Ok(Batch { items: self.bring(haul), ..Batch::default() }) // slots are small: all at once
//!     }
//!
//!     async fn catch_up(&self, haul: &Haul, _: u64) -> Result<Level, Infallible> {
//!         Ok(Level { items: self.bring(haul), ..Level::default() })
//!     }
//!
//!     async fn delete(&self, haul: &Haul, node: &str, _: Option<&str>, _: u64) -> Result<Batch, Infallible> {
//!         self.0[node].rows.lock().unwrap().retain(|hash, _| !haul.hashes.contains(hash));
//!         Ok(Batch::default())
//!     }
//!
//!     async fn sleep(&self, time: Duration) {
//!         tokio::time::sleep(time).await;
//!     }
//! }
//!
//! /// Contract 1 to 4, for a store of which nobody is refused here.
//! fn write(shards: &ShardMap, cluster: &Cluster, key: &str, value: &'static str) {
//!     let route = shards.write_route(key);
//!     let owner = &cluster.0[route.owner().name()];
//!     let pass = owner.fence.enter(route.slot(), route.epoch()).expect("it has the newest route");
//!     let hash = key.shard_hash();
//!     let version = owner.rows.lock().unwrap().get(&hash).map_or(0, |row| row.0) + 1;
//!     owner.take(hash, (version, Some(value)));
//!     drop(pass);
//!     if let Some(forward) = route.forward() {
//!         cluster.0[forward.name()].take(hash, (version, Some(value)));
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), seawall_shard::ConfigError> {
//! let store = |name| (name, Store { fence: Fence::new(256, 0), rows: Mutex::default() });
//! let cluster = Cluster(["db-a", "db-b", "db-c"].map(store).into());
//! let shards = ShardMap::builder("photos")
//!     .explicit(256)
//!     .nodes([Node::new("db-a"), Node::new("db-b")])
//!     .build()?;
//! let names = ["ada", "blaise", "carl", "emmy", "grace", "kurt", "sofia", "srinivasa"];
//! names.iter().for_each(|name| write(&shards, &cluster, name, "a photo"));
//!
//! let mut next = shards.topology();
//! next.add(Node::new("db-c"))?;
//! let migration = shards.migrate(&next)?;
//! let Ok(()) = migration.run(&cluster).await; // as many at the same time as you like
//!
//! for name in names {
//!     let owner = &cluster.0[shards.lookup(name).name()];
//!     assert!(owner.rows.lock().unwrap().contains_key(&name.shard_hash()));
//! }
//! assert_eq!(migration.progress().moves_done, 256 / 3);
//! # Ok(())
//! # }
//! ```
//!
//! How do I go on after a crash?
//!
//! ```
//! # use seawall_shard::{Node, ShardMap};
//! # let before = ShardMap::builder("photos").node(Node::new("db-a")).build()?;
//! # let mut next = before.topology();
//! # next.add(Node::new("db-b"))?;
//! # let kept = before.migrate(&next)?.spec().expect("it is not over");
//! // `kept`: the spec of the beginning, with the steps that were recorded applied to it.
//! let shards = ShardMap::builder("photos").spec(kept.from.clone()).build()?;
//! let migration = shards.migration().hauls(4).bytes_per_second(50 << 20).resume(&kept)?;
//! # assert!(!migration.is_over());
//! # Ok::<(), seawall_shard::ConfigError>(())
//! ```
//!
//! # Being seen
//!
//! [`progress`](Migration::progress), `on_event`, and `snapshot()`. State: `moving`, `paused`, `aborting`, `over`.
//! Gauge: `slots_moving`. Counters: `moves_done` (a slot's move each), `items`, `bytes`, `items_deleted`,
//! `mismatches`.
//!
//! # What it does not do
//!
//! A map of four replicas does not migrate. A route is made of one load of one word, which has four lanes: three for
//! the nodes, and the fourth for the other side of the move. With four nodes in it there is none left, and a second
//! word beside it could not be read at the same moment.
//!
//! A node that stays does not go to another zone by a migration. A member keeps its zone for ever, so that node in
//! another zone is another member, of the same name; while slots move both would be there, and a [`Mover`], a fence
//! and a service know nodes by their names alone. Let it go to the other zone by
//! [`update`](crate::ShardMap::update), which moves at once what that moves, or under another name.
//!
//! While one runs, no other change that places anything is made.

mod builder;
pub(crate) mod course;
mod driver;
mod event;
mod fence;
mod handle;
mod mover;
pub(crate) mod path;
mod phase;
pub(crate) mod route;
pub(crate) mod spec;
mod throttle;

pub use self::{
    builder::MigrationBuilder,
    event::{Event, Progress, Turn},
    fence::{Fence, Pass, Refused},
    handle::{Migration, Worked},
    mover::{Batch, Haul, Level, Mover},
    phase::Phase,
    route::{ReadRoute, WriteRoute},
    spec::{MigrationSpec, SlotsTurn, Step, Stretch},
};
