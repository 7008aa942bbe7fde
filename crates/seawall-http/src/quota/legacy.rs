//! What went before the two fields: three headers for one quota.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{QuotaLeft, QuotaPolicy};
use crate::seconds;

/// Which of the old names are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LegacyNames {
    /// `RateLimit-Limit`, `RateLimit-Remaining`, `RateLimit-Reset`: drafts 00 to 06.
    RateLimit,
    /// `X-RateLimit-Limit`, `X-RateLimit-Remaining`, `X-RateLimit-Reset`: no document's, and in wide
    /// use.
    XRateLimit,
}

impl LegacyNames {
    const fn headers(self) -> [HeaderName; 3] {
        match self {
            Self::RateLimit => [
                HeaderName::from_static("ratelimit-limit"),
                HeaderName::from_static("ratelimit-remaining"),
                HeaderName::from_static("ratelimit-reset"),
            ],
            Self::XRateLimit => [
                HeaderName::from_static("x-ratelimit-limit"),
                HeaderName::from_static("x-ratelimit-remaining"),
                HeaderName::from_static("x-ratelimit-reset"),
            ],
        }
    }
}

/// Writes the three headers for clients that know no better, in place of what is there.
///
/// They have room for one quota: that of which the least is left; of two that are equal, the one that
/// takes longer. The limit is that of the policy with the same name and key. The reset is in seconds
/// from now, as everywhere here; there are services whose `X-RateLimit-Reset` is a date, which wants
/// clocks that agree.
///
/// # Examples
///
/// ```
/// # use seawall_http::{LegacyNames, QuotaPolicy, write_legacy_quotas};
/// # use std::time::Duration;
/// let burst = QuotaPolicy::new("burst", 100)?;
/// let daily = QuotaPolicy::new("daily", 10_000)?;
/// let left = [burst.left(7).with_reset(Duration::from_secs(3)), daily.left(800)];
///
/// let mut headers = http::HeaderMap::new();
/// write_legacy_quotas(&mut headers, LegacyNames::XRateLimit, &[burst, daily], &left);
///
/// assert_eq!(headers["x-ratelimit-limit"], "100");
/// assert_eq!(headers["x-ratelimit-remaining"], "7");
/// assert_eq!(headers["x-ratelimit-reset"], "3");
/// # Ok::<(), seawall_core::ConfigError>(())
/// ```
pub fn write_legacy_quotas(
    headers: &mut HeaderMap,
    names: LegacyNames,
    policies: &[QuotaPolicy],
    left: &[QuotaLeft],
) {
    let Some(left) = left.iter().min_by_key(|left| (left.left, std::cmp::Reverse(left.reset)))
    else {
        return;
    };
    let limit = policies.iter().find(|policy| left.is_of(policy)).map(QuotaPolicy::quota);
    let values = [limit, Some(left.left), left.reset.map(seconds)];
    for (name, value) in names.headers().into_iter().zip(values) {
        match value {
            Some(value) => headers.insert(name, HeaderValue::from(value)),
            None => headers.remove(name), // one that stays from before would be another quota's
        };
    }
}
