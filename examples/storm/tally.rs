//! Calls, counted: in one tick of time, and in many side by side.
//!
//! A tally has the answers and the latencies of those who called, and what the fleet got in the same time
//! from whomever. Each has a histogram of some 70 KiB.

use std::{ops::Range, time::Duration};

use hdrhistogram::Histogram;

use crate::answers::{Answers, By};

/// The longest latency that is told apart; above every time-out here.
const LONGEST_MICROS: u64 = 60_000_000;

/// What was recorded in one tick, or in several together.
#[derive(Clone)]
pub(crate) struct Tally {
    ok: u64,
    failed: u64,
    unsent: u64,
    /// Calls that reached the fleet, whosever they are.
    reached: u64,
    /// How many calls are due in such a time on average, while nobody is noisy.
    usual: f64,
    /// The most connections that the sick member's calls held.
    held: u32,
    /// Who answered for the sick member's keys.
    of_sick: Answers,
    latency: Histogram<u32>,
}

impl Tally {
    /// Of a time in which `usual` calls are due.
    fn new(usual: f64) -> Self {
        Self {
            ok: 0,
            failed: 0,
            unsent: 0,
            reached: 0,
            usual,
            held: 0,
            of_sick: Answers::default(),
            latency: Histogram::new_with_bounds(1, LONGEST_MICROS, 3)
                .expect("the bounds are constants, and hdrhistogram takes them"),
        }
    }

    /// A call that was meant to start in this time took so long.
    pub(crate) fn record(&mut self, latency: Duration, ok: bool) {
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
        self.usual += other.usual;
        self.held = self.held.max(other.held);
        self.of_sick.add(other.of_sick);
        self.latency.add(&other.latency).expect("all tallies have the same bounds");
    }

    /// A call was due and not sent.
    pub(crate) const fn miss(&mut self) {
        self.unsent += 1;
    }

    /// So many calls more have reached the fleet, and the sick member's hold so many connections.
    pub(crate) fn look(&mut self, reached: u64, held: u32) {
        self.reached += reached;
        self.held = self.held.max(held);
    }

    /// A call about one of the sick member's keys was answered by somebody, or by nobody.
    pub(crate) const fn asked_of_sick(&mut self, by: Option<By>) {
        self.of_sick.record(by);
    }

    /// Who answered the calls about the sick member's keys.
    pub(crate) const fn of_sick(&self) -> Answers {
        self.of_sick
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

    /// How many calls reached the fleet.
    pub(crate) const fn reached(&self) -> u64 {
        self.reached
    }

    /// How many calls reached the fleet, in times of what is due on average: 1 where nobody is noisy, tries
    /// again, or gives up before.
    pub(crate) fn load(&self) -> Option<f64> {
        (self.usual > 0.0).then(|| self.reached as f64 / self.usual)
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
    pub(crate) fn is_as_calm_as(&self, calm: &Self) -> bool {
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
    /// Ticks that fill a time, at `rate` calls a second.
    pub(crate) fn new(tick: Duration, length: Duration, rate: u32) -> Self {
        let ticks = length.as_nanos().div_ceil(tick.as_nanos()) as usize;
        let tally = Tally::new(f64::from(rate) * tick.as_secs_f64());
        Self { tick, tallies: vec![tally; ticks.max(1)] }
    }

    /// The tick of a time; the last one for all that is later.
    fn index(&self, time: Duration) -> usize {
        let index = (time.as_nanos() / self.tick.as_nanos()) as usize;
        index.min(self.tallies.len() - 1)
    }

    /// The tally of a time.
    pub(crate) fn at(&mut self, time: Duration) -> &mut Tally {
        let index = self.index(time);
        &mut self.tallies[index]
    }

    /// All ticks that begin in `span`, added up.
    pub(crate) fn over(&self, span: Range<Duration>) -> Tally {
        let mut sum = Tally::new(0.0);
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

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn near(found: Option<Duration>, wanted: Duration) -> bool {
        let found = found.expect("something was recorded").as_secs_f64();
        (found / wanted.as_secs_f64() - 1.0).abs() < 0.002
    }

    #[test]
    fn percentiles_are_those_of_all_calls() {
        let mut tally = Tally::new(50.0);
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
        let mut tally = Tally::new(50.0);
        tally.record(ms(1000), false);
        assert!(near(tally.latency(0.5), ms(1000)));
    }

    #[test]
    fn nothing_recorded_has_no_share_and_no_percentile() {
        let tally = Tally::new(50.0);
        assert_eq!(tally.success(), None);
        assert_eq!(tally.latency(0.99), None);
    }

    #[test]
    fn a_latency_beyond_the_scale_is_the_longest_and_not_lost() {
        let mut tally = Tally::new(50.0);
        tally.record(Duration::from_secs(3600), false);
        assert!(tally.latency(1.0) >= Some(Duration::from_secs(59)));
    }

    #[test]
    fn load_is_measured_by_what_is_usual_and_not_by_what_is_due() {
        let mut series = Series::new(ms(250), ms(1000), 200);
        series.at(ms(0)).look(50, 0);
        series.at(ms(250)).look(150, 0);
        series.at(ms(250)).record(ms(5), true);
        assert_eq!(series.over(ms(0)..ms(250)).load(), Some(1.0));
        assert_eq!(series.over(ms(0)..ms(500)).load(), Some(2.0));
        assert_eq!(series.total().load(), Some(1.0));
    }
}
