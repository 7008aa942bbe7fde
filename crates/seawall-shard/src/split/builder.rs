//! The builder: the parts and their weights, checked when it is built.

use seawall_core::{Chance, ConfigError, Listeners, Name, mix};

use super::{Event, Split, sequence::reduced, shared::Shared};

/// How many parts there can be.
const MOST_PARTS: usize = 256;
/// How long a sequence can be until it begins anew: shares to a hundredth of a percent.
pub(crate) const MOST_TURNS: usize = 10_000;

/// Builds a [`Split`]: made by [`Split::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder builds nothing until `build`"]
pub struct SplitBuilder<T> {
    name: Name,
    parts: Vec<(Name, u32, T)>,
    seed: Option<u64>,
    listeners: Listeners<Event>,
}

impl<T> SplitBuilder<T> {
    pub(crate) const fn new(name: Name) -> Self {
        Self { name, parts: Vec::new(), seed: None, listeners: Listeners::new() }
    }

    /// One more part, with its share relative to the others'; of weight 0 it gets nothing, until its weight is
    /// [set](Split::set_weights).
    pub fn part(mut self, name: impl Into<Name>, weight: u32, value: T) -> Self {
        self.parts.push((name.into(), weight, value));
        self
    }

    /// Where in its sequence it begins: at the same place for the same seed, and with 0 at the beginning. By
    /// chance where not set, so that many short-lived processes together split as each long one does.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Calls `listener` when weights are set, by the thread that does it, outside any lock.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listeners.add(listener);
        self
    }

    /// Builds the split.
    ///
    /// # Errors
    ///
    /// Where there is no part, or more than 256; where two have one name; where all weights are 0, or, divided
    /// by what they have in common, add up to more than 10 000.
    pub fn build(self) -> Result<Split<T>, ConfigError> {
        let Self { name, parts, seed, listeners } = self;
        if !(1..=MOST_PARTS).contains(&parts.len()) {
            let rule = format!("from 1 to {MOST_PARTS} parts");
            return Err(ConfigError::new("parts", parts.len(), rule));
        }
        let mut names = std::collections::HashSet::new();
        if let Some((twice, ..)) = parts.iter().find(|(name, ..)| !names.insert(name.as_str())) {
            return Err(ConfigError::new("part.name", twice, "another name for each part"));
        }
        let weights: Vec<_> = parts.iter().map(|&(_, weight, _)| weight).collect();
        let reduced = checked(&weights)?;
        let seed = seed.map_or_else(|| Chance::random().uniform(0, u64::MAX), mix); // which leaves 0 as it is
        Ok(Split::new(Shared::new(name, parts, &reduced, seed, listeners)))
    }
}

/// The weights without what they have in common.
pub(crate) fn checked(weights: &[u32]) -> Result<Vec<u32>, ConfigError> {
    let weights = reduced(weights);
    let total: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
    if !(1..=MOST_TURNS as u64).contains(&total) {
        let rule = format!(
            "weights that add up to no more than {MOST_TURNS}, divided by what they have in common, and one \
             above 0",
        );
        return Err(ConfigError::new("part.weight", format_args!("{total} in all"), rule));
    }
    Ok(weights)
}
