//! Tasks that write and read, and know what was acknowledged.
//!
//! Each key has one task that writes it, 1, 2, 3 and so on: so what a read may return is known without a lock.
//! Not less than was acknowledged, not more than was tried.

use std::{
    collections::BTreeMap,
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed}, // tasks may notice the end a call later
    },
    time::Duration,
};

use fastrand::Rng;
use futures_util::future::try_join_all;
use seawall_core::BoxError;
use seawall_shard::ShardMap;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    args::Args,
    client::{Client, first_up},
    store::{Place, Store, Trouble},
};

const TASKS: u32 = 16;

/// Between the calls of a task: so the servers are busy, and not this machine.
const PAUSE: Duration = Duration::from_millis(2);

/// How many keys are looked at together in the end.
const AT_ONCE: usize = 64;

/// The values that a key may have now, by its number.
pub(crate) type Expected = BTreeMap<u32, RangeInclusive<u64>>;

struct Task {
    client: Client,
    rng: Rng,
    /// A key's number, the last value that was acknowledged, and the last that was tried.
    keys: Vec<(u32, u64, u64)>,
    wrong_reads: u64,
}

pub(crate) struct Traffic {
    waiting: Vec<Task>,
    running: JoinSet<Task>,
    is_over: Arc<AtomicBool>,
}

pub(crate) fn key(number: u32) -> String {
    format!("key:{number}")
}

impl Traffic {
    /// Writes each key once.
    pub(crate) async fn fill(client: &Client, args: &Args) -> Result<Self, BoxError> {
        let mut filling = JoinSet::new();
        for index in 0..TASKS {
            let keys = (index..args.keys).step_by(TASKS as usize).map(|number| (number, 0, 0));
            let rng = Rng::with_seed(args.seed.wrapping_add(u64::from(index)));
            let mut task =
                Task { client: client.clone(), rng, keys: keys.collect(), wrong_reads: 0 };
            filling.spawn(async move {
                for place in 0..task.keys.len() {
                    task.write(place).await;
                }
                task
            });
        }
        let waiting = filling.join_all().await;
        if waiting.iter().flat_map(|task| &task.keys).any(|&(_, acknowledged, _)| acknowledged == 0)
        {
            return Err("not all keys could be written before anything happened".into());
        }
        Ok(Self { waiting, running: JoinSet::new(), is_over: Arc::default() })
    }

    pub(crate) fn start(&mut self) {
        for mut task in self.waiting.drain(..) {
            let is_over = Arc::clone(&self.is_over);
            self.running.spawn(async move {
                while !is_over.load(Relaxed) {
                    task.call().await;
                    sleep(PAUSE).await;
                }
                task
            });
        }
    }

    /// Lets all calls end, and says what each key may be, and how many reads were wrong.
    pub(crate) async fn stop(&mut self) -> Result<(Expected, u64), BoxError> {
        self.is_over.store(true, Relaxed);
        let (mut expected, mut wrong) = (Expected::new(), 0);
        while let Some(task) = self.running.join_next().await {
            let task = task?;
            wrong += task.wrong_reads;
            expected.extend(task.keys.iter().map(|&(number, least, most)| (number, least..=most)));
        }
        Ok((expected, wrong))
    }
}

impl Task {
    async fn call(&mut self) {
        if self.keys.is_empty() {
            return;
        }
        let place = self.rng.usize(..self.keys.len());
        if self.rng.bool() { self.write(place).await } else { self.read(place).await }
    }

    async fn write(&mut self, place: usize) {
        let (number, acknowledged, tried) = &mut self.keys[place];
        *tried += 1;
        if self.client.write(&key(*number), *tried).await.is_ok() {
            *acknowledged = *tried;
        }
    }

    async fn read(&mut self, place: usize) {
        let (number, acknowledged, tried) = self.keys[place];
        if let Ok(value) = self.client.read(&key(number)).await {
            let is_right = value.is_some_and(|value| (acknowledged..=tried).contains(&value));
            self.wrong_reads += u64::from(!is_right);
        }
    }
}

/// What is found in the end.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) keys: usize,
    /// Keys of which the owner has not what was acknowledged.
    pub(crate) lost: u64,
    /// Copies, at other nodes than the owner, that have not what was acknowledged.
    pub(crate) short: u64,
    /// Reads under way that returned what was over, or was never written.
    pub(crate) wrong_reads: u64,
}

impl Verdict {
    pub(crate) const fn is_clean(&self) -> bool {
        self.lost == 0 && self.short == 0 && self.wrong_reads == 0
    }

    /// Reads each key at each node that has it.
    pub(crate) async fn over(
        (expected, wrong_reads): &(Expected, u64),
        shards: &ShardMap,
        store: &Store,
    ) -> Result<Self, BoxError> {
        let mut verdict =
            Self { keys: expected.len(), lost: 0, short: 0, wrong_reads: *wrong_reads };
        let keys: Vec<_> = expected.iter().collect();
        for some in keys.chunks(AT_ONCE) {
            let looks = some.iter().map(|&(&number, may_be)| look(shards, store, number, may_be));
            for (is_lost, short) in try_join_all(looks).await? {
                verdict.lost += u64::from(is_lost);
                verdict.short += short;
            }
        }
        Ok(verdict)
    }
}

/// Reads a key at all of its nodes: whether it is lost at the owner, and how many others have it not.
async fn look(
    shards: &ShardMap,
    store: &Store,
    number: u32,
    may_be: &RangeInclusive<u64>,
) -> Result<(bool, u64), Trouble> {
    let key = key(number);
    let route = shards.read_route(&key);
    let place = Place { slot: route.slot(), epoch: route.epoch() };
    let (mut is_lost, mut short) = (false, 0);
    for (turn, member) in route.replicas().iter().enumerate() {
        let row = store.get(member.name(), place, &key).await?;
        let is_there = row.is_some_and(|row| may_be.contains(&row.value));
        match turn {
            0 => is_lost = !is_there,
            _ => short += u64::from(!is_there),
        }
    }
    Ok((is_lost, short))
}

/// Who serves each key now, by its number.
pub(crate) fn owners(shards: &ShardMap, keys: u32) -> Vec<String> {
    let owner = |number| first_up(shards.replicas(&key(number))).name().to_owned();
    (0..keys).map(owner).collect()
}

/// How many keys each slot has, which never changes.
pub(crate) struct Spread(Vec<u64>);

impl Spread {
    pub(crate) fn of(shards: &ShardMap, keys: u32) -> Self {
        let mut spread = vec![0; shards.slots() as usize];
        for number in 0..keys {
            spread[shards.slot_of(&key(number)) as usize] += 1;
        }
        Self(spread)
    }

    /// How many keys each node serves now, also where that is none.
    pub(crate) fn loads(&self, shards: &ShardMap) -> BTreeMap<String, u64> {
        let nodes = shards.topology();
        let mut loads: BTreeMap<_, _> =
            nodes.nodes().iter().map(|node| (node.name.to_string(), 0)).collect();
        for (slot, keys) in (0..).zip(&self.0) {
            if let Some(replicas) = shards.replicas_of_slot(slot) {
                *loads.entry(first_up(replicas).name().to_owned()).or_default() += keys;
            }
        }
        loads
    }
}
