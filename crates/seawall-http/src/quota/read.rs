//! The two fields, read.
//!
//! The parser (`sfv`) calls a visitor for each item and each of its parameters; what comes of it is a
//! list of [`Item`]s, the same for both fields. Parameters that nobody knows are skipped, as comments
//! are.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName};
use seawall_core::Name;
use sfv::{
    BareItemFromInput, KeyRef, Parser,
    visitor::{
        EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, ListVisitor, ParameterVisitor,
    },
};

use super::{QuotaLeft, QuotaPolicy, QuotaUnit, RATELIMIT, RATELIMIT_POLICY};

/// What is allowed, by [`RATELIMIT_POLICY`]; nothing where that is not there, or cannot be read.
///
/// # Examples
///
/// ```
/// # use http::{HeaderMap, HeaderValue};
/// let mut headers = HeaderMap::new();
/// headers.insert("ratelimit-policy", HeaderValue::from_static(r#""hourly";q=1000;w=3600"#));
/// let policies = seawall_http::quota_policies(&headers);
/// assert_eq!((policies[0].name(), policies[0].quota()), ("hourly", 1_000));
/// ```
#[must_use]
pub fn quota_policies(headers: &HeaderMap) -> Vec<QuotaPolicy> {
    read(headers, &RATELIMIT_POLICY, policy).unwrap_or_default()
}

/// What is left, by [`RATELIMIT`]; nothing where that is not there, or cannot be read.
///
/// No promise, but a server's present intention. How long to wait is for
/// [`wait_asked_for`](crate::wait_asked_for) to say.
#[must_use]
pub fn quotas_left(headers: &HeaderMap) -> Vec<QuotaLeft> {
    read(headers, &RATELIMIT, left).unwrap_or_default()
}

fn policy(item: Item<'_>) -> Result<QuotaPolicy, Malformed> {
    let quota = item.number("q")?.ok_or(Malformed)?;
    let window = item.number("w")?;
    if window == Some(0) {
        return Err(Malformed);
    }
    let unit = item.text("qu")?.map_or(Ok(QuotaUnit::REQUESTS), QuotaUnit::new);
    Ok(QuotaPolicy {
        quota,
        unit: unit.map_err(|_| Malformed)?,
        window: window.map(Duration::from_secs),
        partition_key: item.bytes("pk")?,
        name: item.name,
    })
}

fn left(item: Item<'_>) -> Result<QuotaLeft, Malformed> {
    Ok(QuotaLeft {
        left: item.number("r")?.ok_or(Malformed)?,
        reset: item.number("t")?.map(Duration::from_secs),
        partition_key: item.bytes("pk")?,
        name: item.name,
    })
}

/// All items of a field, of which each must be one that `make` can take.
fn read<T>(
    headers: &HeaderMap,
    name: &HeaderName,
    make: impl Fn(Item<'_>) -> Result<T, Malformed>,
) -> Option<Vec<T>> {
    // A list can go over several lines, and is one value all the same: RFC 9651, 4.2.
    let lines: Vec<_> = headers.get_all(name).iter().map(|line| line.as_bytes()).collect();
    let value = lines.join(&b", "[..]);
    let items = Parser::new(&value).parse_list_with_visitor(Items::default()).ok()?;
    items.into_iter().map(make).collect::<Result<_, _>>().ok()
}

/// It is of the form of a structured field, and not of this one's.
#[derive(Debug, thiserror::Error)]
#[error("it is no list of strings with the right parameters")]
struct Malformed;

/// An item of either field.
struct Item<'a> {
    name: Name,
    parameters: Vec<(&'a KeyRef, BareItemFromInput<'a>)>,
}

impl Item<'_> {
    /// A parameter's value: the last, where it is there more than once.
    fn value<T>(
        &self,
        key: &str,
        read: impl Fn(&BareItemFromInput<'_>) -> Option<T>,
    ) -> Result<Option<T>, Malformed> {
        let found = self.parameters.iter().rfind(|(name, _)| name.as_str() == key);
        found.map(|(_, value)| read(value).ok_or(Malformed)).transpose()
    }

    fn number(&self, key: &str) -> Result<Option<u64>, Malformed> {
        self.value(key, |value| value.as_integer()?.try_into().ok())
    }

    fn text(&self, key: &str) -> Result<Option<String>, Malformed> {
        self.value(key, |value| value.as_string().map(|text| text.as_str().to_owned()))
    }

    fn bytes(&self, key: &str) -> Result<Option<Arc<[u8]>>, Malformed> {
        self.value(key, |value| value.as_byte_sequence().map(Arc::from))
    }
}

/// Collects the items as the parser comes by them.
#[derive(Default)]
struct Items<'a>(Vec<Item<'a>>);

impl<'a> ListVisitor<'a> for Items<'a> {
    type Out = Vec<Item<'a>>;
    type Error = Malformed;

    fn entry(&mut self) -> Result<impl EntryVisitor<'a>, Malformed> {
        Ok(self)
    }

    fn finish(self) -> Result<Self::Out, Malformed> {
        Ok(self.0)
    }
}

impl<'a> EntryVisitor<'a> for &mut Items<'a> {
    type Error = Malformed;

    fn item(self) -> Result<impl ItemVisitor<'a>, Malformed> {
        Ok(self)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'a>, Malformed> {
        Err::<Ignored, _>(Malformed)
    }
}

impl<'a> ItemVisitor<'a> for &mut Items<'a> {
    type Out = ();
    type Error = Malformed;

    fn bare_item(
        self,
        value: BareItemFromInput<'a>,
    ) -> Result<impl ParameterVisitor<'a, Out = ()>, Malformed> {
        let name = Name::from(value.as_string().ok_or(Malformed)?.as_str().to_owned());
        self.0.push(Item { name, parameters: Vec::new() });
        Ok(self)
    }
}

impl<'a> ParameterVisitor<'a> for &mut Items<'a> {
    type Out = ();
    type Error = Malformed;

    fn parameter(
        &mut self,
        key: &'a KeyRef,
        value: BareItemFromInput<'a>,
    ) -> Result<(), Malformed> {
        if let Some(item) = self.0.last_mut() {
            item.parameters.push((key, value));
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Malformed> {
        Ok(())
    }
}
