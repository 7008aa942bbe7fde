//! The course of one call: how many attempts were made, and what comes next.
//!
//! | after an attempt | and | next |
//! |---|---|---|
//! | nothing more is wanted | | end: final |
//! | all attempts are made | | end: attempts |
//! | the request cannot be sent again | | end: not repeatable |
//! | the other side asks for a wait | longer than one may be | end: retry after |
//! | the wait would end at or after the deadline | | end: deadline |
//! | the budget has nothing left | | end: budget |
//! | else | | wait, then the next attempt |
//!
//! In this order, so that nothing is taken from the budget for an attempt that is not made; what was
//! taken comes back where the call is dropped in its wait.
//!
//! # What it promises
//!
//! 1. At most `max_attempts` are made, and none after the deadline.
//! 2. Each call draws its own wait: two that fail together do not come back together.
//! 3. Chance makes a wait that the other side asked for longer, by up to half of it, and never shorter.

use std::time::Duration;

use seawall_core::{Backoff, Chance, Nanos};

use crate::{
    Attempt, Config, Decision, GaveUp, RetryBudget,
    budget::{Want, Withdrawal},
};

/// What decides about all calls of a handle.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) config: Config,
    pub(crate) budget: Option<RetryBudget>,
    /// One for all calls: each draw advances it.
    pub(crate) chance: Chance,
}

/// What comes after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Its result is the call's.
    End(GaveUp),
    /// Another attempt, after this wait.
    Wait(Duration),
}

/// What a course cannot know by itself about the attempt that just ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// How much of the caller's own time is left, where that is limited.
    pub(crate) callers_time: Option<Duration>,
    pub(crate) now: Nanos,
    pub(crate) repeatable: bool,
    pub(crate) timed_out: bool,
}

/// One call: its attempts so far.
#[derive(Debug)]
pub(crate) struct Course {
    began: Nanos,
    made: u32,
    last_wait: Option<Duration>,
    /// What was taken for the attempt that is made, or waited for.
    paid: Option<Withdrawal>,
}

impl Course {
    #[inline]
    pub(crate) fn begin(rules: &Rules, now: Nanos) -> Self {
        if let Some(budget) = &rules.budget {
            budget.deposit();
        }
        Self { began: now, made: 0, last_wait: None, paid: None }
    }

    /// How many attempts were begun.
    #[inline]
    pub(crate) const fn made(&self) -> u32 {
        self.made
    }

    pub(crate) const fn elapsed(&self, now: Nanos) -> Duration {
        now.since(self.began)
    }

    /// The next attempt begins; `now` is asked for where it is not the first.
    #[inline]
    pub(crate) fn attempt(&mut self, rules: &Rules, now: impl FnOnce() -> Nanos) -> Attempt {
        let elapsed = if self.made == 0 { Duration::ZERO } else { self.elapsed(now()) };
        self.made += 1;
        Attempt { number: self.made, elapsed, is_last: self.made >= rules.config.max_attempts }
    }

    /// The attempt goes out: what was taken for it is spent.
    #[inline]
    pub(crate) fn send(&mut self) {
        if let Some(paid) = &mut self.paid {
            paid.send();
        }
    }

    /// The call did well.
    #[inline]
    pub(crate) fn succeeded(&self, rules: &Rules) {
        if let Some(budget) = &rules.budget {
            budget.succeeded(self.paid.as_ref());
        }
    }

    /// What comes after an attempt: the table of the page, row by row.
    pub(crate) fn next(&mut self, rules: &Rules, decision: &Decision, ended: Ended) -> Next {
        let Rules { config, budget, chance } = rules;
        let (backoff, hint) = match decision {
            Decision::Stop => return Next::End(GaveUp::Final),
            Decision::Retry => (&config.backoff, None),
            Decision::RetryAfter(hint) => (&config.backoff, Some(*hint)),
            Decision::RetryWith(backoff) => (backoff, None),
        };
        if let Some(budget) = budget {
            budget.failed();
        }
        if self.made >= config.max_attempts {
            return Next::End(GaveUp::Attempts);
        }
        if !ended.repeatable {
            return Next::End(GaveUp::NotRepeatable);
        }
        if hint.is_some_and(|hint| hint > config.max_retry_after) {
            return Next::End(GaveUp::RetryAfter);
        }
        let (drawn, wait) = self.draw(backoff, hint, chance);
        let own_time = config.deadline.map(|all| all.saturating_sub(self.elapsed(ended.now)));
        if [own_time, ended.callers_time].into_iter().flatten().any(|left| wait >= left) {
            return Next::End(GaveUp::Deadline);
        }
        if let Some(budget) = budget {
            let want = if ended.timed_out { Want::AfterTimeOut } else { Want::Retry };
            match budget.withdraw(want) {
                Some(paid) => self.paid = Some(paid),
                None => return Next::End(GaveUp::Budget),
            }
        }
        self.last_wait = Some(drawn);
        Next::Wait(wait)
    }

    /// What the backoff says, and the wait that comes of it.
    fn draw(
        &self,
        backoff: &Backoff,
        hint: Option<Duration>,
        chance: &Chance,
    ) -> (Duration, Duration) {
        let drawn = backoff.delay(self.made - 1, self.last_wait, chance);
        let Some(hint) = hint else {
            return (drawn, drawn);
        };
        // Upwards only: who comes sooner than he was asked to is sent away again.
        let spread = Nanos::from((hint / 2).min(backoff.longest())).0;
        let jitter = Duration::from_nanos(chance.uniform(0, spread));
        (drawn, hint.max(drawn).saturating_add(jitter))
    }
}
