//! What a balance promises its callers: who is chosen, who is put out, who comes back.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use proptest::prelude::*;
use seawall_core::{Backoff, Clock, Jitter, ManualClock, Outcome, Ratio, Reason};
use seawall_shard::{
    Balance,
    balance::{BalanceBuilder, Cause, Ejection, Lease, PeerView, Turn},
};

const fn all<T: Send + Sync + Unpin>() {}

const _: () = {
    all::<Balance<u8>>();
    all::<BalanceBuilder<u8>>();
    all::<Lease<u8>>();
    all::<PeerView>();
    all::<Turn>();
};

const NAMES: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn builder(peers: usize) -> (BalanceBuilder<usize>, ManualClock) {
    let (clock, hand) = Clock::manual();
    let mut builder = Balance::builder("search").clock(clock).seed(7);
    for (at, name) in NAMES.into_iter().enumerate().take(peers) {
        builder = builder.peer(name, at);
    }
    (builder, hand)
}

fn balance(peers: usize) -> (Balance<usize>, ManualClock) {
    let (builder, hand) = builder(peers);
    (builder.build().expect("sound settings"), hand)
}

/// Ejects after three failures, for ten seconds times how often, exactly.
fn strict() -> Ejection {
    let mut rules = Ejection::default();
    rules.consecutive_failures = Some(3);
    rules.success_rate = None;
    rules.time = Backoff::linear(SECOND * 10).jitter(Jitter::None);
    rules
}

fn view(balance: &Balance<usize>, name: &str) -> PeerView {
    balance.peers().into_iter().find(|peer| peer.name == name).expect("it is there")
}

/// A call at this very peer: others that are drawn count for nothing.
fn call_at(balance: &Balance<usize>, name: &str) -> Lease<usize> {
    let mut others = Vec::new();
    for _ in 0..10_000 {
        let lease = balance.pick().expect("somebody is in");
        if lease.name() == name {
            others.into_iter().for_each(|lease: Lease<usize>| lease.record(Outcome::Ignored));
            return lease;
        }
        others.push(lease); // it stays in flight, so that the others are the better ones
    }
    panic!("`{name}` is never chosen");
}

fn fail(balance: &Balance<usize>, name: &str, times: usize) {
    let leases: Vec<_> = (0..times).map(|_| call_at(balance, name)).collect();
    leases.into_iter().for_each(Lease::failure);
}

/// How many of so many calls each peer gets, if each ends before the next.
fn shares(balance: &Balance<usize>, calls: usize) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..calls {
        let lease = balance.pick().expect("somebody is in");
        *shares.entry(lease.name().to_owned()).or_default() += 1;
        lease.record(Outcome::Ignored);
    }
    shares
}

#[test]
fn nobody_is_chosen_where_there_is_nobody() {
    let (balance, _hand) = balance(0);
    let refused = balance.pick().unwrap_err();
    assert_eq!((refused.reason(), refused.name()), (Reason::NoShard, "search"));
    assert_eq!(balance.snapshot().counters["refused"], 1);
}

#[test]
fn the_only_one_is_chosen() {
    let (balance, _hand) = balance(1);
    assert_eq!(*balance.pick().expect("it is in"), 0);
}

#[test]
fn of_two_the_one_with_less_to_do_is_chosen() {
    let (balance, _hand) = balance(2);
    let leases: Vec<_> = (0..100).map(|_| balance.pick().expect("both are in")).collect();
    assert_eq!(balance.peers().iter().map(|peer| peer.in_flight).collect::<Vec<_>>(), [50, 50]);
    drop(leases);
}

#[test]
fn of_two_the_faster_one_is_chosen() {
    let (balance, hand) = balance(2);
    let slow = call_at(&balance, "a");
    hand.advance(MILLI * 100);
    slow.success();

    let leases: Vec<_> = (0..10).map(|_| balance.pick().expect("both are in")).collect();

    // 100 ms for a call at `a`, 30 ms for the first at `b`, 60 for the second, 90, 120.
    let at_a = leases.iter().filter(|lease| lease.name() == "a").count();
    assert!((1..=3).contains(&at_a), "{at_a} of 10");
}

#[test]
fn a_canary_gets_the_share_of_its_weight_idle_and_busy() {
    let builder = Balance::builder("search").clock(Clock::manual().0).seed(7);
    let balance = builder
        .weighted_peer("stable", 90, 0)
        .weighted_peer("other", 90, 1)
        .weighted_peer("canary", 20, 2)
        .build()
        .expect("sound settings");

    let idle = shares(&balance, 20_000)["canary"];
    let busy: Vec<_> = (0..2_000).map(|_| balance.pick().expect("all are in")).collect();
    let busy = busy.iter().filter(|lease| lease.name() == "canary").count();

    assert!((1_800..2_200).contains(&idle), "{idle} of 20000, not a tenth");
    assert!((180..220).contains(&busy), "{busy} of 2000, not a tenth");
}

#[test]
fn a_call_that_is_dropped_or_panics_gives_back_and_is_punished() {
    let (balance, hand) = balance(1);
    let estimate = || view(&balance, "a").estimate;
    drop(balance.pick());
    assert!(estimate() >= SECOND - MILLI, "the penalty: {:?}", estimate());

    hand.advance(SECOND * 100);
    assert!(estimate() < MILLI);
    let lease = balance.pick();
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _lease = lease;
        panic!("in the middle of a call");
    }));

    assert!(unwound.is_err());
    assert!(estimate() >= SECOND - MILLI, "the penalty: {:?}", estimate());
    assert_eq!(view(&balance, "a").in_flight, 0);
    assert_eq!(balance.snapshot().counters["ejections"], 0);
}

#[test]
fn what_is_no_news_changes_no_estimate() {
    let (balance, hand) = balance(1);
    let lease = balance.pick().expect("it is in");
    hand.advance(SECOND * 5);
    lease.record(Outcome::Ignored);
    assert!(view(&balance, "a").estimate < MILLI * 30);
}

proptest! {
    /// Promise 1 of a load, over all ways in which a call can end.
    #[test]
    fn leases_conserve(steps in prop::collection::vec((0..6_u8, any::<prop::sample::Index>()), 0..200)) {
        let (builder, _hand) = builder(3);
        let balance = builder.ejection(strict()).build().expect("sound settings");
        let mut leases: Vec<Lease<usize>> = Vec::new();
        for (step, at) in steps {
            match (step, leases.is_empty()) {
                (0..=2, _) | (_, true) => leases.push(balance.pick().expect("somebody is in")),
                (3, _) => leases.swap_remove(at.index(leases.len())).success(),
                (4, _) => leases.swap_remove(at.index(leases.len())).failure(),
                _ => drop(leases.swap_remove(at.index(leases.len()))),
            }
            for (peer, name) in balance.peers().into_iter().zip(NAMES) {
                let held = leases.iter().filter(|lease| lease.name() == name).count();
                prop_assert_eq!(peer.in_flight as usize, held);
            }
        }
    }
}

/// What the models can't hold: picks, ends of all kinds, ejections and a list that changes, all at once.
#[test]
fn nothing_stays_in_flight_after_a_storm() {
    let mut builder = Balance::builder("search").ejection(strict());
    for (at, name) in NAMES.into_iter().enumerate() {
        builder = builder.peer(name, at);
    }
    let balance = builder.build().expect("sound settings");

    std::thread::scope(|scope| {
        for seed in 0..4 {
            let balance = &balance;
            scope.spawn(move || {
                let mut chance = fastrand::Rng::with_seed(seed);
                for step in 0..5_000 {
                    let lease = balance.pick().expect("there are always nine at least");
                    match chance.u8(0..4) {
                        0 => lease.failure(),
                        1 => drop(lease),
                        _ => lease.success(),
                    }
                    if seed == 0 && step % 16 == 0 {
                        assert!(balance.remove("a"));
                        balance.insert("a", 1 + step % 3, 0).expect("a sound weight");
                    }
                }
            });
        }
    });

    let peers = balance.peers();
    assert_eq!(peers.iter().map(|peer| peer.in_flight).collect::<Vec<_>>(), [0; 10]);
    let out = peers.iter().filter(|peer| peer.share == Ratio::ZERO).count();
    assert!(out <= 1, "{out} of 10 are out");
}

#[test]
fn a_peer_that_left_and_came_back_is_another_one() {
    let (balance, _hand) = balance(1);
    let old = balance.pick().expect("it is in");
    balance.insert("a", 1, 7).expect("a sound weight");
    let new = balance.pick().expect("it is in");

    drop(old);

    assert_eq!((*new, view(&balance, "a").in_flight), (7, 1));
    drop(new);
    assert_eq!(view(&balance, "a").in_flight, 0);
}

#[test]
fn a_newcomer_begins_at_the_median_and_slowly() {
    let (balance, hand) = balance(3);
    for (name, millis) in [("a", 100), ("b", 200), ("c", 900)] {
        let lease = call_at(&balance, name);
        hand.advance(MILLI * millis);
        lease.success();
    }

    balance.insert("d", 1, 3).expect("a sound weight");

    let newcomer = view(&balance, "d");
    assert!(newcomer.estimate > MILLI * 150 && newcomer.estimate <= MILLI * 200, "{newcomer:?}");
    assert_eq!(newcomer.share, Ratio::new(0.1).expect("a share"));
    hand.advance(SECOND * 5);
    let half = view(&balance, "d").share.as_f64();
    assert!((0.49..0.51).contains(&half), "{half}");
    hand.advance(SECOND * 6);
    assert_eq!(view(&balance, "d").share, Ratio::ONE);
}

#[test]
fn failures_in_a_row_put_a_peer_out_for_longer_each_time() {
    let (builder, hand) = builder(10);
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = told.clone();
    let balance = builder
        .ejection(strict())
        .slow_start(Duration::ZERO)
        .on_event(move |event| listener.lock().push((event.peer.clone(), event.turn.clone())))
        .build()
        .expect("sound settings");

    for out_for in [10, 20, 30] {
        fail(&balance, "c", 3);
        assert!(!shares(&balance, 1_000).contains_key("c"), "it is out");
        hand.advance(SECOND * out_for - MILLI);
        assert!(!shares(&balance, 1_000).contains_key("c"), "it is still out");
        hand.advance(MILLI * 3);
        assert_eq!(view(&balance, "c").share, Ratio::ONE);
    }

    let told = told.lock();
    for ((peer, turn), expected) in told.iter().zip([10, 20, 30]) {
        let Turn::Ejected {
            cause: Cause::ConsecutiveFailures { failures: 3, .. }, out_for, ..
        } = turn
        else {
            panic!("{turn:?}")
        };
        assert_eq!((peer.as_str(), *out_for), ("c", SECOND * expected));
    }
    assert_eq!(told.len(), 3);
}

#[test]
fn good_behaviour_is_rewarded_with_a_shorter_time() {
    let (builder, hand) = builder(10);
    let balance =
        builder.ejection(strict()).slow_start(Duration::ZERO).build().expect("sound settings");
    let once = |expected: u32| {
        fail(&balance, "c", 3);
        assert_eq!(view(&balance, "c").ejections, expected);
        hand.advance(SECOND * 10 * expected + MILLI * 2);
    };
    once(1);
    once(2);
    once(3);

    // What it was out for counts for nothing; then two intervals in which it is in, at whose end some call ends.
    balance.pick().expect("somebody is in").success();
    assert_eq!(view(&balance, "c").ejections, 3);
    for left in [2, 1] {
        hand.advance(SECOND * 10 + MILLI * 2);
        balance.pick().expect("somebody is in").success();
        assert_eq!(view(&balance, "c").ejections, left);
    }
}

#[test]
fn a_success_between_failures_keeps_a_peer_in() {
    let (builder, _hand) = builder(10);
    let balance = builder.ejection(strict()).build().expect("sound settings");
    for _ in 0..10 {
        fail(&balance, "c", 2);
        call_at(&balance, "c").success();
    }
    assert_eq!(view(&balance, "c").ejections, 0);
}

#[test]
fn calls_of_an_earlier_stay_do_not_put_a_peer_out_again() {
    let (builder, hand) = builder(10);
    let balance =
        builder.ejection(strict()).slow_start(Duration::ZERO).build().expect("sound settings");
    let late: Vec<_> = (0..6).map(|_| call_at(&balance, "c")).collect();
    fail(&balance, "c", 3);
    hand.advance(SECOND * 11);
    assert_eq!(view(&balance, "c").share, Ratio::ONE);

    late.into_iter().for_each(Lease::failure);

    assert_eq!((view(&balance, "c").ejections, view(&balance, "c").share), (1, Ratio::ONE));
}

#[test]
fn at_most_the_share_is_out_when_all_fail() {
    let (builder, _hand) = builder(10);
    let mut rules = strict();
    rules.at_most = Ratio::new(0.3).expect("a share");
    let balance = builder.ejection(rules).build().expect("sound settings");

    for _ in 0..2_000 {
        balance.pick().expect("somebody is in").failure();
        let out = balance.peers().iter().filter(|peer| peer.share == Ratio::ZERO).count();
        assert!(out <= 3, "{out} of 10 are out");
    }

    let snapshot = balance.snapshot();
    assert_eq!((snapshot.gauges["peers_ejected"], &*snapshot.state), (3.0, "degraded"));
    assert!(snapshot.counters["spared"] > 0);
}

#[test]
fn the_only_peer_is_never_put_out() {
    let (builder, _hand) = builder(1);
    let balance = builder.ejection(strict()).build().expect("sound settings");
    for _ in 0..10 {
        balance.pick().expect("it is in").failure();
    }
    assert_eq!(view(&balance, "a").ejections, 0);
}

#[test]
fn a_rate_far_below_the_others_puts_a_peer_out() {
    let (builder, hand) = builder(10);
    let mut rules = Ejection::default();
    rules.consecutive_failures = None;
    let balance = builder.ejection(rules).penalty(Duration::ZERO).build().expect("sound settings");

    for call in 0..3_000 {
        let lease = balance.pick().expect("somebody is in");
        let outcome = match lease.name() {
            "c" if call % 2 == 0 => Outcome::Failure,
            _ => Outcome::Success,
        };
        lease.record(outcome);
    }
    assert_eq!(view(&balance, "c").ejections, 0, "not before the interval is over");
    hand.advance(SECOND * 10);
    balance.pick().expect("somebody is in").success();

    let ejected: Vec<_> = balance.peers().into_iter().filter(|peer| peer.ejections > 0).collect();
    assert_eq!(ejected.iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>(), ["c"]);
    assert!(!shares(&balance, 1_000).contains_key("c"));
}

#[test]
fn who_comes_back_is_taken_up_slowly() {
    let (builder, hand) = builder(10);
    let balance =
        builder.ejection(strict()).penalty(Duration::ZERO).build().expect("sound settings");
    fail(&balance, "c", 3);

    let mut last = 0;
    for (after, expected) in [(11, 100), (4, 500), (6, 1_000)] {
        hand.advance(SECOND * after);
        let share = shares(&balance, 10_000)["c"];
        let ratio = share as f64 / f64::from(expected);
        assert!(share > last && (0.5..1.6).contains(&ratio), "{share}, not {expected}");
        last = share;
    }
}

#[test]
fn where_too_many_are_down_all_are_taken() {
    let (balance, _hand) = balance(10);
    for name in &NAMES[..5] {
        assert!(balance.set_down(name));
    }
    assert_eq!(shares(&balance, 1_000).len(), 5);

    balance.set_down("f");

    assert_eq!((shares(&balance, 1_000).len(), &*balance.snapshot().state), (10, "panic"));
    balance.set_up("a");
    assert_eq!(shares(&balance, 1_000).len(), 5);
}

#[test]
fn panic_ends_when_enough_are_back() {
    let (builder, hand) = builder(10);
    let mut rules = strict();
    rules.at_most = Ratio::new(0.3).expect("a share");
    let balance = builder.ejection(rules).build().expect("sound settings");
    NAMES[..3].iter().for_each(|name| assert!(balance.set_down(name)));
    NAMES[7..].iter().for_each(|name| fail(&balance, name, 3));
    assert_eq!(shares(&balance, 1_000).len(), 10);

    hand.advance(SECOND * 11); // the three that were ejected are back, the three that are down are not

    let taken = shares(&balance, 1_000);
    assert!(NAMES[..3].iter().all(|name| !taken.contains_key(*name)), "{taken:?}");
}

#[test]
fn without_panic_nobody_is_taken_where_all_are_down() {
    let (builder, _hand) = builder(3);
    let balance = builder.panic_above(1.0).build().expect("sound settings");
    NAMES[..3].iter().for_each(|name| assert!(balance.set_down(name)));
    assert_eq!(balance.pick().unwrap_err().reason(), Reason::NoShard);
}

#[test]
fn who_is_set_up_is_taken_up_slowly_too() {
    let (balance, hand) = balance(10);
    assert!(balance.set_down("c") && !balance.set_down("c"));
    hand.advance(SECOND * 60);
    assert!(!shares(&balance, 1_000).contains_key("c"), "no time brings it back");

    assert!(balance.set_up("c") && !balance.set_up("c"));

    let share = shares(&balance, 10_000)["c"];
    assert!((50..160).contains(&share), "{share}, not 100");
}

#[test]
fn who_cannot_get_ready_is_put_out_at_once() {
    let (balance, _hand) = balance(10);
    call_at(&balance, "c").not_ready();
    assert_eq!((view(&balance, "c").ejections, view(&balance, "c").in_flight), (1, 0));
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let refused = |change: fn(BalanceBuilder<usize>) -> BalanceBuilder<usize>| {
        change(builder(2).0).build().unwrap_err().to_string()
    };
    let rules = |change: fn(&mut Ejection)| {
        let mut rules = Ejection::default();
        change(&mut rules);
        builder(2).0.ejection(rules).build().unwrap_err().field().to_owned()
    };

    assert_eq!(refused(|it| it.decay(Duration::ZERO)), "`decay` is 0ns: it must be from 1ms to 1h");
    assert_eq!(
        refused(|it| it.panic_above(1.5)),
        "`panic_above` is 1.5: it must be a number from 0 to 1"
    );
    assert_eq!(
        refused(|it| it.weighted_peer("z", 0, 9)),
        "`peer.weight` is 0 for `z`: it must be from 1 to 65535"
    );
    assert_eq!(
        refused(|it| it.peer("a", 9)),
        "`peer.name` is a: it must be another name for each peer"
    );
    assert_eq!(rules(|it| it.consecutive_failures = Some(0)), "ejection.consecutive_failures");
    assert_eq!(rules(|it| it.interval = Duration::ZERO), "ejection.interval");
    assert_eq!(
        rules(|it| it.success_rate.as_mut().expect("a rule").deviations = f64::NAN),
        "success_rate.deviations"
    );
}
