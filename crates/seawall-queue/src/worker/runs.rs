//! The runs that are under way: whose lease each has, until when it is safe, and whether it is to stop.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use seawall_core::sync::Mutex;
use tokio::{sync::Notify, time::Instant};

use crate::{
    job::Lease,
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
    seats: Mutex<Seats>,
    /// Someone left.
    left: Notify,
    /// Someone said how far it is.
    news: Arc<Notify>,
}

/// A seat a run. Who leaves one leaves his ties to the next who takes it, if nobody holds them any more: a worker
/// that has been full allocates none.
#[derive(Default)]
struct Seats {
    seats: Vec<Seat>,
    free: Vec<usize>,
}

struct Seat {
    is_taken: bool,
    /// Until when it is safe; nothing once it was stopped for that, for it is watched for no longer.
    safe_until: Option<Instant>,
    ties: Arc<Ties>,
}

/// What ties a run to its worker: the handler's job has it too.
#[derive(Debug)]
pub(crate) struct Ties {
    pub(super) lease: Lease,
    /// Its number, for as long as it is not settled.
    pub(super) seat: usize,
    said: Mutex<Said>,
    news: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Said {
    stop: Option<Stop>,
    /// The run waits, and is woken when it is to stop.
    waker: Option<Waker>,
    /// What no heartbeat has carried yet.
    progress: Option<Progress>,
}

impl Seat {
    fn heartbeat(&self) -> (Arc<Ties>, Heartbeat) {
        let progress = self.ties.said.lock().progress.take();
        (Arc::clone(&self.ties), Heartbeat { lease: self.ties.lease, progress })
    }
}

impl Seats {
    fn take(&mut self, lease: Lease, safe_until: Instant, news: &Arc<Notify>) -> Arc<Ties> {
        let seat = self.free.pop().unwrap_or(self.seats.len());
        let fresh = Ties { lease, seat, said: Mutex::default(), news: Arc::clone(news) };
        if let Some(free) = self.seats.get_mut(seat) {
            (free.is_taken, free.safe_until) = (true, Some(safe_until));
            match Arc::get_mut(&mut free.ties) {
                Some(ties) => *ties = fresh,
                None => free.ties = Arc::new(fresh),
            }
            return Arc::clone(&free.ties);
        }
        let ties = Arc::new(fresh);
        let taken = Seat { is_taken: true, safe_until: Some(safe_until), ties: Arc::clone(&ties) };
        self.seats.push(taken);
        ties
    }

    fn leave(&mut self, seat: usize) {
        self.seats[seat].is_taken = false;
        self.free.push(seat);
    }

    fn len(&self) -> usize {
        self.seats.len() - self.free.len()
    }

    /// Where they are, if they still are.
    fn of(&mut self, ties: &Arc<Ties>) -> Option<&mut Seat> {
        let seat = self.seats.get_mut(ties.seat)?;
        (seat.is_taken && Arc::ptr_eq(&seat.ties, ties)).then_some(seat)
    }

    fn taken(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().filter(|seat| seat.is_taken)
    }

    fn taken_mut(&mut self) -> impl Iterator<Item = &mut Seat> {
        self.seats.iter_mut().filter(|seat| seat.is_taken)
    }
}

impl Runs {
    pub(super) fn len(&self) -> usize {
        self.seats.lock().len()
    }

    /// Enters them all, before any of them begins.
    pub(super) fn enter(
        &self,
        leases: impl Iterator<Item = Lease>,
        safe_until: Instant,
    ) -> Vec<Arc<Ties>> {
        let mut seats = self.seats.lock();
        leases.map(|lease| seats.take(lease, safe_until, &self.news)).collect()
    }

    pub(super) fn leave(&self, who: impl IntoIterator<Item = usize>) {
        let mut seats = self.seats.lock();
        who.into_iter().for_each(|seat| seats.leave(seat));
        drop(seats);
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
        self.seats.lock().taken().filter_map(|seat| seat.safe_until).min()
    }

    /// Stops what is not safe any more: each once, however long its end takes to be heard.
    pub(super) fn stop_unsafe(&self, now: Instant) {
        for seat in self.seats.lock().taken_mut() {
            if seat.safe_until.is_some_and(|until| until <= now) {
                seat.safe_until = None;
                seat.ties.stop(Stop::Unsure);
            }
        }
    }

    pub(super) fn stop_all(&self, why: Stop) {
        self.seats.lock().taken().for_each(|seat| seat.ties.stop(why));
    }

    /// One heartbeat for each, with what it said since the last one, and whom it is for.
    pub(super) fn heartbeats(&self) -> Vec<(Arc<Ties>, Heartbeat)> {
        self.seats.lock().taken().map(Seat::heartbeat).collect()
    }

    /// One for each that has said something since.
    pub(super) fn news(&self) -> Vec<(Arc<Ties>, Heartbeat)> {
        let seats = self.seats.lock();
        let heartbeats = seats.taken().map(Seat::heartbeat);
        heartbeats.filter(|(_, heartbeat)| heartbeat.progress.is_some()).collect()
    }

    /// Returns when somebody says something. It may have been taken along meanwhile.
    pub(super) async fn until_news(&self) {
        self.news.notified().await;
    }

    pub(super) fn kept(&self, ties: &Arc<Ties>, safe_until: Instant) {
        if let Some(seat) = self.seats.lock().of(ties) {
            seat.safe_until = seat.safe_until.map(|known| known.max(safe_until));
        }
    }
}

impl Ties {
    /// The first reason is the one that counts.
    pub(super) fn stop(&self, why: Stop) {
        let mut said = self.said.lock();
        said.stop.get_or_insert(why);
        let waker = said.waker.take();
        drop(said);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn stopped(&self) -> Option<Stop> {
        self.said.lock().stop
    }

    pub(crate) fn progress(&self, progress: Progress) {
        self.said.lock().progress = Some(progress);
        self.news.notify_one();
    }

    /// No heartbeat carried this: the next one does, unless there is news.
    pub(super) fn unsaid(&self, progress: Option<Progress>) {
        if let Some(progress) = progress {
            self.said.lock().progress.get_or_insert(progress);
        }
    }

    /// Ready when it is to stop; only the run itself waits for that.
    pub(super) fn poll_stopped(&self, cx: &mut Context<'_>) -> Poll<Stop> {
        let mut said = self.said.lock();
        if let Some(why) = said.stop {
            return Poll::Ready(why);
        }
        match &mut said.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}
