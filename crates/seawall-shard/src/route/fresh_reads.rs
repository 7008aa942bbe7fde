//! How fresh reads behave whose nodes are behind: how long they wait, and how many go to the primary after that.

use std::time::Duration;

use seawall_core::{
    Clock, ConfigError, Ratio,
    bucket::{Bucket, ONE},
};

use crate::route::progress::Thresholds;

/// The most that can be kept for reads of the primary.
const MOST_RESERVE: u32 = 1_000_000;

/// Settings of reads that must be [fresh](super::Fresh).
///
/// | setting | default | why |
/// |---|---|---|
/// | [`wait`](Self::wait) | 20 ms | a replica that streams is behind by less, and the way to the primary costs as much |
/// | [`primary_share`](Self::primary_share) | 0.2 | the primary has writes to do: that all replicas are late must not bring all reads to it |
/// | [`reserve`](Self::reserve) | 10 | a few reads before there were others to pay for them |
/// | [`max_lag`](Self::max_lag) | none | a read's own bound decides |
/// | [`rejoin_lag`](Self::rejoin_lag) | 0.7 of `max_lag` | |
/// | [`clock`](Self::clock) | the default one | |
#[derive(Clone, Debug)]
#[must_use = "settings do nothing until a builder gets them"]
pub struct FreshReads {
    wait: Duration,
    primary_share: f64,
    reserve: u32,
    max_lag: Option<Duration>,
    rejoin_lag: Option<Duration>,
    clock: Clock,
}

impl Default for FreshReads {
    fn default() -> Self {
        Self {
            wait: Duration::from_millis(20),
            primary_share: 0.2,
            reserve: 10,
            max_lag: None,
            rejoin_lag: None,
            clock: Clock::default(),
        }
    }
}

impl FreshReads {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long a read waits for one of its replicas to catch up; zero: not at all. Of a call that has a
    /// [deadline](seawall_core::deadline) never more than half of the time that is left: whoever answers then needs
    /// some, too.
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// The share of fresh reads that may go to the primary because the replicas are behind, from 0 to 1.
    pub const fn primary_share(mut self, share: f64) -> Self {
        self.primary_share = share;
        self
    }

    /// How many of those may come together: what the share saves up at most, and what there is at the beginning.
    /// At most a million.
    pub const fn reserve(mut self, reads: u32) -> Self {
        self.reserve = reads;
        self
    }

    /// A node that is older than this is left out of all reads with an age, whatever they ask for.
    pub const fn max_lag(mut self, lag: Duration) -> Self {
        self.max_lag = Some(lag);
        self
    }

    /// And is taken in again when it reports this or less: no more than `max_lag`.
    pub const fn rejoin_lag(mut self, lag: Duration) -> Self {
        self.rejoin_lag = Some(lag);
        self
    }

    /// Where the age of reports is taken from.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// What routes need of it.
    ///
    /// # Errors
    ///
    /// A share that is none, a reserve of more than a million, and thresholds that are the wrong way round.
    pub(crate) fn check(self) -> Result<Freshness, ConfigError> {
        let share = Ratio::new(self.primary_share)
            .map_err(|error| error.of("fresh_reads.primary_share"))?;
        if self.reserve > MOST_RESERVE {
            let rule = "at most 1000000";
            return Err(ConfigError::new("fresh_reads.reserve", self.reserve, rule));
        }
        let thresholds = match (self.max_lag, self.rejoin_lag) {
            (None, None) => None,
            (Some(max), rejoin) => Some(Thresholds { max, rejoin: rejoin.unwrap_or(max / 10 * 7) }),
            (None, Some(rejoin)) => {
                let (value, rule) = (format_args!("{rejoin:?}"), "left out where `max_lag` is");
                return Err(ConfigError::new("fresh_reads.rejoin_lag", value, rule));
            }
        };
        if let Some(Thresholds { max, rejoin }) = thresholds
            && rejoin > max
        {
            let rule = format!("at most `max_lag`, {max:?}");
            return Err(ConfigError::new(
                "fresh_reads.rejoin_lag",
                format_args!("{rejoin:?}"),
                rule,
            ));
        }
        Ok(Freshness {
            wait: self.wait,
            clock: self.clock,
            thresholds,
            pays: share.count_of(ONE.into()).max(u64::from(share > Ratio::ZERO)) as u32,
            budget: Bucket::new(self.reserve * ONE),
            #[cfg(feature = "tokio")]
            reported: std::sync::Arc::default(),
        })
    }
}

/// What fresh reads of a map share.
#[derive(Debug)]
pub(crate) struct Freshness {
    #[cfg_attr(not(feature = "tokio"), expect(dead_code, reason = "only who has a timer waits"))]
    pub(crate) wait: Duration,
    pub(crate) clock: Clock,
    pub(crate) thresholds: Option<Thresholds>,
    /// What a fresh read pays for reads of the primary, in thousandths of one.
    pub(crate) pays: u32,
    pub(crate) budget: Bucket,
    /// Wakes who waits for a replica, at each report.
    #[cfg(feature = "tokio")]
    pub(crate) reported: std::sync::Arc<tokio::sync::Notify>,
}
