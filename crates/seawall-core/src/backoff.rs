//! How long to wait before the next attempt.
//!
//! # How it decides
//!
//! With `k` attempts made (0 before the first retry), base `b`, cap `c`:
//!
//! | growth | before the cap |
//! |---|---|
//! | constant | `b` |
//! | linear | `b * (k + 1)` |
//! | exponential, factor `f` | `b * f^k` |
//! | fibonacci | `b * F(k + 1)` (1, 1, 2, 3, 5 …) |
//!
//! The cap comes first and the jitter after it, downwards: a cap that is applied to jittered delays
//! makes half of all callers wait for exactly the cap, together.
//!
//! | jitter | from the capped delay `d` |
//! |---|---|
//! | none | `d` |
//! | full | uniform in `[0, d]` |
//! | equal | uniform in `[d/2, d]` |
//! | decorrelated | uniform in `[b, 3 * previous]`, capped at `c`; growth is in `previous` |
//!
//! Formulas: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. Full jitter is the
//! default: of a hundred clients that contend it makes the fewest calls and finishes soonest but one.
//!
//! No attempt number overflows: delays are counted in nanoseconds and stop at the end of a `u64`.

mod growth;
#[cfg(feature = "serde")]
mod serde_form;

use std::time::Duration;

use self::growth::Growth;
use crate::{Chance, ConfigError, Nanos};

/// What chance does to a delay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase")
)]
pub enum Jitter {
    /// Nothing: everybody comes back together.
    None,
    /// Anything from nothing to the whole delay.
    #[default]
    Full,
    /// At least half of the delay.
    Equal,
    /// Anything from the base to three times the delay before.
    Decorrelated,
}

/// A rule for how long to wait between attempts.
///
/// A value that can be cloned and shared: the rule has no state, and [`delays`](Self::delays) gives
/// the waits of one run of attempts.
///
/// # Examples
///
/// How long are the waits?
///
/// ```
/// # use seawall_core::{Backoff, Jitter};
/// # use std::time::Duration;
/// let backoff = Backoff::exponential(Duration::from_millis(100))
///     .max(Duration::from_secs(1))
///     .jitter(Jitter::None);
/// let waits: Vec<_> = backoff.delays().take(5).map(|wait| wait.as_millis()).collect();
/// assert_eq!(waits, [100, 200, 400, 800, 1000]);
/// ```
///
/// How do I get the same waits in each run of a test?
///
/// ```
/// # use seawall_core::Backoff;
/// # use std::time::Duration;
/// let backoff = Backoff::exponential(Duration::from_millis(100)).seed(7);
/// assert!(backoff.delays().take(9).eq(backoff.delays().take(9)));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Backoff {
    growth: Growth,
    max: Duration,
    jitter: Jitter,
    seed: Option<u64>,
}

impl Backoff {
    /// Where no cap is set: an hour, since a wait that is longer is no retry any more.
    pub const DEFAULT_MAX: Duration = Duration::from_secs(3600);

    const fn new(growth: Growth) -> Self {
        Self { growth, max: Self::DEFAULT_MAX, jitter: Jitter::Full, seed: None }
    }

    /// `base` each time.
    #[must_use]
    pub const fn constant(base: Duration) -> Self {
        Self::new(Growth::Constant { base })
    }

    /// `base`, then twice, three times … as long.
    #[must_use]
    pub const fn linear(base: Duration) -> Self {
        Self::new(Growth::Linear { base })
    }

    /// `base`, then twice as long each time ([`factor`](Self::factor) changes the two).
    #[must_use]
    pub const fn exponential(base: Duration) -> Self {
        Self::new(Growth::Exponential { base, factor: 2.0 })
    }

    /// `base` times 1, 1, 2, 3, 5, 8 …
    #[must_use]
    pub const fn fibonacci(base: Duration) -> Self {
        Self::new(Growth::Fibonacci { base })
    }

    /// What `delay` says for the number of attempts made before (0, 1, 2 …), with the cap and the
    /// jitter of this rule.
    #[must_use]
    pub fn custom(delay: impl Fn(u32) -> Duration + Send + Sync + 'static) -> Self {
        Self::new(Growth::custom(delay))
    }

    /// How many times longer each delay of an exponential backoff is than the one before.
    ///
    /// At least 1; [`check`](Self::check) and every `build()` refuse what is not. Other growths
    /// have no factor, and stay as they are.
    #[must_use]
    pub fn factor(mut self, times: f64) -> Self {
        if let Growth::Exponential { factor, .. } = &mut self.growth {
            *factor = times;
        }
        self
    }

    /// The longest delay: no jitter exceeds it.
    #[must_use]
    pub const fn max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    /// What chance does to each delay.
    #[must_use]
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Draws the same delays in each run.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The seed that was set, if any.
    #[must_use]
    pub const fn chosen_seed(&self) -> Option<u64> {
        self.seed
    }

    /// The longest delay that can come out.
    #[must_use]
    pub const fn longest(&self) -> Duration {
        self.max
    }

    /// Whether the rule can be used.
    ///
    /// # Errors
    ///
    /// Where the factor is not a finite number of at least 1.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.growth.check()
    }

    /// The delays of one run of attempts: without end, each with its own jitter.
    pub fn delays(&self) -> Delays {
        Delays {
            backoff: self.clone(),
            chance: Chance::from_seed(self.seed),
            attempt: 0,
            previous: None,
        }
    }

    /// The delay after `attempt` attempts (0 before the first retry), where `previous` was the one
    /// before and `chance` makes the jitter.
    ///
    /// For whoever keeps the count elsewhere; [`delays`](Self::delays) keeps it for you.
    #[must_use]
    pub fn delay(&self, attempt: u32, previous: Option<Duration>, chance: &Chance) -> Duration {
        let max = Nanos::from(self.max).0;
        let grown = self.growth.delay(attempt).min(max);
        let nanos = match self.jitter {
            Jitter::None => grown,
            Jitter::Full => chance.uniform(0, grown),
            Jitter::Equal => chance.uniform(grown - grown / 2, grown),
            Jitter::Decorrelated => {
                let base = self.growth.delay(0).min(max);
                let previous = previous.map_or(base, |previous| Nanos::from(previous).0);
                // Capped before the draw, or all would meet at exactly the cap.
                let high = previous.saturating_mul(3).min(max);
                chance.uniform(base, high.max(base))
            }
        };
        Duration::from_nanos(nanos)
    }
}

/// The delays of one run of attempts: made by [`Backoff::delays`], never ends.
#[derive(Debug)]
#[must_use = "iterators do nothing until they are asked"]
pub struct Delays {
    backoff: Backoff,
    chance: Chance,
    attempt: u32,
    previous: Option<Duration>,
}

impl Iterator for Delays {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let delay = self.backoff.delay(self.attempt, self.previous, &self.chance);
        self.attempt = self.attempt.saturating_add(1);
        self.previous = Some(delay);
        self.previous
    }
}
