//! What has happened to a cache so far.

use std::time::Duration;

use seawall_core::{
    Snapshot, lane, lanes,
    sync::{SpreadStat, Stat, unmodelled::AtomicU64, unmodelled::Ordering::Relaxed},
};

use crate::store::Cause;

/// Hits are counted where threads don't meet; what costs a load, in one place.
#[derive(Debug)]
pub(super) struct Stats {
    pub(super) fresh: SpreadStat,
    /// Answered while another load brings the new value, or is to bring it.
    pub(super) stale: Stat,
    /// Answered because a load has failed, or takes too long.
    pub(super) spared: Stat,
    /// Answered that there is no value.
    pub(super) absent: Stat,
    pub(super) misses: Stat,
    pub(super) loads: Stat,
    pub(super) refreshes: Stat,
    pub(super) refreshes_refused: Stat,
    pub(super) late: Stat,
    pub(super) failed: Stat,
    pub(super) timed_out: Stat,
    pub(super) refused: Stat,
    ended: Stat,
    nanos: Stat,
    slowest: AtomicU64,
    evicted: Stat,
    expired: Stat,
    not_admitted: Stat,
}

impl Stats {
    pub(super) fn new() -> Self {
        Self {
            fresh: SpreadStat::new(lanes()),
            stale: Stat::default(),
            spared: Stat::default(),
            absent: Stat::default(),
            misses: Stat::default(),
            loads: Stat::default(),
            refreshes: Stat::default(),
            refreshes_refused: Stat::default(),
            late: Stat::default(),
            failed: Stat::default(),
            timed_out: Stat::default(),
            refused: Stat::default(),
            ended: Stat::default(),
            nanos: Stat::default(),
            slowest: AtomicU64::new(0),
            evicted: Stat::default(),
            expired: Stat::default(),
            not_admitted: Stat::default(),
        }
    }

    pub(super) fn hit(&self) {
        self.fresh.add(lane(), 1);
    }

    /// A load has ended, one way or another.
    pub(super) fn took(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.ended.add(1);
        self.nanos.add(nanos);
        self.slowest.fetch_max(nanos, Relaxed); // a statistic: it carries nothing but itself
    }

    pub(super) fn gone(&self, cause: Cause) {
        match cause {
            Cause::Evicted => self.evicted.add(1),
            Cause::Expired => self.expired.add(1),
            Cause::Refused => self.not_admitted.add(1),
            Cause::Replaced | Cause::Removed => {}
        }
    }

    pub(super) fn write(&self, snapshot: Snapshot) -> Snapshot {
        let (ended, nanos) = (self.ended.get(), self.nanos.get());
        let mean = if ended == 0 { 0.0 } else { nanos as f64 / ended as f64 };
        snapshot
            .gauge("load_mean_ms", mean / 1e6)
            .gauge("load_slowest_ms", self.slowest.load(Relaxed) as f64 / 1e6)
            .counter("hits", self.fresh.get())
            .counter("hits_stale", self.stale.get())
            .counter("hits_in_error", self.spared.get())
            .counter("hits_absent", self.absent.get())
            .counter("misses", self.misses.get())
            .counter("loads", self.loads.get())
            .counter("loads_failed", self.failed.get())
            .counter("loads_timed_out", self.timed_out.get())
            .counter("loads_refused", self.refused.get())
            .counter("load_ms", nanos / 1_000_000)
            .counter("refreshes", self.refreshes.get())
            .counter("refreshes_refused", self.refreshes_refused.get())
            .counter("answered_late", self.late.get())
            .counter("evicted", self.evicted.get())
            .counter("expired", self.expired.get())
            .counter("not_admitted", self.not_admitted.get())
    }
}
