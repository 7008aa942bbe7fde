//! What is wrong with a setting, in words that can be acted on.

use std::{borrow::Cow, fmt};

/// A setting that cannot be: which one, what it was, and what is allowed.
///
/// # Examples
///
/// ```
/// # use seawall_core::{ConfigError, Ratio};
/// let error = Ratio::new(1.5).map_err(|error| error.of("failure_rate")).unwrap_err();
/// assert_eq!(error.to_string(), "`failure_rate` is 1.5: it must be a number from 0 to 1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is {value}: it must be {rule}")]
pub struct ConfigError {
    field: Cow<'static, str>,
    value: String,
    rule: Cow<'static, str>,
}

impl ConfigError {
    /// `field` was set to `value`, and must be what `rule` says ("a number from 0 to 1").
    #[must_use]
    pub fn new(
        field: impl Into<Cow<'static, str>>,
        value: impl fmt::Display,
        rule: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { field: field.into(), value: value.to_string(), rule: rule.into() }
    }

    /// The same error as the error of the setting called `field`.
    ///
    /// A value knows what is allowed for it; what it was meant for knows only who asked.
    #[must_use]
    pub fn of(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = field.into();
        self
    }

    /// The setting's name.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What it was set to.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What it must be.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }
}
