//! What the adaptive limits promise, in a simulation. The example `adaptive_limits` draws it.

#[path = "../../../../examples/adaptive_limits/guarded.rs"]
mod guarded;
#[path = "../../../../examples/adaptive_limits/simulation.rs"]
mod simulation;

use std::{iter, time::Duration};

use seawall_bulkhead::Adaptive;

use self::{
    guarded::Guarded,
    simulation::{Phase, Server, Tick, simulate},
};

const SMALL: Server = Server { workers: 16, service: Duration::from_millis(10) };
const LARGE: Server = Server { workers: 64, service: Duration::from_millis(50) };
const SEEDS: std::ops::Range<u64> = 0..3;

/// Runs it; an answer is good that comes within five times what calls take without load.
fn run(adaptive: &Adaptive, server: Server, phases: &[Phase], seed: u64) -> Vec<Vec<Tick>> {
    let mut limit = Guarded::adaptive(adaptive).expect("it is a fine limit");
    simulate(&mut limit, phases, 5 * server.service, seed)
}

fn limits(ticks: &[Tick]) -> impl Iterator<Item = u32> {
    ticks.iter().map(|tick| tick.limit)
}

/// After how many steps the limit is within a fifth of `before`.
fn steps_back(ticks: &[Tick], before: u32) -> Option<usize> {
    limits(ticks).position(|limit| f64::from(limit) >= 0.8 * f64::from(before))
}

#[test]
fn a_fixed_limit_that_is_too_high_leaves_nothing_of_use() {
    let surge = Phase::new("surge", 10, 3.0, SMALL);
    let mut limit = Guarded::fixed(200).expect("it is a fine limit");

    let ticks = simulate(&mut limit, &[surge], 5 * SMALL.service, 0);

    let goodput = Tick::of(&ticks[0]).goodput();
    assert!(goodput < 0.05, "why adapt, if this is {goodput}?");
}

#[test]
fn a_surge_costs_neither_throughput_nor_latency_and_is_soon_forgotten() {
    for (server, seed) in iter::zip([SMALL, LARGE].repeat(SEEDS.count()), SEEDS.chain(SEEDS)) {
        let phases = [("calm", 20, 0.5), ("surge", 30, 3.0), ("calm", 20, 0.5)]
            .map(|(name, secs, load)| Phase::new(name, secs, load, server));

        let ticks = run(&Adaptive::default(), server, &phases, seed);

        let [calm, surge, after] = [0, 1, 2].map(|phase| Tick::of(&ticks[phase]));
        let what = format!("{}, {server:?}, seed {seed}", phases[1].name);
        assert!(surge.goodput() >= 0.9, "{what}: goodput {}", surge.goodput());
        let (no_load, loaded) = (calm.p99().expect("calls"), surge.p99().expect("calls"));
        assert!(loaded <= 3.0 * no_load, "{what}: p99 {no_load} s, then {loaded} s");
        let highest = limits(&ticks[1]).max().expect("ticks");
        assert!(highest <= 4 * server.workers as u32, "{what}: it creeps to {highest}");
        assert!(after.goodput() >= 0.45, "{what}: goodput {} of 0.5", after.goodput());
        let back = steps_back(&ticks[2], calm.limit);
        assert!(back.is_some_and(|steps| steps <= 80), "{what}: {} not back", calm.limit);
    }
}

#[test]
fn a_long_overload_does_not_let_the_limit_creep() {
    for adaptive in [Adaptive::vegas(), Adaptive::gradient2().min(1).max(1000)] {
        for seed in SEEDS {
            let phases = [("early", 30), ("long", 60), ("late", 30)]
                .map(|(name, secs)| Phase::new(name, secs, 2.0, SMALL));

            let ticks = run(&adaptive, SMALL, &phases, seed);

            let highest = [0, 2].map(|phase| limits(&ticks[phase]).max().expect("ticks"));
            assert!(highest[1] <= 64, "{adaptive:?}, seed {seed}: {highest:?}");
            assert!(Tick::of(&ticks[2]).goodput() > 0.9, "{adaptive:?}, seed {seed}");
        }
    }
}

#[test]
fn traffic_that_does_not_need_the_limit_does_not_raise_it() {
    for adaptive in [Adaptive::vegas(), Adaptive::gradient2(), Adaptive::aimd()] {
        for seed in SEEDS {
            let phase = Phase::new("idle", 60, 0.05, SMALL);

            let ticks = run(&adaptive, SMALL, &[phase], seed);

            let highest = limits(&ticks[0]).max().expect("ticks");
            assert!(highest <= 20, "{adaptive:?}, seed {seed}: {highest}");
        }
    }
}

#[test]
fn a_limit_that_is_far_too_low_is_found_in_seconds() {
    let server = Server { workers: 400, ..SMALL };
    for seed in SEEDS {
        let phases =
            [("find", 3), ("keep", 1)].map(|(name, secs)| Phase::new(name, secs, 3.0, server));

        let ticks = run(&Adaptive::default(), server, &phases, seed);

        let kept = Tick::of(&ticks[1]).goodput();
        assert!(kept > 0.9, "seed {seed}: goodput {kept}");
    }
}

#[test]
fn a_server_that_loses_half_of_its_capacity_is_followed() {
    for (half, least) in [
        (Phase::half_gone as fn(Phase) -> Phase, 0.9),
        // Calls take twice as long, so that a twelfth can't be good: five times ten milliseconds.
        (|full| Phase { service: Some(2 * SMALL.service), ..full }, 0.83),
    ] {
        for seed in SEEDS {
            let full = Phase::new("full", 20, 2.0, SMALL);

            let ticks = run(&Adaptive::default(), SMALL, &[full, half(full), full], seed);

            let goodput = [0, 1, 2].map(|phase| Tick::of(&ticks[phase]).goodput());
            assert!(goodput[1] >= least, "seed {seed}: {goodput:?}");
            assert!(goodput[2] >= 0.9, "seed {seed}: {goodput:?}");
        }
    }
}

#[test]
fn a_server_that_hangs_is_followed_down_and_up() {
    for adaptive in [Adaptive::vegas(), Adaptive::gradient2().min(1)] {
        for seed in SEEDS {
            let well = Phase::new("well", 20, 2.0, SMALL);
            let hanging = Phase { service: None, lasts: Duration::from_secs(15), ..well };

            let ticks = run(&adaptive, SMALL, &[well, hanging, well], seed);

            let [before, during, _] = [0, 1, 2].map(|phase| Tick::of(&ticks[phase]).limit);
            let what = format!("{adaptive:?}, seed {seed}: from {before} to {during}");
            assert!(f64::from(during) < 0.5 * f64::from(before), "{what}");
            assert!(Tick::of(&ticks[2]).goodput() >= 0.9, "{what}");
        }
    }
}

#[test]
fn a_queue_taken_for_normal_is_forgotten_when_the_load_ends() {
    let phases = [("surge", 5, 3.0), ("calm", 1, 0.5), ("surge", 10, 3.0)]
        .map(|(name, secs, load)| Phase::new(name, secs, load, SMALL));
    for seed in SEEDS {
        let pinned = Adaptive::vegas().initial(100);
        let ticks = run(&pinned, SMALL, &phases, seed);

        let overloaded = Tick::of(&ticks[0]);
        assert!(overloaded.goodput() < 0.5, "seed {seed}: goodput {}", overloaded.goodput());
        let goodput = Tick::of(&ticks[2]).goodput();
        assert!(
            goodput >= 0.9,
            "seed {seed}: goodput {goodput}, limits {:?}",
            limits(&ticks[2]).collect::<Vec<_>>()
        );
    }
}
