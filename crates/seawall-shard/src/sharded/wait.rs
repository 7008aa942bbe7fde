//! How long a call waits for the member that it prefers, and for any member at all.

#[cfg(feature = "tokio")]
use std::{future::Future, sync::Arc, task::ready};
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

#[cfg(feature = "tokio")]
use pin_project_lite::pin_project;
use seawall_core::Rejection;
#[cfg(feature = "tokio")]
use tokio::sync::futures::OwnedNotified;

use super::{candidate::Stage, view::View};
use crate::ShardMap;

/// What time says to a call that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It waits for whom it prefers.
    #[cfg_attr(not(feature = "tokio"), expect(dead_code, reason = "only a timer knows"))]
    Patient,
    /// It takes whoever gets ready first.
    Impatient,
    /// The deadline of its caller has passed.
    TooLate,
}

#[cfg(feature = "tokio")]
pin_project! {
    /// Armed when a call is pending for the first time; a call that finds somebody ready has no timer.
    pub(crate) struct Wait {
        #[pin]
        timer: Option<tokio::time::Sleep>,
        mood: Mood,
        // What is left of the deadline when patience is over; `None` where there is no deadline.
        rest: Option<Duration>,
        is_armed: bool,
        // The next report of a node's progress, for as long as a read waits for one.
        #[pin]
        report: Option<OwnedNotified>,
        // The next change of who there is.
        #[pin]
        change: Option<OwnedNotified>,
    }
}

#[cfg(feature = "tokio")]
impl Wait {
    pub(crate) const fn new() -> Self {
        Self {
            timer: None,
            mood: Mood::Patient,
            rest: None,
            is_armed: false,
            report: None,
            change: None,
        }
    }

    /// Ready when there is another list than `view`: whoever waits is to look again.
    pub(crate) fn poll_change<S>(
        self: Pin<&mut Self>,
        view: &View<S>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let mut this = self.project();
        loop {
            if let Some(change) = this.change.as_mut().as_pin_mut()
                && change.poll(cx).is_pending()
            {
                break; // it listens by now: a change that it does not see in the list will wake it
            }
            this.change.set(Some(Arc::clone(&view.common.changed).notified_owned()));
        }
        if view.is_newest() { Poll::Pending } else { Poll::Ready(()) }
    }

    /// All who could be asked are behind: pending until a report, ready with what to do next. The first time it is
    /// ready at once: whoever waits looks again after it has begun to listen, so that no report is missed.
    ///
    /// # Errors
    ///
    /// Where the deadline of the call has passed.
    pub(crate) fn poll_report(
        self: Pin<&mut Self>,
        shards: &ShardMap,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Stage, Rejection>> {
        let mut this = self.project();
        let Some(report) = this.report.as_mut().as_pin_mut() else {
            let patience = shards.fresh_patience()?;
            if patience.is_zero() {
                return Poll::Ready(Ok(Stage::Last));
            }
            shards.count_wait();
            this.timer.set(Some(tokio::time::sleep(patience)));
            this.report.set(Some(shards.next_report()));
            return Poll::Ready(Ok(Stage::Waits));
        };
        if report.poll(cx).is_ready() {
            this.report.set(Some(shards.next_report()));
            return Poll::Ready(Ok(Stage::Waits));
        }
        let timer = this.timer.as_mut().as_pin_mut().expect("it was set with the report");
        ready!(timer.poll(cx));
        shards.fresh_patience()?; // the call's time may be over by now
        Poll::Ready(Ok(Stage::Last))
    }

    /// A read that may have waited for a report waits for none any more.
    pub(crate) fn end_reports(self: Pin<&mut Self>, shards: &ShardMap, caught_up: bool) {
        let mut this = self.project();
        if this.report.is_some() {
            this.report.set(None);
            this.timer.set(None);
            shards.end_wait(caught_up);
        }
    }

    /// Nobody is ready: how long to wait, from now on. To be asked each time.
    pub(crate) fn poll(self: Pin<&mut Self>, patience: Duration, cx: &mut Context<'_>) -> Mood {
        let mut this = self.project();
        if !*this.is_armed {
            *this.is_armed = true;
            let left = seawall_core::deadline::remaining();
            let first = left.map_or(patience, |left| left.min(patience));
            *this.rest = left.map(|left| left - first);
            if !first.is_zero() {
                this.timer.set(Some(tokio::time::sleep(first)));
            }
        }
        loop {
            if let Some(timer) = this.timer.as_mut().as_pin_mut()
                && timer.poll(cx) == Poll::Pending
            {
                return *this.mood;
            }
            // A timer is over, or there is none: the next one.
            *this.mood = match (*this.mood, *this.rest) {
                (Mood::Patient, Some(rest)) if !rest.is_zero() => {
                    this.timer.set(Some(tokio::time::sleep(rest)));
                    Mood::Impatient
                }
                (Mood::Patient, None) => {
                    this.timer.set(None);
                    Mood::Impatient
                }
                (Mood::Impatient, None) => return Mood::Impatient,
                (Mood::Patient | Mood::Impatient, Some(_)) | (Mood::TooLate, _) => {
                    this.timer.set(None);
                    return Mood::TooLate;
                }
            };
        }
    }
}

/// Without a timer nobody is waited for while another one is ready.
#[cfg(not(feature = "tokio"))]
pub(crate) struct Wait;

#[cfg(not(feature = "tokio"))]
impl Wait {
    pub(crate) const fn new() -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "as the one that has a timer")]
    pub(crate) fn poll_change<S>(
        self: Pin<&mut Self>,
        _view: &View<S>,
        _cx: &mut Context<'_>,
    ) -> Poll<()> {
        Poll::Pending
    }

    #[expect(clippy::unused_self, reason = "as the one that has a timer")]
    pub(crate) fn poll_report(
        self: Pin<&mut Self>,
        _shards: &ShardMap,
        _cx: &mut Context<'_>,
    ) -> Poll<Result<Stage, Rejection>> {
        Poll::Ready(Ok(Stage::Last))
    }

    #[expect(clippy::unused_self, reason = "as the one that has a timer")]
    pub(crate) fn end_reports(self: Pin<&mut Self>, _shards: &ShardMap, _caught_up: bool) {}

    #[expect(clippy::unused_self, reason = "as the one that has a timer")]
    pub(crate) fn poll(self: Pin<&mut Self>, _patience: Duration, _cx: &mut Context<'_>) -> Mood {
        Mood::Impatient
    }
}
