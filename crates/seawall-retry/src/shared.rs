//! What all calls of a handle share, and what a call asks it for: the course with a clock, with numbers,
//! and with somebody to tell.

use std::time::Duration;

use seawall_core::{Clock, Error, Listeners, Name, Observe, Snapshot, deadline, sync::Stat};

use crate::{
    Attempt, Decision, Event, GaveUp, RetryBudget, RetryError, Turn,
    course::{Attempted, Course, Next},
    rules::Rules,
};

/// What the builder sets beside the [`Config`].
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) name: Name,
    pub(crate) clock: Clock,
    pub(crate) listeners: Listeners<Event>,
}

/// The rules of all calls, and what a call asks for.
///
/// Apart from the counts of its handles, which each call of a service writes to.
#[repr(align(128))]
pub(crate) struct Shared {
    pub(crate) rules: Rules,
    settings: Settings,
    stats: Stats,
}

/// Only what is rare is counted: a call that does well at once writes nothing.
#[derive(Debug, Default)]
struct Stats {
    retries: Stat,
    succeeded_after_retry: Stat,
    attempt_timeouts: Stat,
    attempts: Stat,
    not_repeatable: Stat,
    retry_after: Stat,
    deadline: Stat,
    budget: Stat,
}

impl Shared {
    pub(crate) fn new(rules: Rules, settings: Settings) -> Self {
        Self { rules, settings, stats: Stats::default() }
    }

    pub(crate) fn name(&self) -> &Name {
        &self.settings.name
    }

    /// A call begins, and its time counts from now.
    #[inline]
    pub(crate) fn begin_now(&self) -> Course {
        Course::begin(&self.rules, Some(self.settings.clock.now_coarse()))
    }

    /// The next attempt of a call begins.
    #[inline]
    pub(crate) fn attempt(&self, course: &mut Course) -> Attempt {
        course.attempt(|| self.settings.clock.now())
    }

    /// What comes after an attempt.
    #[inline]
    pub(crate) fn judge(
        &self,
        course: &mut Course,
        decision: &Decision,
        attempted: Attempted,
        repeatable: bool,
    ) -> Next {
        if !matches!(decision, Decision::Stop) {
            return self.next(course, decision, attempted, repeatable);
        }
        if attempted == Attempted::Answered {
            self.succeeded(course);
        }
        Next::End(GaveUp::Final)
    }

    /// A call did well.
    #[inline]
    pub(crate) fn succeeded(&self, course: &Course) {
        course.succeeded(&self.rules);
        if course.made() > 1 {
            self.stats.succeeded_after_retry.add(1);
        }
    }

    #[cold]
    fn next(
        &self,
        course: &mut Course,
        decision: &Decision,
        attempted: Attempted,
        repeatable: bool,
    ) -> Next {
        if attempted == Attempted::TimedOut {
            self.stats.attempt_timeouts.add(1);
        }
        let left = self.time_left(course.elapsed(self.settings.clock.now()));
        let next = course.next(&self.rules, decision, attempted, repeatable, left);
        match next {
            Next::Wait(wait) => {
                self.stats.retries.add(1);
                self.tell(Turn::Retrying { attempt: course.made() + 1, wait });
            }
            Next::End(why) => self.gave_up(course, why),
        }
        next
    }

    /// How much time is left for a call that has taken so long, where that is limited.
    fn time_left(&self, elapsed: Duration) -> Option<Duration> {
        let own = self.rules.deadline().map(|all| all.saturating_sub(elapsed));
        [own, deadline::remaining()].into_iter().flatten().min()
    }

    /// Whether a call's time is over when its wait is, which a busy machine can make longer: the attempt
    /// is not made then.
    pub(crate) fn overslept(&self, course: &mut Course) -> bool {
        let left = self.time_left(course.elapsed(self.settings.clock.now()));
        let is_over = left.is_some_and(|left| left.is_zero());
        if is_over {
            self.ran_out(course);
        }
        is_over
    }

    /// A call's time is over before the attempt that was waited for.
    pub(crate) fn ran_out(&self, course: &mut Course) {
        course.take_back();
        self.gave_up(course, GaveUp::Deadline);
    }

    /// Another attempt was wanted, and there is none.
    fn gave_up(&self, course: &mut Course, why: GaveUp) {
        self.stats.of(why).add(1);
        let elapsed = course.elapsed(self.settings.clock.now());
        self.tell(Turn::GaveUp { why, attempts: course.made(), elapsed });
    }

    fn tell(&self, turn: Turn) {
        #[cfg(feature = "tracing")]
        self.trace(&turn);
        self.settings.listeners.tell(|| Event { name: self.settings.name.clone(), turn });
    }

    #[cfg(feature = "tracing")]
    fn trace(&self, turn: &Turn) {
        const TARGET: &str = "seawall::retry";
        let name = self.settings.name.as_str();
        match turn {
            Turn::Retrying { attempt, wait } => {
                tracing::debug!(target: TARGET, name, attempt, ?wait, "trying again");
            }
            Turn::GaveUp { why, attempts, elapsed } => {
                tracing::info!(target: TARGET, name, %why, attempts, ?elapsed, "gave up");
            }
        }
    }

    /// What a call fails with, by the error of its last attempt.
    #[cold]
    pub(crate) fn error<E>(
        &self,
        course: &mut Course,
        last: Error<E>,
        why: GaveUp,
    ) -> RetryError<E> {
        let elapsed = course.elapsed(self.settings.clock.now());
        RetryError::new(last, course.made(), elapsed, why)
    }
}

#[cfg(feature = "tokio")]
mod time {
    use std::time::Duration;

    use seawall_core::{Nanos, Reason, Rejection, deadline};

    use super::{Attempt, Course, Shared};

    impl Shared {
        /// A call begins. Its time counts from now where it has a deadline; else from its first
        /// [`start`](Self::start), or the end of its first attempt.
        #[inline]
        pub(crate) fn begin(&self) -> Course {
            let began = self.rules.deadline().is_some().then(|| self.now());
            Course::begin(&self.rules, began)
        }

        /// The time of a call counts from now, unless it does already.
        pub(crate) fn start(&self, course: &mut Course) {
            course.start(|| self.now());
        }

        /// Out of the way of those who need no clock.
        #[inline(never)]
        fn now(&self) -> Nanos {
            self.settings.clock.now_coarse()
        }

        /// How long an attempt that has just begun may take, where that is limited.
        pub(crate) fn time_for(&self, attempt: Attempt) -> Option<Duration> {
            let limits = [self.rules.attempt_timeout(), self.time_left(attempt.elapsed)];
            limits.into_iter().flatten().min()
        }

        /// How much time is left for a whole call, where that is limited.
        #[cfg(feature = "tower-policy")]
        pub(crate) fn time_of(&self, course: &mut Course) -> Option<Duration> {
            self.time_left(course.elapsed(self.settings.clock.now()))
        }

        /// The end of an attempt that took too long.
        ///
        /// Where the caller's own time is over, that is no news about the other side.
        #[cold]
        pub(crate) fn timed_out(&self) -> Rejection {
            let over = deadline::remaining().is_some_and(|left| left.is_zero());
            let reason = if over { Reason::DeadlineExceeded } else { Reason::Timeout };
            Rejection::new(reason, self.settings.name.clone())
        }
    }
}

impl Stats {
    /// The calls that were given up for a reason.
    const fn of(&self, why: GaveUp) -> &Stat {
        match why {
            GaveUp::Final | GaveUp::Attempts => &self.attempts,
            GaveUp::NotRepeatable => &self.not_repeatable,
            GaveUp::RetryAfter => &self.retry_after,
            GaveUp::Deadline => &self.deadline,
            GaveUp::Budget => &self.budget,
        }
    }
}

impl Observe for Shared {
    fn snapshot(&self) -> Snapshot {
        let (config, stats) = (self.rules.config(), &self.stats);
        let left = self.rules.budget.as_ref().map(RetryBudget::available);
        let state = if left.is_some_and(|left| left < 1.0) { "budget_spent" } else { "ready" };
        let mut snapshot = Snapshot::new("retry", self.settings.name.as_str(), state)
            .counter("retries", stats.retries.get())
            .counter("succeeded_after_retry", stats.succeeded_after_retry.get())
            .counter("attempt_timeouts", stats.attempt_timeouts.get())
            .counter("gave_up_attempts", stats.attempts.get())
            .counter("gave_up_not_repeatable", stats.not_repeatable.get())
            .counter("gave_up_retry_after", stats.retry_after.get())
            .counter("gave_up_deadline", stats.deadline.get())
            .counter("gave_up_budget", stats.budget.get())
            .limit("max_attempts", config.max_attempts.into())
            .limit("max_retry_after_seconds", config.max_retry_after.as_secs_f64());
        if let Some(left) = left {
            snapshot = snapshot.gauge("budget", left);
        }
        if let Some(time) = config.attempt_timeout {
            snapshot = snapshot.limit("attempt_timeout_seconds", time.as_secs_f64());
        }
        if let Some(time) = config.deadline {
            snapshot = snapshot.limit("deadline_seconds", time.as_secs_f64());
        }
        snapshot
    }
}
