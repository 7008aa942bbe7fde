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
use seawall_core::BoxError;
use seawall_shard::ShardMap;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    args::Args,
    client::{Client, first_up},
    store::{Place, Store},
};

const TASKS: u32 = 16;

/// Between the calls of a task: so the servers are busy, and not this machine.
const PAUSE: Duration = Duration::from_millis(2);

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
        if waiting.iter().flat_map(|task| &task.keys).any(|&(_, acknowledged, _)| acknowledged == 0) {
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
        for (&number, may_be) in expected {
            let route = shards.read_route(&key(number));
            let place = Place { slot: route.slot(), epoch: route.epoch() };
            for (turn, member) in route.replicas().iter().enumerate() {
                let row = store.get(member.name(), place, &key(number)).await?;
                let is_there = row.is_some_and(|row| may_be.contains(&row.value));
                let missing = if turn == 0 { &mut verdict.lost } else { &mut verdict.short };
                *missing += u64::from(!is_there);
            }
        }
        Ok(verdict)
    }
}

/// Who serves each key now, by its number.
pub(crate) fn owners(shards: &ShardMap, keys: u32) -> Vec<String> {
    let owner = |number| first_up(shards.replicas(&key(number))).name().to_owned();
    (0..keys).map(owner).collect()
}

/// How many keys each node serves, also where that is none.
pub(crate) fn loads<'a>(
    shards: &ShardMap,
    owners: impl Iterator<Item = &'a str>,
) -> BTreeMap<String, u64> {
    let nodes = shards.topology();
    let mut loads: BTreeMap<_, _> =
        nodes.nodes().iter().map(|node| (node.name.to_string(), 0)).collect();
    for owner in owners {
        *loads.entry(owner.to_owned()).or_default() += 1;
    }
    loads
}
