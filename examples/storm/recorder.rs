//! What happened to each call, in ticks of time.
//!
//! Every call is recorded twice:
//!
//! | series | filed under | answers |
//! |---|---|---|
//! | `arrived` | when it was meant to start | what met a caller who came at that time: table and picture |
//! | `answered` | when its answer, or its time-out, came | what an operator sees on a dashboard: the live display, and the time to recover |
//!
//! A latency runs from the *intended* start to the answer, and failed calls count with the time
//! that their callers waited: leaving them out would make a client look faster the more it fails.
//!
//! Memory is bounded by the number of ticks, whatever the rate: at most 160 a series and run, each a
//! histogram of some 70 KiB.

use std::{mem, ops::Range, sync::Arc, time::Duration};

use hdrhistogram::Histogram;
use parking_lot::Mutex;

use crate::phases::{Phase, Phases};

/// The longest latency that is told apart; above every time-out here.
const LONGEST_MICROS: u64 = 60_000_000;

/// A tick is at most this long, where that needs no more than [`MOST_TICKS`].
const TICK: Duration = Duration::from_millis(250);
const MOST_TICKS: u32 = 160;

/// How many ticks a run can have: each divides half a second, of which all runs are made, exactly.
const TICKS: [u32; 3] = [40, 80, MOST_TICKS];

/// Calm for so many ticks in a row is recovered: more than half a second of a run of eight.
const STEADY_TICKS: usize = 3;

/// What was recorded in one tick, or in several together.
#[derive(Clone)]
pub(crate) struct Tally {
    ok: u64,
    failed: u64,
    unsent: u64,
    /// Calls that reached the fleet.
    reached: u64,
    /// The most connections that the sick member's calls held.
    held: u32,
    latency: Histogram<u32>,
}

impl Tally {
    fn new() -> Self {
        Self {
            ok: 0,
            failed: 0,
            unsent: 0,
            reached: 0,
            held: 0,
            latency: Histogram::new_with_bounds(1, LONGEST_MICROS, 3)
                .expect("the bounds are constants, and hdrhistogram takes them"),
        }
    }

    fn record(&mut self, latency: Duration, ok: bool) {
        if ok {
            self.ok += 1;
        } else {
            self.failed += 1;
        }
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.latency.saturating_record(micros);
    }

    fn add(&mut self, other: &Self) {
        self.ok += other.ok;
        self.failed += other.failed;
        self.unsent += other.unsent;
        self.reached += other.reached;
        self.held = self.held.max(other.held);
        self.latency.add(&other.latency).expect("all tallies have the same bounds");
    }

    /// Calls that were due, sent or not.
    pub(crate) const fn due(&self) -> u64 {
        self.ok + self.failed + self.unsent
    }

    pub(crate) const fn failed(&self) -> u64 {
        self.failed + self.unsent
    }

    /// Calls that were due and not sent, because too many were in flight.
    pub(crate) const fn unsent(&self) -> u64 {
        self.unsent
    }

    /// The most connections that the sick member's calls held.
    pub(crate) const fn held(&self) -> u32 {
        self.held
    }

    /// How many calls reached the fleet for each that was due: 1 where nobody tries again and nobody gives
    /// up before; nothing where none was due.
    pub(crate) fn load(&self) -> Option<f64> {
        (self.due() > 0).then(|| self.reached as f64 / self.due() as f64)
    }

    /// The share of the calls due that were answered well; nothing where none was due.
    pub(crate) fn success(&self) -> Option<f64> {
        (self.due() > 0).then(|| self.ok as f64 / self.due() as f64)
    }

    /// The latency that `share` of the calls did not exceed; nothing where none was sent.
    pub(crate) fn latency(&self, share: f64) -> Option<Duration> {
        (!self.latency.is_empty())
            .then(|| Duration::from_micros(self.latency.value_at_quantile(share)))
    }

    /// Whether this is as good as `calm`: at most five points of success below, at most twice the p99.
    ///
    /// Of the few calls in a tick one in a hundred fails at any time: three times as many in one tick are
    /// chance, and no illness.
    fn is_as_calm_as(&self, calm: &Self) -> bool {
        let success = (self.success(), calm.success());
        let p99 = (self.latency(0.99), calm.latency(0.99));
        matches!(success, (Some(now), Some(calm)) if now >= calm - 0.05)
            && matches!(p99, (Some(now), Some(calm)) if now <= calm * 2)
    }
}

/// Tallies of equal ticks, side by side.
#[derive(Clone)]
pub(crate) struct Series {
    tick: Duration,
    tallies: Vec<Tally>,
}

impl Series {
    fn new(tick: Duration, length: Duration) -> Self {
        let ticks = length.as_nanos().div_ceil(tick.as_nanos()) as usize;
        Self { tick, tallies: vec![Tally::new(); ticks.max(1)] }
    }

    /// The tick of a time; the last one for all that is later.
    fn index(&self, time: Duration) -> usize {
        let index = (time.as_nanos() / self.tick.as_nanos()) as usize;
        index.min(self.tallies.len() - 1)
    }

    fn at(&mut self, time: Duration) -> &mut Tally {
        let index = self.index(time);
        &mut self.tallies[index]
    }

    /// All ticks that begin in `span`, added up.
    pub(crate) fn over(&self, span: Range<Duration>) -> Tally {
        let mut sum = Tally::new();
        for (_, tally) in self.ticks().filter(|(start, _)| span.contains(start)) {
            sum.add(tally);
        }
        sum
    }

    /// Everything, added up.
    pub(crate) fn total(&self) -> Tally {
        self.over(Duration::ZERO..Duration::MAX)
    }

    /// Each tick with the time at which it begins.
    pub(crate) fn ticks(&self) -> impl Iterator<Item = (Duration, &Tally)> {
        let starts = (0u32..).map(|tick| self.tick * tick);
        starts.zip(&self.tallies)
    }

    pub(crate) const fn tick(&self) -> Duration {
        self.tick
    }
}

/// How one run went.
#[derive(Clone)]
pub(crate) struct Record {
    phases: Phases,
    arrived: Series,
    answered: Series,
    in_flight: u64,
    /// How many calls had reached the fleet when it was last looked up.
    reached: u64,
}

impl Record {
    /// `grace` is how long after the run the last answer can come.
    pub(crate) fn new(phases: Phases, grace: Duration) -> Self {
        let tick = tick(phases.run());
        Self {
            phases,
            arrived: Series::new(tick, phases.run()),
            answered: Series::new(tick, phases.run() + grace),
            in_flight: 0,
            reached: 0,
        }
    }

    pub(crate) fn sent(&mut self) {
        self.in_flight += 1;
    }

    /// A call that was meant to start at `due` ended at `now`.
    pub(crate) fn done(&mut self, due: Duration, now: Duration, ok: bool) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let latency = now.saturating_sub(due);
        self.arrived.at(due).record(latency, ok);
        self.answered.at(now).record(latency, ok);
    }

    /// A call that was due at `due` was not sent.
    pub(crate) fn unsent(&mut self, due: Duration) {
        self.arrived.at(due).unsent += 1;
        self.answered.at(due).unsent += 1;
    }

    /// At `now` so many calls had `reached` the fleet, and the sick member's held so many connections.
    ///
    /// What comes after the run is not looked at: the last callers give up, and nobody is due.
    pub(crate) fn seen(&mut self, now: Duration, reached: u64, held: u32) {
        let since = reached - mem::replace(&mut self.reached, reached);
        if now < self.phases.run() {
            let tick = self.arrived.at(now);
            tick.reached += since;
            tick.held = tick.held.max(held);
        }
    }

    /// Calls by when they were meant to start.
    pub(crate) const fn arrived(&self) -> &Series {
        &self.arrived
    }

    /// Calls that were due in `phase`.
    pub(crate) fn phase(&self, phase: Phase) -> Tally {
        self.arrived.over(self.phases.span(phase))
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
    /// What was answered in about the last second.
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

    /// A call that was meant to start at `due` ended at `now`.
    pub(crate) fn done(&self, due: Duration, now: Duration, ok: bool) {
        self.0.lock().done(due, now, ok);
    }

    /// A call that was due at `due` was not sent.
    pub(crate) fn unsent(&self, due: Duration) {
        self.0.lock().unsent(due);
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

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn near(found: Option<Duration>, wanted: Duration) -> bool {
        let found = found.expect("something was recorded").as_secs_f64();
        (found / wanted.as_secs_f64() - 1.0).abs() < 0.002
    }

    /// A record of a call every 5 ms, each of which `answer` turns into its latency and success.
    fn record(answer: impl Fn(Duration) -> (Duration, bool)) -> Record {
        let mut record = Record::new(Phases::over(RUN), GRACE);
        for due in (0..10_000).step_by(5).map(ms) {
            let (latency, ok) = answer(due);
            record.sent();
            record.done(due, due + latency, ok);
        }
        record
    }

    #[test]
    fn percentiles_are_those_of_all_calls() {
        let mut tally = Tally::new();
        for millis in 1..=1000 {
            tally.record(ms(millis), true);
        }
        assert!(near(tally.latency(0.5), ms(500)));
        assert!(near(tally.latency(0.99), ms(990)));
        assert!(near(tally.latency(0.999), ms(999)));
        assert!(near(tally.latency(1.0), ms(1000)));
    }

    #[test]
    fn a_failed_call_counts_with_the_time_that_it_took() {
        let mut tally = Tally::new();
        tally.record(ms(1000), false);
        assert!(near(tally.latency(0.5), ms(1000)));
    }

    #[test]
    fn a_call_that_was_not_sent_is_a_failure_without_a_latency() {
        let mut record = Record::new(Phases::over(RUN), GRACE);
        record.unsent(ms(10));
        let total = record.arrived().total();
        assert_eq!((total.due(), total.failed(), total.unsent()), (1, 1, 1));
        assert_eq!(total.success(), Some(0.0));
        assert_eq!(total.latency(0.5), None);
    }

    #[test]
    fn nothing_recorded_has_no_share_and_no_percentile() {
        let tally = Tally::new();
        assert_eq!(tally.success(), None);
        assert_eq!(tally.latency(0.99), None);
    }

    #[test]
    fn a_latency_beyond_the_scale_is_the_longest_and_not_lost() {
        let mut tally = Tally::new();
        tally.record(Duration::from_secs(3600), false);
        assert!(tally.latency(1.0) >= Some(Duration::from_secs(59)));
    }

    #[test]
    fn latency_is_counted_from_the_intended_start() {
        let mut record = Record::new(Phases::over(RUN), GRACE);
        record.sent();
        record.done(ms(1000), ms(3500), true);
        let tick = record.arrived().over(ms(1000)..ms(1250));
        assert!(near(tick.latency(1.0), ms(2500)));
    }

    #[test]
    fn a_call_is_in_flight_until_it_is_done() {
        let recorder = Recorder::new(Record::new(Phases::over(RUN), GRACE));
        recorder.sent();
        recorder.sent();
        recorder.done(ms(0), ms(5), true);
        assert_eq!(recorder.glance(ms(500)).in_flight, 1);
    }

    #[test]
    fn what_the_sick_member_held_is_the_most_that_was_seen() {
        let mut record = Record::new(Phases::over(RUN), GRACE);
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
        let mut record = Record::new(Phases::over(RUN), GRACE);
        record.sent();
        record.done(ms(9990), ms(99_999), false);
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
            Phase::Dead => (ms(1000), false),
            _ => (ms(5), true),
        });
        assert_eq!(record.recovery(Phase::Healed), Some(ms(1000)));
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
