//! All jobs of a queue in memory: what each call does to them, with the time passed in.
//!
//! One job, one record; beside it an index for each question that a call asks:
//!
//! | question | index |
//! |---|---|
//! | which is it? | `jobs` |
//! | whose turn is it, what is due next, who is shed? | `lanes` |
//! | whose lease is over first? | `leased` |
//! | how many of its key are leased, who waits for that? | `keys`, where they have a limit or take turns |
//! | who holds this unique key? | `uniques` |
//! | what was over first? | `done`, `dead` |
//!
//! A record's [`Life`](crate::job::Life) decides; then the record is taken out of the index where it was and
//! put into the one where it belongs. Nothing here calls other people's code: payloads that nobody needs any
//! more leave by `trash`. What goes in is in `enqueue`, what time does in `time`, what people do in `people`.

mod enqueue;
mod people;
mod time;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use seawall_core::{Name, Nanos};

use super::{
    keys::{Keys, LetIn, Stand},
    lanes::{Lanes, Set},
    places::{Place, Places},
    record::{Records, Trash},
    uniques::Uniques,
};
use crate::{
    job::{JobId, Kept, Lease, Phase, Settled, Token, Verdict},
    storage::{Claim, Claimed, Heartbeat, Keep, MAX_BATCH, Scope, Settings, Unique},
};

pub(super) struct Core<P> {
    jobs: Records<P>,
    lanes: Lanes,
    leased: Places,
    keys: Option<Keys>,
    uniques: Uniques,
    /// Done and cancelled ones: they never come back, so they leave as they came.
    done: VecDeque<Place>,
    dead: Places,
    cancelled: usize,
    paused: bool,
    /// Of the last job, and of the last claim.
    last_id: u64,
    last_token: u64,
    /// When a key was served last: no two are served at one moment.
    served: Nanos,
    /// The latest time that was told: it does not go back.
    now: Nanos,
    capacity: usize,
    keep_done: Keep,
    keep_dead: Keep,
    trash: Trash<P>,
}

impl<P> Core<P> {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            jobs: Records::default(),
            lanes: Lanes::default(),
            leased: Places::default(),
            keys: Keys::new(settings),
            uniques: Uniques::default(),
            done: VecDeque::new(),
            dead: Places::default(),
            cancelled: 0,
            paused: false,
            last_id: 0,
            last_token: 0,
            served: Nanos::ZERO,
            now: Nanos::ZERO,
            capacity: settings.capacity,
            keep_done: settings.keep_done,
            keep_dead: settings.keep_dead,
            trash: Trash::default(),
        }
    }

    /// The time that all of a call goes by.
    pub(super) fn set_time(&mut self, now: Nanos) {
        self.now = self.now.max(now);
    }

    /// Payloads that nobody needs any more, for the caller to drop outside the lock.
    pub(super) fn take_trash(&mut self) -> Trash<P> {
        std::mem::take(&mut self.trash)
    }

    /// How many may be claimed now, as far as is known.
    pub(super) fn work(&self) -> usize {
        let behind = match &self.keys {
            Some(keys) if keys.hold_up_for_turns_only() => self.lanes.count(Set::HeldUp),
            _ => 0,
        };
        if self.paused { 0 } else { self.lanes.count(Set::Ready) + behind }
    }

    /// How many may go in now.
    pub(super) fn room(&self) -> usize {
        self.capacity.saturating_sub(self.lanes.len())
    }

    // Where records are.

    /// Puts a waiting job where it belongs.
    fn seat(&mut self, id: JobId) {
        let record = self.jobs.get_mut(&id).expect("it was just there");
        let stand = match (&mut self.keys, &record.key) {
            (Some(keys), Some(key)) if keys.take_turns() && record.due() <= self.now => {
                keys.stand(key, record.turn(id))
            }
            _ => return self.lanes.seat(self.now, id, record),
        };
        match stand {
            Stand::InLine => self.lanes.put(Set::Ready, Nanos::ZERO, id, record),
            Stand::HeldUp => self.lanes.put(Set::HeldUp, Nanos::ZERO, id, record),
            Stand::InsteadOf(before, served) => {
                self.lanes.put(Set::Ready, served, id, record);
                self.change(before, Set::HeldUp, Nanos::ZERO);
            }
        }
    }

    /// Takes a waiting job out of its place.
    fn unseat(&mut self, id: JobId) {
        let record = &self.jobs[&id];
        self.lanes.take(id, record);
        if let Some(keys) = &mut self.keys
            && let Some(key) = &record.key
        {
            let next = match record.set {
                Set::HeldUp => {
                    keys.gone(key, record.turn(id));
                    None
                }
                Set::Ready => keys.leave(key), // a place of its key that it leaves unused
                Set::Scheduled => None,
            };
            self.let_in(next);
        }
    }

    /// A lease of a job ended: another of its key may come.
    fn end_lease(&mut self, id: JobId, until: Nanos) {
        self.leased.remove((until, id));
        let now = self.next_served();
        if let Some(keys) = &mut self.keys
            && let Some(key) = &self.jobs[&id].key
        {
            let next = keys.end(key, now);
            self.let_in(next);
        }
    }

    fn let_in(&mut self, next: LetIn) {
        if let Some((id, served)) = next {
            self.change(id, Set::Ready, served);
        }
    }

    /// A job goes from the set where it is to another.
    fn change(&mut self, id: JobId, set: Set, from: Nanos) {
        let record = self.jobs.get_mut(&id).expect("who waits is there");
        self.lanes.take(id, record);
        self.lanes.put(set, from, id, record);
    }

    /// The moment at which a key is served now, behind all before.
    fn next_served(&mut self) -> Nanos {
        self.served = Nanos(self.served.max(self.now).0.saturating_add(1));
        self.served
    }

    /// A job that is out of its place has come to another phase: puts it where it belongs now.
    fn settle_down(&mut self, id: JobId) {
        let record = self.jobs.get_mut(&id).expect("it was just there");
        match record.life.phase {
            Phase::Waiting { .. } => return self.seat(id),
            Phase::Leased { until, .. } => {
                self.leased.insert((until, id));
                return;
            }
            Phase::Dead { at, .. } => {
                self.dead.insert((at, id));
            }
            Phase::Done { at } | Phase::Cancelled { at } => {
                self.cancelled += usize::from(matches!(record.life.phase, Phase::Cancelled { .. }));
                self.done.push_back((at, id));
                self.trash.put(record.payload.take());
            }
        }
        if let Some(unique) = &record.unique {
            self.uniques.give_back(&unique.key, id);
        }
        if self.done.len() > self.keep_done.count {
            self.forget_done();
        }
        if self.dead.len() > self.keep_dead.count {
            self.forget_dead();
        }
    }

    fn forget_done(&mut self) {
        let gone = self.done.pop_front().and_then(|(_, id)| self.jobs.remove(&id));
        if let Some(Phase::Cancelled { .. }) = gone.map(|record| record.life.phase) {
            self.cancelled -= 1;
        }
    }

    fn forget_dead(&mut self) {
        let gone = self.dead.pop_first().and_then(|(_, id)| self.jobs.remove(&id));
        self.trash.put(gone.and_then(|record| record.payload));
    }

    // What comes out.

    pub(super) fn claim(&mut self, claim: &Claim, mut out: impl FnMut(Claimed<Arc<P>>)) {
        if self.paused {
            return;
        }
        self.make_ready(MAX_BATCH);
        let mut left = claim.max;
        for _ in 0..MAX_BATCH {
            if left == 0 {
                return;
            }
            let Some(id) = self.lanes.pop_ready() else { return };
            if self.may_be_leased(id) {
                out(self.lease(id, claim));
                left -= 1;
            }
        }
    }

    /// Counts it with its key, or puts it aside.
    fn may_be_leased(&mut self, id: JobId) -> bool {
        let now = self.next_served();
        let Some(keys) = &mut self.keys else { return true };
        let record = self.jobs.get_mut(&id).expect("who waits is there");
        self.lanes.popped(id, record);
        let Some(key) = &record.key else { return true };
        match keys.lease(key, record.turn(id), now) {
            Some(next) => {
                self.let_in(next);
                true
            }
            None => {
                self.lanes.put(Set::HeldUp, Nanos::ZERO, id, record);
                false
            }
        }
    }

    fn lease(&mut self, id: JobId, claim: &Claim) -> Claimed<Arc<P>> {
        self.last_token += 1;
        let token = Token(self.last_token);
        let record = self.jobs.get_mut(&id).expect("who waits is there");
        let waited = self.now.since(record.due());
        let limits = claim.limits.or_own(record.max_attempts);
        let is_leased = record.life.claim(self.now, token, claim.lease, limits);
        debug_assert!(is_leased, "who is ready is due");
        self.leased.insert((self.now + claim.lease, id));
        record.worker = Some(Name::clone(&claim.worker));
        if let Some(Unique { key, scope: Scope::Queued, .. }) = record.unique.as_deref() {
            self.uniques.give_back(key, id);
        }
        let payload = record.payload.clone().expect("who waits has a payload");
        let mut claimed = Claimed::new(Lease { id, token }, payload, record.life.counts, limits);
        claimed.priority = record.priority;
        claimed.key.clone_from(&record.key);
        claimed.waited = waited;
        claimed
    }

    // What workers say.

    pub(super) fn settle(&mut self, lease: Lease, verdict: Verdict) -> Settled {
        let Some(record) = self.jobs.get_mut(&lease.id) else { return Settled::Lost };
        let before = record.life.phase;
        let settled = record.life.settle(self.now, lease.token, &verdict);
        if let (Settled::Done(_), Phase::Leased { until, .. }) = (settled, before) {
            record.note_verdict(verdict);
            self.end_lease(lease.id, until);
            self.settle_down(lease.id);
        }
        settled
    }

    pub(super) fn heartbeat(&mut self, heartbeat: Heartbeat, lease: Duration) -> Kept {
        let Lease { id, token } = heartbeat.lease;
        let Some(record) = self.jobs.get_mut(&id) else { return Kept::Lost };
        let before = record.life.phase;
        let kept = record.life.heartbeat(self.now, token, lease);
        if let (Kept::Extended | Kept::Cancel, Phase::Leased { until, .. }) = (kept, before) {
            self.leased.remove((until, id));
            self.leased.insert((self.now + lease, id));
            if let Some(progress) = heartbeat.progress {
                record.note_progress(progress);
            }
        }
        kept
    }
}
