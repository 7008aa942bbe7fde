//! The reference: a circuit that is slow and obviously right.
//!
//! It keeps every call that was ever counted and looks through all of them for each verdict; no word
//! is packed, nothing is shared, time is whole milliseconds.

use seawall_circuit_breaker::{Outcome, State};

/// What a circuit is set to; shares are in percent.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) window: Window,
    pub(crate) minimum: u64,
    pub(crate) failure_percent: Option<u64>,
    pub(crate) slow: Option<(u64, u64)>,
    pub(crate) in_a_row: Option<u32>,
    pub(crate) open_ms: u64,
    pub(crate) open_max_ms: u64,
    pub(crate) stable_ms: u64,
    pub(crate) probes: u32,
    pub(crate) lease_ms: u64,
    pub(crate) ramp_ms: Option<u64>,
    pub(crate) on_cancel: Outcome,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Window {
    Count(usize),
    Time { width_ms: u64, buckets: u64 },
}

/// A call that was let in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ticket {
    pub(crate) generation: u32,
    pub(crate) started: u64,
    pub(crate) role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Role {
    Watched,
    Probe,
    Bystander,
}

/// What was counted of a call.
#[derive(Clone, Copy, Debug)]
struct Counted {
    generation: u32,
    at: u64,
    failed: bool,
    slow: bool,
}

#[derive(Debug)]
pub(crate) struct Circuit {
    settings: Settings,
    state: State,
    pub(crate) generation: u32,
    opens: u32,
    /// Closed, Ramp: since when. Open: until when.
    moment: u64,
    lease_until: u64,
    admitted: u32,
    ok: u32,
    failed: u32,
    slow: u32,
    counted: Vec<Counted>,
    in_a_row: u32,
    would_open_told: bool,
    pub(crate) turns: Vec<&'static str>,
    pub(crate) failures: u64,
    pub(crate) slow_calls: u64,
    pub(crate) stale: u64,
    pub(crate) rejected: u64,
}

/// Failed, slow and all calls in the window.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Totals {
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    pub(crate) slow: u64,
}

impl Circuit {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            state: State::Closed,
            generation: 0,
            opens: 0,
            moment: 0,
            lease_until: 0,
            admitted: 0,
            ok: 0,
            failed: 0,
            slow: 0,
            counted: Vec::new(),
            in_a_row: 0,
            would_open_told: false,
            turns: Vec::new(),
            failures: 0,
            slow_calls: 0,
            stale: 0,
            rejected: 0,
        }
    }

    /// Lets a call in, or says after how many milliseconds to come back, where that is known.
    pub(crate) fn admit(&mut self, now: u64) -> Result<Ticket, Option<u64>> {
        if self.state == State::Open && now >= self.moment {
            if self.settings.probes > 0 {
                self.turn(State::HalfOpen, "half-opened");
            } else {
                self.turn(State::Ramp, "ramp started");
                self.moment = now;
            }
        }
        if self.state == State::Ramp && now - self.moment >= self.settings.ramp_ms.unwrap() {
            // No new generation: calls of the ramp count on.
            self.state = State::Closed;
            self.moment = now;
            self.turns.push("closed");
        }
        if self.state == State::HalfOpen
            && self.admitted >= self.settings.probes
            && now >= self.lease_until
        {
            self.open(now, self.opens + 1);
        }
        let role = match self.state {
            State::Closed | State::Ramp | State::Disabled => Role::Watched,
            State::ForcedClosed => Role::Bystander,
            State::HalfOpen if self.admitted < self.settings.probes => {
                self.admitted += 1;
                self.lease_until = now + self.settings.lease_ms;
                Role::Probe
            }
            State::Open => {
                self.rejected += 1;
                return Err(Some(self.moment - now));
            }
            _ => {
                self.rejected += 1;
                return Err(None);
            }
        };
        Ok(Ticket { generation: self.generation, started: now, role })
    }

    /// Takes an outcome; `None` is a call that was dropped.
    pub(crate) fn settle(&mut self, ticket: Ticket, outcome: Option<Outcome>, now: u64) {
        if ticket.role == Role::Bystander {
            return;
        }
        let slow = self.settings.slow.is_some_and(|(limit, _)| now - ticket.started > limit);
        let outcome = match outcome {
            Some(outcome) => outcome,
            None if slow && self.settings.on_cancel == Outcome::Ignored => Outcome::Failure,
            None => self.settings.on_cancel,
        };
        if ticket.generation != self.generation {
            self.stale += 1;
            return;
        }
        if ticket.role == Role::Probe {
            return self.settle_probe(outcome, slow, now);
        }
        if outcome == Outcome::Ignored {
            return;
        }
        let failed = outcome == Outcome::Failure;
        let generation = self.generation;
        self.counted.push(Counted { generation, at: now, failed, slow });
        self.failures += u64::from(failed);
        self.slow_calls += u64::from(slow);
        self.in_a_row = if failed { self.in_a_row + 1 } else { 0 };
        if (failed || slow) && self.trips(failed, now) {
            if self.state == State::Disabled {
                if !std::mem::replace(&mut self.would_open_told, true) {
                    self.turns.push("would open");
                }
            } else {
                let stable =
                    self.state == State::Closed && now - self.moment >= self.settings.stable_ms;
                let opens = if stable { 1 } else { self.opens + 1 };
                self.open(now, opens);
            }
        }
    }

    fn settle_probe(&mut self, outcome: Outcome, slow: bool, now: u64) {
        match outcome {
            Outcome::Ignored => {
                self.admitted -= 1;
                // A probe that is handed back can be what the verdict waited for.
            }
            Outcome::Success => self.ok += 1,
            Outcome::Failure => self.failed += 1,
        }
        if outcome != Outcome::Ignored {
            self.slow += u32::from(slow);
            self.failures += u64::from(outcome == Outcome::Failure);
            self.slow_calls += u64::from(slow);
        }
        let n = self.settings.probes;
        // The worst and the best that can still come out, by trying all that is left.
        let opens = |failed: u32, slow: u32| {
            let failed_enough = match self.settings.failure_percent {
                Some(percent) => failed > 0 && u64::from(failed) * 100 >= percent * u64::from(n),
                None => failed > 0,
            };
            let slow_enough = self.settings.slow.is_some_and(|(_, percent)| {
                slow > 0 && u64::from(slow) * 100 >= percent * u64::from(n)
            });
            failed_enough || slow_enough
        };
        let left = n - self.ok - self.failed;
        if opens(self.failed, self.slow) {
            self.open(now, self.opens + 1);
        } else if (0..=left).all(|bad| !opens(self.failed + bad, self.slow + left)) {
            let (state, told) = match self.settings.ramp_ms {
                Some(_) => (State::Ramp, "ramp started"),
                None => (State::Closed, "closed"),
            };
            self.turn(state, told);
            self.moment = now;
        }
    }

    fn trips(&self, failed: bool, now: u64) -> bool {
        if failed && self.settings.in_a_row.is_some_and(|limit| self.in_a_row >= limit) {
            return true;
        }
        let totals = self.totals(now);
        let reached = |part: u64, percent: u64| part * 100 >= percent * totals.calls;
        totals.calls >= self.settings.minimum
            && (self.settings.failure_percent.is_some_and(|p| reached(totals.failed, p))
                || self.settings.slow.is_some_and(|(_, p)| reached(totals.slow, p)))
    }

    /// What the window holds.
    pub(crate) fn totals(&self, now: u64) -> Totals {
        let own: Vec<_> = self.counted.iter().filter(|c| c.generation == self.generation).collect();
        let held: Vec<_> = match self.settings.window {
            Window::Count(n) => own.into_iter().rev().take(n).collect(),
            Window::Time { width_ms, buckets } => {
                own.into_iter().filter(|c| c.at / width_ms + buckets > now / width_ms).collect()
            }
        };
        Totals {
            calls: held.len() as u64,
            failed: held.iter().filter(|c| c.failed).count() as u64,
            slow: held.iter().filter(|c| c.slow).count() as u64,
        }
    }

    pub(crate) fn recorded(&self) -> u64 {
        self.counted.len() as u64
    }

    pub(crate) fn failures_in_a_row(&self) -> u32 {
        if self.settings.in_a_row.is_some() { self.in_a_row } else { 0 }
    }

    /// What a call would meet.
    pub(crate) fn state(&self, now: u64) -> State {
        match self.state {
            State::Open if now >= self.moment && self.settings.probes == 0 => State::Ramp,
            State::Open if now >= self.moment => State::HalfOpen,
            State::HalfOpen if self.admitted >= self.settings.probes && now >= self.lease_until => {
                State::Open
            }
            State::Ramp if now - self.moment >= self.settings.ramp_ms.unwrap() => State::Closed,
            state => state,
        }
    }

    pub(crate) fn force(&mut self, state: State, told: &'static str, now: u64) {
        if self.state != state || state == State::Closed {
            self.turn(state, told);
            self.opens = 0;
            self.moment = now;
        }
    }

    pub(crate) fn open_by_hand(&mut self, ms: u64, now: u64) {
        let stable = self.state == State::Closed && now - self.moment >= self.settings.stable_ms;
        self.opens = if stable { 1 } else { self.opens + 1 };
        self.turn(State::Open, "opened");
        self.moment = now + ms;
    }

    fn open(&mut self, now: u64, opens: u32) {
        self.opens = opens.min(63);
        self.turn(State::Open, "opened");
        let doublings = (opens - 1).min(40);
        self.moment = now + (self.settings.open_ms << doublings).min(self.settings.open_max_ms);
    }

    fn turn(&mut self, state: State, told: &'static str) {
        self.state = state;
        self.generation += 1;
        self.turns.push(told);
        (self.ok, self.failed, self.slow, self.admitted) = (0, 0, 0, 0);
        self.in_a_row = 0;
        self.would_open_told = false;
    }
}
