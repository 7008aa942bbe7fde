//! The handle: the rules for another try with a name, a clock and somebody to tell.

use std::{fmt, sync::Arc};

use seawall_core::{
    Chance, Clock, Error, Listeners, Name, Observe, Registry, Snapshot, deadline, sync::Stat,
};

use crate::{
    Attempt, Config, Decide, Decision, Event, GaveUp, RetryBudget, RetryBuilder, RetryError, Turn,
    course::{Course, Ended, Next, Rules},
};

/// Tries a call again where that may help, and not where it would make things worse.
///
/// Cloning is cheap and shares the settings and the budget.
///
/// # Examples
///
/// How do I try a call again?
///
/// ```
/// # use seawall_retry::Retry;
/// # use std::time::Duration;
/// # async fn get(_: u32) -> Result<u32, std::io::Error> { Ok(7) }
/// # #[cfg(feature = "tokio")]
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let retry = Retry::builder("catalog")
///     .max_attempts(4)
///     .attempt_timeout(Duration::from_secs(1))
///     .build()?;
///
/// match retry.call(|attempt| get(attempt.number())).await {
///     Ok(book) => assert_eq!(book, 7),
///     Err(failed) => println!("{failed}; the last error: {}", failed.last()),
/// }
/// # Ok::<(), seawall_retry::ConfigError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Retry {
    shared: Arc<Shared>,
}

/// What the builder sets beside the [`Config`].
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) name: Name,
    pub(crate) clock: Clock,
    pub(crate) listeners: Listeners<Event>,
}

impl Retry {
    /// Begins to build the retry called `name`, as it stands in rejections and snapshots.
    pub fn builder(name: impl Into<Name>) -> RetryBuilder {
        RetryBuilder::new(name.into())
    }

    pub(crate) fn new(settings: Settings, config: Config, budget: Option<RetryBudget>) -> Self {
        let chance = Chance::from_seed(config.seed.or_else(|| config.backoff.chosen_seed()));
        let rules = Rules { config, budget, chance };
        Self { shared: Arc::new(Shared { rules, settings, stats: Stats::default() }) }
    }

    /// The retry's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.settings.name
    }

    /// What it is set to.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.shared.rules.config
    }

    /// What pays for the retries, unless they are free.
    #[must_use]
    pub fn budget(&self) -> Option<&RetryBudget> {
        self.shared.rules.budget.as_ref()
    }

    /// How it stands now; see the crate's page for the names of the numbers.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Adds it to a registry, which does not keep it alive.
    pub fn register(&self, registry: &Registry) {
        registry.add(&self.shared);
    }

    #[inline]
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("name", &self.shared.settings.name)
            .field("config", &self.shared.rules.config)
            .field("budget", &self.shared.rules.budget)
            .finish_non_exhaustive()
    }
}

impl Observe for Retry {
    fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}

/// The rules of all calls, and what a call asks for.
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
    /// A call begins.
    #[inline]
    pub(crate) fn begin(&self) -> Course {
        Course::begin(&self.rules, self.settings.clock.now_coarse())
    }

    /// The next attempt of a call begins.
    #[inline]
    pub(crate) fn attempt(&self, course: &mut Course) -> Attempt {
        course.attempt(&self.rules, || self.settings.clock.now())
    }

    /// What comes after an attempt with `result`; `refused` where a pattern further in refused it.
    #[inline]
    pub(crate) fn judge<T, E>(
        &self,
        course: &mut Course,
        decide: &impl Decide<T, E>,
        result: &Result<T, Error<E>>,
        refused: bool,
        repeatable: bool,
    ) -> Next {
        let decision = match result {
            Ok(response) => decide.decide(Ok(response)),
            Err(Error::Inner(error)) if refused => decide.decide_refused(error),
            Err(Error::Inner(error)) => decide.decide(Err(error)),
            Err(Error::Rejected(_)) => Decision::Retry,
        };
        if !matches!(decision, Decision::Stop) {
            let timed_out = matches!(result, Err(Error::Rejected(_)));
            return self.next(course, &decision, timed_out, repeatable);
        }
        if result.is_ok() {
            course.succeeded(&self.rules);
            if course.made() > 1 {
                self.stats.succeeded_after_retry.add(1);
            }
        }
        Next::End(GaveUp::Final)
    }

    #[cold]
    fn next(
        &self,
        course: &mut Course,
        decision: &Decision,
        timed_out: bool,
        repeatable: bool,
    ) -> Next {
        let (callers_time, now) = (deadline::remaining(), self.settings.clock.now());
        let ended = Ended { callers_time, now, repeatable, timed_out };
        let next = course.next(&self.rules, decision, ended);
        let stats = &self.stats;
        if timed_out {
            stats.attempt_timeouts.add(1);
        }
        let turn = match next {
            Next::Wait(wait) => {
                stats.retries.add(1);
                Turn::Retrying { attempt: course.made() + 1, wait }
            }
            Next::End(why) => {
                stats.of(why).add(1);
                Turn::GaveUp { why, attempts: course.made(), elapsed: course.elapsed(now) }
            }
        };
        #[cfg(feature = "tracing")]
        self.trace(&turn);
        self.settings.listeners.tell(|| Event { name: self.settings.name.clone(), turn });
        next
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

    /// The end of a call with the `result` of its last attempt.
    #[inline]
    pub(crate) fn end<T, E>(
        &self,
        course: &Course,
        result: Result<T, Error<E>>,
        why: GaveUp,
    ) -> Result<T, RetryError<E>> {
        result.map_err(|last| {
            let elapsed = course.elapsed(self.settings.clock.now());
            RetryError { last, attempts: course.made(), elapsed, why }
        })
    }
}

#[cfg(feature = "tokio")]
mod time {
    use std::time::Duration;

    use seawall_core::{Reason, Rejection, deadline};

    use super::{Attempt, Shared};

    impl Shared {
        /// How long an attempt that has just begun may take, where that is limited.
        pub(crate) fn time_for(&self, attempt: Attempt) -> Option<Duration> {
            let config = &self.rules.config;
            let own_time = config.deadline.map(|all| all.saturating_sub(attempt.elapsed));
            let limits = [config.attempt_timeout, own_time, deadline::remaining()];
            limits.into_iter().flatten().min()
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
        let Rules { config, budget, .. } = &self.rules;
        let stats = &self.stats;
        let left = budget.as_ref().map(RetryBudget::available);
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
