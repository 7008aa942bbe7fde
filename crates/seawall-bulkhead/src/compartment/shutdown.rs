//! The end: no more jobs, time for those that are there, and a report.

use std::{future::poll_fn, pin::pin, time::Duration};

use seawall_core::Parker;

use super::{Compartment, CompartmentTurn};

/// What became of the jobs that were there when a compartment was shut down.
///
/// A job whose caller gave up, or that waited too long, is not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// They ran to their end; also those that panicked.
    pub finished: u64,
    /// They had not begun by the deadline and never will; their callers got
    /// [`Reason::ShuttingDown`](seawall_core::Reason::ShuttingDown).
    pub dropped: u64,
    /// They were running at the deadline and were left to it.
    pub running: u64,
}

impl Drained {
    /// Whether every job came to its end.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.dropped == 0 && self.running == 0
    }
}

impl Compartment {
    /// Takes no more jobs, and waits until those that are there have ended, for `within` at most.
    ///
    /// What has not begun by then is dropped, and its caller gets
    /// [`Reason::ShuttingDown`](seawall_core::Reason::ShuttingDown); what runs is left to it. Then the
    /// threads go, each when it has nothing to run. Those of a
    /// [`runtime`](super::CompartmentBuilder::runtime) go with the last handle, with the futures that still
    /// run.
    ///
    /// Called a second time, it waits again, and drops at the deadline that passes first. Called by a
    /// job of this compartment, it waits for that job too.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with its time driver.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the compartment closed to new jobs; those that are there go on.
    ///
    /// # Examples
    ///
    /// ```
    /// # use seawall_bulkhead::{Compartment, Reason};
    /// # use std::time::Duration;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let cpu = Compartment::builder("thumbnails").threads(2).build()?;
    /// assert_eq!(cpu.run(|| 6 * 7).await?, 42);
    ///
    /// let drained = cpu.shutdown(Duration::from_secs(5)).await;
    /// assert!(drained.is_clean());
    /// let refused = cpu.run(|| 6 * 7).await.unwrap_err();
    /// assert_eq!(refused.rejection().unwrap().reason(), Reason::ShuttingDown);
    /// # Ok::<(), seawall_core::BoxError>(())
    /// # }).unwrap();
    /// ```
    #[cfg(feature = "tokio")]
    pub async fn shutdown(&self, within: Duration) -> Drained {
        let before = self.close();
        drop(tokio::time::timeout(within, poll_fn(|cx| self.pool().poll_drained(cx))).await);
        self.end(before)
    }

    /// As [`shutdown`](Self::shutdown), and blocks the present thread until it is over.
    ///
    /// # Examples
    ///
    /// ```
    /// # use seawall_bulkhead::Compartment;
    /// # use std::time::Duration;
    /// let cpu = Compartment::builder("thumbnails").threads(2).build()?;
    /// assert!(cpu.shutdown_blocking(Duration::from_secs(5)).is_clean());
    /// # Ok::<(), seawall_bulkhead::ConfigError>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "it does more than to report")]
    pub fn shutdown_blocking(&self, within: Duration) -> Drained {
        let before = self.close();
        let drained = pin!(poll_fn(|cx| self.pool().poll_drained(cx)));
        Parker::new().block_on_for(within, drained);
        self.end(before)
    }

    /// Refuses new jobs; returns how many have finished so far.
    fn close(&self) -> u64 {
        let finished = self.pool().stats.finished();
        self.pool().places.close();
        finished
    }

    fn end(&self, finished_before: u64) -> Drained {
        let mut drained = self.pool().end();
        drained.finished -= finished_before;
        self.pool().tell(CompartmentTurn::ShutDown(drained));
        drained
    }
}
