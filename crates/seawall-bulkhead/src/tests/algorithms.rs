//! The algorithms, window by window.

#![allow(clippy::float_cmp, reason = "limits that come out exactly")]

use std::time::Duration;

use crate::adaptive::{
    Adaptive, Aimd, Gradient2, LimitAlgorithm, Sample, Vegas, gradient2::Gradient2Limit,
    no_load::NoLoad, vegas::VegasLimit,
};

fn ms(millis: f64) -> Duration {
    Duration::from_secs_f64(millis / 1000.0)
}

fn all() -> Vec<(&'static str, Box<dyn LimitAlgorithm>)> {
    vec![
        ("aimd", Box::new(Aimd::default())),
        ("vegas", Box::new(VegasLimit::new(Vegas::default()))),
        ("gradient2", Box::new(Gradient2Limit::new(Gradient2::default()))),
    ]
}

#[test]
fn one_error_in_a_thousand_is_no_overload() {
    for (name, mut algorithm) in all() {
        let mut sample = Sample::new(100.0, ms(10.0));
        (sample.calls, sample.dropped) = (1000, 1);
        assert!(algorithm.update(&sample) >= 100.0, "{name}");

        sample.dropped = 49;
        assert!(algorithm.update(&sample) >= 100.0, "{name}");

        sample.dropped = 50;
        assert_eq!(algorithm.update(&sample), 90.0, "{name}");
    }
}

#[test]
fn a_limit_that_is_not_used_does_not_grow() {
    for (name, mut algorithm) in all() {
        let mut sample = Sample::new(100.0, ms(10.0));
        sample.in_flight = 49;
        for _ in 0..20 {
            assert_eq!(algorithm.update(&sample), 100.0, "{name}");
        }

        sample.in_flight = 50;
        assert!(algorithm.update(&sample) > 100.0, "{name}");
    }
}

#[test]
fn a_window_without_a_latency_says_nothing_about_a_queue() {
    for (name, mut algorithm) in all().into_iter().skip(1) {
        let sample = Sample::new(100.0, Duration::ZERO);
        assert_eq!(algorithm.update(&sample), 100.0, "{name}");
    }
}

#[test]
fn vegas_keeps_the_queue_between_alpha_and_beta() {
    let mut vegas = VegasLimit::new(Vegas::default());
    let mut update = |millis| {
        let mut sample = Sample::new(20.0, ms(millis));
        sample.timed = 500;
        vegas.update(&sample)
    };

    assert_eq!(update(10.0), 26.0, "nobody queues");
    assert_eq!(update(11.0), 21.0, "two of twenty");
    assert_eq!(update(13.0), 20.0, "five");
    assert_eq!(update(16.0), 19.0, "seven and a half: at least a step");
    assert_eq!(update(40.0), 15.5, "fifteen, nine too many");
}

#[test]
fn gradient2_rests_where_its_room_ends() {
    let mut gradient2 = Gradient2Limit::new(Gradient2::default());
    let mut update = |millis| {
        let mut sample = Sample::new(100.0, ms(millis));
        sample.timed = 500;
        gradient2.update(&sample)
    };

    assert_eq!(update(10.0), 102.0, "a fifth of the root");
    assert_eq!(update(15.0), 102.0, "within the tolerance");
    assert!((100.0..102.0).contains(&update(16.0)), "near its end");
    assert!(update(17.0) < 98.5, "no room is added to a gradient below 0.9");
    assert_eq!(update(400.0), 90.0, "by a half, smoothed");
}

#[test]
fn the_latency_without_load_is_learnt_and_forgotten() {
    let mut no_load = NoLoad::default();
    let mut learn = |limit, in_flight, millis| {
        let mut sample = Sample::new(limit, ms(millis));
        sample.in_flight = in_flight;
        (no_load.learn(&sample) * 1000.0 * 100.0).round() / 100.0
    };
    assert_eq!(learn(100.0, 100, 40.0), 40.0, "a queue, but nothing else is known");
    for _ in 0..50 {
        assert_eq!(learn(100.0, 100, 40.0), 40.0);
    }

    assert_eq!(learn(100.0, 8, 10.0), 10.0, "the load has ended");

    for _ in 0..50 {
        assert_eq!(learn(100.0, 100, 40.0), 10.0, "a queue again: the limit does not move");
    }
    for step in 0..50u8 {
        let limit = 100.0 - f64::from(step);
        let queue = 40.0 * limit / 100.0;
        assert_eq!(learn(limit, limit as u32, queue), 10.0, "latency moves with the limit");
    }
    for step in 0..50u8 {
        learn(50.0 - f64::from(step) / 2.0, 50 - u32::from(step) / 2, 20.0);
    }
    assert!(learn(25.0, 25, 20.0) > 18.0, "it does not: the dependency became slower");
}

#[test]
fn a_configuration_that_cannot_be_is_named() {
    let refused = |adaptive: Adaptive| adaptive.check().expect_err("refused").field().to_owned();

    assert_eq!(refused(Adaptive::vegas().min(0)), "adaptive.min");
    assert_eq!(refused(Adaptive::vegas().max(1 << 24)), "adaptive.max");
    assert_eq!(refused(Adaptive::gradient2().min(300)), "adaptive.max");
    assert_eq!(refused(Adaptive::vegas().initial(1001)), "adaptive.initial");
    assert_eq!(refused(Adaptive::vegas().window(Duration::ZERO)), "adaptive.window");
    let backoff = Aimd { backoff: 1.0, ..Aimd::default() };
    assert_eq!(refused(backoff.into()), "adaptive.backoff");
    let backoff = Vegas { backoff: f64::NAN, ..Vegas::default() };
    assert_eq!(refused(backoff.into()), "adaptive.backoff");
    let timeout = Aimd { timeout: Duration::ZERO, ..Aimd::default() };
    assert_eq!(refused(timeout.into()), "adaptive.timeout");
    let beta = Vegas { alpha: 9.0, ..Vegas::default() };
    assert_eq!(refused(beta.into()), "adaptive.beta");
    let tolerance = Gradient2 { tolerance: 0.9, ..Gradient2::default() };
    assert_eq!(refused(tolerance.into()), "adaptive.tolerance");
    assert!(Adaptive::vegas().max(10).check().is_ok(), "it begins at 10");
}

#[test]
fn algorithms_of_ones_own_are_the_same_where_they_come_from_the_same_closure() {
    let own = Adaptive::own(Aimd::default);

    assert_eq!(own.clone(), own);
    assert_ne!(Adaptive::own(Aimd::default), own);
    assert_eq!(Adaptive::vegas(), Adaptive::default());
    assert_ne!(Adaptive::vegas(), Adaptive::vegas().min(2));
}

#[cfg(feature = "serde")]
mod serde {
    use super::*;

    #[test]
    fn an_adaptive_limit_comes_from_a_file_and_goes_to_it() {
        let text = r#"algorithm = "gradient2"
            min = 20
            max = 400
            window = "250ms"
            tolerance = 2"#;
        let adaptive: Adaptive = toml::from_str(text).expect("it can be read");

        let gradient2 = Gradient2 { tolerance: 2.0, ..Gradient2::default() };
        let meant = Adaptive::from(gradient2).min(20).max(400).window(ms(250.0));
        assert_eq!(adaptive, meant);
        let written = toml::to_string(&meant).expect("it can be written");
        assert_eq!(toml::from_str::<Adaptive>(&written).expect("and read"), meant, "{written}");
        let json = serde_json::to_string(&Adaptive::aimd()).expect("it can be written");
        assert_eq!(serde_json::from_str::<Adaptive>(&json).expect("and read"), Adaptive::aimd());
    }

    #[test]
    fn what_is_unknown_or_of_another_algorithm_is_refused() {
        for (text, named) in [
            (
                r#"algorithm = "vegas"
                tolerance = 2.0"#,
                "tolerance",
            ),
            (
                r#"algorithm = "vegas"
                minimum = 2"#,
                "minimum",
            ),
            (r#"algorithm = "newton""#, "newton"),
            ("min = 2", "algorithm"),
        ] {
            let error = toml::from_str::<Adaptive>(text).expect_err("refused").to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn an_algorithm_of_ones_own_cannot_be_written() {
        let error = serde_json::to_string(&Adaptive::own(Aimd::default)).expect_err("it is code");
        assert!(error.to_string().contains("is code"), "{error}");
    }
}
