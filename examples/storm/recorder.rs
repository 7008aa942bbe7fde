//! What happened to each call, in ticks of time.
//!
//! A call of one of the quiet tenants is recorded twice, one of the noisy tenant apart, in all phases: what
//! is compared is what the others get.
//!
//! | series | of whom | filed under | answers |
//! |---|---|---|---|
//! | `arrived` | the quiet | when it was meant to start | what met a caller who came at that time: table and picture |
//! | `answered` | the quiet | when its answer, or its time-out, came | what an operator sees on a dashboard: the live display, and the time to recover |
//! | `noisy` | the noisy | when it was meant to start | what he got for his noise |
//!
//! A latency runs from the *intended* start to the answer, and failed calls count with the time
//! that their callers waited: leaving them out would make a client look faster the more it fails.
//!
//! Memory is bounded by the number of ticks, whatever the rate: at most 160 a series and run.

use std::{mem, sync::Arc, time::Duration};

use parking_lot::Mutex;

use crate::{
    answers::By,
    phases::{Phase, Phases},
    tally::{Series, Tally},
    tenants::Tenant,
};

/// A tick is at most this long, where that needs no more than [`MOST_TICKS`].
const TICK: Duration = Duration::from_millis(250);
const MOST_TICKS: u32 = 160;

/// How many ticks a run can have: each divides half a second, of which all runs are made, exactly.
const TICKS: [u32; 3] = [40, 80, MOST_TICKS];

/// Calm for so many ticks in a row is recovered: more than half a second of a run of eight.
const STEADY_TICKS: usize = 3;

/// How one run went.
#[derive(Clone)]
pub(crate) struct Record {
    phases: Phases,
    arrived: Series,
    answered: Series,
    noisy: Series,
    in_flight: u64,
    /// How many calls had reached the fleet when it was last looked up.
    reached: u64,
}

impl Record {
    /// `rate` is how many calls a second are due on average, while nobody is noisy, and `grace` how long
    /// after the run the last answer can come.
    pub(crate) fn new(phases: Phases, rate: u32, grace: Duration) -> Self {
        let tick = tick(phases.run());
        Self {
            phases,
            arrived: Series::new(tick, phases.run(), rate),
            answered: Series::new(tick, phases.run() + grace, rate),
            noisy: Series::new(tick, phases.run(), rate),
            in_flight: 0,
            reached: 0,
        }
    }

    pub(crate) fn sent(&mut self) {
        self.in_flight += 1;
    }

    /// A call of `tenant` that was meant to start at `due` ended at `now`.
    pub(crate) fn done(&mut self, tenant: Tenant, due: Duration, now: Duration, ok: bool) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let latency = now.saturating_sub(due);
        if tenant.is_noisy() {
            self.noisy.at(due).record(latency, ok);
        } else {
            self.arrived.at(due).record(latency, ok);
            self.answered.at(now).record(latency, ok);
        }
    }

    /// A call of `tenant` that was due at `due` was not sent.
    pub(crate) fn unsent(&mut self, tenant: Tenant, due: Duration) {
        if tenant.is_noisy() {
            self.noisy.at(due).miss();
        } else {
            self.arrived.at(due).miss();
            self.answered.at(due).miss();
        }
    }

    /// A call of `tenant` about one of the sick member's keys, meant to start at `due`, was answered, or not.
    pub(crate) fn asked_of_sick(&mut self, tenant: Tenant, due: Duration, by: Option<By>) {
        if !tenant.is_noisy() {
            self.arrived.at(due).asked_of_sick(by);
        }
    }

    /// At `now` so many calls had `reached` the fleet, and the sick member's held so many connections.
    ///
    /// What comes after the run is not looked at: the last callers give up, and nobody is due.
    pub(crate) fn seen(&mut self, now: Duration, reached: u64, held: u32) {
        let since = reached - mem::replace(&mut self.reached, reached);
        if now < self.phases.run() {
            self.arrived.at(now).look(since, held);
        }
    }

    /// The quiet tenants' calls by when they were meant to start.
    pub(crate) const fn arrived(&self) -> &Series {
        &self.arrived
    }

    /// The noisy tenant's calls by when they were meant to start.
    pub(crate) const fn noisy(&self) -> &Series {
        &self.noisy
    }

    /// The quiet tenants' calls that were due in `phase`.
    pub(crate) fn phase(&self, phase: Phase) -> Tally {
        self.arrived.over(self.phases.span(phase))
    }

    /// The noisy tenant's calls that were due while he was noisy.
    pub(crate) fn noise(&self) -> Tally {
        self.noisy.over(self.phases.span(Phase::Noisy))
    }

    /// From the beginning of `phase` until answers are steadily as good and as fast as in the calm;
    /// nothing where the phase ended before.
    pub(crate) fn recovery(&self, phase: Phase) -> Option<Duration> {
        let calm = self.answered.over(self.phases.span(Phase::Calm));
        let span = self.phases.span(phase);
        let after: Vec<_> = self
            .answered
            .ticks()
            .filter(|(start, _)| span.contains(start))
            .map(|(start, tally)| (start, tally.is_as_calm_as(&calm)))
            .collect();
        after
            .windows(STEADY_TICKS)
            .find(|window| window.iter().all(|&(_, calm)| calm))
            .map(|window| window[0].0 - span.start)
    }
}

/// A tick that divides a fortieth of the run, so that every phase is whole ticks.
fn tick(run: Duration) -> Duration {
    let wanted = run.as_nanos().div_ceil(TICK.as_nanos());
    let enough = |&ticks: &u32| u128::from(ticks) >= wanted;
    run / TICKS.into_iter().find(enough).unwrap_or(MOST_TICKS)
}

/// What the display shows of a run that goes on.
pub(crate) struct Glance {
    /// What the quiet tenants were answered in about the last second.
    pub(crate) recent: Tally,
    pub(crate) in_flight: u64,
}

/// Takes down what happens, from all tasks of a run; clones share.
#[derive(Clone)]
pub(crate) struct Recorder(Arc<Mutex<Record>>);

impl Recorder {
    pub(crate) fn new(record: Record) -> Self {
        Self(Arc::new(Mutex::new(record)))
    }

    pub(crate) fn sent(&self) {
        self.0.lock().sent();
    }

    /// A call of `tenant` that was meant to start at `due` ended at `now`.
    pub(crate) fn done(&self, tenant: Tenant, due: Duration, now: Duration, ok: bool) {
        self.0.lock().done(tenant, due, now, ok);
    }

    /// A call of `tenant` that was due at `due` was not sent.
    pub(crate) fn unsent(&self, tenant: Tenant, due: Duration) {
        self.0.lock().unsent(tenant, due);
    }

    /// A call of `tenant` about one of the sick member's keys, meant to start at `due`, was answered, or not.
    pub(crate) fn asked_of_sick(&self, tenant: Tenant, due: Duration, by: Option<By>) {
        self.0.lock().asked_of_sick(tenant, due, by);
    }

    /// At `now` so many calls had `reached` the fleet, and the sick member's held so many connections.
    pub(crate) fn seen(&self, now: Duration, reached: u64, held: u32) {
        self.0.lock().seen(now, reached, held);
    }

    pub(crate) fn glance(&self, now: Duration) -> Glance {
        let record = self.0.lock();
        let second = now.saturating_sub(Duration::from_secs(1))..now;
        Glance { recent: record.answered.over(second), in_flight: record.in_flight }
    }

    pub(crate) fn record(&self) -> Record {
        self.0.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Duration = Duration::from_secs(10);
    const GRACE: Duration = Duration::from_secs(1);
    const RATE: u32 = 200;
    const QUIET: Tenant = Tenant::QUIET;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn near(found: Option<Duration>, wanted: Duration) -> bool {
        let found = found.expect("something was recorded").as_secs_f64();
        (found / wanted.as_secs_f64() - 1.0).abs() < 0.002
    }

    /// A record of a call every 5 ms, each of which `answer` turns into its latency and success.
    fn record(answer: impl Fn(Duration) -> (Duration, bool)) -> Record {
        let mut record = Record::new(Phases::over(RUN), RATE, GRACE);
        for due in (0..10_000).step_by(5).map(ms) {
            let (latency, ok) = answer(due);
            record.sent();
            record.done(QUIET, due, due + latency, ok);
        }
        record
    }

    #[test]
    fn a_call_that_was_not_sent_is_a_failure_without_a_latency() {
        let mut record = Record::new(Phases::over(RUN), RATE, GRACE);
        record.unsent(QUIET, ms(10));
        let total = record.arrived().total();
        assert_eq!((total.due(), total.failed(), total.unsent()), (1, 1, 1));
        assert_eq!(total.success(), Some(0.0));
        assert_eq!(total.latency(0.5), None);
    }

    #[test]
    fn latency_is_counted_from_the_intended_start() {
        let mut record = Record::new(Phases::over(RUN), RATE, GRACE);
        record.sent();
        record.done(QUIET, ms(1000), ms(3500), true);
        let tick = record.arrived().over(ms(1000)..ms(1250));
        assert!(near(tick.latency(1.0), ms(2500)));
    }

    #[test]
    fn a_noisy_tenants_calls_are_counted_apart() {
        let mut record = record(|_| (ms(5), true));
        let noisy = Phases::over(RUN).start(Phase::Noisy);
        for due in [ms(0), noisy, noisy, noisy] {
            record.sent();
            record.done(Tenant::NOISY, due, due + ms(400), false);
        }
        record.unsent(Tenant::NOISY, noisy);

        assert_eq!((record.noise().due(), record.noise().failed()), (4, 4));
        assert_eq!(record.noisy().total().due(), 5);
        assert_eq!(record.arrived().total().due(), 2000);
        assert_eq!(record.phase(Phase::Noisy).success(), Some(1.0));
        assert!(near(record.answered.total().latency(1.0), ms(5)));
        assert_eq!(record.in_flight, 0);
    }

    #[test]
    fn a_call_is_in_flight_until_it_is_done() {
        let recorder = Recorder::new(Record::new(Phases::over(RUN), RATE, GRACE));
        recorder.sent();
        recorder.sent();
        recorder.done(QUIET, ms(0), ms(5), true);
        assert_eq!(recorder.glance(ms(500)).in_flight, 1);
    }

    #[test]
    fn what_the_sick_member_held_is_the_most_that_was_seen() {
        let mut record = Record::new(Phases::over(RUN), RATE, GRACE);
        for (now, connections) in [(0, 3), (100, 9), (200, 4), (300, 5)] {
            record.seen(ms(now), 0, connections);
        }
        let ticks: Vec<_> = record.arrived().ticks().map(|(_, tally)| tally.held()).collect();
        assert_eq!(ticks[..3], [9, 5, 0]);
        assert_eq!(record.arrived().total().held(), 9);
    }

    #[test]
    fn a_call_that_reached_the_fleet_is_counted_once_and_only_in_the_run() {
        let mut record = record(|_| (ms(5), true));
        for (now, reached) in
            [(0, 0), (100, 60), (200, 75), (300, 75), (9999, 4000), (10_000, 9000)]
        {
            record.seen(ms(now), reached, 0);
        }
        let first = record.arrived().over(ms(0)..ms(250));
        assert_eq!((first.due(), first.load()), (50, Some(1.5)));
        assert_eq!(record.arrived().total().load(), Some(2.0));
    }

    #[test]
    fn an_answer_after_the_end_is_kept() {
        let mut record = Record::new(Phases::over(RUN), RATE, GRACE);
        record.sent();
        record.done(QUIET, ms(9990), ms(99_999), false);
        assert_eq!(record.arrived().total().due(), 1);
        assert_eq!(record.answered.total().due(), 1);
    }

    #[test]
    fn phases_are_whole_ticks_whatever_the_length_of_the_run() {
        for halves in 2..=600 {
            let phases = Phases::over(Duration::from_millis(500) * halves);
            let tick = tick(phases.run());
            for phase in Phase::ALL {
                let off = phases.start(phase).as_nanos() % tick.as_nanos();
                assert_eq!(off, 0, "{halves} half seconds: {phase} begins within a tick");
            }
        }
    }

    #[test]
    fn a_run_that_was_never_ill_is_recovered_at_once() {
        let record = record(|_| (ms(5), true));
        assert_eq!(record.recovery(Phase::Back), Some(Duration::ZERO));
        assert_eq!(record.recovery(Phase::Healed), Some(Duration::ZERO));
    }

    #[test]
    fn recovery_lasts_until_the_last_time_out_has_come() {
        let record = record(|due| match Phases::over(RUN).at(due) {
            Phase::Dead => (ms(600), false),
            _ => (ms(5), true),
        });
        // The tick of the last one is over 0.75 s after the heal.
        assert_eq!(record.recovery(Phase::Healed), Some(ms(750)));
    }

    #[test]
    fn slow_answers_are_no_recovery_though_all_succeed() {
        let well = Phases::over(RUN).start(Phase::Back);
        let record = record(|due| match due {
            due if due >= well && due < well + ms(1400) => (ms(40), true),
            _ => (ms(5), true),
        });
        // Answers up to 1.44 s after the stall were slow; the tick from 1.5 s on has none.
        assert_eq!(record.recovery(Phase::Back), Some(ms(1500)));
    }

    #[test]
    fn a_call_that_fails_now_and_then_is_no_illness() {
        let well = Phases::over(RUN).start(Phase::Back);
        let record = record(|due| (ms(5), due < well || due.as_millis() % 200 != 0));
        assert_eq!(record.recovery(Phase::Back), Some(Duration::ZERO));
    }

    #[test]
    fn one_calm_tick_between_bad_ones_is_no_recovery() {
        let well = Phases::over(RUN).start(Phase::Back);
        let record = record(|due| {
            let since = due.saturating_sub(well);
            let lull = since >= ms(250) && since < ms(500);
            (ms(5), due < well || lull || since >= ms(1000))
        });
        assert!(record.recovery(Phase::Back) >= Some(ms(1000)));
    }

    #[test]
    fn who_recovers_in_the_next_phase_has_not_recovered_in_this_one() {
        let slow = Phases::over(RUN).start(Phase::Slow);
        let stalled = Phases::over(RUN).start(Phase::Stalled);
        let record = record(|due| (ms(5), due < stalled || due >= slow));
        assert_eq!(record.recovery(Phase::Back), None);
        assert_eq!(record.recovery(Phase::Healed), Some(Duration::ZERO));
    }
}
