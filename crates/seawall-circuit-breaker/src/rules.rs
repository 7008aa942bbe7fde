//! The settings that can change while calls run.
//!
//! Each is an atomic of its own, read where it is needed and nowhere else. They carry no data but
//! themselves (Relaxed), and calls that read them while they change see some of each: a change is for
//! the calls to come.

use std::time::Duration;

use parking_lot::RwLock;
use seawall_core::{
    Backoff, Nanos, Outcome, Ratio,
    sync::unmodelled::{AtomicU32, AtomicU64, Ordering::Relaxed},
};

use crate::Config;

/// An outcome that was set as a number: see [`Rules::on_cancel`].
const OUTCOMES: [Outcome; 3] = [Outcome::Success, Outcome::Failure, Outcome::Ignored];

/// A setting that is off.
const OFF: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Rules {
    minimum_calls: AtomicU32,
    consecutive_failures: AtomicU32,
    failure_rate: AtomicU64,
    slow_after: AtomicU64,
    slow_rate: AtomicU64,
    hung_calls: AtomicU32,
    probes: AtomicU32,
    lease_ms: AtomicU64,
    ramp_ms: AtomicU64,
    ramp_from: AtomicU64,
    stable_ms: AtomicU64,
    enforce: AtomicU64,
    on_cancel: AtomicU32,
    on_panic: AtomicU32,
    open_for: RwLock<Backoff>,
    /// The open time that was drawn last: what decorrelated jitter grows from.
    last_open: AtomicU64,
}

impl Rules {
    pub(crate) fn new(config: &Config) -> Self {
        let rules = Self {
            minimum_calls: AtomicU32::new(0),
            consecutive_failures: AtomicU32::new(0),
            failure_rate: AtomicU64::new(OFF),
            slow_after: AtomicU64::new(OFF),
            slow_rate: AtomicU64::new(OFF),
            hung_calls: AtomicU32::new(0),
            probes: AtomicU32::new(0),
            lease_ms: AtomicU64::new(0),
            ramp_ms: AtomicU64::new(0),
            ramp_from: AtomicU64::new(0),
            stable_ms: AtomicU64::new(0),
            enforce: AtomicU64::new(0),
            on_cancel: AtomicU32::new(0),
            on_panic: AtomicU32::new(0),
            open_for: RwLock::new(config.open_for.clone()),
            last_open: AtomicU64::new(0),
        };
        rules.set(config);
        rules
    }

    /// Takes over what `config` says, which must have been checked.
    pub(crate) fn set(&self, config: &Config) {
        let parts = |ratio: Ratio| u64::from(ratio.parts_per_million());
        let outcome =
            |outcome: Outcome| OUTCOMES.iter().position(|&o| o == outcome).map_or(2, |i| i as u32);
        let slow = config.slow_call;
        let ramp = config.ramp;
        self.minimum_calls.store(config.minimum(), Relaxed);
        self.consecutive_failures.store(config.consecutive_failures.unwrap_or(0), Relaxed);
        self.failure_rate.store(config.failure_rate.map_or(OFF, parts), Relaxed);
        self.slow_after.store(slow.map_or(OFF, |slow| Nanos::from(slow.longer_than).0), Relaxed);
        self.slow_rate.store(slow.map_or(OFF, |slow| parts(slow.rate)), Relaxed);
        self.hung_calls.store(config.hung_calls.map_or(0, |hung| hung.count), Relaxed);
        self.probes.store(config.half_open_probes, Relaxed);
        self.lease_ms.store(millis(config.probe_lease), Relaxed);
        self.ramp_ms.store(ramp.map_or(0, |ramp| millis(ramp.over)), Relaxed);
        self.ramp_from.store(ramp.map_or(0, |ramp| parts(ramp.from)), Relaxed);
        self.stable_ms.store(millis(config.stable_after), Relaxed);
        self.enforce.store(parts(config.enforce), Relaxed);
        self.on_cancel.store(outcome(config.on_cancel), Relaxed);
        self.on_panic.store(outcome(config.on_panic), Relaxed);
        self.open_for.write().clone_from(&config.open_for);
    }

    /// Below how many calls a rate says nothing.
    pub(crate) fn minimum_calls(&self) -> u64 {
        self.minimum_calls.load(Relaxed).into()
    }

    /// How many failures in a row trip the circuit; 0 is none.
    #[inline]
    pub(crate) fn consecutive_failures(&self) -> u32 {
        self.consecutive_failures.load(Relaxed)
    }

    pub(crate) fn failure_rate(&self) -> Option<Ratio> {
        ratio(&self.failure_rate)
    }

    /// Longer than this many nanoseconds is slow.
    #[inline]
    pub(crate) fn slow_after(&self) -> Option<u64> {
        Some(self.slow_after.load(Relaxed)).filter(|&nanos| nanos != OFF)
    }

    pub(crate) fn slow_rate(&self) -> Option<Ratio> {
        ratio(&self.slow_rate)
    }

    /// How many hung calls trip the circuit; 0 is none.
    #[inline]
    pub(crate) fn hung_calls(&self) -> u64 {
        self.hung_calls.load(Relaxed).into()
    }

    pub(crate) fn probes(&self) -> u32 {
        self.probes.load(Relaxed)
    }

    pub(crate) fn lease_ms(&self) -> u64 {
        self.lease_ms.load(Relaxed)
    }

    /// How long the ramp is; `None` where a circuit closes at once.
    pub(crate) fn ramp_ms(&self) -> Option<u64> {
        Some(self.ramp_ms.load(Relaxed)).filter(|&ms| ms > 0)
    }

    /// The share of calls let in when `passed` of the ramp's milliseconds are over.
    pub(crate) fn ramp_share(&self, passed: u64, ramp_ms: u64) -> Ratio {
        let from = self.ramp_from.load(Relaxed);
        let rest = u64::from(Ratio::ONE.parts_per_million()) - from;
        // At most 2^35 ms of at most 2^20 parts.
        let share = from + rest * passed.min(ramp_ms) / ramp_ms.max(1);
        Ratio::from_parts_per_million(share as u32)
    }

    pub(crate) fn stable_ms(&self) -> u64 {
        self.stable_ms.load(Relaxed)
    }

    /// What share of the rejections is meant.
    #[inline]
    pub(crate) fn enforce(&self) -> Ratio {
        Ratio::from_parts_per_million(self.enforce.load(Relaxed) as u32)
    }

    /// What a call that was dropped counts as.
    pub(crate) fn on_cancel(&self) -> Outcome {
        OUTCOMES[self.on_cancel.load(Relaxed) as usize]
    }

    /// What a call that panicked counts as.
    pub(crate) fn on_panic(&self) -> Outcome {
        OUTCOMES[self.on_panic.load(Relaxed) as usize]
    }

    /// How long to stay open the `opens`-th time, and never less than a millisecond.
    pub(crate) fn open_for(&self, opens: u32, chance: &seawall_core::Chance) -> Duration {
        let last = Duration::from_nanos(self.last_open.load(Relaxed));
        let previous = (opens > 1).then_some(last);
        let backoff = self.open_for.read();
        let open_for = backoff.delay(opens.saturating_sub(1), previous, chance);
        self.last_open.store(Nanos::from(open_for).0, Relaxed);
        open_for.max(Duration::from_millis(1))
    }
}

fn ratio(parts: &AtomicU64) -> Option<Ratio> {
    let parts = parts.load(Relaxed);
    (parts != OFF).then(|| Ratio::from_parts_per_million(parts as u32))
}

fn millis(duration: Duration) -> u64 {
    Nanos::from(duration).0.div_ceil(1_000_000)
}
