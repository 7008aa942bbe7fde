//! The table: what was accepted, what was done, what was done twice and why, and what was lost.

use std::{collections::BTreeSet, fmt, time::Duration};

use seawall_queue::job::JobId;

use crate::{args::Args, check::Verdict, uploader::Uploads};

/// A worker that was killed, and what it had at that moment.
#[derive(Clone, Debug)]
pub(crate) struct Incident {
    pub(crate) victim: String,
    pub(crate) successor: String,
    pub(crate) had: BTreeSet<JobId>,
}

pub(crate) struct Report {
    pub(crate) args: Args,
    /// How long it takes to resize a photo, where nothing else is done: what each upload would wait for.
    pub(crate) inline: Duration,
    pub(crate) uploads: Uploads,
    pub(crate) incident: Incident,
    /// From the first upload to the last thumbnail.
    pub(crate) took: Duration,
    pub(crate) verdict: Verdict,
}

impl Report {
    pub(crate) fn is_clean(&self) -> bool {
        self.verdict.lost.is_empty() && self.uploads.refused == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { args, uploads, incident, verdict, .. } = self;
        let Args { photos, rate, workers, width, seed, .. } = *args;
        writeln!(
            f,
            "{photos} photos, {width} pixels wide, {rate} a second; {workers} workers; seed {seed}\n"
        )?;
        let wait =
            |quantile| millis(Duration::from_micros(uploads.waited.value_at_quantile(quantile)));
        writeln!(
            f,
            "accepted  {} of {photos}, in {} ms (p50), {} ms (p99); to resize one takes {} ms",
            verdict.accepted,
            wait(0.5),
            wait(0.99),
            millis(self.inline),
        )?;
        let done = verdict.by.values().sum::<usize>();
        writeln!(
            f,
            "done      {done} in {:.1} s, {:.1} a second; {}",
            self.took.as_secs_f64(),
            done as f64 / self.took.as_secs_f64(),
            list(verdict.by.iter().map(|(worker, done)| format!("{worker} {done}"))),
        )?;
        let Incident { victim, successor, had } = incident;
        writeln!(
            f,
            "killed    {victim}, with photos {}; {successor} came in its place",
            list(had.iter().map(JobId::to_string)),
        )?;
        write!(
            f,
            "again     {} of these {}, when their leases were over",
            verdict.again.intersection(had).count(),
            had.len(),
        )?;
        match verdict.again.difference(had).count() {
            0 => {}
            // A process that gets no turn for longer than a lease is as good as dead.
            others => write!(f, ", and {others} of a worker that was not heard of for so long")?,
        }
        writeln!(
            f,
            "; {} made twice, {} half made and seen by nobody",
            verdict.twice, verdict.halves,
        )?;
        write!(
            f,
            "lost      {}: each of {} thumbnails was decoded and measured",
            verdict.lost.len(),
            verdict.accepted * crate::album::WIDTHS.len(),
        )?;
        if !verdict.lost.is_empty() {
            write!(f, "; photos {}", list(verdict.lost.iter().map(JobId::to_string)))?;
        }
        Ok(())
    }
}

fn millis(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}

fn list(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(", ")
}
