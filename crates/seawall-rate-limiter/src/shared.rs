//! What the clones of a handle share: the machine, what watches it, and whom it tells.

use std::{sync::Arc, time::Duration};

use seawall_core::{
    Bound, Clock, Listeners, Name, Nanos, Observe, Reason, Rejection, Snapshot, deadline, lane,
    lanes,
    sync::{
        Mutex, SpreadStat, Stat,
        unmodelled::{AtomicU64, Ordering::Relaxed},
    },
};

use crate::{
    Config, Denied, Event, Turn,
    gcra::Returned,
    holes::Holes,
    machine::{Booking, Machine},
};

/// What all limiters of one builder share.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) clock: Clock,
    pub(crate) listeners: Listeners<Event>,
    /// How many copies the counts of refusals have.
    pub(crate) lanes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { clock: Clock::default(), listeners: Listeners::new(), lanes: lanes() }
    }
}

/// The machine, and what it asks for.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) machine: Machine,
    holes: Holes,
    /// In nanoseconds; all there are where nothing is set.
    max_wait: AtomicU64,
    pub(crate) config: Mutex<Config>,
    /// Spread over the threads: to be refused must not be dearer than to be let in.
    rejected: SpreadStat,
    waited: Stat,
    given_back: Stat,
    lost: Stat,
    pub(crate) settings: Arc<Settings>,
    pub(crate) name: Name,
}

impl Shared {
    pub(crate) fn new(settings: Arc<Settings>, name: Name, config: Config) -> Self {
        Self {
            machine: Machine::new(&config.quotas, settings.clock.now()),
            holes: Holes::new(),
            max_wait: AtomicU64::new(longest(config.max_wait)),
            rejected: SpreadStat::new(settings.lanes),
            waited: Stat::default(),
            given_back: Stat::default(),
            lost: Stat::default(),
            config: Mutex::new(config),
            settings,
            name,
        }
    }

    pub(crate) fn now(&self) -> Nanos {
        self.settings.clock.now()
    }

    #[inline(always)]
    pub(crate) fn take(&self, cells: u32) -> Result<(), Rejection> {
        self.machine.take(self.settings.clock.now(), cells).map_err(|denied| self.reject(denied))
    }

    /// Takes `cells` now, and then there is nothing to give back; or books them as [`book`](Self::book)
    /// does.
    #[inline]
    pub(crate) fn now_or_later(
        &self,
        cells: u32,
        max_wait: Option<Duration>,
    ) -> Result<Option<Booking>, Rejection> {
        let now = self.now();
        match self.machine.take(now, cells) {
            Ok(()) => Ok(None),
            Err(denied) => self.book_later(now, cells, max_wait, denied).map(Some),
        }
    }

    /// Books `cells` for the first turn that is free, within the longest wait and the call's deadline.
    pub(crate) fn book(
        &self,
        cells: u32,
        max_wait: Option<Duration>,
    ) -> Result<Booking, Rejection> {
        let now = self.now();
        // Who need not wait takes no turn from those who do.
        match self.machine.book(now, cells, 0) {
            Ok(booking) => Ok(booking),
            Err(denied) => self.book_later(now, cells, max_wait, denied),
        }
    }

    /// Books `cells` for a turn to come, which were `denied` for now.
    #[cold]
    fn book_later(
        &self,
        now: Nanos,
        cells: u32,
        max_wait: Option<Duration>,
        denied: Denied,
    ) -> Result<Booking, Rejection> {
        let patience = Patience::of(max_wait, &self.max_wait);
        let booked = match denied {
            Denied::Wait(_) if patience.nanos() > 0 => self.book_turn(now, cells, patience.nanos()),
            _ => Err(denied),
        };
        booked.inspect(|_| self.waited.add(1)).map_err(|denied| {
            self.rejected.add(lane(), 1);
            patience.rejection(&self.name, denied)
        })
    }

    /// The first turn that is free: one that was given back, or the next one.
    fn book_turn(&self, now: Nanos, cells: u32, patience: u64) -> Result<Booking, Denied> {
        if self.holes.any_after(now) {
            let until = Nanos(now.0.saturating_add(patience));
            if let Some(booking) = self.holes.fill(now, cells, until) {
                return Ok(booking);
            }
        }
        self.machine.book(now, cells, patience)
    }

    /// Gives back what was booked and not used.
    #[cold]
    pub(crate) fn give_back(&self, cells: u32, booking: Booking) {
        let now = self.now();
        self.given_back.add(1);
        match self.machine.give_back(now, cells, booking) {
            Returned::Freed if self.holes.any_after(now) => {
                self.holes.close(now, |cells, booking| {
                    self.machine.give_back(now, cells, booking) == Returned::Freed
                })
            }
            Returned::Freed => {}
            Returned::Hole if self.holes.add(now, cells, booking) => {}
            Returned::Hole | Returned::Lost => self.lost.add(u64::from(cells)),
        }
    }

    /// How long any call would have to wait, where none would be let in now.
    #[cfg(feature = "tower")]
    #[inline]
    pub(crate) fn spent_for(&self) -> Option<Duration> {
        // The cheap reading is never ahead: who has room by it has room.
        if self.machine.wait(self.settings.clock.now_coarse()) == 0 {
            return None;
        }
        let wait = self.machine.wait(self.settings.clock.now());
        (wait > 0).then(|| Duration::from_nanos(wait))
    }

    /// Refuses a call of `cells`, of which even one was found to have to wait so long.
    #[cfg(feature = "tower")]
    #[cold]
    pub(crate) fn refuse(&self, cells: u32, wait: Duration) -> Rejection {
        let of_one = Denied::Wait(Nanos::from(wait).0);
        let of_all = if cells > 1 { self.machine.denied(self.now(), cells) } else { None };
        self.reject(of_all.unwrap_or(of_one))
    }

    /// Counts a refusal, and says it.
    #[cold]
    pub(crate) fn reject(&self, denied: Denied) -> Rejection {
        self.rejected.add(lane(), 1);
        rejection(&self.name, denied)
    }

    /// Takes over another configuration, which was checked.
    pub(crate) fn reconfigure(&self, present: &mut Config, next: Config) -> Option<Turn> {
        self.max_wait.store(longest(next.max_wait), Relaxed);
        let changed = present.quotas != next.quotas;
        if changed {
            self.machine.change(self.now(), &next.quotas);
        }
        let before = std::mem::replace(present, next);
        changed.then(|| Turn::QuotaChanged { from: before.quotas, to: present.quotas.clone() })
    }

    /// How many calls were refused.
    pub(crate) fn rejected(&self) -> u64 {
        self.rejected.get()
    }

    pub(crate) fn tell(&self, turn: Turn) {
        tell(&self.settings.listeners, &self.name, turn);
    }
}

/// How long a call may wait, in nanoseconds: by what is set, and by its own deadline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    set: u64,
    left: u64,
}

impl Patience {
    pub(crate) fn of(asked: Option<Duration>, set: &AtomicU64) -> Self {
        let left = deadline::remaining().map_or(u64::MAX, |left| Nanos::from(left).0);
        Self { set: asked.map_or_else(|| set.load(Relaxed), |wait| Nanos::from(wait).0), left }
    }

    pub(crate) fn nanos(self) -> u64 {
        self.set.min(self.left)
    }

    /// The refusal of a call that may wait.
    pub(crate) fn rejection(self, name: &Name, denied: Denied) -> Rejection {
        match denied {
            Denied::Wait(wait) if wait > self.left && wait <= self.set => {
                Rejection::new(Reason::DeadlineExceeded, name.clone())
            }
            Denied::Wait(_) => rejection(name, denied).with_bound(Bound::Wait),
            Denied::Never => rejection(name, denied),
        }
    }
}

/// A refusal in words.
pub(crate) fn rejection(name: &Name, denied: Denied) -> Rejection {
    let rejection = Rejection::new(Reason::RateLimited, name.clone());
    match denied {
        Denied::Wait(nanos) => rejection.with_retry_after_nanos(nanos),
        Denied::Never => rejection.with_bound(Bound::Weight),
    }
}

/// Tells a turn to `tracing` and to whoever listens.
pub(crate) fn tell(listeners: &Listeners<Event>, name: &Name, turn: Turn) {
    #[cfg(feature = "tracing")]
    trace(name.as_str(), &turn);
    listeners.tell(|| Event { name: name.clone(), turn });
}

#[cfg(feature = "tracing")]
fn trace(name: &str, turn: &Turn) {
    const TARGET: &str = "seawall::rate_limiter";
    match turn {
        Turn::QuotaChanged { from, to } => {
            tracing::info!(target: TARGET, name, ?from, ?to, "quota changed");
        }
        Turn::KeysCrowded => tracing::warn!(target: TARGET, name, "no room for more keys"),
    }
}

/// A longest wait in nanoseconds; all there are where it is not set.
pub(crate) fn longest(wait: Option<Duration>) -> u64 {
    wait.map_or(u64::MAX, |wait| Nanos::from(wait).0)
}

impl Observe for Shared {
    fn snapshot(&self) -> Snapshot {
        let now = self.now();
        let standings = self.machine.standings(now);
        let remaining = standings.iter().map(|standing| standing.remaining).min().unwrap_or(0);
        let next = standings.iter().map(|standing| standing.next).max().unwrap_or_default();
        let state = if remaining == 0 { "limiting" } else { "open" };
        let snapshot = Snapshot::new("rate_limiter", self.name.as_str(), state)
            .gauge("remaining", remaining as f64)
            .gauge("next_in_seconds", next.as_secs_f64())
            .counter("rejected", self.rejected())
            .counter("waited", self.waited.get())
            .counter("given_back", self.given_back.get())
            .counter("lost", self.lost.get());
        with_quotas(snapshot, &self.config.lock())
    }
}

/// A snapshot, with what is set.
pub(crate) fn with_quotas(mut snapshot: Snapshot, config: &Config) -> Snapshot {
    for (at, quota) in config.quotas.iter().enumerate() {
        let rate = f64::from(quota.cells()) / quota.period().as_secs_f64();
        snapshot.limits.insert(format!("per_second.{at}").into(), rate);
        snapshot.limits.insert(format!("burst.{at}").into(), quota.most_at_once().into());
    }
    match config.max_wait {
        Some(wait) => snapshot.limit("max_wait_seconds", wait.as_secs_f64()),
        None => snapshot,
    }
}
