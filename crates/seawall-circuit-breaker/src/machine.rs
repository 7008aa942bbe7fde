//! The state machine of a circuit: pure, synchronous and lock-free.
//!
//! Read [`word`](crate::word) first for what is in the circuit's word, then [`Machine::admit`] and
//! [`Machine::settle`], the two ends of a call; `turns` holds the turns that they and the user make.
//! It knows no clock and no runtime: what it needs from outside it asks of an [`Outside`].
//!
//! # The table
//!
//! | state \ event | a call asks | an outcome of this generation | by hand |
//! |---|---|---|---|
//! | Closed | admitted | counted; a rule that trips: Open | as told |
//! | Open, time not over | rejected | - | as told |
//! | Open, time over | HalfOpen with the first probe, or Ramp | - | as told |
//! | HalfOpen, place left | admitted as a probe | - | as told |
//! | HalfOpen, full | rejected; lease over: Open | enough well: Ramp or Closed; enough bad: Open; none: its place is free | as told |
//! | Ramp | the growing share is admitted; at its end: Closed | counted; a rule that trips: Open | as told |
//! | ForcedOpen | rejected | - | as told |
//! | ForcedClosed | admitted, not watched | - | as told |
//! | Disabled | admitted | counted; a rule that would trip is told once | as told |
//!
//! A success never opens a circuit: the rules are looked at when a call failed or was slow.
//!
//! # What it promises
//!
//! 1. Never more probes are in flight than the rules allow.
//! 2. In each generation exactly one caller makes the turn, and only that one tells of it.
//! 3. An outcome counts in the generation that admitted the call, and in no other.
//! 4. A probe that is dropped frees its place; one that never comes back holds it for the lease.
//! 5. A rejection writes nothing to the circuit.
//!
//! # Synchronization
//!
//! All that turns together is in one word, so each promise is about the order of changes to one
//! atomic, which Relaxed would keep. The turns publish: whoever sees a new generation (Acquire) sees
//! what its maker did before (AcqRel), such as the lease of its first probe.

pub(crate) mod in_flight;
pub(crate) mod streak;
pub(crate) mod throttle;
mod ticket;
mod turns;
mod view;

use std::time::Duration;

use seawall_core::{
    CachePadded, Nanos, Outcome, Ratio,
    sync::{
        SpreadStat, Stat,
        atomic::{
            AtomicU64,
            Ordering::{AcqRel, Acquire},
        },
    },
};

pub(crate) use self::ticket::{Refusal, Role, Ticket, Why};
use self::{in_flight::InFlight, streak::Streak, throttle::Throttle};
use crate::{
    Config, Turn,
    outside::Outside,
    rules::Rules,
    window::{Call, Tally, generation::Generation},
    word::{Probes, State, Word},
};

#[derive(Debug)]
pub(crate) struct Machine {
    word: CachePadded<AtomicU64>,
    /// Until when the probes of a generation may take: see `turns::extend_lease`.
    lease: AtomicU64,
    tally: Option<Tally>,
    streak: Streak,
    in_flight: Option<InFlight>,
    throttle: Option<Throttle>,
    origin: Nanos,
    pub(crate) rules: Rules,
    /// The generation in which a disabled circuit last told that it would have opened.
    told: Stat,
    pub(crate) stats: Stats,
    /// There is nothing to look at but the word and the outcomes: no slow, hung or throttled calls.
    is_plain: bool,
}

/// Counts that no decision rests on.
#[derive(Debug)]
pub(crate) struct Stats {
    pub(crate) failures: Stat,
    pub(crate) slow: Stat,
    pub(crate) stale: Stat,
    pub(crate) opened: Stat,
    pub(crate) rejected: SpreadStat,
    pub(crate) shadowed: Stat,
}

impl Stats {
    fn new(lanes: usize) -> Self {
        let [failures, slow, stale, opened, shadowed] = std::array::from_fn(|_| Stat::new(0));
        let rejected = SpreadStat::new(lanes);
        Self { failures, slow, stale, opened, rejected, shadowed }
    }
}

impl Machine {
    pub(crate) fn new(config: &Config, origin: Nanos, lanes: usize) -> Self {
        let watches_slow = config.slow_call.is_some();
        let lanes = lanes.next_power_of_two();
        Self {
            word: CachePadded::new(AtomicU64::new(Word::new(State::Closed, 0, 0, 0).0)),
            lease: AtomicU64::new(0),
            tally: config.has_rates().then(|| Tally::new(config.window, lanes, watches_slow)),
            streak: Streak::new(),
            in_flight: config.hung_calls.map(|hung| InFlight::new(hung.longer_than)),
            throttle: config.throttle.map(|t| Throttle::new(t.over, t.k, t.most, lanes)),
            origin,
            rules: Rules::new(config),
            told: Stat::new(u64::MAX),
            stats: Stats::new(lanes),
            is_plain: !watches_slow && config.hung_calls.is_none() && config.throttle.is_none(),
        }
    }

    /// Lets a call in, or says why not.
    #[cfg(any(test, feature = "tokio"))]
    pub(crate) fn admit(&self, outside: &impl Outside) -> Result<Ticket, Refusal> {
        match self.admit_closed() {
            Some(ticket) => Ok(ticket),
            None => self.admit_otherwise(outside),
        }
    }

    /// Lets a call in where the circuit is closed and plain.
    ///
    /// With `settle_well` this is all that a healthy circuit does: together they are short enough to
    /// become part of the caller's code.
    #[inline]
    pub(crate) fn admit_closed(&self) -> Option<Ticket> {
        let word = self.word();
        (word.state() == State::Closed && self.is_plain)
            .then(|| Ticket::new(word.generation(), Role::Watched, Nanos::ZERO))
    }

    #[inline(never)]
    pub(crate) fn admit_otherwise(&self, outside: &impl Outside) -> Result<Ticket, Refusal> {
        let mut word = self.word();
        if word.state() == State::Closed && self.in_flight.is_none() && self.throttle.is_none() {
            return Ok(Ticket::new(word.generation(), Role::Watched, self.started(outside)));
        }
        let now_ms = || self.ms(outside.now_coarse());
        loop {
            // An `Err` is the word that a turn, made here or by another, left behind.
            let step = match word.state() {
                State::Closed => self.admit_watched(word, outside),
                State::Disabled => Ok(Ok(self.start(word, outside.now()))),
                State::ForcedClosed => Ok(Ok(bystander(word))),
                State::ForcedOpen => Ok(Err(Refusal::FORCED)),
                State::Open => self.admit_open(word, now_ms(), outside),
                State::HalfOpen => self.admit_probe(word, now_ms(), outside),
                State::Ramp => self.admit_ramp(word, now_ms(), outside),
            };
            match step {
                Ok(Err(refusal)) => return self.refuse(word, refusal, outside),
                Ok(admitted) => return admitted,
                Err(turned) => word = turned,
            }
        }
    }

    /// Rejects; or lets a call through where rejections are not all meant.
    fn refuse(
        &self,
        word: Word,
        refusal: Refusal,
        outside: &impl Outside,
    ) -> Result<Ticket, Refusal> {
        let enforce = self.rules.enforce();
        if enforce < Ratio::ONE && !outside.happens(enforce) {
            self.stats.shadowed.add(1);
            return Ok(bystander(word));
        }
        self.stats.rejected.add(outside.lane(), 1);
        Err(refusal)
    }

    fn admit_watched(&self, word: Word, outside: &impl Outside) -> Step {
        let now = outside.now();
        if let Some(in_flight) = &self.in_flight
            && in_flight.is_first_to_look(now)
            && let Some(turned) = self.trip_if_hung(word, in_flight, now, outside)
        {
            return Err(turned);
        }
        if let Some(throttle) = &self.throttle {
            let grace = self.rules.minimum_calls();
            let generation = Generation::new(word.generation(), &self.word);
            let share = throttle.request(generation, grace, now, outside.lane());
            if share > Ratio::ZERO && outside.happens(share) {
                return Ok(Err(Refusal::wait_ms(Why::Throttle, THROTTLE_RECHECK_MS)));
            }
        }
        Ok(Ok(self.start(word, now)))
    }

    fn admit_open(&self, word: Word, now_ms: u64, outside: &impl Outside) -> Step {
        let left = word.left(now_ms);
        if left > 0 {
            return Ok(Err(Refusal::wait_ms(Why::Open, left)));
        }
        if self.rules.probes() == 0 {
            return Err(self.start_ramp(word, now_ms, outside));
        }
        let first = Probes { admitted: 1, ..Probes::default() };
        let next = word.turn(State::HalfOpen, word.opens(), first.payload());
        self.extend_lease(word, next.generation(), now_ms);
        match self.swap(word, next) {
            Ok(()) => {
                outside.turned(next.generation(), Turn::HalfOpened);
                Ok(Ok(self.probe(next, outside)))
            }
            Err(seen) => Err(seen),
        }
    }

    fn admit_probe(&self, word: Word, now_ms: u64, outside: &impl Outside) -> Step {
        let probes = word.probes();
        if probes.admitted < self.rules.probes() {
            self.extend_lease(word, word.generation(), now_ms);
            let admitted = Probes { admitted: probes.admitted + 1, ..probes };
            let next = word.same(State::HalfOpen, admitted.payload());
            return self.swap(word, next).map(|()| Ok(self.probe(next, outside)));
        }
        match self.lease_left(word.generation(), now_ms) {
            0 => Err(self.fail_lost_probes(word, outside)),
            left => Ok(Err(Refusal::wait_ms(Why::ProbesFull, left))),
        }
    }

    fn admit_ramp(&self, word: Word, now_ms: u64, outside: &impl Outside) -> Step {
        let passed = word.passed(now_ms).unwrap_or(0);
        let ramp_ms = self.rules.ramp_ms().unwrap_or(0);
        if passed >= ramp_ms {
            return Err(self.end_ramp(word, now_ms, outside));
        }
        if outside.happens(self.rules.ramp_share(passed, ramp_ms)) {
            self.admit_watched(word, outside)
        } else {
            Ok(Err(Refusal::wait_ms(Why::Ramp, (ramp_ms / 64).max(1))))
        }
    }

    fn start(&self, word: Word, now: Nanos) -> Ticket {
        if let Some(in_flight) = &self.in_flight {
            in_flight.start(Generation::new(word.generation(), &self.word), now);
        }
        Ticket::new(word.generation(), Role::Watched, now)
    }

    fn probe(&self, word: Word, outside: &impl Outside) -> Ticket {
        Ticket::new(word.generation(), Role::Probe, self.started(outside))
    }

    /// When a call begins that begins now, where somebody will ask how long it took.
    fn started(&self, outside: &impl Outside) -> Nanos {
        match self.rules.slow_after() {
            Some(_) => outside.now(),
            None => Nanos::ZERO,
        }
    }

    /// The same call, beginning now.
    #[cfg(all(feature = "tower", feature = "tokio"))]
    pub(crate) fn restart(&self, ticket: Ticket, outside: &impl Outside) -> Ticket {
        if ticket.started == Nanos::ZERO {
            return ticket;
        }
        let started = outside.now();
        if ticket.role() == Role::Watched
            && let Some(in_flight) = &self.in_flight
        {
            in_flight.end(self.generation(ticket), ticket.started);
            in_flight.start(self.generation(ticket), started);
        }
        Ticket::new(ticket.generation(), ticket.role(), started)
    }

    /// Takes the outcome of a call that was let in.
    ///
    /// `given_up` says that the call did not end, but was dropped.
    #[inline]
    pub(crate) fn settle(
        &self,
        ticket: Ticket,
        outcome: Outcome,
        given_up: bool,
        outside: &impl Outside,
    ) {
        if outcome != Outcome::Success || !self.settle_well(ticket, outside) {
            self.settle_otherwise(ticket, outcome, given_up, outside);
        }
    }

    /// Takes the outcome of a call that went well in a plain circuit in which none has failed just
    /// before; does nothing, and says `false`, where there is more to it.
    #[inline]
    fn settle_well(&self, ticket: Ticket, outside: &impl Outside) -> bool {
        let counts = self.is_plain
            && ticket.role() == Role::Watched
            && self.word().generation() == ticket.generation()
            && (self.rules.consecutive_failures() == 0 || !self.streak.is_running());
        if counts && let Some(tally) = &self.tally {
            tally.record_well(self.generation(ticket), outside);
        }
        counts
    }

    #[inline(never)]
    fn settle_otherwise(
        &self,
        ticket: Ticket,
        outcome: Outcome,
        given_up: bool,
        outside: &impl Outside,
    ) {
        if ticket.role() == Role::Bystander {
            return;
        }
        if ticket.role() == Role::Watched
            && let Some(in_flight) = &self.in_flight
        {
            in_flight.end(self.generation(ticket), ticket.started);
        }
        let ended = self.rules.slow_after().map(|limit| (limit, outside.now()));
        let slow = ended.is_some_and(|(limit, now)| now.0.saturating_sub(ticket.started.0) > limit);
        // A caller who gives up on a call that is slow already must not hide that it hangs.
        let outcome = if given_up && slow && outcome == Outcome::Ignored {
            Outcome::Failure
        } else {
            outcome
        };

        let word = self.word();
        if word.generation() != ticket.generation() {
            self.stats.stale.add(1);
            return;
        }
        let call = Call { failed: outcome == Outcome::Failure, slow };
        match (ticket.role(), outcome) {
            (Role::Probe, _) => self.settle_probe(word, ticket, outcome, slow, outside),
            (_, Outcome::Ignored) => {}
            _ => self.count(ticket, call, ended.map(|(_, now)| now), outside),
        }
    }

    /// Counts a call that ended, and opens the circuit where a rule says so.
    fn count(&self, ticket: Ticket, call: Call, ended: Option<Nanos>, outside: &impl Outside) {
        let generation = self.generation(ticket);
        let now = self.moment(ended, outside);
        if let Some(tally) = &self.tally {
            tally.record(generation, call, now, outside.lane());
        }
        if !call.failed {
            if self.rules.consecutive_failures() > 0 {
                self.streak.success(generation);
            }
            if let Some(throttle) = &self.throttle {
                throttle.accepted(generation, outside.now_coarse(), outside.lane());
            }
        }
        if call.is_bad() {
            self.judge(generation, call, now, outside);
        }
    }

    /// When a call ended, as exactly as the window wants to know it; the origin where it does not.
    #[inline]
    fn moment(&self, ended: Option<Nanos>, outside: &impl Outside) -> Nanos {
        let wants_exact = self.tally.as_ref().and_then(Tally::wants_exact_time);
        match (wants_exact, ended) {
            (None, _) => Nanos::ZERO,
            (Some(_), Some(ended)) => ended,
            (Some(true), None) => outside.now(),
            (Some(false), None) => outside.now_coarse(),
        }
    }

    /// The generation that let a call in.
    #[inline]
    fn generation(&self, ticket: Ticket) -> Generation<'_> {
        Generation::new(ticket.generation(), &self.word)
    }

    /// The circuit's word.
    #[inline]
    pub(crate) fn word(&self) -> Word {
        Word(self.word.load(Acquire)) // see what the maker of this generation did before it
    }

    /// Replaces `seen` by `next`, or says what is there instead.
    fn swap(&self, seen: Word, next: Word) -> Result<(), Word> {
        // AcqRel: `word` of the next reader sees what was done before the turn, and the turn what
        // was done before the one that it follows.
        match self.word.compare_exchange(seen.0, next.0, AcqRel, Acquire) {
            Ok(_) => Ok(()),
            Err(found) => Err(Word(found)),
        }
    }

    /// Milliseconds since the machine was built.
    fn ms(&self, now: Nanos) -> u64 {
        now.0.saturating_sub(self.origin.0) / 1_000_000
    }

    /// Milliseconds from when the machine was built until `time` after `now`; never too early.
    fn ms_after(&self, now: Nanos, time: Duration) -> u64 {
        (now + time).0.saturating_sub(self.origin.0).div_ceil(1_000_000)
    }

    #[cfg(all(test, not(seawall_loom)))]
    pub(crate) fn start_at_generation(&mut self, generation: u32) {
        self.word = CachePadded::new(AtomicU64::new(Word::new(State::Closed, generation, 0, 0).0));
    }
}

/// How long a waiter rests after the throttle rejected it: chance must not be asked in a loop.
const THROTTLE_RECHECK_MS: u64 = 100;

/// What one look at the word came to: a decision, or the word that stands there now.
type Step = Result<Result<Ticket, Refusal>, Word>;

fn bystander(word: Word) -> Ticket {
    Ticket::new(word.generation(), Role::Bystander, Nanos::ZERO)
}
