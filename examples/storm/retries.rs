//! What is done about a call that failed: nothing, a loop, or Seawall's [`Retry`].
//!
//! | setting | value | why, for this storm |
//! |---|---|---|
//! | attempts | 3 | those of the loop: what differs is not how often |
//! | backoff | 20 ms, doubled, full jitter | the longest healthy answer; across a network 50 ms or more |
//! | deadline | 1 s | the caller's: two attempts that hang, and no whole third |
//! | budget | 20 % of the calls, 3 a second, 20 saved up | a fleet that is down gets 1.2 times its load, and not 3 times |
//! | not tried again | refusals, and requests that are wrong | what protects the fleet is not to be stormed |
//!
//! The loop is what one writes first, and it does well on every calm day.

use std::time::Duration;

use seawall_core::{Backoff, Clock, ConfigError, Error};
use seawall_retry::{Retry, RetryBudget};

use crate::{
    client::Failed,
    defence::{ATTEMPTS, Defence},
};

/// How long a call may take, with all its attempts.
const DEADLINE: Duration = Duration::from_secs(1);

/// The wait before the second attempt is drawn from zero to this, that before the third from twice it.
const FIRST_WAIT: Duration = Duration::from_millis(20);

/// How calls are tried again; clones share.
#[derive(Clone, Debug)]
pub(crate) enum Retries {
    Never,
    Naive,
    Seawall(Retry),
}

impl Retries {
    pub(crate) fn new(defence: Defence, seed: u64) -> Result<Self, ConfigError> {
        match defence {
            Defence::Bare => return Ok(Self::Never),
            Defence::Naive => return Ok(Self::Naive),
            Defence::Retry
            | Defence::Breaker
            | Defence::Bulkhead
            | Defence::Replicas
            | Defence::Limiter => {}
        }
        let budget = RetryBudget::builder().ratio(0.2).floor_per_second(3).burst(20).build()?;
        let retry = Retry::builder("fleet")
            .max_attempts(ATTEMPTS)
            .backoff(Backoff::exponential(FIRST_WAIT))
            .deadline(DEADLINE)
            .budget(budget)
            .seed(seed)
            .clock(Clock::tokio()) // a test can stop it
            .build()?;
        Ok(Self::Seawall(retry))
    }

    /// Makes a call by one `attempt`, or by several.
    pub(crate) async fn call<F, T>(&self, mut attempt: impl FnMut() -> F) -> Result<T, Failed>
    where
        F: Future<Output = Result<T, Failed>>,
    {
        match self {
            Self::Never => attempt().await,
            Self::Naive => {
                let mut answer = attempt().await;
                for _ in 1..ATTEMPTS {
                    if answer.is_ok() {
                        break;
                    }
                    answer = attempt().await;
                }
                answer
            }
            Self::Seawall(retry) => {
                let answer = retry.when(Failed::is_worth_another_try).call(|_this| attempt());
                answer.await.map_err(|failed| match failed.into_last() {
                    Error::Inner(failed) => failed,
                    Error::Rejected(out_of_time) => Failed::Call(out_of_time.into()),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    };

    use http::StatusCode;
    use seawall_core::{Reason, Rejection};
    use tokio::{
        task::JoinSet,
        time::{Instant, sleep_until, timeout},
    };

    use super::*;
    use crate::{
        database::Database,
        defence::TIME_OUT,
        generator::{Arrival, Arrivals},
        phases::{Phase, Phases},
    };

    const SEED: u64 = 7;

    fn retries(defence: Defence) -> Retries {
        Retries::new(defence, SEED).expect("its settings can be")
    }

    /// How many attempts a call makes whose attempts all fail like this.
    async fn attempts(defence: Defence, failed: impl Fn() -> Failed) -> u32 {
        let (retries, mut made) = (retries(defence), 0);
        let call = retries.call(|| {
            made += 1;
            std::future::ready(Err::<(), _>(failed()))
        });
        call.await.expect_err("every attempt fails");
        made
    }

    fn broken() -> Failed {
        Failed::Answer(StatusCode::INTERNAL_SERVER_ERROR)
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_fails_is_made_three_times_at_most() {
        let made = Defence::ALL.map(|defence| attempts(defence, broken));
        let [bare, naive, retry, breaker, bulkhead, replicas, limiter] = made;
        assert_eq!((bare.await, naive.await), (1, 3));
        assert_eq!((retry.await, breaker.await), (3, 3));
        assert_eq!((bulkhead.await, replicas.await, limiter.await), (3, 3, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_refused_or_is_wrong_is_not_asked_for_again() {
        let refused = || Failed::Call(Rejection::new(Reason::CircuitOpen, "member-a").into());
        let wrong = || Failed::Answer(StatusCode::NOT_FOUND);
        assert_eq!(attempts(Defence::Bulkhead, refused).await, 1);
        assert_eq!(attempts(Defence::Bulkhead, wrong).await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_hangs_ends_with_the_callers_time() {
        let (start, retries) = (Instant::now(), retries(Defence::Retry));
        let hung = retries.call(|| async {
            let never = timeout(TIME_OUT, std::future::pending::<()>()).await;
            never.map_err(|late| Failed::Call(late.into()))
        });
        hung.await.expect_err("nobody answers");
        assert!(start.elapsed() <= DEADLINE, "{:?}", start.elapsed());
    }

    /// What the database of a storm is asked for by calls that only it can fail: how many of those that
    /// are due after all trouble it answers in time, and how many queries a call comes to over all.
    async fn storm(defence: Defence) -> (f64, f64) {
        const RATE: u32 = 600;
        let phases = Phases::over(Duration::from_secs(8));
        let (start, database) = (Instant::now(), Database::new(RATE));
        let (retries, queries) = (retries(defence), Arc::new(AtomicU32::new(0)));
        let (mut calls, mut late) = (0, JoinSet::new());
        let mut stall = Some(phases.span(Phase::Stalled));
        for Arrival { due, work, .. } in Arrivals::of_all(SEED, RATE, phases.run()) {
            sleep_until(start + due).await;
            if let Some(span) = stall.take_if(|span| span.start <= due) {
                database.stall(start + span.end);
            }
            calls += 1;
            let (retries, database, queries) = (retries.clone(), database.clone(), queries.clone());
            let call = async move {
                let attempt = || async {
                    queries.fetch_add(1, Relaxed);
                    let answer = timeout(TIME_OUT, database.query(work)).await;
                    answer.map_err(|late| Failed::Call(late.into()))
                };
                retries.call(attempt).await.is_ok()
            };
            if phases.at(due) == Phase::Healed {
                late.spawn(call);
            } else {
                tokio::spawn(call);
            }
        }
        let late = late.join_all().await;
        let answered = late.iter().filter(|&&answered| answered).count();
        let load = f64::from(queries.load(Relaxed)) / f64::from(calls);
        (answered as f64 / late.len() as f64, load)
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_that_is_over_is_over_for_who_retries_within_a_budget_and_not_in_a_loop() {
        let (answered, load) = storm(Defence::Bare).await;
        assert_eq!((answered, load), (1.0, 1.0));

        let (answered, load) = storm(Defence::Naive).await;
        assert!(answered < 0.01 && load > 2.5, "{answered} answered, load {load}");

        let (answered, load) = storm(Defence::Retry).await;
        assert!(answered > 0.99 && load < 1.2, "{answered} answered, load {load}");
    }
}
