//! The nodes of a fleet, as they were named: checked once, for every placement that knows nodes by name.

use seawall_core::ConfigError;

/// The most nodes of a fleet: positions are kept in sixteen bits, of which one value means none.
const MOST: usize = u16::MAX as usize;

/// Names and weights, in the order in which they were given.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    names: Vec<Box<str>>,
    weights: Vec<u32>,
}

impl Members {
    pub(super) fn push(&mut self, name: impl Into<Box<str>>, weight: u32) {
        self.names.push(name.into());
        self.weights.push(weight);
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn names(&self) -> &[Box<str>] {
        &self.names
    }

    pub(super) fn weights(&self) -> &[u32] {
        &self.weights
    }

    /// What all weights make together: [checked](Self::check) to fit.
    pub(super) fn total(&self) -> u64 {
        self.weights.iter().copied().map(u64::from).sum()
    }

    pub(super) fn into_names(self) -> Box<[Box<str>]> {
        self.names.into()
    }

    /// Whether a placement can be made of these nodes.
    ///
    /// # Errors
    ///
    /// Where there is none, where there are too many, where one has no name, the name of another or no
    /// weight, and where the weights together pass 32 bits: the other sides count them in so many.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.names.is_empty() || self.names.len() > MOST {
            return Err(ConfigError::new("nodes", self.names.len(), "from 1 to 65535"));
        }
        if self.names.iter().any(|name| name.is_empty()) {
            return Err(ConfigError::new("node", "\"\"", "a name"));
        }
        distinct(self.names.iter().map(AsRef::as_ref).collect())?;
        if let Some(node) = self.weights.iter().position(|weight| *weight == 0) {
            return Err(ConfigError::new(
                "weight",
                format!("0 for {}", self.names[node]),
                "at least 1",
            ));
        }
        if self.total() > u32::MAX.into() {
            return Err(ConfigError::new("weights", self.total(), "at most 4294967295 together"));
        }
        Ok(())
    }
}

/// Refuses names of which two are the same.
pub(super) fn distinct(mut names: Vec<&str>) -> Result<(), ConfigError> {
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(ConfigError::new("node", pair[0], "named once")),
        None => Ok(()),
    }
}
