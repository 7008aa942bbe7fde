//! The peers, set as [`settings`](crate::settings) says where they can be.
//!
//! | peer | what is not equal |
//! |---|---|
//! | tower `Retry` 0.5 | Its policy is the user's: ours here counts attempts and waits for nothing, or has a `TpsBudget` and an `ExponentialBackoff`. |
//! | tower `TpsBudget` 0.5 | A window of ten seconds, which is never full. A success pays, and not a first try. |
//! | backon 1.6 | Has a plain API and no layer. No budget, no clock, no name, nobody to tell. Jitter where it is said. |
//! | tower-resilience-retry 0.14 | Has a layer and no plain API. |
//! | tower `Timeout` 0.5 | Makes a timer for each call, and needs a runtime. Tells nobody inside of the time. |
//! | tower `hedge` 0.5 | Percentile only, of the window before. Makes a timer for each call, and needs a runtime. Has no budget, and is not `Clone`: each thread learns for itself. |

use std::{future, sync::Arc, time::Duration};

use seawall_benches::service::{Failed, Ready};
use tokio::time::Sleep;
use tower::{
    hedge::{self, Hedge},
    retry::{
        Policy, Retry,
        backoff::{Backoff, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff},
        budget::{Budget, TpsBudget},
    },
    timeout::Timeout,
    util::rng::HasherRng,
};
use tower_layer::Layer as _;
use tower_resilience_retry::{RetryBudgetBuilder, RetryConfigBuilder, RetryLayer};

use crate::settings::{ALLOWED, ATTEMPTS, FIRST, LONGEST, SHARE, TIME};

/// The least that a policy of tower's can be.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    left: u32,
}

impl Policy<(), (), Failed> for Counts {
    type Future = future::Ready<()>;

    #[inline]
    fn retry(&mut self, (): &mut (), result: &mut Result<(), Failed>) -> Option<Self::Future> {
        if result.is_ok() {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        Some(future::ready(()))
    }

    #[inline]
    fn clone_request(&mut self, (): &()) -> Option<()> {
        Some(())
    }
}

/// A policy of what tower has for one.
#[derive(Clone, Debug)]
pub(crate) struct Budgeted {
    counts: Counts,
    budget: Arc<TpsBudget>,
    backoff: ExponentialBackoff,
}

impl Policy<(), (), Failed> for Budgeted {
    type Future = Sleep;

    #[inline]
    fn retry(&mut self, request: &mut (), result: &mut Result<(), Failed>) -> Option<Sleep> {
        if result.is_ok() {
            self.budget.deposit();
            return None;
        }
        drop(self.counts.retry(request, result)?);
        self.budget.withdraw().then(|| self.backoff.next_backoff())
    }

    #[inline]
    fn clone_request(&mut self, (): &()) -> Option<()> {
        Some(())
    }
}

/// tower's own, over a ready service.
pub(crate) fn tower() -> Retry<Counts, Ready> {
    Retry::new(Counts { left: ATTEMPTS - 1 }, Ready)
}

/// As [`tower()`], with a budget and a backoff.
pub(crate) fn tower_budgeted() -> Retry<Budgeted, Ready> {
    let backoff = ExponentialBackoffMaker::new(FIRST, LONGEST, 0.99, HasherRng::default());
    let policy = Budgeted {
        counts: Counts { left: ATTEMPTS - 1 },
        budget: Arc::new(tower_budget(10)),
        backoff: backoff.expect(ALLOWED).make_backoff(),
    };
    Retry::new(policy, Ready)
}

/// tower's budget, with so many retries a second that are free.
pub(crate) fn tower_budget(floor: u32) -> TpsBudget {
    TpsBudget::new(Duration::from_secs(10), floor, SHARE as f32)
}

/// The service of tower-resilience.
pub(crate) type TowerResilience = tower_resilience_retry::Retry<Ready, (), (), Failed>;
/// Its builder.
pub(crate) type Builder = RetryConfigBuilder<(), (), Failed>;

/// tower-resilience without a budget.
pub(crate) fn tower_resilience_free() -> Builder {
    RetryLayer::builder().max_attempts(ATTEMPTS as usize).exponential_backoff(FIRST)
}

/// tower-resilience with a bucket of tokens.
pub(crate) fn tower_resilience_budgeted() -> Builder {
    let budget = RetryBudgetBuilder::new().token_bucket().max_tokens(100).initial_tokens(100);
    tower_resilience_free().budget(budget.build().expect(ALLOWED))
}

/// What these build, over a ready service.
pub(crate) fn tower_resilience(builder: Builder) -> TowerResilience {
    builder.build().layer(Ready)
}

/// tower's timeout, over a ready service.
pub(crate) fn tower_timeout() -> Timeout<Ready> {
    Timeout::new(Ready, TIME)
}

/// All requests may be made twice.
#[derive(Clone, Debug)]
pub(crate) struct All;

impl hedge::Policy<()> for All {
    #[inline]
    fn clone_request(&self, (): &()) -> Option<()> {
        Some(())
    }

    #[inline]
    fn can_retry(&self, (): &()) -> bool {
        true
    }
}

/// tower's hedge, over a ready service, as if it had learned.
pub(crate) fn tower_hedge() -> Hedge<Ready, All> {
    let learned = [1; 100];
    Hedge::new_with_mock_latencies(Ready, All, 100, 0.95, Duration::from_secs(10), &learned)
}
