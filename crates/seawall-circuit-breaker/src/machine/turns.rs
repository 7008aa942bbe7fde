//! The turns of a circuit: who makes them, and when.

use std::time::Duration;

use seawall_core::{
    Nanos, Outcome, Ratio,
    sync::atomic::{
        Ordering::{Acquire, Relaxed, Release},
        fence,
    },
};

use super::{Machine, Probes, State, Ticket, Word, in_flight::InFlight};
use crate::{
    Cause, Turn,
    outside::Outside,
    window::{Call, Totals, generation::Generation},
};

const LEASE_MS_BITS: u32 = 44;

/// How many probes of each kind decide over a half-open circuit.
///
/// With `n` probes and a threshold of `r` bad ones that opens, `n - r + 1` good ones close: then the
/// rest cannot reach `r` any more. So the verdict comes as soon as it is certain, and it always comes
/// once all are back.
struct Verdict {
    open_at_failed: u32,
    open_at_slow: u32,
    close_at_ok: u32,
    close_at_fast: u32,
}

impl Machine {
    /// Says until when the probes of `generation` may take, if nobody has said a later time.
    ///
    /// It is said before the probe is admitted, so that whoever sees a full circuit finds a lease; `seen`
    /// is the word that the admission rests on.
    pub(super) fn extend_lease(&self, seen: Word, generation: u32, now_ms: u64) {
        let lease = now_ms + self.rules.lease_ms();
        let ours = u64::from(generation) << LEASE_MS_BITS | lease;
        let mut present = self.lease.load(Relaxed);
        loop {
            let is_ours = present >> LEASE_MS_BITS == u64::from(generation);
            // One of another generation is a later one only if the circuit has turned.
            let is_later = if is_ours {
                present >= ours
            } else {
                fence(Acquire); // who wrote that lease had seen the turn: now we do
                self.word() != seen
            };
            if is_later {
                return;
            }
            // The turn or the admission that follows publishes it.
            match self.lease.compare_exchange_weak(present, ours, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => present = now,
            }
        }
    }

    /// How many milliseconds the probes of `generation` still have.
    pub(super) fn lease_left(&self, generation: u32, now_ms: u64) -> u64 {
        let lease = self.lease.load(Relaxed);
        if lease >> LEASE_MS_BITS != u64::from(generation) {
            return self.rules.lease_ms(); // that of a later generation: the word has changed too
        }
        (lease & ((1 << LEASE_MS_BITS) - 1)).saturating_sub(now_ms)
    }

    /// Opens the circuit again, since its probes did not come back within their lease.
    pub(super) fn fail_lost_probes(&self, word: Word, outside: &impl Outside) -> Word {
        let opens = word.opens() + 1;
        let open_for = outside.open_for(opens);
        let until = self.ms_after(outside.now(), open_for);
        let lost = word.probes().in_flight();
        let opened = self.open(word, opens, until, open_for, Cause::ProbesLost { lost }, outside);
        opened.unwrap_or_else(|seen| seen)
    }

    /// Takes the outcome of a probe, and turns the circuit where that decides it.
    #[cold]
    pub(super) fn settle_probe(
        &self,
        mut word: Word,
        ticket: Ticket,
        outcome: Outcome,
        slow: bool,
        outside: &impl Outside,
    ) {
        while word.generation() == ticket.generation() {
            let before = word.probes();
            let probes = match outcome {
                Outcome::Ignored => Probes { admitted: before.admitted - 1, ..before },
                Outcome::Success => {
                    Probes { ok: before.ok + 1, slow: before.slow + u32::from(slow), ..before }
                }
                Outcome::Failure => Probes {
                    failed: before.failed + 1,
                    slow: before.slow + u32::from(slow),
                    ..before
                },
            };
            match self.judge_probes(word, probes, outside) {
                Ok(()) => {
                    self.count_outcome(outcome, slow);
                    return;
                }
                Err(seen) => word = seen,
            }
        }
        self.stats.stale.add(1);
    }

    fn judge_probes(&self, word: Word, probes: Probes, outside: &impl Outside) -> Result<(), Word> {
        let Verdict { open_at_failed, open_at_slow, close_at_ok, close_at_fast } = self.verdict();
        let Probes { ok, failed, slow, .. } = probes;
        if failed >= open_at_failed || slow >= open_at_slow {
            let opens = word.opens() + 1;
            let open_for = outside.open_for(opens);
            let until = self.ms_after(outside.now(), open_for);
            let cause = Cause::ProbesFailed { failed, slow };
            self.open(word, opens, until, open_for, cause, outside)?;
        } else if ok >= close_at_ok && ok + failed - slow >= close_at_fast {
            let now_ms = self.ms(outside.now());
            let state = match self.rules.ramp_ms() {
                Some(_) => State::Ramp,
                None => State::Closed,
            };
            let next = word.turn(state, word.opens(), now_ms);
            self.swap(word, next)?;
            outside.turned(next.generation(), closing(state));
        } else {
            self.swap(word, word.same(State::HalfOpen, probes.payload()))?;
        }
        Ok(())
    }

    fn verdict(&self) -> Verdict {
        let probes = self.rules.probes().max(1);
        let at = |rate: Option<Ratio>| match rate {
            Some(rate) => (rate.count_of(probes.into()) as u32).min(probes),
            None => 1,
        };
        // Where no rate is set for failures, one is enough; for slow calls, none ever is.
        let open_at_failed = at(self.rules.failure_rate());
        let (open_at_slow, close_at_fast) = match self.rules.slow_rate() {
            Some(rate) => {
                let open_at = at(Some(rate));
                (open_at, probes - open_at + 1)
            }
            None => (u32::MAX, 0),
        };
        Verdict {
            open_at_failed,
            open_at_slow,
            close_at_ok: probes - open_at_failed + 1,
            close_at_fast,
        }
    }

    /// Begins to let a growing share in, without probes.
    pub(super) fn start_ramp(&self, word: Word, now_ms: u64, outside: &impl Outside) -> Word {
        let state = match self.rules.ramp_ms() {
            Some(_) => State::Ramp,
            None => State::Closed, // the settings changed while it was open
        };
        let next = word.turn(state, word.opens(), now_ms);
        self.turn(word, next, closing(state), outside)
    }

    /// Lets everything in. The generation stays: calls of the ramp count on.
    pub(super) fn end_ramp(&self, word: Word, now_ms: u64, outside: &impl Outside) -> Word {
        let next = word.same(State::Closed, now_ms);
        self.turn(word, next, Turn::Closed, outside)
    }

    /// Looks at the rules after a call that was bad.
    #[cold]
    pub(super) fn judge(
        &self,
        generation: Generation<'_>,
        call: Call,
        now: Nanos,
        outside: &impl Outside,
    ) {
        self.stats.failures.add(call.failed.into());
        self.stats.slow.add(call.slow.into());
        let in_a_row = if call.failed && self.rules.consecutive_failures() > 0 {
            self.streak.failure(generation)
        } else {
            0
        };
        let cause = if in_a_row > 0 && in_a_row >= self.rules.consecutive_failures() {
            Some(Cause::ConsecutiveFailures { failures: in_a_row })
        } else {
            let totals = self.tally.as_ref().map(|tally| tally.totals(generation.number(), now));
            totals.and_then(|totals| self.rate_that_trips(totals))
        };
        if let Some(cause) = cause {
            self.trip(self.word(), generation.number(), cause, outside);
        }
    }

    fn rate_that_trips(&self, totals: Totals) -> Option<Cause> {
        if totals.calls < self.rules.minimum_calls() {
            return None;
        }
        let over = |rate: Ratio, threshold: Option<Ratio>| threshold.is_some_and(|t| rate >= t);
        if over(totals.failure_rate(), self.rules.failure_rate()) {
            return Some(Cause::FailureRate { rate: totals.failure_rate(), calls: totals.calls });
        }
        if over(totals.slow_rate(), self.rules.slow_rate()) {
            return Some(Cause::SlowCallRate { rate: totals.slow_rate(), calls: totals.calls });
        }
        None
    }

    /// Opens the circuit where calls hang; returns the word that is there then.
    pub(super) fn trip_if_hung(
        &self,
        word: Word,
        in_flight: &InFlight,
        now: Nanos,
        outside: &impl Outside,
    ) -> Option<Word> {
        let enough = self.rules.hung_calls();
        let hung = in_flight.overdue(word.generation(), now);
        if enough == 0 || hung < enough {
            return None;
        }
        Some(self.trip(word, word.generation(), Cause::HungCalls { hung }, outside))
    }

    /// Opens a circuit in which calls flow; returns the word that is there then.
    fn trip(&self, mut word: Word, generation: u32, cause: Cause, outside: &impl Outside) -> Word {
        // Another may have made the turn already, or have ended the ramp, which is none.
        while word.generation() == generation && matches!(word.state(), State::Closed | State::Ramp)
        {
            let now = outside.now();
            let opens = self.opens_next(word, self.ms(now));
            let open_for = outside.open_for(opens);
            let until = self.ms_after(now, open_for);
            match self.open(word, opens, until, open_for, cause.clone(), outside) {
                Ok(opened) => return opened,
                Err(seen) => word = seen,
            }
        }
        if word.generation() == generation && word.state() == State::Disabled {
            let told = self.told.replace(generation.into());
            if told != u64::from(generation) {
                outside.turned(generation, Turn::WouldOpen { cause });
            }
        }
        word
    }

    /// How often the circuit has opened in a row, if it opens now.
    fn opens_next(&self, word: Word, now_ms: u64) -> u32 {
        let stable = word.state() == State::Closed
            && word.passed(now_ms).is_none_or(|passed| passed >= self.rules.stable_ms());
        if stable { 1 } else { word.opens() + 1 }
    }

    /// Opens the circuit if `word` is still there, or says what is there instead.
    fn open(
        &self,
        word: Word,
        opens: u32,
        until_ms: u64,
        open_for: Duration,
        cause: Cause,
        outside: &impl Outside,
    ) -> Result<Word, Word> {
        let next = word.turn(State::Open, opens, until_ms);
        self.swap(word, next)?;
        self.stats.opened.add(1);
        outside.turned(next.generation(), Turn::Opened { cause, open_for, opens: next.opens() });
        Ok(next)
    }

    /// Makes a turn if `word` is still there; returns the word that is there then.
    fn turn(&self, word: Word, next: Word, turn: Turn, outside: &impl Outside) -> Word {
        match self.swap(word, next) {
            Ok(()) => {
                outside.turned(next.generation(), turn);
                next
            }
            Err(seen) => seen,
        }
    }

    /// Turns the circuit to `state` by hand; does nothing where it is there already.
    pub(crate) fn force(&self, state: State, turn: &Turn, outside: &impl Outside) {
        let mut word = self.word();
        let now_ms = self.ms(outside.now());
        // A reset of a closed circuit is a turn too: it forgets what the window holds.
        while word.state() != state || state == State::Closed {
            let next = word.turn(state, 0, now_ms);
            let there = self.turn(word, next, turn.clone(), outside);
            if there == next {
                return;
            }
            word = there;
        }
    }

    /// Opens the circuit by hand for `time`, from whatever state.
    pub(crate) fn open_by_hand(&self, time: Duration, outside: &impl Outside) {
        let mut word = self.word();
        loop {
            let now = outside.now();
            let opens = self.opens_next(word, self.ms(now));
            let until = self.ms_after(now, time);
            let opened = self.open(word, opens, until, time, Cause::ByHand, outside);
            let next = opened.unwrap_or_else(|seen| seen);
            // Opened, by this call or by another in the same moment, and for long enough.
            let opened = next.state() == State::Open && next.generation() != word.generation();
            if opened && next.passed(until).unwrap_or(0) == 0 {
                return;
            }
            word = next;
        }
    }

    fn count_outcome(&self, outcome: Outcome, slow: bool) {
        if outcome != Outcome::Ignored {
            self.stats.failures.add((outcome == Outcome::Failure).into());
            self.stats.slow.add(slow.into());
        }
    }
}

const fn closing(state: State) -> Turn {
    match state {
        State::Ramp => Turn::RampStarted,
        _ => Turn::Closed,
    }
}
