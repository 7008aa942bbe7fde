//! What a plan accepts, what it says to a bad one, and how it stands in a file.

use std::time::Duration;

use proptest::prelude::*;
use seawall_chaos::{Chaos, ConfigError, Plan, Strike};

const MS: Duration = Duration::from_millis(1);

fn field(plan: &Plan) -> String {
    plan.check().expect_err("a bad plan").field().to_owned()
}

#[test]
fn a_share_that_is_no_share_is_refused_by_name() {
    for share in [f64::NAN, f64::INFINITY, -0.1, 1.1, f64::NEG_INFINITY] {
        assert_eq!(field(&Plan::new().latency(share, MS)), "latency.share");
        assert_eq!(field(&Plan::new().error(share)), "error");
        assert_eq!(field(&Plan::new().hang(share)), "hang");
        assert_eq!(field(&Plan::new().panic(share)), "panic");
    }
}

#[test]
fn a_share_too_small_to_be_drawn_is_refused_and_not_dropped() {
    let error = Plan::new().error(1e-9).check().expect_err("below a millionth");

    assert_eq!(error.to_string(), "`error` is 0.000000001: it must be 0, or at least 0.000001",);
}

#[test]
fn an_empty_range_is_refused_by_name() {
    let plan = Plan::new().latency(0.5, 800 * MS..=200 * MS);

    let error = plan.check().expect_err("it ends before it starts");

    assert_eq!(
        error.to_string(),
        "`latency.to` is 200ms: it must be no shorter than `latency.from`, which is 800ms",
    );
}

#[test]
fn a_latency_of_an_hour_is_the_longest() {
    let hour = Duration::from_secs(3600);

    assert_eq!(Plan::new().latency(1.0, hour).check(), Ok(()));
    assert_eq!(field(&Plan::new().latency(1.0, hour + MS)), "latency.to");
    assert_eq!(field(&Plan::new().latency(1.0, MS..=Duration::MAX)), "latency.to");
    assert_eq!(field(&Plan::new().latency(0.0, Duration::MAX)), "latency.to");
}

#[test]
fn shares_that_exceed_the_whole_together_are_refused() {
    let plan = Plan::new().error(0.5).hang(0.4).panic(0.2);

    let error = plan.check().expect_err("more than all");

    assert_eq!(error.field(), "error + hang + panic");
    assert_eq!(error.value(), "1.1");
}

#[test]
fn thirds_and_sixths_are_a_whole() {
    let third = 1.0 / 3.0;
    let sixth = 1.0 / 6.0;

    assert_eq!(Plan::new().error(third).hang(third).panic(third).check(), Ok(()));
    assert_eq!(Plan::new().error(4.0 * sixth).hang(sixth).panic(sixth).check(), Ok(()));
}

#[test]
fn latency_has_a_whole_of_its_own() {
    assert_eq!(Plan::new().latency(1.0, MS).error(1.0).check(), Ok(()));
}

#[test]
fn a_bad_plan_leaves_the_one_in_force() -> Result<(), ConfigError> {
    let chaos = Chaos::builder("db").build()?;
    let good = Plan::new().error(0.5);
    chaos.arm(good.clone())?;

    assert!(chaos.arm(Plan::new().error(2.0)).is_err());

    assert_eq!(chaos.plan(), Some(good));
    Ok(())
}

#[test]
fn a_plan_says_what_it_does() {
    let range = Plan::new().latency(0.5, 200 * MS..=800 * MS).panic(0.01);

    assert_eq!(range.to_string(), "latency 0.5 of 200ms..=800ms, panic 0.01");
    assert_eq!(Plan::new().latency(1.0, MS).to_string(), "latency 1 of 1ms");
    assert_eq!(Plan::new().to_string(), "nothing");
}

proptest! {
    /// Parts per million, so that the sum of what is meant is known exactly.
    #[test]
    fn three_shares_are_accepted_exactly_where_they_fit_the_whole(
        error in 0_u32..=1_000_000, hang in 0_u32..=1_000_000, panic in 0_u32..=1_000_000,
    ) {
        let share = |parts: u32| f64::from(parts) / 1e6;
        let plan = Plan::new().error(share(error)).hang(share(hang)).panic(share(panic));

        let checked = plan.check();

        prop_assert_eq!(checked.is_ok(), error + hang + panic <= 1_000_000);
        if let Err(error) = checked {
            prop_assert_eq!(error.field(), "error + hang + panic");
        }
    }

    /// Cut out of the whole, so that the sum is 1 but for what floats make of it.
    #[test]
    fn a_whole_that_is_cut_in_three_leaves_no_call_unstruck(
        (low, high) in (0.0..=1.0, 0.0..=1.0).prop_map(|(a, b): (f64, f64)| (a.min(b), a.max(b))),
        seed: u64,
    ) {
        let plan = Plan::new().error(low).hang(high - low).panic(1.0 - high);
        prop_assume!(plan.check().is_ok()); // a part may be below a millionth
        let chaos = Chaos::builder("db").seed(seed).build().expect("it has a name");
        chaos.arm(plan).expect("it was checked");

        let struck = (0..100).filter_map(|_| chaos.strike()).count();

        // Three parts that are each rounded down leave at most a millionth or two.
        prop_assert!(struck >= 99);
    }

    #[test]
    fn no_plan_makes_anything_panic(
        shares: [f64; 4], secs: [u64; 2], nanos in prop::array::uniform2(0_u32..1_000_000_000), seed: u64,
    ) {
        let [from, to] = [0, 1].map(|i| Duration::new(secs[i], nanos[i]));
        let [latency, error, hang, panic] = shares;
        let plan = Plan::new().latency(latency, from..=to).error(error).hang(hang).panic(panic);
        let chaos = Chaos::builder("db").seed(seed).build().expect("it has a name");

        prop_assert!(!plan.to_string().is_empty());
        prop_assert_eq!(chaos.arm(plan.clone()), plan.check());
        let _ = chaos.snapshot();
        prop_assert!(chaos.strikes().count() <= 2);
    }

    #[test]
    fn a_latency_is_within_its_range(from in 0_u64..=3_600_000, span in 0_u64..=3_600_000, seed: u64) {
        let to = (from + span).min(3_600_000);
        let range = Duration::from_millis(from)..=Duration::from_millis(to);
        let chaos = Chaos::builder("db").seed(seed).build().expect("it has a name");
        chaos.arm(Plan::new().latency(1.0, range.clone())).expect("a good plan");

        for _ in 0..20 {
            let Some(Strike::Latency(delay)) = chaos.strike() else {
                panic!("all calls are delayed");
            };
            prop_assert!(range.contains(&delay), "{delay:?}");
        }
    }
}

#[cfg(feature = "serde")]
mod in_a_file {
    use super::*;

    #[test]
    fn a_plan_is_what_it_was_when_it_is_read_again() -> serde_json::Result<()> {
        let plans = [
            Plan::new(),
            Plan::new().latency(0.5, 200 * MS..=800 * MS).error(0.2).hang(0.05),
            Plan::new().latency(1.0, 250 * MS).panic(0.01),
        ];

        for plan in plans {
            let text = serde_json::to_string(&plan)?;
            assert_eq!(serde_json::from_str::<Plan>(&text)?, plan, "{text}");
        }
        Ok(())
    }

    #[test]
    fn durations_are_written_as_people_do() -> serde_json::Result<()> {
        let plan: Plan = serde_json::from_str(
            r#"{ "latency": { "share": 0.5, "from": "200ms", "to": "1.5s" }, "error": 0.2 }"#,
        )?;

        assert_eq!(plan, Plan::new().latency(0.5, 200 * MS..=1500 * MS).error(0.2));
        Ok(())
    }

    #[test]
    fn a_latency_without_an_end_is_always_the_same() -> serde_json::Result<()> {
        let plan: Plan = serde_json::from_str(r#"{ "latency": { "share": 1, "from": "2s" } }"#)?;

        assert_eq!(plan, Plan::new().latency(1.0, 2000 * MS));
        Ok(())
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        for text in
            [r#"{ "eror": 0.2 }"#, r#"{ "latency": { "share": 1, "from": "2s", "until": "3s" } }"#]
        {
            let error = serde_json::from_str::<Plan>(text).expect_err("a misspelt key");
            assert!(error.to_string().contains("unknown field"), "{error}");
        }
    }

    #[test]
    fn a_bad_plan_is_refused_where_it_is_read() {
        let error = serde_json::from_str::<Plan>(r#"{ "error": 0.7, "hang": 0.5 }"#)
            .expect_err("more than all");

        assert!(error.to_string().contains("`error + hang + panic` is 1.2"), "{error}");
    }
}
