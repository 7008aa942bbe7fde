//! A queue that is right at sight: a list of jobs, looked through from the beginning for each question, in
//! whole seconds. Whose turn it is is in `turns`.

mod turns;

use std::collections::HashMap;

use crate::job::{Cause, Counts, State};

pub(super) struct Reference {
    pub(super) now: u64,
    pub(super) paused: bool,
    pub(super) jobs: Vec<Entry>,
    capacity: usize,
    key_limit: usize,
    /// Where keys take turns: when each was served, as long as jobs of it are ready; and the last of all.
    turns: Option<HashMap<u8, u64>>,
    served: u64,
    /// Up to when jobs that are due are ready: until the next sweep is over.
    promoted: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) payload: u8,
    pub(super) priority: u8,
    pub(super) key: Option<u8>,
    unique: Option<(u8, Hold)>,
    /// Whether it still has what it holds until something happens.
    holds: bool,
    own_attempts: Option<u32>,
    pub(super) stage: Stage,
    pub(super) due: u64,
    pub(super) counts: Counts,
    attempts_allowed: u32,
    crashes_allowed: u32,
    /// Whose it is, or was last: the number of a claim.
    claim: Option<usize>,
    /// Whether that claim has settled.
    settled: bool,
    cancel: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Waiting,
    Leased { until: u64 },
    Done,
    Dead(Cause),
    Cancelled,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Hold {
    Queued,
    Active,
    Until(u64),
}

/// What there is to push.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    pub(super) payload: u8,
    pub(super) delay: u64,
    pub(super) priority: u8,
    pub(super) key: Option<u8>,
    pub(super) unique: Option<(u8, Span, bool)>,
    pub(super) own_attempts: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Span {
    Queued,
    Active,
    For(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entered {
    New { job: usize, shed: Option<usize> },
    Existing(usize),
    Replaced(usize),
    Full,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Word {
    Done,
    Retry(u64),
    Snooze(u64),
    Release,
    Bury,
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Moved(State),
    Already,
    Lost,
}

impl Entry {
    pub(super) const fn state(&self, now: u64) -> State {
        match self.stage {
            Stage::Waiting if self.due <= now => State::Ready,
            Stage::Waiting if self.counts.attempts > 0 => State::Retrying,
            Stage::Waiting => State::Scheduled,
            Stage::Leased { .. } => State::Leased,
            Stage::Done => State::Done,
            Stage::Dead(_) => State::Dead,
            Stage::Cancelled => State::Cancelled,
        }
    }

    fn waits(&self) -> bool {
        self.stage == Stage::Waiting
    }

    const fn is_leased(&self) -> bool {
        matches!(self.stage, Stage::Leased { .. })
    }

    fn holds(&self, key: u8, now: u64) -> bool {
        match self.unique {
            Some((mine, Hold::Until(until))) => mine == key && now < until,
            Some((mine, _)) => mine == key && self.holds,
            None => false,
        }
    }

    fn end(&mut self, stage: Stage) {
        self.stage = stage;
        self.holds = false;
    }
}

impl Reference {
    pub(super) fn new(capacity: usize, key_limit: Option<u32>, fair_keys: bool) -> Self {
        let key_limit = key_limit.map_or(usize::MAX, |limit| limit as usize);
        let turns = fair_keys.then(HashMap::new);
        Self {
            now: 0,
            paused: false,
            jobs: Vec::new(),
            capacity,
            key_limit,
            turns,
            served: 0,
            promoted: 0,
        }
    }

    pub(super) fn enqueue(&mut self, spec: &Spec, shed: bool) -> Entered {
        let now = self.now;
        if let Some((key, _, replace)) = spec.unique
            && let Some(holder) = self.jobs.iter().position(|job| job.holds(key, now))
        {
            if !(replace && self.jobs[holder].waits()) {
                return Entered::Existing(holder);
            }
            self.jobs[holder].stage = Stage::Cancelled; // it leaves, and comes anew
            self.forget_turns();
            let job = &mut self.jobs[holder];
            job.stage = Stage::Waiting;
            (job.payload, job.priority, job.key) = (spec.payload, spec.priority, spec.key);
            (job.own_attempts, job.due) = (spec.own_attempts, now + spec.delay);
            return Entered::Replaced(holder);
        }
        let mut victim = None;
        if self.jobs.iter().filter(|job| job.waits()).count() >= self.capacity {
            let waiting = (0..self.jobs.len()).filter(|&at| self.jobs[at].waits());
            let lesser = waiting.filter(|&at| shed && self.jobs[at].priority < spec.priority);
            // Of the lowest priority, the last to be due; of those, the youngest. Where keys take turns, first
            // of those who are not in line.
            let last = |&at: &usize| {
                let is_behind = self.turns.is_some() && !self.is_in_line(at);
                let time = if is_behind { self.turn(at, 0) } else { self.place(at) };
                (255 - self.jobs[at].priority, is_behind, time)
            };
            let Some(last) = lesser.max_by_key(last) else { return Entered::Full };
            self.jobs[last].end(Stage::Dead(Cause::Shed));
            self.forget_turns();
            victim = Some(last);
        }
        let hold = |span| match span {
            Span::Queued => Hold::Queued,
            Span::Active => Hold::Active,
            Span::For(time) => Hold::Until(now + time),
        };
        self.jobs.push(Entry {
            payload: spec.payload,
            priority: spec.priority,
            key: spec.key,
            unique: spec.unique.map(|(key, span, _)| (key, hold(span))),
            holds: true,
            own_attempts: spec.own_attempts,
            stage: Stage::Waiting,
            due: now + spec.delay,
            counts: Counts::default(),
            attempts_allowed: 0,
            crashes_allowed: 0,
            claim: None,
            settled: false,
            cancel: false,
        });
        Entered::New { job: self.jobs.len() - 1, shed: victim }
    }

    /// Leases the next one to the claim of this number.
    pub(super) fn claim(&mut self, claim: usize, attempts: u32, crashes: u32) -> Option<usize> {
        let may = |&at: &usize| self.is_in_line(at) && !self.paused;
        let next = (0..self.jobs.len()).filter(may).min_by_key(|&at| self.place(at))?;
        let job = &mut self.jobs[next];
        job.stage = Stage::Leased { until: self.now + 30 };
        job.counts.attempts += 1;
        job.attempts_allowed = job.own_attempts.unwrap_or(attempts);
        job.crashes_allowed = crashes;
        (job.claim, job.settled) = (Some(claim), false);
        if let Some((_, Hold::Queued)) = job.unique {
            job.holds = false;
        }
        self.serve(self.jobs[next].key);
        Some(next)
    }

    pub(super) fn settle(&mut self, at: usize, claim: usize, word: Word) -> Heard {
        let now = self.now;
        let job = &mut self.jobs[at];
        if job.claim != Some(claim) {
            return Heard::Lost;
        }
        if !job.is_leased() {
            return if job.settled { Heard::Already } else { Heard::Lost };
        }
        job.settled = true;
        self.end_lease(at);
        let job = &mut self.jobs[at];
        if let Word::Snooze(_) | Word::Release = word {
            job.counts.attempts -= 1;
        }
        if let Word::Snooze(_) = word {
            job.counts.snoozes += 1;
        }
        match word {
            Word::Done => job.end(Stage::Done),
            Word::Bury => job.end(Stage::Dead(Cause::Refused)),
            Word::Cancelled => job.end(Stage::Cancelled),
            Word::Retry(_) | Word::Snooze(_) | Word::Release if job.cancel => {
                job.end(Stage::Cancelled);
            }
            Word::Retry(_) if job.counts.attempts >= job.attempts_allowed => {
                job.end(Stage::Dead(Cause::Attempts));
            }
            Word::Retry(delay) | Word::Snooze(delay) => {
                (job.stage, job.due) = (Stage::Waiting, now + delay);
            }
            Word::Release => job.stage = Stage::Waiting,
        }
        Heard::Moved(job.state(now))
    }

    /// Whether the lease goes on, and whether it is to stop.
    pub(super) fn keep(&mut self, at: usize, claim: usize) -> Option<bool> {
        let job = &mut self.jobs[at];
        if !job.is_leased() || job.claim != Some(claim) {
            return None;
        }
        job.stage = Stage::Leased { until: self.now + 30 };
        Some(job.cancel)
    }

    /// Who is taken from his worker now; then what is due is ready.
    pub(super) fn sweep(&mut self) -> Vec<usize> {
        let now = self.now;
        let over = |job: &Entry| matches!(job.stage, Stage::Leased { until } if until <= now);
        let swept: Vec<_> = (0..self.jobs.len()).filter(|&at| over(&self.jobs[at])).collect();
        for &at in &swept {
            self.end_lease(at);
            let job = &mut self.jobs[at];
            job.counts.crashes += 1;
            if job.cancel {
                job.end(Stage::Cancelled);
            } else if job.counts.crashes >= job.crashes_allowed {
                job.end(Stage::Dead(Cause::Crashes));
            } else if job.counts.attempts >= job.attempts_allowed {
                job.end(Stage::Dead(Cause::Attempts));
            } else {
                (job.stage, job.due) = (Stage::Waiting, now);
            }
        }
        self.promoted = now;
        swept
    }

    /// Whether it ended at once; `None` where it was over.
    pub(super) fn cancel(&mut self, at: usize) -> Option<bool> {
        let job = &mut self.jobs[at];
        match job.stage {
            Stage::Waiting => {
                job.end(Stage::Cancelled);
                self.forget_turns();
                Some(true)
            }
            Stage::Leased { .. } => {
                job.cancel = true;
                Some(false)
            }
            _ => None,
        }
    }

    /// Whether it is back; who is in its way.
    pub(super) fn requeue(&mut self, at: usize) -> Result<bool, usize> {
        let now = self.now;
        if !matches!(self.jobs[at].stage, Stage::Dead(_)) {
            return Ok(false);
        }
        if let Some((key, Hold::Active)) = self.jobs[at].unique {
            if let Some(holder) = self.jobs.iter().position(|job| job.holds(key, now)) {
                return Err(holder);
            }
            self.jobs[at].holds = true;
        }
        let job = &mut self.jobs[at];
        (job.counts.attempts, job.counts.crashes) = (0, 0);
        job.counts.redrives += 1;
        (job.stage, job.due, job.cancel) = (Stage::Waiting, now, false);
        Ok(true)
    }
}
