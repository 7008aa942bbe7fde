//! The whole machine: one value a job, one method an event. The page of [`job`](super) has the tables.
//!
//! A storage that can compute where its jobs are (in memory, behind one writer) keeps a [`Life`] a job and
//! calls it. One that can't (a script, a statement) says the same in its own words, and the conformance suite
//! finds out whether it does.

use std::time::Duration;

use seawall_core::Nanos;

use super::{Cancelled, Cause, Counts, Kept, Limits, Settled, State, Swept, Token, Verdict};

/// A job's state and counts.
///
/// All is public, so that a storage can write it down and read it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// Where it stands.
    pub phase: Phase,
    /// What happened so far.
    pub counts: Counts,
    /// The last claim's; [`Token::NONE`] before the first.
    pub token: Token,
    /// Whether the one who has that token has settled: only then is his next settle `Already`.
    pub settled: bool,
    /// Whether somebody asked for the run to be stopped.
    pub cancel: bool,
    /// What is allowed, since the last claim.
    pub limits: Limits,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// May be claimed, from `due` on.
    Waiting {
        /// From when on: its place among those of its priority, too.
        due: Nanos,
    },
    /// Somebody has it.
    Leased {
        /// Its place, should it be given back.
        due: Nanos,
        /// When it is taken from him, unless he asks for more time.
        until: Nanos,
    },
    /// It is done.
    Done {
        /// When that was.
        at: Nanos,
    },
    /// It failed for good.
    Dead {
        /// When that was.
        at: Nanos,
        /// Why.
        cause: Cause,
    },
    /// Nobody wants it any more.
    Cancelled {
        /// When that was.
        at: Nanos,
    },
}

impl Life {
    /// A job that nobody has claimed yet, and that may be from `due` on.
    #[must_use]
    pub fn new(due: Nanos) -> Self {
        Self {
            phase: Phase::Waiting { due },
            counts: Counts::default(),
            token: Token::NONE,
            settled: false,
            cancel: false,
            limits: Limits::default(),
        }
    }

    /// Its state at this moment.
    #[must_use]
    pub fn state(&self, now: Nanos) -> State {
        match self.phase {
            Phase::Waiting { due } if due <= now => State::Ready,
            Phase::Waiting { .. } if self.counts.attempts == 0 => State::Scheduled,
            Phase::Waiting { .. } => State::Retrying,
            Phase::Leased { .. } => State::Leased,
            Phase::Done { .. } => State::Done,
            Phase::Dead { .. } => State::Dead,
            Phase::Cancelled { .. } => State::Cancelled,
        }
    }

    /// Leases it under `token`, which must be greater than every one before, and says whether it could be.
    pub fn claim(&mut self, now: Nanos, token: Token, lease: Duration, limits: Limits) -> bool {
        debug_assert!(token > self.token, "a claim's token is new");
        let Phase::Waiting { due } = self.phase else { return false };
        if due > now {
            return false;
        }
        self.phase = Phase::Leased { due, until: now + lease };
        self.counts.attempts = self.counts.attempts.saturating_add(1);
        self.token = token;
        self.settled = false;
        self.limits = limits;
        true
    }

    /// Asks for more time: `lease` from now on.
    ///
    /// A lease that is over and not swept yet can still be kept: nobody else has it.
    pub fn heartbeat(&mut self, now: Nanos, token: Token, lease: Duration) -> Kept {
        match &mut self.phase {
            Phase::Leased { until, .. } if self.token == token => {
                *until = now + lease;
                if self.cancel { Kept::Cancel } else { Kept::Extended }
            }
            _ => Kept::Lost,
        }
    }

    /// Takes a worker's word for how it ended, if he is the one who has it.
    pub fn settle(&mut self, now: Nanos, token: Token, verdict: &Verdict) -> Settled {
        let due = match self.phase {
            Phase::Leased { due, .. } if self.token == token => due,
            // After a sweep the token is still the last one, but its holder has not settled: lost.
            _ if self.token == token && self.settled => return Settled::Already,
            _ => return Settled::Lost,
        };
        self.settled = true;
        if matches!(verdict, Verdict::Snooze { .. } | Verdict::Release) {
            self.counts.attempts = self.counts.attempts.saturating_sub(1);
        }
        if matches!(verdict, Verdict::Snooze { .. }) {
            self.counts.snoozes = self.counts.snoozes.saturating_add(1);
        }
        self.phase = match *verdict {
            Verdict::Done { .. } => Phase::Done { at: now },
            Verdict::Bury { cause, .. } => Phase::Dead { at: now, cause },
            Verdict::Cancelled => Phase::Cancelled { at: now },
            // Whoever cancelled it does not want to see it run again, whatever its worker knew.
            _ if self.cancel => Phase::Cancelled { at: now },
            Verdict::Retry { .. } if self.counts.attempts >= self.limits.attempts => {
                Phase::Dead { at: now, cause: Cause::Attempts }
            }
            Verdict::Retry { delay, .. } | Verdict::Snooze { delay } => {
                Phase::Waiting { due: now + delay }
            }
            Verdict::Release => Phase::Waiting { due },
        };
        Settled::Done(self.state(now))
    }

    /// Takes it from a worker who was not heard of in time.
    ///
    /// It goes behind what is ready now, so that a job that kills its workers lets others run in between.
    pub fn sweep(&mut self, now: Nanos) -> Swept {
        match self.phase {
            Phase::Leased { until, .. } if until <= now => {}
            _ => return Swept::Left,
        }
        self.counts.crashes = self.counts.crashes.saturating_add(1);
        self.phase = if self.cancel {
            Phase::Cancelled { at: now }
        } else if self.counts.crashes >= self.limits.crashes {
            Phase::Dead { at: now, cause: Cause::Crashes }
        } else if self.counts.attempts >= self.limits.attempts {
            Phase::Dead { at: now, cause: Cause::Attempts }
        } else {
            Phase::Waiting { due: now }
        };
        Swept::Taken(self.state(now))
    }

    /// Ends it, or asks the one who has it to.
    pub fn cancel(&mut self, now: Nanos) -> Cancelled {
        match self.phase {
            Phase::Waiting { .. } => {
                self.phase = Phase::Cancelled { at: now };
                Cancelled::Now
            }
            Phase::Leased { .. } => {
                self.cancel = true;
                Cancelled::Asked
            }
            Phase::Done { .. } | Phase::Dead { .. } | Phase::Cancelled { .. } => Cancelled::Over,
        }
    }

    /// Brings a dead one back, with all of its attempts; says whether it was dead.
    pub fn requeue(&mut self, now: Nanos) -> bool {
        if !matches!(self.phase, Phase::Dead { .. }) {
            return false;
        }
        let redrives = self.counts.redrives.saturating_add(1);
        self.counts = Counts { attempts: 0, crashes: 0, redrives, ..self.counts };
        self.cancel = false; // meant for the run that buried it
        self.phase = Phase::Waiting { due: now };
        true
    }

    /// Buries it to make room; says whether it waited.
    pub fn shed(&mut self, now: Nanos) -> bool {
        let waits = matches!(self.phase, Phase::Waiting { .. });
        if waits {
            self.phase = Phase::Dead { at: now, cause: Cause::Shed };
        }
        waits
    }
}
