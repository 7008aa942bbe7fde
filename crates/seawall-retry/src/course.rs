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
//! The wait, where there is one:
//!
//! | decision | wait | the backoff's next step |
//! |---|---|---|
//! | `Retry` | as the backoff says | one further |
//! | `RetryWith(other)` | as the other backoff says, at the same step | one further |
//! | `RetryAfter(time)` | at least `time`, and no less than the backoff says | one further |
//! | `Pushback(time)` | `time` | the first |
//!
//! # What it promises
//!
//! 1. At most `max_attempts` are made, and none after the deadline.
//! 2. Each call draws its own wait: two that fail together do not come back together.
//! 3. Chance makes a wait that the other side asked for longer, by up to half of it, and never shorter;
//!    one that it has chosen it leaves alone.

use std::time::Duration;

use seawall_core::Nanos;

use crate::{
    Attempt, Config, Decision, GaveUp,
    budget::{Want, Withdrawal},
    rules::Rules,
};

/// What comes after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Its result is the call's.
    End(GaveUp),
    /// Another attempt, after this wait.
    Wait(Duration),
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempted {
    /// With an answer, which may be worth another try.
    Answered,
    /// With an error.
    Failed,
    /// With nothing: it took too long.
    TimedOut,
}

/// One call: its attempts so far.
#[derive(Debug)]
pub(crate) struct Course {
    /// Once somebody looked at the clock: who does well at once, and has no deadline, need not.
    began: Option<Nanos>,
    made: u32,
    /// How many may be made.
    most: u32,
    backoff: Progress,
    /// What was taken for the attempt that is made, or waited for.
    paid: Option<Withdrawal>,
}

/// How far the backoff has come, which is not as far as the attempts: it can begin anew.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    steps: u32,
    last_wait: Option<Duration>,
}

impl Course {
    #[inline]
    pub(crate) fn begin(rules: &Rules, began: Option<Nanos>) -> Self {
        if let Some(budget) = &rules.budget {
            budget.deposit();
        }
        let backoff = Progress { steps: 0, last_wait: None };
        Self { began, made: 0, most: rules.most(), backoff, paid: None }
    }

    /// How many attempts were begun.
    #[inline]
    pub(crate) const fn made(&self) -> u32 {
        self.made
    }

    /// The call's time counts from now, unless it does already.
    #[cfg(feature = "tokio")]
    pub(crate) fn start(&mut self, now: impl FnOnce() -> Nanos) {
        self.began.get_or_insert_with(now);
    }

    pub(crate) fn elapsed(&mut self, now: Nanos) -> Duration {
        now.since(*self.began.get_or_insert(now))
    }

    /// The next attempt begins; `now` is asked for where it is not the first.
    #[inline]
    pub(crate) fn attempt(&mut self, now: impl FnOnce() -> Nanos) -> Attempt {
        let elapsed = if self.made == 0 { Duration::ZERO } else { self.elapsed(now()) };
        self.made += 1;
        Attempt { number: self.made, elapsed, is_last: self.made >= self.most }
    }

    /// The attempt goes out: what was taken for it is spent.
    #[inline]
    pub(crate) fn send(&mut self) {
        if let Some(paid) = &mut self.paid {
            paid.send();
        }
    }

    /// The attempt that was waited for is not made.
    pub(crate) fn take_back(&mut self) {
        self.paid = None;
    }

    /// The call did well.
    #[inline]
    pub(crate) fn succeeded(&self, rules: &Rules) {
        if let Some(budget) = &rules.budget {
            budget.succeeded(self.paid.as_ref());
        }
    }

    /// What comes after an attempt: the first table of the page, row by row.
    ///
    /// `left` is how much time there is for the whole call, where that is limited.
    pub(crate) fn next(
        &mut self,
        rules: &Rules,
        decision: &Decision,
        attempted: Attempted,
        repeatable: bool,
        left: Option<Duration>,
    ) -> Next {
        if matches!(decision, Decision::Stop) {
            return Next::End(GaveUp::Final);
        }
        if let Some(budget) = &rules.budget {
            budget.failed();
        }
        if self.made >= self.most {
            return Next::End(GaveUp::Attempts);
        }
        if !repeatable {
            return Next::End(GaveUp::NotRepeatable);
        }
        let config = rules.config();
        if decision.asked().is_some_and(|time| time > config.max_retry_after) {
            return Next::End(GaveUp::RetryAfter);
        }
        let (wait, backoff) = self.wait(rules, &config, decision);
        if left.is_some_and(|left| wait >= left) {
            return Next::End(GaveUp::Deadline);
        }
        if let Some(budget) = &rules.budget {
            let want = match attempted {
                Attempted::TimedOut => Want::AfterTimeOut,
                Attempted::Answered | Attempted::Failed => Want::Retry,
            };
            match budget.withdraw(want) {
                Some(paid) => self.paid = Some(paid),
                None => return Next::End(GaveUp::Budget),
            }
        }
        self.backoff = backoff;
        Next::Wait(wait)
    }

    /// The second table of the page: the wait, and how far the backoff is after it.
    fn wait(&self, rules: &Rules, config: &Config, decision: &Decision) -> (Duration, Progress) {
        let backoff = match decision {
            Decision::Pushback(time) => return (*time, Progress::default()),
            Decision::RetryWith(backoff) => backoff,
            Decision::Retry | Decision::RetryAfter(_) | Decision::Stop => &config.backoff,
        };
        let Progress { steps, last_wait } = self.backoff;
        let drawn = backoff.delay(steps, last_wait, &rules.chance);
        let next = Progress { steps: steps + 1, last_wait: Some(drawn) };
        let Some(asked) = decision.asked() else {
            return (drawn, next);
        };
        // Upwards only: who comes sooner than he was asked to is sent away again.
        let spread = Nanos::from((asked / 2).min(backoff.longest())).0;
        let jitter = Duration::from_nanos(rules.chance.uniform(0, spread));
        (asked.max(drawn).saturating_add(jitter), next)
    }
}
