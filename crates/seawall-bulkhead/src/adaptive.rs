//! A limit that finds itself: how many calls a dependency takes at once before they begin to queue.
//!
//! Calls are watched in windows. When one is over, an algorithm is told what happened in it
//! ([`Sample`]) and says which limit to go on with. Three are built in, and yours makes the fourth:
//!
//! | algorithm | grows until | keeps | for |
//! |---|---|---|---|
//! | [`Vegas`], the default | some calls queue | a queue of a few calls, or a fifth of the limit | most |
//! | [`Gradient2`] | latency is 1.7 times that without load | a queue of two thirds of the limit | bursts |
//! | [`Aimd`] | something breaks | as long a queue as there may be | what refuses by itself |
//!
//! All grow only while at least half of the limit is used: idle traffic says nothing about a higher
//! one. Their formulas and defaults are those of Netflix/concurrency-limits; each one's page says what
//! was repaired, and `no_load.rs` how they learn how long a call takes without load.
//!
#![doc = include_str!("adaptive/limits.svg")]
//!
//! (`cargo run --release --example adaptive_limits`; the crate's tests hold the default to 90 % of the
//! capacity in a surge, and to being back within 20 seconds after it.)
//!
//! In the source, read on in this order: `sample.rs`, `vegas.rs`, `gradient2.rs` and `aimd.rs`,
//! `no_load.rs`, and `sampler.rs` for how a call is watched at the price of a few nanoseconds.

mod aimd;
pub(crate) mod gradient2;
pub(crate) mod no_load;
mod sample;
pub(crate) mod sampler;
#[cfg(feature = "serde")]
mod serde_form;
pub(crate) mod vegas;

use std::{fmt, sync::Arc, time::Duration};

use seawall_core::{ConfigError, Outcome};

pub use self::{aimd::Aimd, gradient2::Gradient2, sample::Sample, vegas::Vegas};
use self::{gradient2::Gradient2Limit, vegas::VegasLimit};
use crate::{config::check_limit, word::MOST};

/// Decides, at the end of each window, which limit to go on with.
///
/// # Examples
///
/// How do I write my own, and how do I test it?
///
/// ```
/// use seawall_bulkhead::adaptive::{Adaptive, LimitAlgorithm, Sample};
/// use std::time::Duration;
///
/// /// Keeps the latency below a target.
/// struct Target(Duration);
///
/// impl LimitAlgorithm for Target {
///     fn update(&mut self, sample: &Sample) -> f64 {
///         if sample.is_dropped() || sample.latency > self.0 {
///             sample.limit * 0.9
///         } else if sample.is_used() {
///             sample.limit + 1.0
///         } else {
///             sample.limit
///         }
///     }
/// }
///
/// let mut target = Target(Duration::from_millis(50));
/// let slow = Sample::new(100.0, Duration::from_millis(80));
/// assert_eq!(target.update(&slow), 90.0);
///
/// let adaptive = Adaptive::own(|| Target(Duration::from_millis(50))).min(4).max(400);
/// # assert!(adaptive.check().is_ok());
/// ```
pub trait LimitAlgorithm: Send {
    /// The limit to go on with.
    ///
    /// It is kept between the least and the most that were set, and its fraction is kept until the
    /// next time ([`Sample::limit`]), so that a limit can grow by less than one. What is not a number
    /// changes nothing. A panic harms nothing either: the limit stays, and the next window begins.
    fn update(&mut self, sample: &Sample) -> f64;

    /// The latency without load, if it has a notion of that: a snapshot shows it.
    fn no_load(&self) -> Option<Duration> {
        None
    }
}

/// A limit that follows the dependency.
///
/// | field | default | why, and what it was tuned for |
/// |---|---|---|
/// | algorithm | [`Vegas`] | the most answers in time, and the shortest queue, of the three |
/// | `initial` | 20, kept within `min` and `max` | low: a limit grows fast, and a queue from the first call on is taken for normal |
/// | `min` | 1; Gradient2 and AIMD 20 | the source's |
/// | `max` | 1000; Gradient2 and AIMD 200 | the source's |
/// | `window` | 100 ms | ten decisions a second; with the source's second a surge lasts ten times as long |
/// | `on_cancel`, `on_panic` | ignored | they say nothing about load; see the methods for the exception |
///
/// Tuned in a simulation: 4 to 2000 workers, service times that are exponential around 10 to 50 ms,
/// Poisson arrivals at 50 % to 300 % of what can be served, a dependency that becomes half as fast,
/// loses half of its workers, or hangs.
///
/// # Examples
///
/// How do I bound it?
///
/// ```
/// # use seawall_bulkhead::adaptive::Adaptive;
/// let adaptive = Adaptive::default().initial(20).min(4).max(400);
/// assert!(adaptive.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Adaptive {
    algorithm: Algorithm,
    initial: Option<u32>,
    min: Option<u32>,
    max: Option<u32>,
    window: Duration,
    on_cancel: Outcome,
    on_panic: Outcome,
}

#[derive(Clone)]
enum Algorithm {
    Aimd(Aimd),
    Vegas(Vegas),
    Gradient2(Gradient2),
    Own(Arc<dyn Fn() -> Box<dyn LimitAlgorithm> + Send + Sync>),
}

impl Adaptive {
    /// [`Gradient2`] as it is by default.
    #[must_use]
    pub fn gradient2() -> Self {
        Gradient2::default().into()
    }

    /// [`Vegas`] as it is by default.
    #[must_use]
    pub fn vegas() -> Self {
        Vegas::default().into()
    }

    /// [`Aimd`] as it is by default.
    #[must_use]
    pub fn aimd() -> Self {
        Aimd::default().into()
    }

    /// An algorithm of your own, from 1 to 1000.
    ///
    /// Each bulkhead makes its own with `make`: those of two keys learn apart.
    #[must_use]
    pub fn own<A>(make: impl Fn() -> A + Send + Sync + 'static) -> Self
    where
        A: LimitAlgorithm + 'static,
    {
        Algorithm::Own(Arc::new(move || Box::new(make()))).into()
    }

    /// Where the limit begins.
    #[must_use]
    pub const fn initial(mut self, limit: u32) -> Self {
        self.initial = Some(limit);
        self
    }

    /// The limit never falls below this: from 1.
    #[must_use]
    pub const fn min(mut self, limit: u32) -> Self {
        self.min = Some(limit);
        self
    }

    /// The limit never rises above this: to 16 777 215.
    #[must_use]
    pub const fn max(mut self, limit: u32) -> Self {
        self.max = Some(limit);
        self
    }

    /// The least time between two changes of the limit: from a millisecond to an hour.
    ///
    /// A change shows only in calls that begin after it: so a window lasts at least as long as two
    /// calls, though at most ten times this. It also waits for ten calls.
    #[must_use]
    pub const fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// What a call that was dropped before it ended counts as.
    ///
    /// Where it is ignored, one that by then had taken longer than calls take on average counts all
    /// the same, with the time it took: a caller that gives up on a hanging dependency must not hide
    /// it.
    #[must_use]
    pub const fn on_cancel(mut self, outcome: Outcome) -> Self {
        self.on_cancel = outcome;
        self
    }

    /// What a call that panicked counts as; where it is ignored, as with
    /// [`on_cancel`](Self::on_cancel).
    #[must_use]
    pub const fn on_panic(mut self, outcome: Outcome) -> Self {
        self.on_panic = outcome;
        self
    }

    /// The lowest limit.
    pub(crate) fn least(&self) -> u32 {
        self.min.unwrap_or(match self.algorithm {
            Algorithm::Aimd(_) | Algorithm::Gradient2(_) => 20,
            Algorithm::Vegas(_) | Algorithm::Own(_) => 1,
        })
    }

    /// The highest limit.
    pub(crate) fn most(&self) -> u32 {
        self.max.unwrap_or(match self.algorithm {
            Algorithm::Aimd(_) | Algorithm::Gradient2(_) => 200,
            Algorithm::Vegas(_) | Algorithm::Own(_) => 1000,
        })
    }

    /// The first limit.
    pub(crate) fn first(&self) -> u32 {
        self.initial.unwrap_or_else(|| 20.min(self.most()).max(self.least()))
    }

    /// Whether a limit can be adapted so.
    ///
    /// # Errors
    ///
    /// Names the first field that can't be as it is, its value, and what is allowed.
    pub fn check(&self) -> Result<(), ConfigError> {
        match &self.algorithm {
            Algorithm::Aimd(aimd) => aimd.check()?,
            Algorithm::Vegas(vegas) => vegas.check()?,
            Algorithm::Gradient2(gradient2) => gradient2.check()?,
            Algorithm::Own(_) => {}
        }
        let (least, most) = (self.least(), self.most());
        check_limit("adaptive.min", least, 1, MOST)?;
        check_limit("adaptive.max", most, least, MOST)?;
        check_limit("adaptive.initial", self.first(), least, most)?;
        if (Duration::from_millis(1)..=Duration::from_secs(3600)).contains(&self.window) {
            return Ok(());
        }
        let value = format!("{:?}", self.window);
        Err(ConfigError::new("adaptive.window", value, "from a millisecond to an hour"))
    }

    /// A fresh algorithm, for one bulkhead.
    fn start(&self) -> Box<dyn LimitAlgorithm> {
        match &self.algorithm {
            Algorithm::Aimd(rules) => Box::new(rules.clone()),
            Algorithm::Vegas(rules) => Box::new(VegasLimit::new(rules.clone())),
            Algorithm::Gradient2(rules) => Box::new(Gradient2Limit::new(rules.clone())),
            Algorithm::Own(make) => make(),
        }
    }
}

impl Default for Adaptive {
    fn default() -> Self {
        Self::vegas()
    }
}

impl From<Algorithm> for Adaptive {
    fn from(algorithm: Algorithm) -> Self {
        Self {
            algorithm,
            initial: None,
            min: None,
            max: None,
            window: Duration::from_millis(100),
            on_cancel: Outcome::Ignored,
            on_panic: Outcome::Ignored,
        }
    }
}

impl From<Aimd> for Adaptive {
    fn from(aimd: Aimd) -> Self {
        Algorithm::Aimd(aimd).into()
    }
}

impl From<Vegas> for Adaptive {
    fn from(vegas: Vegas) -> Self {
        Algorithm::Vegas(vegas).into()
    }
}

impl From<Gradient2> for Adaptive {
    fn from(gradient2: Gradient2) -> Self {
        Algorithm::Gradient2(gradient2).into()
    }
}

/// Algorithms of one's own are the same where they come from the same closure.
impl PartialEq for Algorithm {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Aimd(one), Self::Aimd(other)) => one == other,
            (Self::Vegas(one), Self::Vegas(other)) => one == other,
            (Self::Gradient2(one), Self::Gradient2(other)) => one == other,
            (Self::Own(one), Self::Own(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl fmt::Debug for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aimd(aimd) => aimd.fmt(f),
            Self::Vegas(vegas) => vegas.fmt(f),
            Self::Gradient2(gradient2) => gradient2.fmt(f),
            Self::Own(_) => f.write_str("Own(..)"),
        }
    }
}

fn check_number(field: &'static str, number: f64, low: f64, high: f64) -> Result<(), ConfigError> {
    if (low..=high).contains(&number) {
        return Ok(());
    }
    Err(ConfigError::new(field, number, format!("a number from {low} to {high}")))
}

fn check_backoff(backoff: f64) -> Result<(), ConfigError> {
    if (0.5..1.0).contains(&backoff) {
        return Ok(());
    }
    Err(ConfigError::new("adaptive.backoff", backoff, "at least 0.5, and below 1"))
}
