//! The settings that every call reads: each in a word, so that they can change while calls run.
//!
//! ```text
//!  63      20 19      18 17       16  15             14           13               0
//! +----------+----------+-----------+----+----------------+---------------------------+
//! |    -     | on_panic | on_cancel | on | rates compared | failures in a row, 0: any |
//! +----------+----------+-----------+----+----------------+---------------------------+
//! ```
//!
//! A call that ends beside a change goes by the old settings or by the new ones, and by nothing else, since what
//! belongs together is in one word. The others are read by themselves. Relaxed throughout: they carry nothing
//! but themselves, and are outside loom's view.

use seawall_core::{
    Nanos, Outcome, Ratio,
    sync::unmodelled::{AtomicU32, AtomicU64, Ordering::Relaxed},
};

use super::{Config, standing::Moment};

const FAILURES: u64 = (1 << 14) - 1;
const RATES: u64 = 1 << 14;
const ON: u64 = 1 << 15;

#[derive(Debug)]
pub(crate) struct Rules {
    endings: AtomicU64,
    penalty: AtomicU64,
    ramp: AtomicU64,
    panic_above: AtomicU32,
}

/// What a call's end means for the ejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Endings(u64);

impl Rules {
    pub(crate) fn new(config: &Config) -> Self {
        let rules = Self {
            endings: AtomicU64::new(0),
            penalty: AtomicU64::new(0),
            ramp: AtomicU64::new(0),
            panic_above: AtomicU32::new(0),
        };
        rules.set(config);
        rules
    }

    /// Takes over what `config` says, which was checked.
    pub(crate) fn set(&self, config: &Config) {
        self.endings.store(Endings::of(config).0, Relaxed);
        self.penalty.store(Nanos::from(config.penalty).0, Relaxed);
        self.ramp.store(Moment::span(Nanos::from(config.slow_start).0), Relaxed);
        self.panic_above.store(config.panic_above.parts_per_million(), Relaxed);
    }

    #[inline]
    pub(crate) fn endings(&self) -> Endings {
        Endings(self.endings.load(Relaxed))
    }

    /// What a failure is taken to have needed at least, in nanoseconds.
    #[inline]
    pub(crate) fn penalty(&self) -> u64 {
        self.penalty.load(Relaxed)
    }

    /// How long a slow start takes, in units of a [`Moment`].
    #[inline]
    pub(crate) fn ramp(&self) -> u64 {
        self.ramp.load(Relaxed)
    }

    pub(crate) fn panic_above(&self) -> Ratio {
        Ratio::from_parts_per_million(self.panic_above.load(Relaxed))
    }
}

impl Endings {
    fn of(config: &Config) -> Self {
        let rules = config.ejection.as_ref();
        let failures = rules.and_then(|rules| rules.consecutive_failures).unwrap_or(0);
        let rates = rules.is_some_and(|rules| rules.success_rate.is_some());
        Self(
            u64::from(failures)
                | if rules.is_some() { ON } else { 0 }
                | if rates { RATES } else { 0 }
                | code(config.on_cancel) << 16
                | code(config.on_panic) << 18,
        )
    }

    /// Whether there is an ejection for which they could count.
    #[inline]
    pub(crate) const fn count(self) -> bool {
        self.0 & ON != 0
    }

    /// Whether so many failures in a row are too many.
    pub(crate) const fn too_many(self, failures: u32) -> bool {
        let most = self.0 & FAILURES;
        most > 0 && failures as u64 >= most
    }

    /// Whether success rates are compared.
    #[inline]
    pub(crate) const fn compare_rates(self) -> bool {
        self.0 & RATES != 0
    }

    pub(crate) const fn on_cancel(self) -> Outcome {
        outcome(self.0 >> 16)
    }

    pub(crate) const fn on_panic(self) -> Outcome {
        outcome(self.0 >> 18)
    }
}

const fn code(outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Success => 0,
        Outcome::Failure => 1,
        Outcome::Ignored => 2,
    }
}

const fn outcome(code: u64) -> Outcome {
    match code & 3 {
        0 => Outcome::Success,
        1 => Outcome::Failure,
        _ => Outcome::Ignored,
    }
}
