//! Data over several redis servers: one joins under traffic, one is killed, and nothing is lost.
//!
//! ```text
//! cargo run --release --example sharded_redis
//! cargo run --release --example sharded_redis -- --nodes 6 --keys 50000 --seconds 30
//! ```
//!
//! Private `redis-server`s on free ports, which end with the program. Tasks write versions of their keys and
//! read them back all the time. Meanwhile a node joins, and its share is moved to it; later a node is killed
//! with `SIGKILL`, its keys are served by their replicas, and these are brought back to as many as they were.
//! In the end each key is read at each of its nodes: a write that was acknowledged and is not there is lost.
//!
//! | file | one idea |
//! |---|---|
//! | `main.rs` | the story |
//! | `args.rs` | what may be asked for |
//! | `server.rs` | a private server, which ends with its handle |
//! | `store.rs` | **what a node does**: rows with versions, behind a floor of epochs |
//! | `client.rs` | **a write and a read by their routes**, also while slots move and nodes are dead |
//! | `mover.rs` | **what moves the rows of a slot** |
//! | `traffic.rs` | tasks that write and read, and know what was acknowledged |
//! | `phases.rs` | when what happened, and how often |
//! | `watch.rs` | the display, and the samples of the picture |
//! | `report.rs`, `plot.rs` | the table, the picture |

#![forbid(unsafe_code)]

mod args;
mod client;
mod mover;
mod phases;
mod plot;
mod report;
mod server;
mod store;
mod traffic;
mod watch;

use std::{fs, process::ExitCode, sync::Arc, time::Duration};

use clap::Parser;
use seawall_core::BoxError;
use seawall_shard::{Node, NodeState, ShardMap, Topology, health::Health, migration::Progress};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{
    args::Args,
    client::Client,
    mover::Carrier,
    phases::{Phase, Tally},
    report::{Change, Report},
    server::Server,
    store::Store,
    traffic::{Spread, Traffic, Verdict},
    watch::Watch,
};

/// What a shell reports for a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// 1 024 slots: few, so that a slot has some keys, and each is moved as one hash of redis.
const SLOT_BITS: u32 = 10;

/// How many workers move slots at the same time.
const MOVERS: usize = 8;

/// How long the checks may take to find out that a node is dead.
const DEATH_IS_SEEN_WITHIN: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    // Whichever is dropped takes its servers with it.
    tokio::select! {
        told = story(&args) => match told {
            Ok(report) => {
                println!("{report}");
                match picture(&args, &report) {
                    Ok(()) if report.verdict.is_clean() => return ExitCode::SUCCESS,
                    Ok(()) => eprintln!("sharded_redis: rows are missing"),
                    Err(error) => eprintln!("sharded_redis: no picture: {error}"),
                }
            }
            Err(error) => eprintln!("sharded_redis: {error}"),
        },
        _ = tokio::signal::ctrl_c() => {
            eprintln!("\nsharded_redis: interrupted, nothing was written");
            return ExitCode::from(INTERRUPTED);
        }
    }
    ExitCode::FAILURE
}

fn picture(args: &Args, report: &Report) -> Result<(), BoxError> {
    fs::write(&args.out, plot::picture(report)?)?;
    println!("\nThe picture is in {}.", args.out.display());
    Ok(())
}

/// All of it, from the first server to the last key.
async fn story(args: &Args) -> Result<Report, BoxError> {
    let mut servers = Vec::new();
    let store = Arc::new(Store::default());
    for index in 0..args.nodes {
        servers.push(join(&store, index).await?);
    }
    let shards = ShardMap::builder("keys")
        .nodes((0..args.nodes).map(|index| Node::new(name(index))))
        .replicas(args.replicas)
        .slot_bits(SLOT_BITS)
        .seed(args.seed)
        .build()?;
    let tally = Arc::new(Tally::default());
    let client = Client::new(shards.clone(), Arc::clone(&store), Arc::clone(&tally));
    let mut traffic = Traffic::fill(&client, args).await?;
    tally.begin(Phase::Steady);
    let mut watch = Watch::start(&shards, &tally, args.keys);
    let health = Health::builder("nodes")
        .interval(Duration::from_millis(100))
        .timeout(Duration::from_millis(90))
        .build(shards.clone())?;
    let asked = Arc::clone(&store);
    let mut checks = JoinSet::new(); // ends with the story, whatever ends that
    checks.spawn(health.run(move |node: Node| {
        let store = Arc::clone(&asked);
        async move { store.ping(&node.name).await }
    }));

    traffic.start();
    let rest = Duration::from_secs(args.seconds) / 4;
    sleep(rest).await;

    tally.begin(Phase::Join);
    servers.push(join(&store, args.nodes).await?);
    let mut next = shards.topology();
    next.add(Node::new(name(args.nodes)))?;
    let joined = change(&shards, &store, &next, args.keys).await?;

    tally.begin(Phase::Grown);
    sleep(rest).await;

    tally.begin(Phase::Killed);
    let dead = (args.seed % u64::from(args.nodes)) as u32;
    servers[dead as usize].kill()?;
    let killed_at = Instant::now();
    timeout(DEATH_IS_SEEN_WITHIN, marked_down(&shards, &name(dead)))
        .await
        .map_err(|_| "the checks did not see that a node is dead")?;
    let seen_after = killed_at.elapsed();
    sleep(rest).await;

    tally.begin(Phase::Repair);
    let mut next = shards.topology();
    next.remove(&name(dead))?;
    let repaired = change(&shards, &store, &next, args.keys).await?;

    tally.begin(Phase::Whole);
    sleep(rest).await;
    let expected = traffic.stop().await?;
    let (samples, turns) = watch.stop().await?;
    let verdict = Verdict::over(&expected, &shards, &store).await?;
    Ok(Report {
        args: args.clone(),
        joined,
        repaired,
        seen_after,
        dead,
        tally,
        samples,
        turns,
        verdict,
    })
}

/// Starts a server, and connects to it under its node's name.
async fn join(store: &Store, index: u32) -> Result<Server, BoxError> {
    let server = Server::start().await?;
    store.connect(name(index), server.port()).await?;
    Ok(server)
}

fn name(index: u32) -> String {
    format!("redis-{}", index + 1)
}

/// Moves to another topology, under whatever traffic there is.
async fn change(
    shards: &ShardMap,
    store: &Arc<Store>,
    next: &Topology,
    keys: u32,
) -> Result<Change, BoxError> {
    let stats = shards.plan(next)?.stats();
    let before = traffic::owners(shards, keys);
    let begun = Instant::now();
    let migration = shards.migration().hauls(MOVERS).hauls_per_node(MOVERS).start(next)?;
    let mut movers = JoinSet::new();
    for _ in 0..MOVERS {
        let migration = migration.clone();
        let carrier = Carrier::new(shards.clone(), Arc::clone(store));
        movers.spawn(async move { migration.run(&carrier).await });
    }
    while !movers.is_empty() {
        tokio::select! {
            Some(ended) = movers.join_next() => ended??,
            () = sleep(Duration::from_millis(50)) => {
                // It has paused, for somebody to look at: here nobody does.
                if migration.progress().mismatches > 0 {
                    return Err(format!("the two sides of a slot differ: {:?}", migration.progress()).into());
                }
            }
        }
    }
    let Progress { moves, items, mismatches, .. } = migration.progress();
    let after = traffic::owners(shards, keys);
    let keys_moved = before.iter().zip(&after).filter(|(was, is)| was != is).count();
    let loads = Spread::of(shards, keys).loads(shards);
    Ok(Change { took: begun.elapsed(), stats, moves, items, mismatches, keys_moved, loads })
}

async fn marked_down(shards: &ShardMap, name: &str) {
    let is_down = || shards.topology().node(name).is_some_and(|node| node.state == NodeState::Down);
    while !is_down() {
        sleep(Duration::from_millis(5)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nothing_is_lost_while_a_node_joins_and_another_is_killed() {
        if !Server::is_installed() {
            eprintln!(
                "SKIPPED: `redis-server` is missing; on Debian and Ubuntu: sudo apt-get install redis-server"
            );
            return;
        }
        let args = Args::parse_from(["sharded_redis", "--seconds", "2", "--keys", "600"]);

        let report = story(&args).await.expect("the servers start and the nodes change");

        assert!(report.verdict.is_clean(), "{report}");
        assert_eq!(report.verdict.keys, 600);
        // Slots have whole shares within a tenth of each other; keys, of which there are few, not.
        let owners = report.joined.stats.owners_moved as f64 / f64::from(1 << SLOT_BITS);
        let least = 1.0 / f64::from(args.nodes + 1);
        assert!((0.7..1.3).contains(&(owners / least)), "{owners} of the slots moved");
        assert_eq!((report.joined.mismatches, report.repaired.mismatches), (0, 0));
        assert!(report.joined.keys_moved > 0 && report.tally.total().writes > 600);
        let failed_over = report.tally.of(Phase::Killed).failed_over;
        assert!(failed_over > 0, "nobody met the dead node:\n{report}");

        let svg = plot::picture(&report).expect("it can be drawn");
        let svg = roxmltree::Document::parse(&svg).expect("it is XML");
        let texts: Vec<_> =
            svg.descendants().filter_map(|node| node.text()).map(str::trim).collect();
        for index in 0..=args.nodes {
            let name = name(index);
            assert!(texts.contains(&name.as_str()), "no `{name}` in {texts:?}");
        }
    }
}
