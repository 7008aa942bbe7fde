//! Everything a bulkhead can be set to, as plain data.

use std::time::Duration;

use seawall_core::{ConfigError, Name, Ratio};

use crate::{
    Adaptive,
    machine::share,
    word::{MOST, MOST_WAITING},
};

/// What a [`Bulkhead`](crate::Bulkhead) is set to.
///
/// The builder fills it in; with the feature `serde` it comes from a file, durations as `"250ms"`.
///
/// | field | default | why, and what it was tuned for |
/// |---|---|---|
/// | `limit` | 25 | resilience4j's: one client in a service with a few hundred threads or connections |
/// | `adaptive` | none | a fixed limit is easier to reason about, where you know it |
/// | `queue` | 0 | a queue hides an overload until it is full; a burst may want a short one |
/// | `max_wait` | 1 s | nobody waits for ever; shorter is better where the caller can do something else |
/// | `order` | FIFO | fair; under overload another order serves more callers in time |
/// | `codel` | none | for long queues: lets go who waited too long |
/// | `partitions` | none | all calls have equal rights |
/// | `shedding` | none | all calls are equally important |
///
/// # Examples
///
/// How do I read it from a file?
///
/// ```
/// # #[cfg(feature = "serde")] {
/// # use seawall_bulkhead::{Bulkhead, Config};
/// let config: Config = toml::from_str(
///     r#"
///     limit = 32
///     queue = 64
///     max_wait = "200ms"
///     order = "adaptive_lifo"
///     partitions = [{ name = "web", share = 0.7 }, { name = "batch", share = 0.3 }]
///     "#,
/// )?;
/// let bulkhead = Bulkhead::builder("reports").config(config).build()?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Config {
    /// How much may be in flight: from 1 to 16 777 215. Not set where `adaptive` finds it.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub limit: Option<u32>,
    /// Finds the limit by the latency of the calls. Fixed once built.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub adaptive: Option<Adaptive>,
    /// How many calls may wait for a place: up to 65 535.
    pub queue: u32,
    /// How long a call may wait for a place; without, as long as its deadline.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde_form::time_or_off"))]
    pub max_wait: Option<Duration>,
    /// Who of those that wait is next.
    pub order: Order,
    /// Lets go who has waited too long in a queue that never empties.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub codel: Option<Codel>,
    /// Named parts of the limit. Fixed once built.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub partitions: Vec<Partition>,
    /// Turns away the least important calls first. Fixed once built.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub shedding: Option<Shedding>,
}

/// Who of those that wait is next.
///
/// Among calls of different priority, where [`Shedding`] tells them apart, the more important one is
/// next in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
pub enum Order {
    /// The one who came first: fair, and nobody starves, however heavy his call.
    #[default]
    Fifo,
    /// The one who came last: his caller is the likeliest to be there still. Who came first may wait
    /// until his time is over.
    Lifo,
    /// First come, first served, until the queue never empties; then last come, first served, so that
    /// some are served in time where otherwise all would be late.
    AdaptiveLifo,
}

/// When a queue has become a burden: controlled delay, as folly has it for servers.
///
/// Where the shortest wait of a whole `interval` was above `target`, the queue never emptied, and who
/// has waited for more than twice the target is let go, until an interval shows otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct Codel {
    /// The wait that is no sign of anything; 5 ms where not set.
    #[cfg_attr(feature = "serde", serde(with = "seawall_core::duration"))]
    pub target: Duration,
    /// How long a burst may last; 100 ms where not set.
    #[cfg_attr(feature = "serde", serde(with = "seawall_core::duration"))]
    pub interval: Duration,
}

impl Default for Codel {
    fn default() -> Self {
        Self { target: Duration::from_millis(5), interval: Duration::from_millis(100) }
    }
}

/// A named part of the limit, which is kept for those who name it, and lent while they don't need it.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Partition {
    /// Its name, as [`Bulkhead::partition`](crate::Bulkhead::partition) asks for it.
    pub name: Name,
    /// The part of the limit that is its own, rounded down to whole places.
    pub share: Ratio,
}

/// How the least important calls are turned away first, a few more or less at a time.
///
/// Every call has a [`Priority`](seawall_core::Priority): its request's, or the one of the call's
/// context. Those below a level are refused. The level rises while calls are refused or wait for long,
/// by so much that a share `down` less of the calls would have been let in, and falls by `up` while
/// they are not. A level can lie within a priority: then a share of its calls is refused.
///
/// Source: Zhou et al., "Overload Control for Scaling WeChat Microservices" (2018): a mean wait of more
/// than 20 ms within a second or 2 000 calls, 5 % down, 1 % up.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct Shedding {
    /// The mean wait above which there is an overload; 20 ms where not set.
    #[cfg_attr(feature = "serde", serde(with = "seawall_core::duration"))]
    pub target_wait: Duration,
    /// How often the level moves at least; every second where not set.
    #[cfg_attr(feature = "serde", serde(with = "seawall_core::duration"))]
    pub window: Duration,
    /// After how many calls it moves though the window is not over; 2 000 where not set.
    pub calls: u32,
    /// By how much the calls that are let in get fewer at a time; 5 % where not set.
    pub down: Ratio,
    /// By how much they get more at a time; 1 % where not set.
    pub up: Ratio,
}

impl Shedding {
    /// By priority: the least important calls go first.
    #[must_use]
    pub fn by_priority() -> Self {
        Self::default()
    }
}

impl Default for Shedding {
    fn default() -> Self {
        Self {
            target_wait: Duration::from_millis(20),
            window: Duration::from_secs(1),
            calls: 2_000,
            down: Ratio::from_parts_per_million(50_000),
            up: Ratio::from_parts_per_million(10_000),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limit: None,
            adaptive: None,
            queue: 0,
            max_wait: Some(Duration::from_secs(1)),
            order: Order::Fifo,
            codel: None,
            partitions: Vec::new(),
            shedding: None,
        }
    }
}

impl Config {
    /// The limit to begin with.
    pub(crate) fn first_limit(&self) -> u32 {
        const DEFAULT: u32 = 25;
        match (&self.adaptive, self.limit) {
            (Some(adaptive), _) => adaptive.first(),
            (None, limit) => limit.unwrap_or(DEFAULT),
        }
    }

    /// Whether a bulkhead can be built from it.
    ///
    /// # Errors
    ///
    /// Names the first field that can't be as it is, its value, and what is allowed.
    pub fn check(&self) -> Result<(), ConfigError> {
        match (&self.adaptive, self.limit) {
            (Some(_), Some(limit)) => {
                let rule = "left out where `adaptive` finds it (set `adaptive.initial`)";
                return Err(ConfigError::new("limit", limit, rule));
            }
            (Some(adaptive), None) => adaptive.check()?,
            (None, limit) => limit.map_or(Ok(()), |limit| check_limit("limit", limit, 1, MOST))?,
        }
        if self.queue > MOST_WAITING {
            return Err(ConfigError::new("queue", self.queue, format!("at most {MOST_WAITING}")));
        }
        if let Some(Duration::ZERO) = self.max_wait {
            return Err(ConfigError::new("max_wait", "0ns", "longer (for no wait, no `queue`)"));
        }
        if let Some(codel) = self.codel {
            check_time("codel.target", codel.target)?;
            check_time("codel.interval", codel.interval)?;
        }
        if let Some(shedding) = self.shedding {
            shedding.check()?;
        }
        self.check_partitions()
    }

    fn check_partitions(&self) -> Result<(), ConfigError> {
        const MOST_PARTITIONS: usize = 64;
        let partitions = &self.partitions;
        if partitions.len() > MOST_PARTITIONS {
            let rule = format!("at most {MOST_PARTITIONS}");
            return Err(ConfigError::new("partitions", partitions.len(), rule));
        }
        let sum: u32 = partitions.iter().map(|each| each.share.parts_per_million()).sum();
        if sum > Ratio::ONE.parts_per_million() {
            let sum = f64::from(sum) / f64::from(Ratio::ONE.parts_per_million());
            let rule = "shares that sum up to at most 1";
            return Err(ConfigError::new("partitions", format_args!("{sum} in all"), rule));
        }
        for (at, partition) in partitions.iter().enumerate() {
            let name = partition.name.as_str();
            if partitions[..at].iter().any(|other| other.name.as_str() == name) {
                return Err(ConfigError::new("partitions", name, "a name that stands once"));
            }
            if share::own(partition.share, self.first_limit()) == 0 {
                let value = format_args!("{} for `{name}`", partition.share);
                let rule = format!("at least one place of {}", self.first_limit());
                return Err(ConfigError::new("partitions", value, rule));
            }
        }
        Ok(())
    }

    /// Whether a bulkhead that was built from `self` can take over `next`.
    pub(crate) fn check_change(&self, next: &Self) -> Result<(), ConfigError> {
        next.check()?;
        let fixed = |field: &'static str, same: bool| match same {
            true => Ok(()),
            false => Err(ConfigError::new(
                field,
                "changed",
                "as it was built: build a new bulkhead to change it",
            )),
        };
        fixed("adaptive", self.adaptive == next.adaptive)?;
        fixed("partitions", self.partitions == next.partitions)?;
        fixed("shedding", self.shedding == next.shedding)
    }
}

impl Shedding {
    fn check(&self) -> Result<(), ConfigError> {
        check_time("shedding.target_wait", self.target_wait)?;
        check_time("shedding.window", self.window)?;
        if self.calls == 0 {
            return Err(ConfigError::new("shedding.calls", 0, "at least 1"));
        }
        for (field, share) in [("shedding.down", self.down), ("shedding.up", self.up)] {
            if share == Ratio::ZERO || share == Ratio::ONE {
                return Err(ConfigError::new(field, share, "above 0 and below 1"));
            }
        }
        Ok(())
    }
}

pub(crate) fn check_limit(
    field: &'static str,
    limit: u32,
    least: u32,
    most: u32,
) -> Result<(), ConfigError> {
    if (least..=most).contains(&limit) {
        return Ok(());
    }
    Err(ConfigError::new(field, limit, format!("from {least} to {most}")))
}

fn check_time(field: &'static str, time: Duration) -> Result<(), ConfigError> {
    let allowed = Duration::from_micros(1)..=Duration::from_secs(24 * 3600);
    if allowed.contains(&time) {
        return Ok(());
    }
    Err(ConfigError::new(field, format_args!("{time:?}"), "from 1 µs to a day"))
}
