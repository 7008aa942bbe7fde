//! The breaker against the reference: random runs of calls, outcomes, drops, steps of time and
//! commands by hand, for all windows. After each step both must say the same of everything that can be
//! seen.

mod reference;

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use proptest::prelude::*;
use seawall_circuit_breaker::{
    Backoff, CircuitBreaker, Clock, Jitter, Outcome, Permit, State, Turn, Window,
};
use seawall_core::ManualClock;

use self::reference::{Circuit, Role, Settings, Ticket};

#[derive(Clone, Copy, Debug)]
enum Step {
    Acquire,
    /// Ends the n-th of the calls in flight; `None` drops it.
    End(usize, Option<Outcome>),
    Advance(u64),
    ForceOpen,
    ForceClosed,
    Disable,
    Reset,
    OpenFor(u64),
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![Just(Outcome::Success), Just(Outcome::Failure), Just(Outcome::Ignored)]
}

fn step() -> impl Strategy<Value = Step> {
    let end = prop_oneof![
        4 => Just(Some(Outcome::Failure)),
        4 => Just(Some(Outcome::Success)),
        1 => Just(Some(Outcome::Ignored)),
        1 => Just(None),
    ];
    prop_oneof![
        30 => Just(Step::Acquire),
        30 => (0..8_usize, end).prop_map(|(n, outcome)| Step::End(n, outcome)),
        10 => (0..60_u64).prop_map(Step::Advance),
        2 => (60..3_000_u64).prop_map(Step::Advance),
        1 => Just(Step::ForceOpen),
        1 => Just(Step::ForceClosed),
        1 => Just(Step::Disable),
        1 => Just(Step::Reset),
        1 => (1..200_u64).prop_map(Step::OpenFor),
    ]
}

fn window() -> impl Strategy<Value = reference::Window> {
    prop_oneof![
        (1..12_usize).prop_map(reference::Window::Count),
        (5..40_u64, 2..6_u64)
            .prop_map(|(width_ms, buckets)| reference::Window::Time { width_ms, buckets }),
    ]
}

prop_compose! {
    fn settings()(
        window in window(),
        minimum in 1..6_u64,
        failure_percent in prop::option::weighted(0.8, 1..=100_u64),
        slow in prop::option::of((0..50_u64, 1..=100_u64)),
        in_a_row in prop::option::of(1..6_u32),
        (open_ms, open_max_ms, stable_ms) in (1..100_u64, 50..400_u64, 0..500_u64),
        (probes, lease_ms) in (0..4_u32, 1..100_u64),
        ramp_ms in prop::option::of(1..200_u64),
        on_cancel in outcome(),
    ) -> Settings {
        let minimum = match window {
            reference::Window::Count(n) => minimum.min(n as u64),
            reference::Window::Time { .. } => minimum,
        };
        // Without probes there must be a ramp.
        let ramp_ms = if probes == 0 { ramp_ms.or(Some(50)) } else { ramp_ms };
        Settings {
            window, minimum, failure_percent, slow, in_a_row, open_ms, open_max_ms, stable_ms,
            probes, lease_ms, ramp_ms, on_cancel,
        }
    }
}

/// The breaker and the reference side by side.
struct Pair {
    breaker: CircuitBreaker,
    hand: ManualClock,
    told: Arc<Mutex<Vec<(u32, &'static str)>>>,
    reference: Circuit,
    now: u64,
    calls: Vec<(Permit, Ticket)>,
}

impl Pair {
    fn new(settings: &Settings) -> Self {
        let ms = Duration::from_millis;
        let (clock, hand) = Clock::manual();
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&told);
        let mut builder = CircuitBreaker::builder("model")
            .clock(clock)
            .window(match settings.window {
                reference::Window::Count(n) => Window::count(n as u32),
                reference::Window::Time { width_ms, buckets } => {
                    Window::time(ms(width_ms * buckets)).buckets(buckets as u32)
                }
            })
            .minimum_calls(settings.minimum as u32)
            .failure_rate(settings.failure_percent.map(|percent| percent as f64 / 100.0))
            .consecutive_failures(settings.in_a_row)
            .open_for(
                Backoff::exponential(ms(settings.open_ms))
                    .max(ms(settings.open_max_ms))
                    .jitter(Jitter::None),
            )
            .stable_after(ms(settings.stable_ms))
            .half_open_probes(settings.probes)
            .probe_lease(ms(settings.lease_ms))
            .on_cancel(settings.on_cancel)
            .on_event(move |event| listener.lock().push((event.generation, word(&event.turn))));
        if let Some((limit, percent)) = settings.slow {
            builder = builder.slow_call(ms(limit), percent as f64 / 100.0);
        }
        if let Some(over) = settings.ramp_ms {
            builder = builder.ramp(ms(over), 1.0); // all are let in: chance has no say
        }
        Self {
            breaker: builder.build().expect("the settings are sound"),
            // The manual clock starts an hour after its origin.
            now: hand.now().0 / 1_000_000,
            hand,
            told,
            reference: Circuit::new(settings.clone()),
            calls: Vec::new(),
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Acquire => {
                let got = self.breaker.try_acquire_owned();
                match (got, self.reference.admit(self.now)) {
                    (Ok(permit), Ok(ticket)) => {
                        assert_eq!(permit.is_probe(), ticket.role == Role::Probe);
                        self.calls.push((permit, ticket));
                    }
                    (Err(rejection), Err(wait)) => {
                        assert_eq!(rejection.retry_after(), wait.map(Duration::from_millis));
                    }
                    (got, expected) => panic!("{got:?}, and not {expected:?}"),
                }
            }
            Step::End(n, outcome) if n < self.calls.len() => {
                let (permit, ticket) = self.calls.swap_remove(n);
                match outcome {
                    Some(outcome) => permit.record(outcome),
                    None => drop(permit),
                }
                self.reference.settle(ticket, outcome, self.now);
            }
            Step::End(..) => {}
            Step::Advance(by) => {
                self.hand.advance(Duration::from_millis(by));
                self.now += by;
            }
            Step::ForceOpen => {
                self.breaker.force_open();
                self.reference.force(State::ForcedOpen, "forced open", self.now);
            }
            Step::ForceClosed => {
                self.breaker.force_closed();
                self.reference.force(State::ForcedClosed, "forced closed", self.now);
            }
            Step::Disable => {
                self.breaker.disable();
                self.reference.force(State::Disabled, "disabled", self.now);
            }
            Step::Reset => {
                self.breaker.reset();
                self.reference.force(State::Closed, "reset", self.now);
            }
            Step::OpenFor(time) => {
                self.breaker.open_for(Duration::from_millis(time));
                self.reference.open_by_hand(time, self.now);
            }
        }
        self.compare();
    }

    fn compare(&mut self) {
        let Self { breaker, reference, now, .. } = self;
        let snapshot = breaker.snapshot();
        assert_eq!(breaker.state(), reference.state(*now));
        assert_eq!(snapshot.state, reference.state(*now).as_str());

        let totals = reference.totals(*now);
        let count = |gauge: &str| (snapshot.gauges[gauge] * totals.calls as f64).round() as u64;
        if let Some(&calls) = snapshot.counters.get("calls") {
            assert_eq!(calls, reference.recorded());
            assert_eq!(snapshot.gauges["window_calls"] as u64, totals.calls);
            assert_eq!(count("failure_rate"), totals.failed);
            assert_eq!(count("slow_call_rate"), totals.slow);
        }
        assert_eq!(snapshot.gauges["failures_in_a_row"] as u32, reference.failures_in_a_row());
        assert_eq!(snapshot.counters["failures"], reference.failures);
        assert_eq!(snapshot.counters["slow_calls"], reference.slow_calls);
        assert_eq!(snapshot.counters["stale"], reference.stale);
        assert_eq!(snapshot.counters["rejected"], reference.rejected);

        let told: Vec<_> = std::mem::take(&mut *self.told.lock());
        let turns: Vec<_> = told.iter().map(|&(_, turn)| turn).collect();
        assert_eq!(turns, std::mem::take(&mut reference.turns));
        if let Some(&(generation, _)) = told.last() {
            assert_eq!(generation, reference.generation);
        }
    }
}

fn word(turn: &Turn) -> &'static str {
    match turn {
        Turn::Opened { .. } => "opened",
        Turn::HalfOpened => "half-opened",
        Turn::RampStarted => "ramp started",
        Turn::Closed => "closed",
        Turn::WouldOpen { .. } => "would open",
        Turn::ForcedOpen => "forced open",
        Turn::ForcedClosed => "forced closed",
        Turn::Disabled => "disabled",
        Turn::Reset => "reset",
        other => panic!("{other:?} has no word"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_breaker_does_what_the_reference_does(
        settings in settings(),
        steps in prop::collection::vec(step(), 1..150),
    ) {
        let mut pair = Pair::new(&settings);
        for step in steps {
            pair.take(step);
        }
    }
}
