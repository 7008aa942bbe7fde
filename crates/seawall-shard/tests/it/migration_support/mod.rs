//! A cluster in memory whose stores keep the contract of `seawall_shard::migration`, and its mover.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    ops::RangeInclusive,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use seawall_core::sync::Mutex;
use seawall_shard::migration::{
    Batch, Fence, Haul, Level, MigrationSpec, Mover, Pass, Refused, Step,
};

/// The hash of a key stands for the key.
pub(crate) type Key = u64;

/// A version that the owner gave, and a value: `None` where it was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) version: u64,
    pub(crate) value: Option<u64>,
}

type Rows = BTreeMap<Key, Row>;

/// Why the mover of a test gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Somebody is still inside a fence.
    NotYet,
    /// An order to fail was carried out.
    Ordered,
    /// It came by an epoch that is over.
    Stale,
    /// The node is gone.
    Lost,
}

/// What the mover is to do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Before,
    After,
}

pub(crate) struct Cluster {
    slot_bits: u32,
    fences: BTreeMap<String, Fence>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stores: BTreeMap<String, Rows>,
    log: Vec<Step>,
    fault: Option<Fault>,
    lost: BTreeSet<String>,
    copied: BTreeSet<(u32, String)>,
    deleted: BTreeSet<(u32, String)>,
    unequal: u64,
}

impl Cluster {
    pub(crate) fn new<'a>(slot_bits: u32, names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: Vec<_> = names.into_iter().map(str::to_owned).collect();
        let fence = |name: &String| (name.clone(), Fence::new(1 << slot_bits, 0));
        let state = State {
            stores: names.iter().map(|name| (name.clone(), Rows::new())).collect(),
            ..State::default()
        };
        Self { slot_bits, fences: names.iter().map(fence).collect(), state: Mutex::new(state) }
    }

    pub(crate) fn slot_of(&self, key: Key) -> u32 {
        (key >> (64 - self.slot_bits)) as u32
    }

    pub(crate) fn enter(&self, node: &str, slot: u32, epoch: u64) -> Result<Pass<'_>, Refused> {
        self.fences[node].enter(slot, epoch)
    }

    /// What the owner does: it gives the version.
    pub(crate) fn write_first(&self, node: &str, key: Key, value: Option<u64>) -> Row {
        let mut state = self.state.lock();
        let rows = state.stores.get_mut(node).expect("it is a node");
        let version = rows.get(&key).map_or(0, |row| row.version) + 1;
        rows.insert(key, Row { version, value });
        Row { version, value }
    }

    /// What all others do: newer wins.
    pub(crate) fn write_after(&self, node: &str, key: Key, row: Row) {
        let mut state = self.state.lock();
        put(state.stores.get_mut(node).expect("it is a node"), key, row);
    }

    pub(crate) fn read(&self, node: &str, key: Key) -> Option<Row> {
        self.state.lock().stores[node].get(&key).copied()
    }

    pub(crate) fn rows(&self, node: &str) -> Rows {
        self.state.lock().stores[node].clone()
    }

    pub(crate) fn order(&self, fault: Fault) {
        self.state.lock().fault = Some(fault);
    }

    pub(crate) fn lose(&self, node: &str) {
        self.state.lock().lost.insert(node.to_owned());
    }

    pub(crate) fn log(&self) -> Vec<Step> {
        self.state.lock().log.clone()
    }

    /// What is kept of the migration that began as `base`.
    pub(crate) fn kept(&self, base: &MigrationSpec) -> MigrationSpec {
        let mut spec = base.clone();
        for step in self.log() {
            spec.apply(&step).expect("the log has all steps");
        }
        spec
    }

    pub(crate) fn copied(&self) -> BTreeSet<(u32, String)> {
        self.state.lock().copied.clone()
    }

    pub(crate) fn deleted(&self) -> BTreeSet<(u32, String)> {
        self.state.lock().deleted.clone()
    }

    /// How often the two sides of a hand-off were not the same.
    pub(crate) fn unequal(&self) -> u64 {
        self.state.lock().unequal
    }

    fn fails(&self, at: Fault) -> Result<(), Trouble> {
        let mut state = self.state.lock();
        if state.fault == Some(at) {
            state.fault = None;
            return Err(Trouble::Ordered);
        }
        Ok(())
    }

    fn is_there(&self, node: &str) -> Result<(), Trouble> {
        if self.state.lock().lost.contains(node) { Err(Trouble::Lost) } else { Ok(()) }
    }

    fn passes(&self, node: &str, haul: &Haul) -> Result<Vec<Pass<'_>>, Trouble> {
        let enter = |slot| self.enter(node, slot, haul.epoch);
        haul.slots.clone().map(enter).collect::<Result<_, _>>().map_err(|_| Trouble::Stale)
    }
}

/// Newer wins, and what is as new is the same.
fn put(rows: &mut Rows, key: Key, row: Row) -> bool {
    let is_newer = rows.get(&key).is_none_or(|had| had.version < row.version);
    if is_newer {
        rows.insert(key, row);
    }
    is_newer
}

fn after(haul: &Haul, cursor: Option<&str>) -> RangeInclusive<Key> {
    let first = *haul.hashes.start();
    let from = cursor.map_or(first, |cursor| cursor.parse().expect("it is ours"));
    from..=*haul.hashes.end()
}

impl Mover for Cluster {
    type Error = Trouble;

    async fn record(&self, step: &Step) -> Result<(), Trouble> {
        self.fails(Fault::Before)?;
        {
            let mut state = self.state.lock();
            let last = state.log.last().map_or(0, |last| last.epoch);
            if step.epoch <= last {
                assert!(state.log.contains(step), "an epoch has one step");
            } else {
                state.log.push(step.clone());
            }
        }
        breathe().await; // it is kept, and its mover does not know it yet
        self.fails(Fault::After)
    }

    async fn fence(
        &self,
        node: &str,
        slots: RangeInclusive<u32>,
        epoch: u64,
    ) -> Result<(), Trouble> {
        self.fails(Fault::Before)?;
        if !self.fences[node].raise(slots, epoch) {
            return Err(Trouble::NotYet);
        }
        self.fails(Fault::After)
    }

    async fn copy(
        &self,
        haul: &Haul,
        cursor: Option<&str>,
        at_most: u64,
    ) -> Result<Batch, Trouble> {
        self.fails(Fault::Before)?;
        let to = haul.to.as_deref().expect("a copy has a target");
        self.is_there(to)?;
        let (batch, next) = {
            let state = self.state.lock();
            let mut rows = state.stores[&*haul.from].range(after(haul, cursor));
            let take = at_most as usize;
            let batch: Vec<_> = rows.by_ref().take(take).map(|(&key, &row)| (key, row)).collect();
            (batch, rows.next().map(|(key, _)| key.to_string()))
        };
        breathe().await; // what was read grows old
        let passes = self.passes(to, haul)?;
        {
            let mut state = self.state.lock();
            let rows = state.stores.get_mut(to).expect("it is a node");
            for &(key, row) in &batch {
                put(rows, key, row);
            }
            for slot in haul.slots.clone() {
                state.copied.insert((slot, to.to_owned()));
            }
        }
        drop(passes);
        self.fails(Fault::After)?;
        let items = batch.len() as u64;
        Ok(Batch { items, bytes: items * 16, next })
    }

    async fn catch_up(&self, haul: &Haul, at_most: u64) -> Result<Level, Trouble> {
        self.fails(Fault::Before)?;
        let to = haul.to.as_deref().expect("a copy has a target");
        self.is_there(to)?;
        let newer = {
            let state = self.state.lock();
            let target = &state.stores[to];
            let lacks = |(key, row): (&Key, &Row)| {
                let has = target.get(key).is_some_and(|has| has.version >= row.version);
                (!has).then_some((*key, *row))
            };
            let rows = state.stores[&*haul.from].range(haul.hashes.clone());
            rows.filter_map(lacks).collect::<Vec<_>>()
        };
        breathe().await;
        let passes = self.passes(to, haul)?;
        let items = (newer.len() as u64).min(at_most);
        {
            let mut state = self.state.lock();
            let rows = state.stores.get_mut(to).expect("it is a node");
            for &(key, row) in &newer[..items as usize] {
                put(rows, key, row);
            }
        }
        drop(passes);
        self.fails(Fault::After)?;
        Ok(Level { items, bytes: items * 16, left: newer.len() as u64 - items })
    }

    async fn verify(&self, haul: &Haul) -> Result<bool, Trouble> {
        self.fails(Fault::Before)?;
        let mut state = self.state.lock();
        let rows = |name: &str| state.stores[name].range(haul.hashes.clone());
        let is_equal = rows(&haul.from).eq(rows(haul.to.as_deref().expect("it takes over")));
        state.unequal += u64::from(!is_equal);
        Ok(is_equal)
    }

    async fn delete(
        &self,
        haul: &Haul,
        node: &str,
        cursor: Option<&str>,
        at_most: u64,
    ) -> Result<Batch, Trouble> {
        self.fails(Fault::Before)?;
        if self.is_there(node).is_err() {
            return Ok(Batch::default());
        }
        breathe().await;
        let passes = self.passes(node, haul)?;
        let (items, next) = {
            let mut state = self.state.lock();
            let rows = state.stores.get_mut(node).expect("it is a node");
            let mut keys: Vec<_> = rows.range(after(haul, cursor)).map(|(&key, _)| key).collect();
            let next = keys.get(at_most as usize).map(ToString::to_string);
            keys.truncate(at_most as usize);
            rows.retain(|key, _| !keys.contains(key));
            for slot in haul.slots.clone() {
                state.deleted.insert((slot, node.to_owned()));
            }
            (keys.len() as u64, next)
        };
        drop(passes);
        self.fails(Fault::After)?;
        Ok(Batch { items, bytes: items * 16, next })
    }

    async fn sleep(&self, _time: Duration) {
        breathe().await;
    }
}

/// Lets others go on, once.
fn breathe() -> impl Future<Output = ()> + Send {
    struct Breath(bool);
    impl Future for Breath {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            if std::mem::replace(&mut self.0, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    }
    Breath(false)
}
