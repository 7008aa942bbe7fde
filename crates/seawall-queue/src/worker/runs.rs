//! The runs that are under way: whose lease each has, until when it is safe, and whether it is to stop.

use std::{collections::HashMap, sync::Arc};

use seawall_core::sync::Mutex;
use tokio::{sync::Notify, time::Instant};

use crate::{
    job::{Lease, Token},
    storage::{Heartbeat, Progress},
};

/// Why a run is stopped before its handler came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Its lease is somebody else's.
    Lost,
    /// No heartbeat was answered for so long that it may be somebody else's soon.
    Unsure,
    /// Somebody cancelled the job.
    Cancelled,
    /// It took longer than its worker's [`timeout`](super::WorkerBuilder::timeout).
    TimedOut,
    /// Its worker ends, and had no more patience.
    Shutdown,
}

/// All runs of a worker, until each is settled.
#[derive(Default)]
pub(super) struct Runs {
    live: Mutex<HashMap<Token, Live>>,
    /// Someone left.
    left: Notify,
    /// Someone said how far it is.
    news: Arc<Notify>,
}

struct Live {
    /// Until when it is safe; nothing once it was stopped for that, for it is watched for no longer.
    safe_until: Option<Instant>,
    ties: Arc<Ties>,
}

/// What ties a run to its worker: the handler's job has it too.
#[derive(Debug)]
pub(crate) struct Ties {
    pub(super) lease: Lease,
    said: Mutex<Said>,
    stop: Notify,
    news: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Said {
    stop: Option<Stop>,
    /// What no heartbeat has carried yet.
    progress: Option<Progress>,
}

impl Runs {
    pub(super) fn len(&self) -> usize {
        self.live.lock().len()
    }

    pub(super) fn enter(&self, lease: Lease, safe_until: Instant) -> Arc<Ties> {
        let news = Arc::clone(&self.news);
        let ties = Arc::new(Ties { lease, said: Mutex::default(), stop: Notify::new(), news });
        let live = Live { safe_until: Some(safe_until), ties: Arc::clone(&ties) };
        self.live.lock().insert(lease.token, live);
        ties
    }

    pub(super) fn leave(&self, token: Token) {
        self.live.lock().remove(&token);
        self.left.notify_waiters();
    }

    /// Who waits for room looks again, as when somebody leaves.
    pub(super) fn look_again(&self) {
        self.left.notify_waiters();
    }

    /// Returns when there is one of `places` free, and says how many are.
    pub(super) async fn room(&self, places: impl Fn() -> usize) -> usize {
        self.until(|| places().checked_sub(self.len()).filter(|&room| room > 0)).await
    }

    /// Returns when each is settled.
    pub(super) async fn all_over(&self) {
        self.until(|| (self.len() == 0).then_some(())).await;
    }

    async fn until<R>(&self, look: impl Fn() -> Option<R>) -> R {
        loop {
            let mut left = std::pin::pin!(self.left.notified());
            left.as_mut().enable(); // before the look: who leaves after it is not missed
            match look() {
                Some(found) => return found,
                None => left.await,
            }
        }
    }

    /// When the first lease is not safe any more, of those that are watched.
    pub(super) fn safe_until(&self) -> Option<Instant> {
        self.live.lock().values().filter_map(|live| live.safe_until).min()
    }

    /// Stops what is not safe any more: each once, however long its end takes to be heard.
    pub(super) fn stop_unsafe(&self, now: Instant) {
        for live in self.live.lock().values_mut() {
            if live.safe_until.is_some_and(|until| until <= now) {
                live.safe_until = None;
                live.ties.stop(Stop::Unsure);
            }
        }
    }

    pub(super) fn stop_all(&self, why: Stop) {
        self.live.lock().values().for_each(|live| live.ties.stop(why));
    }

    /// One heartbeat for each, with what it said since the last one.
    pub(super) fn heartbeats(&self) -> Vec<Heartbeat> {
        self.live.lock().values().map(|live| live.ties.heartbeat()).collect()
    }

    /// One for each that has said something since.
    pub(super) fn news(&self) -> Vec<Heartbeat> {
        let live = self.live.lock();
        let heartbeats = live.values().map(|live| live.ties.heartbeat());
        heartbeats.filter(|heartbeat| heartbeat.progress.is_some()).collect()
    }

    /// Returns when somebody says something. It may have been taken along meanwhile.
    pub(super) async fn until_news(&self) {
        self.news.notified().await;
    }

    /// A heartbeat did not come through: what it carried goes with the next one, unless there is news.
    pub(super) fn unsaid(&self, heartbeats: Vec<Heartbeat>) {
        let live = self.live.lock();
        for Heartbeat { lease, progress } in heartbeats {
            if let (Some(live), Some(progress)) = (live.get(&lease.token), progress) {
                live.ties.said.lock().progress.get_or_insert(progress);
            }
        }
    }

    pub(super) fn kept(&self, token: Token, safe_until: Instant) {
        if let Some(live) = self.live.lock().get_mut(&token) {
            live.safe_until = live.safe_until.map(|known| known.max(safe_until));
        }
    }

    pub(super) fn stop(&self, token: Token, why: Stop) {
        if let Some(live) = self.live.lock().get(&token) {
            live.ties.stop(why);
        }
    }
}

impl Ties {
    fn heartbeat(&self) -> Heartbeat {
        Heartbeat { lease: self.lease, progress: self.said.lock().progress.take() }
    }

    /// The first reason is the one that counts.
    pub(super) fn stop(&self, why: Stop) {
        self.said.lock().stop.get_or_insert(why);
        self.stop.notify_one(); // its one waiter may not have come yet
    }

    pub(crate) fn stopped(&self) -> Option<Stop> {
        self.said.lock().stop
    }

    pub(crate) fn progress(&self, progress: Progress) {
        self.said.lock().progress = Some(progress);
        self.news.notify_one();
    }

    /// Returns when it is to stop.
    pub(super) async fn until_stopped(&self) -> Stop {
        loop {
            if let Some(why) = self.stopped() {
                return why;
            }
            self.stop.notified().await;
        }
    }
}
