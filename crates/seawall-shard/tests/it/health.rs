//! What active checks promise: who is asked, how often, and who is left out.

#![cfg(feature = "tokio")]

use std::{
    collections::{BTreeMap, BTreeSet},
    future::{Future, pending},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use parking_lot::Mutex;
use seawall_core::{Clock, Registry};
use seawall_shard::{
    Balance, Node, NodeState, ShardMap,
    health::{Event, Health, HealthBuilder, Turn, Verdict},
};
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

const fn all<T: Send + Sync + Unpin>() {}

const _: () = {
    all::<Health<Balance<u8>>>();
    all::<HealthBuilder>();
    all::<Event>();
};

/// What a member answers to a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Good,
    Bad,
    Hangs,
    Panics,
}
use Answer::{Bad, Good, Hangs, Panics};

/// The members' answers, and who was asked when.
#[derive(Clone, Default)]
struct Ward(Arc<Mutex<WardState>>);

#[derive(Default)]
struct WardState {
    answers: BTreeMap<String, Answer>,
    asked: Vec<(String, Instant)>,
    asking: BTreeSet<String>,
    most_at_once: usize,
}

impl Ward {
    fn set(&self, name: &str, answer: Answer) {
        self.0.lock().answers.insert(name.to_owned(), answer);
    }

    /// A check that takes a millisecond.
    async fn check(self, name: String) -> Result<(), &'static str> {
        let answer = {
            let mut state = self.0.lock();
            state.asked.push((name.clone(), Instant::now()));
            assert!(state.asking.insert(name.clone()), "`{name}` is asked twice at a time");
            state.most_at_once = state.most_at_once.max(state.asking.len());
            state.answers.get(&name).copied().unwrap_or(Good)
        };
        let _asked = Asked(&self, name);
        sleep(MILLI).await;
        match answer {
            Good => Ok(()),
            Bad => Err("not well"),
            Hangs => pending().await,
            Panics => panic!("a check that panics, on purpose"),
        }
    }

    fn asked(&self, name: &str) -> Vec<Instant> {
        let state = self.0.lock();
        state.asked.iter().filter(|(one, _)| one == name).map(|&(_, when)| when).collect()
    }
}

struct Asked<'a>(&'a Ward, String);

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.0.0.lock().asking.remove(&self.1);
    }
}

fn balance(names: &[&str]) -> Balance<String> {
    let mut builder = Balance::builder("search").clock(Clock::tokio()).panic_above(1.0);
    for name in names {
        builder = builder.peer((*name).to_owned(), (*name).to_owned());
    }
    builder.build().expect("sound settings")
}

fn health() -> HealthBuilder {
    Health::builder("search").interval(SECOND * 10).timeout(SECOND).jitter(0.0).seed(7)
}

fn down(balance: &Balance<String>) -> Vec<String> {
    balance.peers().iter().filter(|peer| peer.down).map(|peer| peer.name.to_string()).collect()
}

/// Runs the checks of these peers beside the test.
fn spawn(health: &Health<Balance<String>>, ward: &Ward) -> tokio::task::JoinHandle<()> {
    let ward = ward.clone();
    tokio::spawn(health.run(move |name: String| ward.clone().check(name)))
}

#[tokio::test(start_paused = true)]
async fn the_first_check_decides_and_the_thresholds_from_then_on() {
    let (balance, ward) = (balance(&["a", "b", "c"]), Ward::default());
    ward.set("b", Bad);
    let health = health().build(balance.clone()).unwrap();
    spawn(&health, &ward);

    sleep(MILLI * 5).await;
    assert_eq!(down(&balance), ["b"], "the first check decides");

    ward.set("b", Good);
    ward.set("a", Bad);
    sleep(SECOND * 11).await;
    assert_eq!(down(&balance), ["b"], "one good check is not enough, and one bad is not");
    sleep(SECOND * 10).await;
    assert_eq!(down(&balance), [""; 0], "two good ones are");
    sleep(SECOND * 10).await;
    assert_eq!(down(&balance), ["a"], "three bad ones are");

    let verdicts: Vec<_> = health.verdicts().into_iter().map(|(_, verdict)| verdict).collect();
    assert_eq!(verdicts, [Verdict::Ill, Verdict::Well, Verdict::Well]);
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_is_taken_up_slowly() {
    let (balance, ward) = (balance(&["a", "b", "c"]), Ward::default());
    ward.set("b", Bad);
    let health = health().build(balance.clone()).unwrap();
    spawn(&health, &ward);
    sleep(MILLI * 5).await;

    ward.set("b", Good);
    sleep(SECOND * 20 + MILLI * 20).await;

    let b = balance.peers().remove(1);
    assert!(!b.down && b.share.as_f64() <= 0.11, "{b:?}");
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_fails_in_its_time_and_holds_up_nobody() {
    let (balance, ward) = (balance(&["a", "b", "c"]), Ward::default());
    ward.set("a", Hangs);
    let health = health().build(balance.clone()).unwrap();
    spawn(&health, &ward);

    sleep(MILLI * 999).await;
    assert_eq!(health.verdicts().iter().filter(|one| one.1 == Verdict::Well).count(), 2);
    assert_eq!(down(&balance), [""; 0]);
    sleep(MILLI * 10).await;

    assert_eq!(down(&balance), ["a"]);
    assert_eq!(health.snapshot().counters["timeouts"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_panics_has_failed_and_the_others_go_on() {
    let (balance, ward) = (balance(&["a", "b", "c"]), Ward::default());
    ward.set("a", Panics);
    let health = health().build(balance.clone()).unwrap();
    let run = spawn(&health, &ward);

    sleep(SECOND * 15).await;

    assert_eq!(down(&balance), ["a"]);
    assert!(!run.is_finished());
    assert_eq!(ward.asked("b").len(), 2);
    assert_eq!(health.snapshot().counters["panics"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_closure_that_panics_has_failed_too() {
    let balance = balance(&["a", "b", "c"]);
    let health = health().build(balance.clone()).unwrap();
    let check = |name: String| {
        assert_ne!(name, "b", "a closure that panics, on purpose");
        async { Ok::<_, &str>(()) }
    };
    tokio::spawn(health.run(check));

    sleep(MILLI * 5).await;

    assert_eq!(down(&balance), ["b"]);
}

/// A future that never ends, and panics when it is dropped.
struct PanicsInDrop;

impl Future for PanicsInDrop {
    type Output = Result<(), &'static str>;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Pending
    }
}

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("a check that panics when it is dropped, on purpose");
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_that_panics_when_it_is_dropped_ends_nothing_else() {
    let balance = balance(&["a"]);
    let health = health().panic_above(1.0).build(balance.clone()).unwrap();
    let run = tokio::spawn(health.run(|_| PanicsInDrop));

    sleep(SECOND * 13).await;

    assert!(!run.is_finished());
    assert_eq!(down(&balance), ["a"]);
    assert_eq!(health.snapshot().counters["timeouts"], 2);
}

#[tokio::test(start_paused = true)]
async fn where_too_many_are_ill_all_are_used() {
    let (balance, ward) = (balance(&["a", "b", "c", "d"]), Ward::default());
    let turns = Arc::new(Mutex::new(Vec::new()));
    let listener = {
        let turns = turns.clone();
        move |event: &Event| turns.lock().push(event.turn.clone())
    };
    for name in ["a", "b", "c"] {
        ward.set(name, Bad);
    }
    let health = health().on_event(listener).build(balance.clone()).unwrap();
    spawn(&health, &ward);

    sleep(SECOND * 5).await;
    assert_eq!(down(&balance), [""; 0]);
    assert_eq!(health.snapshot().state, "panic");
    ward.set("b", Good);
    sleep(SECOND * 20).await;

    assert_eq!(down(&balance), ["a", "c"]);
    assert_eq!(health.snapshot().state, "degraded");
    let turns = turns.lock();
    let count = |is: fn(&Turn) -> bool| turns.iter().filter(|turn| is(turn)).count();
    assert_eq!(count(|turn| matches!(turn, Turn::Panic { ill: 3, members: 4, .. })), 1);
    assert_eq!(count(|turn| matches!(turn, Turn::Calm)), 1);
    assert_eq!(count(|turn| matches!(turn, Turn::Ill { .. })), 3);
    assert_eq!(count(|turn| matches!(turn, Turn::Well { .. })), 2, "{turns:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hundred_members_are_checked_a_few_at_a_time_and_none_too_often() {
    let names: Vec<_> = (0..100).map(|at| format!("peer-{at}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let (balance, ward) = (balance(&names), Ward::default());
    let health = health().at_once(4).jitter(0.5).build(balance).unwrap();
    spawn(&health, &ward);

    sleep(SECOND * 60).await;

    assert_eq!(ward.0.lock().most_at_once, 4);
    for name in names {
        let asked = ward.asked(name);
        assert!((5..=6).contains(&asked.len()), "`{name}` was asked {} times", asked.len());
        let gaps = asked.windows(2).map(|pair| pair[1] - pair[0]);
        for gap in gaps {
            assert!(gap >= SECOND * 10 && gap <= SECOND * 15 + MILLI * 10, "{gap:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_ill_can_be_asked_more_often() {
    let (balance, ward) = (balance(&["a", "b", "c"]), Ward::default());
    ward.set("b", Bad);
    let health = health().interval_ill(SECOND).build(balance).unwrap();
    spawn(&health, &ward);

    sleep(MILLI * 9_500).await;

    assert_eq!((ward.asked("a").len(), ward.asked("b").len()), (1, 10));
}

#[tokio::test(start_paused = true)]
async fn who_joins_is_checked_within_a_second_and_who_leaves_is_forgotten() {
    let (balance, ward) = (balance(&["a", "b"]), Ward::default());
    let health = health().build(balance.clone()).unwrap();
    spawn(&health, &ward);
    sleep(SECOND).await;
    ward.set("c", Bad);

    balance.insert("c", 1, "c".to_owned()).unwrap();
    sleep(SECOND + MILLI * 5).await;
    assert_eq!(down(&balance), ["c"]);
    balance.remove("c");
    sleep(SECOND * 60).await;

    assert!(ward.asked("c").len() <= 1);
    assert_eq!(health.verdicts().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_check_of_a_peer_that_was_replaced_says_nothing_of_the_new_one() {
    let (balance, ward) = (balance(&["a", "b", "c"]), Ward::default());
    ward.set("old", Hangs);
    balance.insert("a", 1, "old".to_owned()).unwrap();
    let health = health().build(balance.clone()).unwrap();
    spawn(&health, &ward);
    sleep(MILLI * 500).await;

    balance.insert("a", 1, "new".to_owned()).unwrap();
    sleep(SECOND * 5).await;

    assert_eq!(ward.asked("new").len(), 1);
    assert_eq!(down(&balance), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_run_ends_with_the_last_handle() {
    let (balance, ward) = (balance(&["a"]), Ward::default());
    ward.set("a", Hangs);
    let health = health().build(balance).unwrap();
    let (run, other) = (spawn(&health, &ward), health.clone());
    sleep(MILLI * 5).await;

    drop(health);
    sleep(MILLI * 5).await;
    assert!(!run.is_finished());
    drop(other);

    timeout(MILLI, run).await.expect("it ends at once").expect("it does not panic");
    assert!(ward.0.lock().asking.is_empty(), "the check was dropped");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_begins_after_the_last_handle_is_gone_ends() {
    let health = health().build(balance(&["a"])).unwrap();
    let run = health.run(|_| async { Ok::<_, &str>(()) });
    drop(health);

    timeout(SECOND, run).await.expect("it ends");
}

#[tokio::test(start_paused = true)]
async fn another_run_goes_on_where_one_was_dropped() {
    let (balance, ward) = (balance(&["a", "b", "c"]), Ward::default());
    ward.set("a", Hangs);
    let health = health().at_once(1).build(balance.clone()).unwrap();
    let run = spawn(&health, &ward);
    sleep(MILLI * 5).await;
    let running = || health.snapshot().gauges["running"] as u32;
    assert_eq!(running(), 1);

    run.abort();
    sleep(MILLI).await;
    assert_eq!(running(), 0);
    spawn(&health, &ward);
    sleep(SECOND * 2).await;

    assert_eq!(down(&balance), ["a"]);
    assert_eq!(ward.asked("c").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_nodes_of_a_map_are_set_down_and_active() {
    let mut map = ShardMap::builder("photos").replicas(2);
    for name in ["active", "draining", "ill", "down", "other", "another"] {
        map = map.node(Node::new(name));
    }
    let map = map.build().unwrap();
    let states = [("draining", NodeState::Draining), ("down", NodeState::Down)];
    map.update(|nodes| {
        states.into_iter().try_for_each(|(name, state)| nodes.set_state(name, state))
    })
    .unwrap();
    let (epoch, ward) = (map.epoch(), Ward::default());
    ward.set("draining", Bad);
    ward.set("ill", Bad);
    let health = health().build(map.clone()).unwrap();
    let check = {
        let ward = ward.clone();
        move |node: Node| ward.clone().check(node.name.to_string())
    };
    tokio::spawn(health.run(check));

    sleep(SECOND * 5).await;
    let state = |name| map.topology().node(name).unwrap().state;
    let all = || ["active", "draining", "ill", "down"].map(state);
    let (active, draining, down) = (NodeState::Active, NodeState::Draining, NodeState::Down);
    assert_eq!(all(), [active, draining, down, down]);
    assert_eq!(map.epoch(), epoch + 1, "one update, and none that changes nothing");
    ward.set("ill", Good);
    sleep(SECOND * 21).await;

    assert_eq!(all(), [active, draining, active, down], "who was set down by hand stays down");
}

#[test]
fn what_cannot_be_is_named() {
    let refused = |builder: HealthBuilder| {
        builder.build(balance(&[])).map(drop).unwrap_err().field().to_owned()
    };
    assert_eq!(refused(health().interval(MILLI)), "interval");
    assert_eq!(refused(health().interval_ill(Duration::ZERO)), "interval_ill");
    assert_eq!(refused(health().timeout(Duration::ZERO)), "timeout");
    assert_eq!(refused(health().healthy_after(0)), "healthy_after");
    assert_eq!(refused(health().unhealthy_after(0)), "unhealthy_after");
    assert_eq!(refused(health().at_once(257)), "at_once");
    assert_eq!(refused(health().jitter(1.5)), "jitter");
    assert_eq!(refused(health().panic_above(-1.0)), "panic_above");
}

#[test]
fn it_is_seen_in_a_registry() {
    let (registry, health) = (Registry::new(), health().build(balance(&[])).unwrap());
    health.register(&registry);

    let snapshot = registry.snapshots().remove(0);

    assert_eq!((&*snapshot.pattern, &*snapshot.state), ("health", "whole"));
}

#[cfg(feature = "serde")]
#[test]
fn settings_stand_in_a_file() {
    use seawall_shard::health::Config;

    let text = "interval = \"250ms\"\ninterval_ill = \"1s 500ms\"\njitter = 0.5\nat_once = 2\n";
    let config: Config = toml::from_str(text).unwrap();
    assert_eq!((config.interval, config.interval_ill), (MILLI * 250, Some(MILLI * 1_500)));
    assert_eq!((config.at_once, config.timeout), (2, SECOND));
    assert_eq!(toml::from_str::<Config>(&toml::to_string(&config).unwrap()).unwrap(), config);
    assert_eq!(toml::from_str::<Config>("").unwrap(), Config::default());

    for (text, told) in
        [("intervall = \"1s\"", "intervall"), ("timeout = 5", "timeout"), ("jitter = 2", "jitter")]
    {
        let error = toml::from_str::<Config>(text).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}
