//! The budget: how much of the traffic may be retries.
//!
//! Retries help against an error here and there, and make an outage worse: with four attempts each, a
//! service that is down gets four times its load. So retries are paid for. Read the core's `bucket`
//! (what is left), `floor` (what is free), then [`RetryBudget`] and what it hands out, `withdrawal`.
//!
//! | rule | what pays for a retry | an outage costs, of the load |
//! |---|---|---|
//! | [`builder`](RetryBudget::builder), the default | a share of the first tries | the share, evenly |
//! | [`throttle`](RetryBudget::throttle), gRPC's | calls that do well | hardly any |
//! | [`quota`](RetryBudget::quota), the AWS SDKs' | calls that do well | hardly any |
//!
//! No window: a budget whose deposits expire with a window (Finagle's, tower's) spends all of them in
//! its first second and then nothing for the rest of the window. Simulated with 1 000 calls a second and
//! four attempts, an outage gets 3.1 times the load in its first second from such a budget of 20 %, and
//! 1.3 times from a bucket that holds 100 retries, 1.2 times after that.
//!
//! # What it promises
//!
//! 1. The retries that are sent are never more than the burst, the share of the first tries, and the
//!    floor. So it is in any window too, for what is taken less what is given back.
//! 2. What a retry took that was not sent is there for another.
//!
//! For 1: the bucket holds what was paid in and given back, less what was taken, and less than that where
//! it was full; at the window's beginning it holds at most the burst. What the floor let through and is
//! given back goes to the bucket: it was one retry of the floor's, and is one still.

mod builder;
mod floor;
mod withdrawal;

use std::{fmt, sync::Arc};

use seawall_core::{
    Clock, ConfigError, Name, Observe, Ratio, Registry, Snapshot,
    bucket::{Bucket, ONE},
    sync::{
        Stat,
        unmodelled::{AtomicU32, Ordering::Relaxed},
    },
};

use self::floor::Floor;
pub use self::{builder::RetryBudgetBuilder, withdrawal::Withdrawal};

/// The most that a bucket can hold, in retries or tokens.
const MOST: u32 = 1_000_000;

/// How much of the traffic may be retries: shared by all clones, and by all whose builders get one.
///
/// # Examples
///
/// How do I let two clients of one service share what they may retry?
///
/// ```
/// # use seawall_retry::{Retry, RetryBudget};
/// let budget = RetryBudget::builder().ratio(0.1).floor_per_second(3).build()?;
/// let reads = Retry::builder("reads").budget(budget.clone()).build()?;
/// let writes = Retry::builder("writes").budget(budget).build()?;
/// # Ok::<(), seawall_retry::ConfigError>(())
/// ```
///
/// How do I use it in a loop of my own?
///
/// ```
/// # use seawall_retry::RetryBudget;
/// fn call(budget: &RetryBudget, attempt: impl Fn() -> Result<u8, ()>) -> Result<u8, ()> {
///     budget.deposit();
///     let mut paid = None;
///     loop {
///         if let Ok(answer) = attempt() {
///             budget.succeeded(paid.as_ref());
///             return Ok(answer);
///         }
///         budget.failed();
///         let mut retry = budget.try_withdraw().ok_or(())?;
///         // ... the wait: whoever is cancelled here has spent nothing
///         retry.send();
///         paid = Some(retry);
///     }
/// }
/// let budget = RetryBudget::throttle(10, 0.1)?;
/// assert_eq!(call(&budget, || Ok(7)), Ok(7));
/// assert_eq!(call(&budget, || Err(())), Err(())); // four retries, and no more
/// assert_eq!((budget.available(), budget.refused()), (0.0, 1));
/// # Ok::<(), seawall_retry::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct RetryBudget {
    shared: Arc<Shared>,
}

struct Shared {
    bucket: Bucket,
    rule: Rule,
    clock: Clock,
    name: Name,
    refused: Stat,
}

/// What pays for retries, and what they cost, in thousandths of one.
///
/// What can change is read with Relaxed: it carries nothing but itself.
#[derive(Debug)]
enum Rule {
    /// Each first try pays for a part of one.
    Share { deposit: AtomicU32, floor: Floor },
    /// Each success pays, each failure costs; retries are free while the bucket is more than half full.
    Throttle { success: AtomicU32 },
    /// Retries cost; what they cost comes back with the success that they bring.
    Quota { costs: Costs },
}

/// What retries cost of a [quota](RetryBudget::quota), and what a call brings in that needs none.
///
/// Source: the AWS SDKs' standard retry mode (500 tokens; 5 for a retry, 10 after a time-out, 1 back for
/// a success at the first try).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Costs {
    /// How much there is: 500.
    pub tokens: u32,
    /// What a retry costs: 5.
    pub retry: u32,
    /// What a retry costs after a time-out: 10.
    pub time_out: u32,
    /// What a success at the first try brings in: 1.
    pub success: u32,
}

impl Default for Costs {
    fn default() -> Self {
        Self { tokens: 500, retry: 5, time_out: 10, success: 1 }
    }
}

/// Why a retry is wanted, to a budget whose retries differ in what they cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Retry,
    AfterTimeOut,
}

impl RetryBudget {
    /// Begins to build a budget of a share of the first tries, and a few a second.
    pub fn builder() -> RetryBudgetBuilder {
        RetryBudgetBuilder::default()
    }

    /// gRPC's throttle: as long as more than half of `max_tokens` are there, retries are free; a failure
    /// that could be retried costs one token, and a success brings in `ratio` of one, in whole
    /// thousandths.
    ///
    /// Source: gRPC proposal A6, "Throttling Retry Attempts and Hedged RPCs".
    ///
    /// # Errors
    ///
    /// Where `max_tokens` is not from 1 to 1 000, or `ratio` not from 0.001 to 1.
    pub fn throttle(max_tokens: u32, ratio: f64) -> Result<Self, ConfigError> {
        if !(1..=1_000).contains(&max_tokens) {
            return Err(ConfigError::new("max_tokens", max_tokens, "from 1 to 1000"));
        }
        let rule = Rule::Throttle { success: thousandths("ratio", ratio)?.into() };
        Ok(Self::new("throttle".into(), max_tokens, rule, Clock::default()))
    }

    /// The AWS SDKs' quota: retries cost tokens, which come back with the success that they bring.
    ///
    /// # Errors
    ///
    /// Where there are no tokens, or more than a million; where a retry costs nothing; where something
    /// is more than all the tokens.
    pub fn quota(costs: Costs) -> Result<Self, ConfigError> {
        let Costs { tokens, retry, time_out, success } = costs;
        if !(1..=MOST).contains(&tokens) {
            return Err(ConfigError::new("tokens", tokens, format!("from 1 to {MOST}")));
        }
        for (field, value, least) in
            [("retry", retry, 1), ("time_out", time_out, 1), ("success", success, 0)]
        {
            if !(least..=tokens).contains(&value) {
                let rule = format!("from {least} to the {tokens} tokens that there are");
                return Err(ConfigError::new(field, value, rule));
            }
        }
        Ok(Self::new("quota".into(), tokens, Rule::Quota { costs }, Clock::default()))
    }

    fn new(name: Name, full: u32, rule: Rule, clock: Clock) -> Self {
        let bucket = Bucket::new(full * ONE);
        Self { shared: Arc::new(Shared { bucket, rule, clock, name, refused: Stat::default() }) }
    }

    /// Changes, for all who share it, the part of a retry that each first try pays for; of a throttle,
    /// what a success brings in.
    ///
    /// What is saved up stays.
    ///
    /// # Errors
    ///
    /// Where it is not from 0.001 to 1, and of a quota, which has costs in its place; nothing is changed
    /// then.
    ///
    /// # Examples
    ///
    /// How do I turn retries down while an outage goes on?
    ///
    /// ```
    /// # use seawall_retry::RetryBudget;
    /// let budget = RetryBudget::builder().ratio(0.2).build()?;
    /// budget.set_ratio(0.02)?;
    /// budget.set_floor_per_second(0)?;
    /// # assert_eq!(budget.snapshot().limits["ratio"], 0.02);
    /// # Ok::<(), seawall_retry::ConfigError>(())
    /// ```
    pub fn set_ratio(&self, ratio: f64) -> Result<(), ConfigError> {
        let part = thousandths("ratio", ratio)?;
        match &self.shared.rule {
            Rule::Share { deposit: paid, .. } | Rule::Throttle { success: paid } => {
                paid.store(part, Relaxed);
                Ok(())
            }
            Rule::Quota { .. } => Err(ConfigError::new("ratio", ratio, "none: a quota has costs")),
        }
    }

    /// Changes, for all who share it, how many retries a second are free while nothing is saved up.
    ///
    /// # Errors
    ///
    /// Where it is more than 1 000, and of a throttle or a quota, which have no floor; nothing is changed
    /// then.
    pub fn set_floor_per_second(&self, retries: u32) -> Result<(), ConfigError> {
        match &self.shared.rule {
            Rule::Share { floor, .. } => floor.set_per_second(retries),
            Rule::Throttle { .. } | Rule::Quota { .. } => {
                Err(ConfigError::new("floor_per_second", retries, "none: only a share has a floor"))
            }
        }
    }

    /// How many retries are paid for now, the floor's aside; of a throttle, how many failures it bears.
    #[must_use]
    pub fn available(&self) -> f64 {
        self.shared.available()
    }

    /// How many retries were refused for want of budget.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.shared.refused.get()
    }

    /// How it stands now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Adds it to a registry, which does not keep it alive.
    pub fn register(&self, registry: &Registry) {
        registry.add(&self.shared);
    }

    /// A call begins: its first try pays its share.
    ///
    /// For whoever retries in a loop of his own, as are the methods that follow; a
    /// [`Retry`](crate::Retry) calls them by itself.
    #[inline]
    pub fn deposit(&self) {
        if let Rule::Share { deposit, .. } = &self.shared.rule {
            self.shared.bucket.add(deposit.load(Relaxed));
        }
    }

    /// Takes what a retry costs; `None` where there is not enough, and the call is not to be retried.
    ///
    /// Before the wait for the retry, so that nobody waits in vain.
    #[must_use]
    pub fn try_withdraw(&self) -> Option<Withdrawal> {
        self.withdraw(Want::Retry)
    }

    /// As [`try_withdraw`](Self::try_withdraw) after an attempt that took too long, which a quota may have
    /// a price of its own for.
    #[must_use]
    pub fn try_withdraw_after_time_out(&self) -> Option<Withdrawal> {
        self.withdraw(Want::AfterTimeOut)
    }

    /// A retry is wanted: what was taken for it, or nothing where there is not enough.
    pub(crate) fn withdraw(&self, want: Want) -> Option<Withdrawal> {
        let shared = &*self.shared;
        let taken = shared.take(want);
        if taken.is_none() {
            shared.refused.add(1);
        }
        taken.map(|thousandths| Withdrawal::new(self.clone(), thousandths))
    }

    /// A call did well; `retry` is what was taken for the retry that did it, if it was one.
    #[inline]
    pub fn succeeded(&self, retry: Option<&Withdrawal>) {
        let Shared { bucket, rule, .. } = &*self.shared;
        match (rule, retry) {
            (Rule::Share { .. }, _) => {}
            (Rule::Throttle { success }, _) => bucket.add(success.load(Relaxed)),
            (Rule::Quota { .. }, Some(retry)) => bucket.add(retry.spent()),
            (Rule::Quota { costs }, None) => bucket.add(costs.success * ONE),
        }
    }

    /// An attempt failed that could be retried: to be told before the withdrawal, whether or not there
    /// is an attempt left.
    pub fn failed(&self) {
        if let Rule::Throttle { .. } = self.shared.rule {
            self.shared.bucket.lose(ONE);
        }
    }

    fn give_back(&self, thousandths: u32) {
        self.shared.bucket.add(thousandths);
    }
}

impl Shared {
    /// What a retry costs, once it is taken.
    fn take(&self, want: Want) -> Option<u32> {
        match &self.rule {
            Rule::Share { floor, .. } => {
                let paid = self.bucket.take(ONE) || floor.take(|| self.clock.now());
                paid.then_some(ONE)
            }
            Rule::Throttle { .. } => (self.bucket.count() > self.bucket.full() / 2).then_some(0),
            Rule::Quota { costs } => {
                let cost = match want {
                    Want::Retry => costs.retry,
                    Want::AfterTimeOut => costs.time_out,
                } * ONE;
                self.bucket.take(cost).then_some(cost)
            }
        }
    }

    fn available(&self) -> f64 {
        let count = self.bucket.count();
        let (left, price) = match &self.rule {
            Rule::Share { .. } => (count, 1),
            Rule::Throttle { .. } => (count.saturating_sub(self.bucket.full() / 2), 1),
            Rule::Quota { costs } => (count, costs.retry),
        };
        f64::from(left) / f64::from(ONE) / f64::from(price)
    }
}

impl Observe for RetryBudget {
    fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}

impl Observe for Shared {
    fn snapshot(&self) -> Snapshot {
        let available = self.available();
        let is_spent = match self.rule {
            Rule::Throttle { .. } => available <= 0.0,
            Rule::Share { .. } | Rule::Quota { .. } => available < 1.0,
        };
        let state = if is_spent { "spent" } else { "open" };
        let snapshot = Snapshot::new("retry_budget", self.name.as_str(), state)
            .gauge("available", available)
            .counter("refused", self.refused.get())
            .limit("full", f64::from(self.bucket.full() / ONE));
        let of_one =
            |thousandths: &AtomicU32| f64::from(thousandths.load(Relaxed)) / f64::from(ONE);
        match &self.rule {
            Rule::Share { deposit, floor } => snapshot
                .limit("ratio", of_one(deposit))
                .limit("floor_per_second", floor.per_second().into()),
            Rule::Throttle { success } => snapshot.limit("ratio", of_one(success)),
            Rule::Quota { costs } => snapshot.limit("cost", costs.retry.into()),
        }
    }
}

impl fmt::Debug for RetryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryBudget")
            .field("name", &self.shared.name)
            .field("rule", &self.shared.rule)
            .field("available", &self.available())
            .finish_non_exhaustive()
    }
}

/// A share in whole thousandths: at least one, or nothing would ever be paid.
fn thousandths(field: &'static str, ratio: f64) -> Result<u32, ConfigError> {
    match Ratio::new(ratio).map_or(0, Ratio::parts_per_million) / 1_000 {
        0 => Err(ConfigError::new(field, ratio, "a number from 0.001 to 1")),
        thousandths => Ok(thousandths),
    }
}
