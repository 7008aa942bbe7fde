//! Reads that must be fresh: from a replica that is, from the primary within a budget, or from nobody.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use proptest::prelude::*;
use seawall_core::{Bound, Clock, ManualClock, Reason};
use seawall_shard::{
    Node, NodeState, Read, ShardMap, ShardMapBuilder, Turn,
    route::{BoundedLoad, Fresh, FreshReads, Session, Token},
};

use crate::support::{map, nodes};

const KEY: &[u8] = b"user:42";

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Three nodes, each of which has each key.
fn three() -> ShardMapBuilder {
    ShardMap::builder("m").nodes(nodes(3)).replicas(3).slot_bits(8).read_seed(7)
}

fn with(settings: FreshReads) -> (ShardMap, ManualClock) {
    let (clock, hand) = Clock::manual();
    (map(three().fresh_reads(settings.clock(clock))), hand)
}

/// The names of the key's nodes, the owner's first.
fn names(shards: &ShardMap) -> Vec<String> {
    shards.replicas(KEY).iter().map(|node| node.name().to_owned()).collect()
}

/// A zone that a replica is alone in, so that it comes before the owner.
fn near_a_replica(settings: &FreshReads) -> (ShardMap, Vec<String>, ManualClock) {
    let (clock, hand) = Clock::manual();
    let zoned = || ["a", "b", "c"].map(|zone| Node::new(format!("db-{zone}")).zone(zone));
    let build = |zone: &str| {
        let builder =
            ShardMap::builder("m").nodes(zoned()).replicas(3).slot_bits(8).zone(zone.to_owned());
        map(builder.fresh_reads(settings.clone().clock(clock.clone())))
    };
    let names = names(&build("a"));
    let zone = names[1].trim_start_matches("db-").to_owned();
    (build(&zone), names, hand)
}

fn set_state(shards: &ShardMap, node: &str, state: NodeState) {
    shards.update(|topology| topology.set_state(node, state)).expect("it is there");
}

fn counter(shards: &ShardMap, name: &str) -> u64 {
    shards.snapshot().counters[name]
}

/// Of what comes in whole ones.
fn gauge(shards: &ShardMap, name: &str) -> u64 {
    shards.snapshot().gauges[name] as u64
}

#[test]
fn a_token_is_sixteen_digits_that_sort_as_it_does() {
    let tokens = [0, 1, 9, 10, 255, 256, u64::from(u32::MAX), u64::MAX].map(Token::new);
    let texts = tokens.map(|token| token.to_string());
    assert!(texts.is_sorted() && texts.iter().all(|text| text.len() == 16), "{texts:?}");
    assert_eq!(texts.map(|text| text.parse()), tokens.map(Ok));
    assert!("".parse::<Token>().is_err() && "-1".parse::<Token>().is_err());
    assert!("10000000000000000".parse::<Token>().is_err(), "it does not wrap");
}

#[cfg(feature = "serde")]
#[test]
fn a_token_in_a_file_is_its_text() {
    let token = Token::new(u64::MAX - 1); // no number of JSON
    let json = serde_json::to_string(&token).expect("it is a text");
    assert_eq!(json, "\"fffffffffffffffe\"");
    assert_eq!(serde_json::from_str::<Token>(&json).expect("it was one"), token);
    assert!(serde_json::from_str::<Token>("\"tomorrow\"").is_err());
}

#[test]
fn a_session_goes_on_and_never_back() {
    let session = Session::new(Token::new(5));
    for (seen, token) in [(3, 5), (9, 9), (7, 9)] {
        session.saw(Token::new(seen));
        assert_eq!(session.token(), Token::new(token));
    }
    assert_eq!(Token::new(3).merge(Token::new(5)), Token::new(5).merge(Token::new(3)));
}

#[test]
fn settings_that_cannot_be_are_named() {
    for (settings, field) in [
        (FreshReads::new().primary_share(1.1), "fresh_reads.primary_share"),
        (FreshReads::new().primary_share(f64::NAN), "fresh_reads.primary_share"),
        (FreshReads::new().reserve(1_000_001), "fresh_reads.reserve"),
        (FreshReads::new().max_lag(secs(1)).rejoin_lag(secs(2)), "fresh_reads.rejoin_lag"),
        (FreshReads::new().rejoin_lag(secs(2)), "fresh_reads.rejoin_lag"),
    ] {
        let refused = three().fresh_reads(settings).build().map(drop).expect_err("it cannot be");
        assert_eq!(refused.field(), field);
    }
}

#[test]
fn a_node_behind_the_token_is_passed_over_for_one_that_is_not() {
    let (shards, names, _) = near_a_replica(&FreshReads::new());
    let read = |token| shards.try_route_fresh(KEY, Read::Nearest, Fresh::after(Token::new(token)));
    let served = |token| read(token).expect("somebody is fresh").name().to_owned();
    assert!(shards.report_applied(&names[1], Token::new(10)));
    assert!(shards.report_applied(&names[2], Token::new(20)));

    assert_eq!(served(10), names[1], "it has exactly that");
    assert_eq!(served(11), names[2], "the near one has not");
    assert_eq!(counter(&shards, "sent_to_primary"), 0);

    assert_eq!(served(21), names[0], "nobody has but the primary");
    assert_eq!(counter(&shards, "sent_to_primary"), 1);

    shards.report_applied(&names[2], Token::new(15)); // a report that comes late
    assert_eq!(served(20), names[2], "what was applied stays applied");
    assert!(!shards.report_applied("nobody", Token::new(1)));
}

#[test]
fn a_read_that_prefers_the_primary_pays_for_nothing() {
    let (shards, _) = with(FreshReads::new().primary_share(0.0).reserve(0));
    let owner = shards.lookup(KEY).name().to_owned();
    for read in [Read::Primary, Read::Nearest] {
        for _ in 0..50 {
            let lease = shards.try_route_fresh(KEY, read, Fresh::after(Token::new(9)));
            assert_eq!(lease.expect("the primary is up").name(), owner);
        }
    }
    assert_eq!(counter(&shards, "sent_to_primary"), 0);
}

#[test]
fn where_the_budget_is_spent_the_primary_is_spared() {
    let (shards, _, _) = near_a_replica(&FreshReads::new().primary_share(0.1).reserve(3));
    let read = || shards.try_route_fresh(KEY, Read::Nearest, Fresh::after(Token::new(9)));

    let served = (0..103).filter(|_| read().is_ok()).count();
    assert_eq!(served, 3 + 10, "the reserve, and a tenth of the 103 that asked");
    let refused = (0..20).find_map(|_| read().err()).expect("nine of ten are refused");
    assert_eq!((refused.reason(), refused.bound()), (Reason::Overloaded, None));
    assert!(counter(&shards, "budget_spent") > 80);
}

#[test]
fn a_node_of_unknown_lag_is_older_than_every_bound() {
    let (shards, names, _) = near_a_replica(&FreshReads::new().reserve(0).primary_share(0.0));
    let read = |age| shards.try_route_fresh(KEY, Read::Nearest, Fresh::within(age));
    shards.report_applied(&names[1], Token::new(u64::MAX));
    assert!(read(Duration::MAX).is_err(), "applied is not how old");

    shards.report_lag(&names[2], secs(3));
    assert_eq!(read(secs(3)).expect("it reported").name(), names[2]);

    shards.forget_reports(&names[2]);
    assert!(read(Duration::MAX).is_err(), "it was restored from a copy");
}

#[test]
fn a_node_of_which_nothing_is_heard_gets_older() {
    let (shards, names, hand) = near_a_replica(&FreshReads::new());
    let read = |age| {
        let lease = shards.try_route_fresh(KEY, Read::Nearest, Fresh::within(age));
        lease.expect("the reserve is large enough").name().to_owned()
    };
    shards.report_lag(&names[1], secs(2));
    hand.advance(secs(3));
    assert_eq!(read(secs(5)), names[1], "two it was behind, three ago");
    hand.advance(Duration::from_nanos(1));
    assert_eq!(read(secs(5)), names[0]);
}

/// A manual clock is an hour old.
#[test]
fn a_lag_may_be_longer_than_the_clock_is_old() {
    let (shards, names, _) = near_a_replica(&FreshReads::new());
    shards.report_lag(&names[1], secs(7_200));
    let served = |age| {
        let lease = shards.try_route_fresh(KEY, Read::Nearest, Fresh::within(age));
        lease.expect("the reserve is large enough").name().to_owned()
    };
    assert_eq!(served(secs(7_199)), names[0]);
    assert_eq!(served(secs(7_200)), names[1]);
    shards.report_lag(&names[1], Duration::MAX);
    assert_eq!(served(secs(1_000_000_000)), names[0]);
}

#[test]
fn a_lag_that_swings_about_a_threshold_moves_nobody_in_and_out() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let (clock, _hand) = Clock::manual();
    let settings = FreshReads::new().max_lag(secs(10)).rejoin_lag(secs(7)).clock(clock);
    let listener = Arc::clone(&told);
    let builder = three().fresh_reads(settings).on_event(move |event| {
        listener.lock().push(event.turn.clone());
    });
    let shards = map(builder);
    let name = shards.replicas(KEY).get(1).expect("three have it").name().to_owned();
    let node = || shards.replicas(KEY).get(1).expect("three have it").clone();

    for (lag, is_in) in [
        (8, false), // nobody knew it
        (7, true),
        (8, true),
        (10, true),
        (11, false),
        (10, false),
        (8, false),
        (7, true),
    ] {
        shards.report_lag(&name, secs(lag));
        assert_eq!(shards.is_fresh(&node(), Fresh::within(secs(60))), is_in, "after {lag} s");
    }
    let name = || name.clone().into();
    let expected = [
        Turn::CaughtUp { node: name() },
        Turn::FellBehind { node: name() },
        Turn::CaughtUp { node: name() },
    ];
    assert_eq!(*told.lock(), expected);
    assert_eq!(gauge(&shards, "nodes_behind"), 2, "of the others nothing is known");
}

#[test]
fn a_node_that_dropped_out_by_its_age_rejoins_by_the_lower_threshold() {
    let settings = FreshReads::new().max_lag(secs(10)).rejoin_lag(secs(7));
    let (shards, hand) = with(settings);
    let name = names(&shards).swap_remove(1);
    let is_in = || {
        let replica = shards.replicas(KEY).get(1).expect("three have it").clone();
        shards.is_fresh(&replica, Fresh::within(secs(60)))
    };
    shards.report_lag(&name, secs(1));
    hand.advance(secs(9));
    assert!(is_in());
    hand.advance(secs(1));
    assert!(!is_in(), "eleven, as far as anybody knows");
    shards.report_lag(&name, secs(8));
    assert!(!is_in());
    shards.report_lag(&name, secs(7));
    assert!(is_in());
}

#[test]
fn where_the_primary_is_down_and_nobody_is_fresh_there_is_no_shard() {
    let (shards, names, _) = near_a_replica(&FreshReads::new());
    set_state(&shards, &names[0], NodeState::Down);
    let fresh = Fresh::after(Token::new(5));
    let refused = shards.try_route_fresh(KEY, Read::Nearest, fresh).map(drop).expect_err("nobody");
    assert_eq!(refused.reason(), Reason::NoShard);
    assert_eq!(counter(&shards, "unserved"), 1);

    shards.report_applied(&names[2], Token::new(5));
    assert_eq!(shards.try_route_fresh(KEY, Read::Nearest, fresh).unwrap().name(), names[2]);
    set_state(&shards, &names[2], NodeState::Down);
    assert!(shards.try_route_fresh(KEY, Read::Nearest, fresh).is_err(), "fresh, and down");
}

#[test]
fn a_node_that_left_and_comes_back_has_nothing_until_it_reports() {
    let (shards, names, _) = near_a_replica(&FreshReads::new());
    shards.report_applied(&names[1], Token::new(5));
    let node = shards.topology().nodes().iter().find(|node| node.name == *names[1]).cloned();
    shards.update(|topology| topology.remove(&names[1]).map(drop)).expect("two are left");
    shards.update(|topology| topology.add(node.expect("it was there"))).expect("it is new");

    let fresh = Fresh::after(Token::new(5));
    assert_eq!(shards.try_route_fresh(KEY, Read::Nearest, fresh).unwrap().name(), names[0]);
}

#[test]
fn what_is_fresh_and_full_is_left_for_the_next_and_then_the_primary() {
    let bound = BoundedLoad::for_caches().factor(1.01);
    let (clock, _hand) = Clock::manual();
    let shards = map(three().bounded_load(bound).fresh_reads(FreshReads::new().clock(clock)));
    let names = names(&shards);
    for name in &names[1..] {
        shards.report_applied(name, Token::new(5));
    }
    let read = || shards.try_route_fresh(KEY, Read::Any, Fresh::after(Token::new(5)));
    let held: Vec<_> = (0..30).map(|_| read().expect("there is a place for each")).collect();
    let mut loads = BTreeMap::new();
    held.iter().for_each(|lease| *loads.entry(lease.name().to_owned()).or_insert(0) += 1);
    assert!(loads.values().all(|load| (9..=11).contains(load)), "{loads:?}");
    assert_eq!(gauge(&shards, "in_flight"), 30);
    drop(held);
    assert_eq!(gauge(&shards, "in_flight"), 0, "also of those that looked twice");
}

#[test]
fn where_the_primary_is_down_and_who_is_fresh_is_full_it_is_the_bound_that_refuses() {
    let bound = BoundedLoad::for_latency();
    let shards = map(ShardMap::builder("m").nodes(nodes(6)).replicas(2).bounded_load(bound));
    let names = names(&shards);
    set_state(&shards, &names[0], NodeState::Down);
    shards.report_applied(&names[1], Token::new(5));

    let read = || shards.try_route_fresh(KEY, Read::Any, Fresh::after(Token::new(5)));
    let _held = read().expect("it has a place");
    let refused = read().expect_err("a fifth of two calls is none");
    assert_eq!((refused.reason(), refused.bound()), (Reason::Overloaded, Some(Bound::Share)));
}

#[test]
fn a_spent_budget_gives_the_primarys_place_back() {
    let (clock, _hand) = Clock::manual();
    let settings = FreshReads::new().reserve(0).primary_share(0.0).clock(clock);
    let shards = map(three().bounded_load(BoundedLoad::for_caches()).fresh_reads(settings));
    let read = || shards.try_route_fresh(KEY, Read::Any, Fresh::after(Token::new(5)));
    let refused = (0..100).filter_map(|_| read().err()).collect::<Vec<_>>();
    assert!(refused.len() > 40, "two of three prefer a replica");
    assert!(refused.iter().all(|refused| refused.bound() != Some(Bound::Share)));
    assert_eq!(gauge(&shards, "in_flight"), 0);
}

#[derive(Clone, Debug)]
enum Act {
    Applied(usize, u64),
    Lag(usize, u64),
    Forget(usize),
    Pass(u64),
    State(usize, NodeState),
    Read { after: u64, within: Option<u64> },
}

fn any_act() -> impl Strategy<Value = Act> {
    let state = prop_oneof![
        2 => Just(NodeState::Active),
        1 => Just(NodeState::Draining),
        1 => Just(NodeState::Down),
    ];
    prop_oneof![
        3 => (0..3_usize, 0..6_u64).prop_map(|(node, token)| Act::Applied(node, token)),
        3 => (0..3_usize, 0..16_u64).prop_map(|(node, lag)| Act::Lag(node, lag)),
        1 => (0..3_usize).prop_map(Act::Forget),
        1 => (0..5_u64).prop_map(Act::Pass),
        1 => (0..3_usize, state).prop_map(|(node, state)| Act::State(node, state)),
        8 => (0..6_u64, prop::option::of(0..20_u64))
            .prop_map(|(after, within)| Act::Read { after, within }),
    ]
}

const MAX_LAG: u64 = 10;
const REJOIN_LAG: u64 = 6;

/// A node, as the page has it: nothing packed, and in whole seconds.
#[derive(Clone, Debug)]
struct Slow {
    state: NodeState,
    applied: u64,
    /// The lag, and when it was reported.
    reported: Option<(u64, u64)>,
    is_out: bool,
}

impl Slow {
    fn age(&self, now: u64) -> Option<u64> {
        self.reported.map(|(lag, at)| lag + (now - at))
    }

    fn report(&mut self, lag: u64, now: u64) {
        let was_out = self.is_out || self.age(now).is_none_or(|age| age > MAX_LAG);
        self.is_out = if was_out { lag > REJOIN_LAG } else { lag > MAX_LAG };
        self.reported = Some((lag, now));
    }

    fn is_fresh(&self, after: u64, within: Option<u64>, now: u64) -> bool {
        let is_young =
            |most| !self.is_out && self.age(now).is_some_and(|age| age <= most && age <= MAX_LAG);
        self.applied >= after && within.is_none_or(is_young)
    }
}

proptest! {
    #[test]
    fn a_fresh_read_goes_where_the_page_says(
        acts in prop::collection::vec(any_act(), 1..120),
        reserve in 0..4_u32,
        share in prop::sample::select(vec![0, 100, 250, 1_000_u32]),
    ) {
        let settings = FreshReads::new()
            .reserve(reserve)
            .primary_share(f64::from(share) / 1e3)
            .max_lag(secs(MAX_LAG))
            .rejoin_lag(secs(REJOIN_LAG));
        let (shards, names, hand) = near_a_replica(&settings);
        let new = Slow { state: NodeState::Active, applied: 0, reported: None, is_out: true };
        let mut slow = vec![new.clone(); 3]; // as the names: the owner first
        let mut now = 0;
        let mut budget = reserve * 1_000;
        let (mut reads, mut sent) = (0_u64, 0_u64);

        for act in acts {
            match act {
                Act::Applied(at, token) => {
                    slow[at].applied = slow[at].applied.max(token);
                    shards.report_applied(&names[at], Token::new(token));
                }
                Act::Lag(at, lag) => {
                    slow[at].report(lag, now);
                    shards.report_lag(&names[at], secs(lag));
                }
                Act::Forget(at) => {
                    slow[at] = Slow { state: slow[at].state, ..new.clone() };
                    shards.forget_reports(&names[at]);
                }
                Act::Pass(seconds) => {
                    now += seconds;
                    hand.advance(secs(seconds));
                }
                Act::State(at, state) => {
                    slow[at].state = state;
                    set_state(&shards, &names[at], state);
                }
                Act::Read { after, within } => {
                    reads += 1;
                    budget = (budget + share).min(reserve * 1_000);
                    // The near replica, the owner, the other one; who drains after those.
                    let mut order = vec![1, 0, 2];
                    order.retain(|at| slow[*at].state != NodeState::Down);
                    order.sort_by_key(|at| slow[*at].state == NodeState::Draining);
                    let is_fresh = |at: &&usize| **at != 0 && slow[**at].is_fresh(after, within, now);
                    let expected = if order.first() == Some(&0) {
                        Ok(0)
                    } else if let Some(at) = order.iter().find(is_fresh) {
                        Ok(*at)
                    } else if slow[0].state == NodeState::Down {
                        Err(Reason::NoShard)
                    } else if budget >= 1_000 {
                        budget -= 1_000;
                        sent += 1;
                        Ok(0)
                    } else {
                        Err(Reason::Overloaded)
                    };
                    let mut fresh = Fresh::after(Token::new(after));
                    fresh = within.map_or(fresh, |age| fresh.and_within(secs(age)));
                    let found = shards.try_route_fresh(KEY, Read::Nearest, fresh);
                    let found = found.as_ref().map(|lease| lease.name());
                    let found = found.map_err(|refused| refused.reason());
                    prop_assert_eq!(found, expected.map(|at| names[at].as_str()));
                }
            }
            prop_assert_eq!(counter(&shards, "sent_to_primary"), sent);
            prop_assert!(sent * 1_000 <= u64::from(reserve) * 1_000 + reads * u64::from(share));
        }
    }
}
