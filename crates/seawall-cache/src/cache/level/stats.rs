//! What has happened to the second level so far.

use seawall_core::{Snapshot, sync::Stat};

#[derive(Debug, Default)]
pub(in crate::cache) struct Stats {
    pub(in crate::cache) hits: Stat,
    pub(in crate::cache) stale: Stat,
    /// Nothing was there: this instance loads.
    pub(in crate::cache) misses: Stat,
    /// Nothing was there, and another instance loads.
    pub(in crate::cache) busy: Stat,
    /// Not asked, because something is owed to it.
    pub(in crate::cache) bypassed: Stat,
    pub(in crate::cache) fills: Stat,
    pub(in crate::cache) refused: Stat,
    pub(in crate::cache) skipped: Stat,
    pub(in crate::cache) failed: Stat,
    pub(in crate::cache) timed_out: Stat,
    /// Invalidations that could not be told at once.
    pub(in crate::cache) not_told: Stat,
    pub(in crate::cache) heard: Stat,
    pub(in crate::cache) gaps: Stat,
}

impl Stats {
    pub(super) fn write(&self, snapshot: Snapshot) -> Snapshot {
        snapshot
            .counter("l2_hits", self.hits.get())
            .counter("l2_hits_stale", self.stale.get())
            .counter("l2_misses", self.misses.get())
            .counter("l2_busy", self.busy.get())
            .counter("l2_bypassed", self.bypassed.get())
            .counter("l2_fills", self.fills.get())
            .counter("l2_fills_refused", self.refused.get())
            .counter("l2_skipped", self.skipped.get())
            .counter("l2_failed", self.failed.get())
            .counter("l2_timed_out", self.timed_out.get())
            .counter("l2_not_told", self.not_told.get())
            .counter("l2_heard", self.heard.get())
            .counter("l2_gaps", self.gaps.get())
    }
}
