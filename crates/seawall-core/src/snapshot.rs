//! What a handle looks like at one moment: plain data, for exporters, dashboards and tests.

use std::{borrow::Cow, collections::BTreeMap};

/// A handle's state, gauges, counters and limits, read from the atomics that it keeps anyway.
///
/// Each number is read by itself, so that two of them can be a few calls apart.
///
/// Names are lower-case words with underscores; shares are from 0 to 1, durations in seconds.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Snapshot {
    /// The pattern: `"circuit_breaker"`.
    pub pattern: Cow<'static, str>,
    /// The handle's name.
    pub name: String,
    /// Which of the handles with the same pattern and name it is, as a
    /// [`Registry`](crate::Registry) counts them; 0 for a handle that was asked itself.
    #[cfg_attr(feature = "serde", serde(default))]
    pub instance: u32,
    /// The state in one word: `"open"`.
    pub state: Cow<'static, str>,
    /// What goes up and down.
    #[cfg_attr(feature = "serde", serde(default))]
    pub gauges: BTreeMap<Cow<'static, str>, f64>,
    /// What only goes up, from when the handle was built.
    #[cfg_attr(feature = "serde", serde(default))]
    pub counters: BTreeMap<Cow<'static, str>, u64>,
    /// What it is set to.
    #[cfg_attr(feature = "serde", serde(default))]
    pub limits: BTreeMap<Cow<'static, str>, f64>,
}

impl Snapshot {
    /// A snapshot with no numbers yet.
    #[must_use]
    pub fn new(pattern: &'static str, name: impl Into<String>, state: &'static str) -> Self {
        Self {
            pattern: pattern.into(),
            name: name.into(),
            instance: 0,
            state: state.into(),
            gauges: BTreeMap::new(),
            counters: BTreeMap::new(),
            limits: BTreeMap::new(),
        }
    }

    /// The same, with a gauge.
    #[must_use]
    pub fn gauge(mut self, name: &'static str, value: f64) -> Self {
        self.gauges.insert(name.into(), value);
        self
    }

    /// The same, with a counter.
    #[must_use]
    pub fn counter(mut self, name: &'static str, value: u64) -> Self {
        self.counters.insert(name.into(), value);
        self
    }

    /// The same, with a limit that the handle is set to.
    #[must_use]
    pub fn limit(mut self, name: &'static str, value: f64) -> Self {
        self.limits.insert(name.into(), value);
        self
    }
}

/// Something that can be looked at.
pub trait Observe: Send + Sync {
    /// How it stands now.
    fn snapshot(&self) -> Snapshot;
}
