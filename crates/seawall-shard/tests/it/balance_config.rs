//! The settings of a balance: from a file, and changed while calls run.

use std::time::Duration;

use seawall_core::{Backoff, Clock, Jitter, ManualClock, Outcome, Ratio};
use seawall_shard::{
    Balance,
    balance::{Config, Ejection},
};

const SECOND: Duration = Duration::from_secs(1);

fn balance(config: Config) -> (Balance<u32>, ManualClock) {
    let (clock, hand) = Clock::manual();
    let names = ["a", "b", "c", "d"];
    let builder = Balance::builder("search").config(config).clock(clock);
    let builder = (0..).zip(names).fold(builder, |builder, (at, name)| builder.peer(name, at));
    (builder.build().expect("sound settings"), hand)
}

/// Ejects after so many failures in a row, for ten seconds.
fn ejecting(failures: u32) -> Config {
    let mut rules = Ejection::default();
    rules.consecutive_failures = Some(failures);
    rules.success_rate = None;
    rules.at_most = Ratio::ONE;
    rules.time = Backoff::constant(SECOND * 10).jitter(Jitter::None);
    let mut config = Config::default();
    config.seed = Some(7);
    config.ejection = Some(rules);
    config
}

fn out(balance: &Balance<u32>) -> usize {
    balance.peers().iter().filter(|peer| peer.share == Ratio::ZERO).count()
}

/// So many calls that fail, each before the next.
fn fail(balance: &Balance<u32>, calls: usize) {
    (0..calls).for_each(|_| balance.pick().expect("somebody is in").failure());
}

#[test]
fn thresholds_change_and_what_was_counted_stays() {
    let (balance, _hand) = balance(ejecting(1_000));
    fail(&balance, 40);
    assert_eq!(out(&balance), 0);

    balance.reconfigure(ejecting(5)).expect("sound settings");
    fail(&balance, 1);

    assert_eq!(
        out(&balance),
        1,
        "the first that fails again has failed more than five times by now"
    );
    assert_eq!(balance.config(), ejecting(5));
}

#[test]
fn ejection_is_turned_on_and_off() {
    let mut off = ejecting(1);
    off.ejection = None;
    let (balance, hand) = balance(off.clone());
    fail(&balance, 40);
    assert_eq!(out(&balance), 0);

    balance.reconfigure(ejecting(1)).expect("sound settings");
    fail(&balance, 1);
    assert_eq!(out(&balance), 1);
    balance.reconfigure(off).expect("sound settings");
    fail(&balance, 40);
    assert_eq!(out(&balance), 1);
    balance.reconfigure(ejecting(1)).expect("sound settings");

    // And forgiven by and by: the intervals run again.
    let ejections = || balance.peers().iter().map(|peer| peer.ejections).sum::<u32>();
    assert_eq!(ejections(), 1);
    for _ in 0..10 {
        hand.advance(SECOND * 10);
        balance.pick().expect("somebody is in").success();
    }
    assert_eq!(ejections(), 0);
}

#[test]
fn an_ejection_without_rules_of_its_own_still_forgives() {
    let mut config = ejecting(1);
    config.ejection.as_mut().expect("it is on").consecutive_failures = None;
    let (balance, hand) = balance(config);
    balance.pick().expect("somebody is in").not_ready();
    assert_eq!(out(&balance), 1);

    for _ in 0..10 {
        hand.advance(SECOND * 10);
        balance.pick().expect("somebody is in").success();
    }

    assert!(balance.peers().iter().all(|peer| peer.ejections == 0));
}

#[test]
fn what_a_cancelled_call_means_changes() {
    let (balance, _hand) = balance(ejecting(1));
    drop(balance.pick());
    assert_eq!(out(&balance), 0);

    let mut strict = ejecting(1);
    strict.on_cancel = Outcome::Failure;
    balance.reconfigure(strict).expect("sound settings");
    drop(balance.pick());

    assert_eq!(out(&balance), 1);
}

#[test]
fn what_a_panic_means_changes() {
    let (balance, _hand) = balance(ejecting(1));
    let mut strict = ejecting(1);
    strict.on_panic = Outcome::Failure;
    balance.reconfigure(strict).expect("sound settings");

    let call = || {
        let _lease = balance.pick();
        panic!("a call that panics, on purpose");
    };
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).expect_err("it panics");

    assert_eq!(out(&balance), 1);
}

#[test]
fn the_penalty_changes() {
    let (balance, _hand) = balance(ejecting(1_000));
    let mut other = ejecting(1_000);
    other.penalty = SECOND * 7;
    balance.reconfigure(other).expect("sound settings");

    let lease = balance.pick().expect("somebody is in");
    let name = lease.name().to_owned();
    lease.failure();

    let peer = balance.peers().into_iter().find(|peer| peer.name == *name).expect("it is there");
    assert!(peer.estimate > SECOND * 6, "{:?}", peer.estimate);
}

#[test]
fn the_slow_start_and_the_panic_share_change_at_once() {
    let (balance, hand) = balance(ejecting(1));
    balance.set_down("a");
    balance.set_up("a");
    hand.advance(SECOND * 5);
    let share = || balance.peers()[0].share.as_f64();
    assert!((share() - 0.5).abs() < 0.001, "half of its slow start is over");
    let mut other = ejecting(1);
    other.slow_start = SECOND;
    other.panic_above = Ratio::ZERO;

    balance.set_down("b");
    let is_used = || (0..100).any(|_| balance.pick().expect("somebody is in").name() == "b");
    assert!(!is_used());

    balance.reconfigure(other).expect("sound settings");

    assert!(is_used(), "with a panic share of nothing one that is down is enough");
    assert!(share() > 0.999, "{}", share());
}

#[test]
fn what_is_fixed_is_named_and_changes_nothing() {
    let (balance, _hand) = balance(ejecting(5));
    let refused = |change: fn(&mut Config)| {
        let mut config = ejecting(9);
        change(&mut config);
        balance.reconfigure(config).unwrap_err().field().to_owned()
    };

    assert_eq!(refused(|config| config.decay = SECOND), "decay");
    assert_eq!(refused(|config| config.seed = None), "seed");
    assert_eq!(refused(|config| config.penalty = SECOND * 4_000), "penalty");

    assert_eq!(balance.config(), ejecting(5));
}

#[test]
fn a_weight_changes_while_the_peer_stays() {
    let (balance, _hand) = balance(ejecting(5));
    let lease = balance.pick().expect("somebody is in");
    let name = lease.name().to_owned();

    assert_eq!(balance.set_weight(&name, 60), Ok(true));

    let peer = balance.peers().into_iter().find(|peer| peer.name == *name).expect("it is there");
    assert_eq!((peer.weight, peer.in_flight), (60, 1));
    let picks: Vec<_> = (0..630).map(|_| balance.pick().expect("all are in")).collect();
    let heavy = picks.iter().filter(|lease| lease.name() == name).count();
    assert!((560..630).contains(&heavy), "{heavy} of 630, not about 600");
    assert_eq!(balance.set_weight("nobody", 1), Ok(false));
    assert_eq!(balance.set_weight(&name, 0).unwrap_err().field(), "peer.weight");
}

#[cfg(feature = "serde")]
mod in_a_file {
    use seawall_shard::balance::SuccessRate;

    use super::{Config, Duration, Outcome, Ratio, SECOND};

    const FULL: &str = r#"
        decay = "5s"
        initial = "10ms"
        penalty = "1s 500ms"
        on_cancel = "failure"
        on_panic = "success"
        panic_above = 0.25
        slow_start = "1m"
        seed = 7

        [ejection]
        consecutive_failures = 3
        at_most = 0.2
        time = { growth = "constant", base = "10s" }
        interval = "250ms"
        success_rate = { deviations = 2.5, minimum_peers = 3 }
    "#;

    #[test]
    fn all_settings_can_be_told() {
        let config: Config = toml::from_str(FULL).expect("it is sound");

        assert_eq!((config.decay, config.slow_start), (SECOND * 5, SECOND * 60));
        assert_eq!((config.initial, config.penalty), (SECOND / 100, SECOND * 3 / 2));
        assert_eq!((config.on_cancel, config.on_panic), (Outcome::Failure, Outcome::Success));
        assert_eq!(config.panic_above, Ratio::of(1, 4));
        assert_eq!(config.seed, Some(7));
        let rules = config.ejection.expect("it is on");
        assert_eq!(rules.consecutive_failures, Some(3));
        assert_eq!((rules.at_most, rules.interval), (Ratio::of(1, 5), Duration::from_millis(250)));
        let mut rate = SuccessRate::default();
        (rate.deviations, rate.minimum_peers) = (2.5, 3);
        assert_eq!(rules.success_rate, Some(rate));
    }

    #[test]
    fn what_is_left_out_is_as_by_default_and_what_is_off_is_off() {
        assert_eq!(toml::from_str::<Config>("").expect("all is left out"), Config::default());
        let off: Config = toml::from_str("ejection = \"off\"").expect("it can be off");
        assert_eq!(off.ejection, None);
        let text = "[ejection]\nconsecutive_failures = \"off\"\nsuccess_rate = \"off\"";
        let rules =
            toml::from_str::<Config>(text).expect("they can be off").ejection.expect("it is on");
        assert_eq!((rules.consecutive_failures, rules.success_rate), (None, None));
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for text in ["", FULL, "ejection = \"off\"", "[ejection]\nconsecutive_failures = \"off\""] {
            let config: Config = toml::from_str(text).expect("it is sound");
            let toml = toml::to_string(&config).expect("it can be written");
            assert_eq!(toml::from_str::<Config>(&toml).expect("it is sound"), config, "{toml}");
            let json = serde_json::to_string(&config).expect("it can be written");
            assert_eq!(
                serde_json::from_str::<Config>(&json).expect("it is sound"),
                config,
                "{json}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, told) in [
            ("penaltty = \"1s\"", "penaltty"),
            ("penalty = 5", "penalty"),
            ("penalty = \"5\"", "with its unit"),
            ("panic_above = 1.5", "panic_above"),
            ("ejection = \"of\"", "ejection"),
            ("ejection = { at_mots = 0.5 }", "at_mots"),
            ("ejection = { interval = \"soon\" }", "interval"),
            ("ejection = { consecutive_failures = -1 }", "consecutive_failures"),
            ("ejection = { success_rate = { deviation = 1.0 } }", "deviation"),
            ("ejection = { time = { growth = \"constant\" } }", "base"),
        ] {
            let error = toml::from_str::<Config>(text).expect_err(text).to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
