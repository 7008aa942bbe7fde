//! Quotas as they stand in `RateLimit-Policy` and `RateLimit`: plain data, from any limiter and for any.
//!
//! ```text
//!   RateLimit-Policy: "burst";q=100;w=60, "daily";q=10000;w=86400      what is allowed
//!   RateLimit: "burst";r=0;t=12, "daily";r=7200;t=30000                what is left of it
//! ```
//!
//! `read` and `write` are the two fields as structured fields (RFC 9651); `legacy` is what went before
//! them.
//!
//! # What it promises
//!
//! 1. What cannot be written is told when it is made: a name is printable ASCII, as a string on the wire
//!    is.
//! 2. Times are rounded up to whole seconds, and counts capped to fifteen digits: nothing is promised
//!    that is not there.
//! 3. A field that does not read as a whole counts as not there.

pub(crate) mod legacy;
pub(crate) mod read;
pub(crate) mod write;

use std::{fmt, sync::Arc, time::Duration};

use http::HeaderName;
use seawall_core::{ConfigError, Name};

/// The field that says what is allowed.
pub const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The field that says what is left.
pub const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// What a quota counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaUnit(Unit);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Unit {
    Requests,
    ContentBytes,
    ConcurrentRequests,
    Other(Name),
}

impl QuotaUnit {
    /// Requests: what is meant where nothing is said.
    pub const REQUESTS: Self = Self(Unit::Requests);
    /// Bytes of content.
    pub const CONTENT_BYTES: Self = Self(Unit::ContentBytes);
    /// Requests at the same time.
    pub const CONCURRENT_REQUESTS: Self = Self(Unit::ConcurrentRequests);

    /// The unit called `name`.
    ///
    /// # Errors
    ///
    /// Where the name is not printable ASCII.
    pub fn new(name: impl Into<Name>) -> Result<Self, ConfigError> {
        let name = printable("unit", name.into())?;
        Ok(match name.as_str() {
            "requests" => Self::REQUESTS,
            "content-bytes" => Self::CONTENT_BYTES,
            "concurrent-requests" => Self::CONCURRENT_REQUESTS,
            _ => Self(Unit::Other(name)),
        })
    }

    /// The unit's name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Unit::Requests => "requests",
            Unit::ContentBytes => "content-bytes",
            Unit::ConcurrentRequests => "concurrent-requests",
            Unit::Other(name) => name,
        }
    }
}

impl Default for QuotaUnit {
    fn default() -> Self {
        Self::REQUESTS
    }
}

impl fmt::Display for QuotaUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is allowed in which time: an item of [`RATELIMIT_POLICY`].
///
/// # Examples
///
/// How do I tell clients what they may do?
///
/// ```
/// # use seawall_http::{QuotaPolicy, quota_policies_value};
/// # use std::time::Duration;
/// let burst = QuotaPolicy::new("burst", 100)?.with_window(Duration::from_secs(60));
/// let value = quota_policies_value(&[burst]).expect("there is a policy");
/// assert_eq!(value, r#""burst";q=100;w=60"#);
/// # Ok::<(), seawall_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaPolicy {
    name: Name,
    quota: u64,
    unit: QuotaUnit,
    window: Option<Duration>,
    partition_key: Option<Arc<[u8]>>,
}

impl QuotaPolicy {
    /// A policy that allows `quota` requests.
    ///
    /// # Errors
    ///
    /// Where the name is not printable ASCII.
    pub fn new(name: impl Into<Name>, quota: u64) -> Result<Self, ConfigError> {
        let name = printable("name", name.into())?;
        Ok(Self { name, quota, unit: QuotaUnit::REQUESTS, window: None, partition_key: None })
    }

    /// The same policy for something else than requests.
    #[must_use]
    pub fn with_unit(mut self, unit: QuotaUnit) -> Self {
        self.unit = unit;
        self
    }

    /// The same policy for a time, in whole seconds on the wire: rounded up, at least one.
    #[must_use]
    pub const fn with_window(mut self, window: Duration) -> Self {
        self.window = Some(window);
        self
    }

    /// The same policy for one of those among whom the capacity is shared out. Clients see the key.
    #[must_use]
    pub fn with_partition_key(mut self, key: impl Into<Arc<[u8]>>) -> Self {
        self.partition_key = Some(key.into());
        self
    }

    /// The policy's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How much is allowed.
    #[must_use]
    pub const fn quota(&self) -> u64 {
        self.quota
    }

    /// Of what.
    #[must_use]
    pub const fn unit(&self) -> &QuotaUnit {
        &self.unit
    }

    /// In which time, where there is one.
    #[must_use]
    pub const fn window(&self) -> Option<Duration> {
        self.window
    }

    /// Whose share it is, where capacity is shared out.
    #[must_use]
    pub fn partition_key(&self) -> Option<&[u8]> {
        self.partition_key.as_deref()
    }

    /// How much of it is left, under the policy's name and key.
    #[must_use]
    pub fn left(&self, left: u64) -> QuotaLeft {
        let (name, partition_key) = (self.name.clone(), self.partition_key.clone());
        QuotaLeft { name, left, reset: None, partition_key }
    }
}

/// What is left of a quota: an item of [`RATELIMIT`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaLeft {
    name: Name,
    left: u64,
    reset: Option<Duration>,
    partition_key: Option<Arc<[u8]>>,
}

impl QuotaLeft {
    /// `left` of the policy called `name`; see also [`QuotaPolicy::left`].
    ///
    /// # Errors
    ///
    /// Where the name is not printable ASCII.
    pub fn new(name: impl Into<Name>, left: u64) -> Result<Self, ConfigError> {
        let name = printable("name", name.into())?;
        Ok(Self { name, left, reset: None, partition_key: None })
    }

    /// The same with the time for which it must do, in whole seconds on the wire: rounded up.
    #[must_use]
    pub const fn with_reset(mut self, reset: Duration) -> Self {
        self.reset = Some(reset);
        self
    }

    /// The same for one of those among whom the capacity is shared out.
    #[must_use]
    pub fn with_partition_key(mut self, key: impl Into<Arc<[u8]>>) -> Self {
        self.partition_key = Some(key.into());
        self
    }

    /// The policy's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How much is left. No promise: a server may refuse earlier.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.left
    }

    /// For how long it must do, where that is known.
    #[must_use]
    pub const fn reset(&self) -> Option<Duration> {
        self.reset
    }

    /// Whose share it is, where capacity is shared out.
    #[must_use]
    pub fn partition_key(&self) -> Option<&[u8]> {
        self.partition_key.as_deref()
    }

    /// How long there is nothing, where that is so and known.
    pub(crate) const fn dry_for(&self) -> Option<Duration> {
        if self.left == 0 { self.reset } else { None }
    }

    /// Whether it is what is left of `policy`.
    fn is_of(&self, policy: &QuotaPolicy) -> bool {
        self.name == policy.name && self.partition_key == policy.partition_key
    }
}

/// The name, where it can be a string on the wire.
fn printable(field: &'static str, name: Name) -> Result<Name, ConfigError> {
    match sfv::StringRef::from_str(&name) {
        Ok(_) => Ok(name),
        Err(_) => Err(ConfigError::new(field, format!("{:?}", name.as_str()), "printable ASCII")),
    }
}
