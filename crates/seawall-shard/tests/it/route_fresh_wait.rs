//! Fresh reads that wait: for a report, not for long, and not beyond what the call has left.

#![cfg(feature = "tokio")]

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::Mutex;
use seawall_core::{Clock, Context, Deadline, Nanos, Reason, Rejection, deadline};
use seawall_shard::{
    Node, NodeState, Read, ShardMap, Turn,
    route::{BoundedLoad, Fresh, FreshReads, Lease, Token},
};
use tokio::time::Instant;
use tokio_test::{assert_pending, assert_ready, task::spawn};

use crate::support::map;

const KEY: &[u8] = b"user:42";
const NEEDS: Fresh = Fresh::after(Token::new(5));

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

struct Bench {
    shards: ShardMap,
    /// The owner's name, and those of the replicas, the near one first.
    names: Vec<String>,
    told: Arc<Mutex<Vec<Turn>>>,
}

/// Asks in the zone of a replica, and waits for 100 ms.
fn bench(bound: Option<BoundedLoad>) -> Bench {
    let told = Arc::new(Mutex::new(Vec::new()));
    let build = |zone: String, told: Arc<Mutex<Vec<Turn>>>| {
        let nodes = ["a", "b", "c"].map(|zone| Node::new(format!("db-{zone}")).zone(zone));
        let settings = FreshReads::new().wait(millis(100)).reserve(1).primary_share(0.0);
        let builder = ShardMap::builder("m").nodes(nodes).replicas(3).slot_bits(8).zone(zone);
        let builder = builder
            .fresh_reads(settings.clock(Clock::tokio()))
            .on_event(move |event| told.lock().push(event.turn.clone()));
        map(match bound {
            Some(bound) => builder.bounded_load(bound),
            None => builder,
        })
    };
    let any = build("a".to_owned(), Arc::default());
    let names: Vec<_> = any.replicas(KEY).iter().map(|node| node.name().to_owned()).collect();
    let zone = names[1].trim_start_matches("db-").to_owned();
    Bench { shards: build(zone, Arc::clone(&told)), names, told }
}

impl Bench {
    async fn read(&self, fresh: Fresh) -> Result<Lease, Rejection> {
        self.shards.route_fresh(KEY, Read::Nearest, fresh).await
    }

    fn counter(&self, name: &str) -> u64 {
        self.shards.snapshot().counters[name]
    }

    /// Of what comes in whole ones.
    fn gauge(&self, name: &str) -> u64 {
        self.shards.snapshot().gauges[name] as u64
    }

    fn spend(&self) {
        let spent = self.shards.try_route_fresh(KEY, Read::Nearest, NEEDS);
        assert_eq!(spent.expect("there is one").name(), self.names[0]);
        self.told.lock().clear();
    }
}

#[tokio::test(start_paused = true)]
async fn who_finds_a_fresh_replica_does_not_wait() {
    let bench = bench(None);
    bench.shards.report_applied(&bench.names[1], Token::new(5));
    let mut read = spawn(bench.read(NEEDS));
    let lease = assert_ready!(read.poll()).expect("it is there");
    assert_eq!(lease.name(), bench.names[1]);
    assert_eq!(bench.counter("waited"), 0);
    assert_eq!(*bench.told.lock(), []);
}

#[tokio::test(start_paused = true)]
async fn a_report_wakes_whoever_waits_for_it() {
    let bench = bench(None);
    let mut reads = [spawn(bench.read(NEEDS)), spawn(bench.read(NEEDS))];
    for read in &mut reads {
        assert_pending!(read.poll());
    }

    bench.shards.report_applied(&bench.names[2], Token::new(4));
    for read in &mut reads {
        assert!(read.is_woken());
        assert_pending!(read.poll(), "it is not there yet");
    }
    bench.shards.report_applied(&bench.names[2], Token::new(5));
    for read in &mut reads {
        assert!(read.is_woken(), "after it looked in vain");
        assert_eq!(assert_ready!(read.poll()).expect("it is there").name(), bench.names[2]);
    }

    assert_eq!(bench.counter("waited"), 2);
    assert_eq!(bench.counter("sent_to_primary"), 0);
    assert_eq!(*bench.told.lock(), [const { Turn::Waited { caught_up: true } }; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_report_of_a_lag_wakes_too() {
    let bench = bench(None);
    let mut read = spawn(bench.read(Fresh::within(millis(50))));
    assert_pending!(read.poll());
    bench.shards.report_lag(&bench.names[1], millis(50));
    assert!(read.is_woken());
    assert_eq!(assert_ready!(read.poll()).expect("it is there").name(), bench.names[1]);
}

/// The clock is read for each replica, so that it can report in the middle of a look.
#[tokio::test(start_paused = true)]
async fn a_report_between_a_look_and_the_wait_is_not_missed() {
    let (shards, readings) = (Arc::new(OnceLock::<ShardMap>::new()), AtomicU32::new(0));
    let seen = Arc::clone(&shards);
    let clock = Clock::custom(move || {
        // Two for the first look, and two for the look of the one who waits.
        if readings.fetch_add(1, Relaxed) == 3 {
            let shards = seen.get().expect("it is there");
            let first = shards.candidates(KEY, Read::Nearest).next().expect("three have it");
            assert!(shards.report_lag(first.name(), Duration::ZERO), "who has been looked at");
        }
        Nanos::from_secs(3_600)
    });
    let nodes = ["a", "b", "c"].map(Node::new);
    let builder = ShardMap::builder("m").nodes(nodes).replicas(3).slot_bits(8).zone("eu");
    let shards = shards.get_or_init(|| map(builder.fresh_reads(FreshReads::new().clock(clock))));
    let owner = shards.lookup(KEY).name().to_owned();
    let draining = shards.update(|topology| topology.set_state(&owner, NodeState::Draining));
    draining.expect("it is there");

    let mut read = spawn(shards.route_fresh(KEY, Read::Nearest, Fresh::within(millis(1))));
    assert!(assert_ready!(read.poll()).is_ok(), "it has reported");
}

#[tokio::test(start_paused = true)]
async fn after_the_wait_it_is_the_primary_and_after_the_budget_nobody() {
    let bench = bench(None);
    let begin = Instant::now();
    assert_eq!(bench.read(NEEDS).await.expect("there is one").name(), bench.names[0]);
    assert_eq!(begin.elapsed(), millis(100));

    let refused = bench.read(NEEDS).await.expect_err("one was all");
    assert_eq!((refused.reason(), refused.bound()), (Reason::Overloaded, None));
    let late = Turn::Waited { caught_up: false };
    let primary = Turn::SentToPrimary { node: bench.names[0].clone().into() };
    assert_eq!(*bench.told.lock(), [late.clone(), primary, late, Turn::BudgetSpent]);
    let counts =
        ["waited", "sent_to_primary", "budget_spent", "routed"].map(|name| bench.counter(name));
    assert_eq!(counts, [2, 1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_more_than_half_of_what_the_call_has_left() {
    let bench = bench(None);
    let begin = Instant::now();
    let lease = deadline::scope(millis(60), bench.read(NEEDS)).await;
    assert_eq!(lease.expect("in time").name(), bench.names[0]);
    assert_eq!(begin.elapsed(), millis(30));

    let begin = Instant::now();
    let refused = deadline::scope(Duration::from_secs(60), bench.read(NEEDS)).await;
    assert!(refused.is_err() && begin.elapsed() == millis(100), "a long one changes nothing");
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_time_is_over_is_refused_and_spends_nothing() {
    let bench = bench(None);
    let refused = deadline::scope(Duration::ZERO, bench.read(NEEDS)).await.expect_err("it is over");
    assert_eq!(refused.reason(), Reason::DeadlineExceeded);
    assert_eq!(*bench.told.lock(), [Turn::Refused(refused)]);
    assert_eq!(bench.gauge("primary_budget"), 1);
}

/// Chance draws the primary first for one of three looks: who looks again must not get it for that.
#[tokio::test(start_paused = true)]
async fn who_looks_again_does_not_draw_the_primary_in_the_end() {
    let bench = bench(None);
    bench.spend();
    let mut refused = 0;
    for _ in 0..20 {
        let mut read = spawn(bench.shards.route_fresh(KEY, Read::Any, NEEDS));
        if read.poll().is_ready() {
            continue; // it was drawn at once
        }
        for _ in 0..20 {
            bench.shards.report_applied(&bench.names[1], Token::new(1));
            assert_pending!(read.poll());
        }
        tokio::time::advance(millis(100)).await;
        refused += u32::from(assert_ready!(read.poll()).is_err());
    }
    assert!(refused > 5, "two of three wait");
}

#[tokio::test(start_paused = true)]
async fn who_is_cancelled_while_it_waits_has_taken_nothing() {
    let bench = bench(Some(BoundedLoad::for_caches()));
    let mut read = spawn(bench.read(NEEDS));
    assert_pending!(read.poll());
    assert_eq!(bench.gauge("in_flight"), 0, "who waits is not in flight");
    drop(read);
    assert_eq!(bench.gauge("primary_budget"), 1);
}

#[tokio::test(start_paused = true)]
async fn where_the_replicas_are_down_there_is_nothing_to_wait_for() {
    let bench = bench(None);
    bench.spend();
    for name in &bench.names[1..] {
        let down = bench.shards.update(|topology| topology.set_state(name, NodeState::Down));
        down.expect("it is there");
    }
    let mut read = spawn(bench.read(NEEDS));
    let lease = assert_ready!(read.poll()).expect("the primary comes first");
    assert_eq!(lease.name(), bench.names[0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_fresh_and_full_is_not_waited_for() {
    let bench = bench(Some(BoundedLoad::for_latency().factor(1.01)));
    for name in &bench.names[1..] {
        bench.shards.report_applied(name, Token::new(5));
    }
    // A bound is 1.01 of a third of all calls, rounded up: of five, two; the replicas have those.
    let mut held = Vec::new();
    for at in [1, 2, 1, 2, 0] {
        let mut read = spawn(bench.read(NEEDS));
        held.push(assert_ready!(read.poll()).expect("there is a place for each"));
        assert_eq!(held.last().map(|lease| lease.name()), Some(bench.names[at].as_str()));
    }
    assert_eq!((bench.counter("waited"), bench.counter("sent_to_primary")), (0, 1));
    assert_eq!(bench.counter("overflowed"), 2);
}

#[tokio::test(start_paused = true)]
async fn where_one_is_full_and_another_behind_there_is_somebody_to_wait_for() {
    let bench = bench(Some(BoundedLoad::for_latency().factor(1.01)));
    bench.shards.report_applied(&bench.names[1], Token::new(5));
    let _held: Vec<_> = [(); 2].map(|()| bench.shards.reserve(bench.shards.lookup(KEY))).into();
    let mut reads = [(); 3].map(|()| spawn(bench.read(NEEDS)));
    let leases = [assert_ready!(reads[0].poll()), assert_ready!(reads[1].poll())];
    assert!(leases.iter().flatten().all(|lease| lease.name() == bench.names[1]));

    assert_pending!(reads[2].poll(), "two of five calls are its bound");
    bench.shards.report_applied(&bench.names[2], Token::new(5));
    let lease = assert_ready!(reads[2].poll()).expect("it has caught up");
    assert_eq!(lease.name(), bench.names[2]);
}

#[tokio::test(start_paused = true)]
async fn who_is_polled_too_late_does_not_go_to_the_primary() {
    let bench = bench(None);
    let deadline = Deadline::after_on(Clock::tokio(), millis(60));
    let mut read = spawn(Context::new().with_deadline(deadline).scope(bench.read(NEEDS)));
    assert_pending!(read.poll());
    tokio::time::advance(millis(61)).await;
    let refused = assert_ready!(read.poll()).expect_err("nobody waits for the answer");
    assert_eq!(refused.reason(), Reason::DeadlineExceeded);
    assert_eq!(bench.gauge("primary_budget"), 1);
}
