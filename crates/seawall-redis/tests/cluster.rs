//! Three servers that are one cluster.

#![cfg(feature = "cluster")]

mod support;

use std::{collections::HashSet, net::TcpListener, time::Duration};

use seawall_circuit_breaker::Config as CircuitConfig;
use seawall_redis::{
    Command, Connection, ConnectionBuilder, KeySpace, Outage, Quota, RateLimiter, Reason, Script,
    slot,
};
use tokio::time::sleep;

use crate::support::{Server, bounded, until, until_it_answers, until_it_does};

const SLOTS: u16 = 16_384;

struct Cluster {
    nodes: Vec<Server>,
}

impl Cluster {
    async fn start() -> Self {
        let (mut nodes, mut buses) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let (node, bus) = start_node().await;
            nodes.push(node);
            buses.push(bus);
        }
        let share = SLOTS.div_ceil(3);
        for (index, node) in (0..).zip(&nodes) {
            let (first, last) = (index * share, ((index + 1) * share).min(SLOTS) - 1);
            assert_eq!(node.ask(&format!("CLUSTER ADDSLOTSRANGE {first} {last}")), "+OK");
            let meet = format!("CLUSTER MEET 127.0.0.1 {} {}", nodes[0].port(), buses[0]);
            assert_eq!(node.ask(&meet), "+OK");
        }
        let cluster = Self { nodes };
        until("all nodes know all", || cluster.is_whole().then_some(())).await;
        cluster
    }

    fn is_whole(&self) -> bool {
        self.nodes.iter().all(|node| {
            let info = node.ask("CLUSTER INFO");
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        })
    }

    fn builder(&self) -> ConnectionBuilder {
        Connection::builder("cluster")
            .urls(self.nodes.iter().map(Server::url))
            .response_timeout(Duration::from_secs(2))
    }

    /// Gives a slot without keys to another node; who asks the old one is told that it has moved.
    fn move_slot(&self, slot: u16, to: usize) {
        let id = self.nodes[to].ask("CLUSTER MYID");
        for node in [to].into_iter().chain((0..3).filter(|&node| node != to)) {
            let moved = self.nodes[node].ask(&format!("CLUSTER SETSLOT {slot} NODE {id}"));
            assert_eq!(moved, "+OK");
        }
    }

    /// Else the nodes that are well would stop to serve when they have noticed that one is not.
    fn serve_what_is_there(&self) {
        for node in &self.nodes {
            assert_eq!(node.ask("CONFIG SET cluster-require-full-coverage no"), "+OK");
        }
    }

    fn scripts_run(&self) -> Vec<u64> {
        self.nodes.iter().map(|node| node.info("number_of_cached_scripts")).collect()
    }
}

/// Nodes talk among themselves on a port of its own.
async fn start_node() -> (Server, u16) {
    for _ in 0..10 {
        let [port, bus] = free_ports();
        let options = ["--cluster-enabled", "yes", "--cluster-port", &bus.to_string()];
        if let Some(node) = Server::start_on(port, &options).await {
            return (node, bus);
        }
    }
    panic!("no two ports stayed free for long enough");
}

/// A key whose slot the node was given first.
fn key_on(node: u16) -> Vec<u8> {
    let names = (0..).map(|number| KeySpace::new("test").name(format!("key {number}"), "x"));
    let mut names = names.filter(|name| slot(name) / SLOTS.div_ceil(3) == node);
    names.next().expect("keys are spread")
}

fn free_ports() -> [u16; 2] {
    // Both are held until both are known, or they would be the same.
    let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("there are free ports"));
    held.each_ref().map(|listener| listener.local_addr().expect("it is bound").port())
}

#[tokio::test]
async fn scripts_run_on_every_node_and_follow_a_slot_that_moves() {
    let cluster = Cluster::start().await;
    let connection = cluster.builder().build().expect("sound");
    until_it_answers(&connection).await;
    let both =
        Script::new("return {redis.call('INCR', KEYS[1]), redis.call('INCRBY', KEYS[2], ARGV[1])}");
    let space = KeySpace::new("test");
    let run = |key: String| {
        let keys = [space.name(&key, "one"), space.name(&key, "two")];
        let (connection, both) = (&connection, &both);
        async move { bounded(connection.run(both, &keys, &[5.into()])).await?.ints() }
    };

    // Every node gets the script when it is first asked for it.
    let mut slots = HashSet::new();
    for number in 0..60 {
        let key = format!("key {number}");
        slots.insert(slot(&space.name(&key, "one")) / SLOTS.div_ceil(3));
        assert_eq!(run(key).await, Ok(vec![1, 5]));
    }
    assert_eq!(slots.len(), 3, "the keys lie on all nodes");
    assert_eq!(cluster.scripts_run(), [1, 1, 1]);

    // The server and we agree on slots.
    for key in ["", "plain", "{", "a}b", "{}"] {
        let name = String::from_utf8(space.name(key, "one")).expect("it was text");
        let theirs = cluster.nodes[0].ask(&format!("CLUSTER KEYSLOT {name}"));
        assert_eq!(theirs, format!(":{}", slot(name.as_bytes())));
    }

    // A slot goes to another node, which has lost its scripts.
    let moving = "moving".to_owned();
    let its_slot = slot(&space.name(&moving, "one"));
    let owner = usize::from(its_slot / SLOTS.div_ceil(3));
    let heir = (owner + 1) % 3;
    cluster.nodes[heir].ask("SCRIPT FLUSH");
    cluster.move_slot(its_slot, heir);
    assert_eq!(run(moving).await, Ok(vec![1, 5]));
    assert_eq!(cluster.scripts_run(), [1, 1, 1]);
}

#[tokio::test]
async fn a_node_that_is_lost_leaves_the_others_keys_alone() {
    let cluster = Cluster::start().await;
    cluster.serve_what_is_there();
    let connection = cluster.builder().response_timeout(Duration::from_secs(1)).build();
    let connection = connection.expect("sound");
    let [one, two, lost] = [0, 1, 2].map(key_on);
    let count = |key: &[u8]| Command::new("INCR").arg(key);
    // A node that was slow is connected to when a key of it is asked for.
    for key in [&one, &two] {
        until_it_does(&connection, &count(key)).await;
    }
    let before = until_it_does(&connection, &count(&lost)).await.int().expect("a number");

    cluster.nodes[2].stop();
    for _ in 0..3 {
        // Nothing else is asked for some time, so that the keeper gets suspicious.
        for _ in 0..2 {
            bounded(connection.send(&count(&lost))).await.expect_err("its node is stopped");
        }
        for well in [&one, &two] {
            bounded(connection.send(&count(well))).await.expect("its node is well");
        }
    }
    assert_eq!(connection.snapshot().counters["lost"], 0, "any node's sign of life will do");
    cluster.nodes[2].go_on();

    // It works off what it has received before it answers this.
    let after = until_it_does(&connection, &Command::new("GET").arg(&lost)).await;
    let after = after.bytes().expect("a string").expect("it was counted");
    let after = String::from_utf8(after).expect("it was text").parse::<i64>().expect("a number");
    assert!(after <= before + 6, "something was sent twice: {before}, {after}");
}

#[tokio::test]
async fn a_cluster_that_lacks_a_node_is_connected_to_all_the_same() {
    let cluster = Cluster::start().await;
    cluster.serve_what_is_there();
    cluster.nodes[1].stop();

    let connection = cluster.builder().build().expect("sound");
    for _ in 0..5 {
        for node in [0, 2] {
            until_it_does(&connection, &Command::new("INCR").arg(&key_on(node))).await;
        }
    }

    cluster.nodes[1].go_on();
}

#[tokio::test]
async fn a_node_that_was_never_there_leaves_the_others_keys_alone() {
    let cluster = Cluster::start().await;
    cluster.serve_what_is_there();
    cluster.nodes[1].stop();
    // The circuit is not what this is about.
    let mut circuit = CircuitConfig::default();
    circuit.failure_rate = None;
    let builder = cluster.builder().connect_timeout(Duration::from_secs(6));
    let connection = builder.response_timeout(Duration::from_secs(1)).circuit(circuit).build();
    let connection = connection.expect("sound");
    let count = |node| Command::new("INCR").arg(&key_on(node));
    for node in [0, 2] {
        until_it_does(&connection, &count(node)).await;
    }

    let (lost, command) = (connection.clone(), count(1));
    let asking = tokio::spawn(async move {
        loop {
            bounded(lost.send(&command)).await.expect_err("its node is stopped");
        }
    });
    let mut failed = Vec::new();
    for node in [0, 2].repeat(10) {
        failed.extend(bounded(connection.send(&count(node))).await.err());
        sleep(Duration::from_millis(50)).await;
    }
    assert!(!asking.is_finished(), "every call to the lost node ended in time");
    asking.abort();
    cluster.nodes[1].go_on();

    // One or two may fail where the machine is slow.
    assert!(failed.len() <= 2, "two of three nodes are well: {failed:?}");
}

#[tokio::test]
async fn several_quotas_of_a_key_are_decided_in_one_place() {
    let cluster = Cluster::start().await;
    let connection = cluster.builder().build().expect("sound");
    until_it_answers(&connection).await;
    let limiter = RateLimiter::builder("fleet", connection)
        .quota(Quota::per_minute(3).expect("sound"))
        .quota(Quota::per_hour(5).expect("sound"))
        .on_outage(Outage::Closed)
        .build()
        .expect("sound");

    for number in 0..40 {
        let key = format!("tenant {number}");
        bounded(limiter.try_acquire_n(&key, 3)).await.expect("it is fresh");
        let refused = bounded(limiter.try_acquire(&key)).await.expect_err("all are taken");
        assert_eq!(refused.reason(), Reason::RateLimited);
    }
    assert_eq!(limiter.snapshot().counters["outages"], 0);
}

#[test]
fn urls_that_cannot_be_are_refused() {
    let none: [&str; 0] = [];
    let error = Connection::builder("none").urls(none).build().expect_err("there is no node");
    assert_eq!(error.field(), "urls");

    let bad = ["redis://localhost", "redis://user:s3c/r3t@localhost"];
    let error = Connection::builder("bad").urls(bad).build().expect_err("one is no URL");
    assert_eq!(error.field(), "urls");
    assert!(!error.to_string().contains("s3c"), "{error}");

    let two = ["redis://:s3cr3t@localhost:1", "redis://:other@localhost:2"];
    let error = Connection::builder("two").urls(two).build().expect_err("two passwords");
    assert!(!error.to_string().contains("s3cr3t"), "{error}");
}

#[cfg(feature = "cache")]
#[tokio::test]
async fn the_parts_of_a_cache_lie_on_all_nodes_and_a_tag_ends_what_is_on_any() {
    use seawall_cache::l2::{Ask, Fill, L2, Life, Look, Record, Tag};
    use seawall_redis::SchemaId;

    let cluster = Cluster::start().await;
    let connection = cluster.builder().build().expect("sound");
    until_it_answers(&connection).await;
    let store = connection.cache_store("app:users", SchemaId(1));
    let keys: Vec<u32> = (0..100).collect();
    let look = async || {
        let looks = L2::<u32, u32>::look(&store, &keys, Ask::Value).await.expect("all are up");
        keys.iter().copied().zip(looks).collect::<Vec<_>>()
    };
    let hits =
        async || look().await.iter().filter(|(_, look)| matches!(look, Look::Hit(_))).count();

    let hour = Duration::from_secs(3600);
    let life = Life { fresh: hour, stale: hour, error: hour, took: hour };
    let fills: Vec<_> = look()
        .await
        .into_iter()
        .map(|(key, look)| {
            let Look::Lease(lease) = look else { panic!("nothing was there") };
            let tag = Tag::of(if key % 2 == 0 { "even" } else { "odd" });
            Fill { key, lease, record: Record { value: Some(key), life, tags: vec![tag] } }
        })
        .collect();
    let filled = store.fill(&fills).await.expect("all are up");
    assert_eq!((filled.iter().filter(|filled| **filled).count(), hits().await), (100, 100));
    for node in &cluster.nodes {
        assert_ne!(node.ask("DBSIZE"), ":0", "it has some of them");
    }

    L2::<u32, u32>::invalidate(&store, &[1, 3, 5]).await.expect("all are up");
    L2::<u32, u32>::invalidate_tags(&store, &[Tag::of("even")]).await.expect("all are up");
    assert_eq!(hits().await, 47);
    L2::<u32, u32>::clear(&store).await.expect("all are up");
    assert_eq!(hits().await, 0);
}
