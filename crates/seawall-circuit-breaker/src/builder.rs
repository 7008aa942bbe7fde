//! The builder: every setting by name, checked when it is built.

use std::{sync::Arc, time::Duration};

use seawall_core::{Backoff, Clock, ConfigError, Name, Outcome, Ratio, lanes};

use crate::{
    CircuitBreaker, Config, Event, HungCalls, Ramp, SlowCall, Throttle, Window, breaker::Settings,
};

/// Builds a [`CircuitBreaker`]: made by [`CircuitBreaker::builder`].
///
/// What is not set is as [`Config`] says. What cannot be is told by [`build`](Self::build).
///
/// # Examples
///
/// What does a full set look like?
///
/// ```
/// # use seawall_circuit_breaker::{Backoff, CircuitBreaker, Jitter, Window};
/// # use std::time::Duration;
/// let breaker = CircuitBreaker::builder("payments")
///     .window(Window::time(Duration::from_secs(10)))
///     .minimum_calls(20)
///     .failure_rate(0.5)
///     .slow_call(Duration::from_secs(2), 0.8)
///     .consecutive_failures(5)
///     .open_for(Backoff::exponential(Duration::from_secs(1)).max(Duration::from_secs(60)).jitter(Jitter::Full))
///     .half_open_probes(3)
///     .build()?;
/// # Ok::<(), seawall_circuit_breaker::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder builds nothing until `build`"]
pub struct CircuitBreakerBuilder {
    name: Name,
    config: Config,
    settings: Settings,
    /// The first setting that cannot be, for `build` to tell.
    refused: Option<ConfigError>,
}

impl CircuitBreakerBuilder {
    pub(crate) fn new(name: Name) -> Self {
        let settings = Settings { lanes: lanes(), ..Settings::default() };
        Self { name, config: Config::default(), settings, refused: None }
    }

    /// Which calls the rates are taken over; the last 100 where not set.
    pub const fn window(mut self, window: Window) -> Self {
        self.config.window = window;
        self
    }

    /// With fewer calls in the window than this, rates say nothing.
    pub const fn minimum_calls(mut self, calls: u32) -> Self {
        self.config.minimum_calls = Some(calls);
        self
    }

    /// Opens when at least this share (0 to 1) of the calls failed; `None` turns the rule off.
    pub fn failure_rate(mut self, share: impl Into<Option<f64>>) -> Self {
        self.config.failure_rate = share.into().map(|share| self.ratio("failure_rate", share));
        self
    }

    /// A call that takes longer than `longer_than` is slow; opens when at least this share (0 to 1)
    /// of the calls is.
    ///
    /// Costs two clock readings a call.
    pub fn slow_call(mut self, longer_than: Duration, share: f64) -> Self {
        let rate = self.ratio("slow_call.rate", share);
        self.config.slow_call = Some(SlowCall { longer_than, rate });
        self
    }

    /// Opens when this many calls failed in a row; `None` turns the rule off.
    pub fn consecutive_failures(mut self, failures: impl Into<Option<u32>>) -> Self {
        self.config.consecutive_failures = failures.into();
        self
    }

    /// Opens when `count` calls have been in flight for longer than `longer_than`, though none of
    /// them came back: the only sign that a dependency hangs.
    ///
    /// Costs a clock reading and two writes a call.
    pub const fn hung_calls(mut self, longer_than: Duration, count: u32) -> Self {
        self.config.hung_calls = Some(HungCalls { longer_than, count });
        self
    }

    /// Rejects, while closed, with the probability `(requests - k * accepts) / (requests + 1)`:
    /// just the share that would fail anyway (Google's SRE book, "Handling Overload"). The first
    /// `minimum_calls` requests in its window are not held against it.
    ///
    /// The rules that open the circuit hold beside it; turn the default one off with
    /// `failure_rate(None)` where the throttle should be alone.
    pub const fn throttle(mut self, throttle: Throttle) -> Self {
        self.config.throttle = Some(throttle);
        self
    }

    /// How long the circuit stays open: the n-th time in a row for the n-th delay.
    pub fn open_for(mut self, backoff: Backoff) -> Self {
        self.config.open_for = backoff;
        self
    }

    /// How long it must stay closed until the next opening is a first one again.
    pub const fn stable_after(mut self, time: Duration) -> Self {
        self.config.stable_after = time;
        self
    }

    /// How many calls are let in to find out whether the dependency is well again.
    pub const fn half_open_probes(mut self, probes: u32) -> Self {
        self.config.half_open_probes = probes;
        self
    }

    /// After how long a probe that has not come back has failed.
    pub const fn probe_lease(mut self, lease: Duration) -> Self {
        self.config.probe_lease = lease;
        self
    }

    /// After the probes, lets a share of the calls in that grows evenly from `from` (0 to 1) to all
    /// of them; with `half_open_probes(0)`, instead of probes.
    pub fn ramp(mut self, over: Duration, from: f64) -> Self {
        let from = self.ratio("ramp.from", from);
        self.config.ramp = Some(Ramp { over, from });
        self
    }

    /// The share (0 to 1) of the rejections that is meant: 0 only watches and tells.
    pub fn enforce(mut self, share: f64) -> Self {
        self.config.enforce = self.ratio("enforce", share);
        self
    }

    /// What a call that is dropped before its end counts as; ignored where not set, unless it was
    /// slow by then (see [`Config::on_cancel`]).
    pub const fn on_cancel(mut self, outcome: Outcome) -> Self {
        self.config.on_cancel = outcome;
        self
    }

    /// What a call that panics counts as; a failure where not set.
    pub const fn on_panic(mut self, outcome: Outcome) -> Self {
        self.config.on_panic = outcome;
        self
    }

    /// Draws the same chances in each run.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.config.seed = Some(seed);
        self
    }

    /// All settings at once; what was set before is gone.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self.refused = None;
        self
    }

    /// Where the time comes from; [`Clock::default`] where not set.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.settings.clock = clock;
        self
    }

    /// Calls `listener` at each turn of the circuit, by the thread that makes it, outside any lock.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.settings.listeners.add(listener);
        self
    }

    /// Into how many copies the counts of a time window are spread, so that cores do not take
    /// them from each other: rounded up to a power of two. As many as there are cores, and at most
    /// 8, where not set; one is enough where calls are few.
    pub const fn lanes(mut self, lanes: usize) -> Self {
        self.settings.lanes = lanes;
        self
    }

    /// Builds the breaker, closed.
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed.
    pub fn build(self) -> Result<CircuitBreaker, ConfigError> {
        let (name, config, settings) = self.checked()?;
        Ok(CircuitBreaker::new(Arc::new(settings), name, config))
    }

    pub(crate) fn checked(self) -> Result<(Name, Config, Settings), ConfigError> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        self.config.check()?;
        if !(1..=64).contains(&self.settings.lanes) {
            return Err(ConfigError::new("lanes", self.settings.lanes, "from 1 to 64"));
        }
        Ok((self.name, self.config, self.settings))
    }

    /// A share that was given as a number; where it is none, `build` will say so.
    fn ratio(&mut self, field: &'static str, share: f64) -> Ratio {
        Ratio::new(share).unwrap_or_else(|error| {
            self.refused.get_or_insert_with(|| error.of(field));
            Ratio::ONE
        })
    }
}
