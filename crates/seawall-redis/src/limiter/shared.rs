//! The course of a decision: here where it can be, on the server where it must be, by the policy where
//! it can't.

use std::{sync::Arc, time::Duration};

use seawall_core::{
    Bound, Clock, Listeners, Name, Nanos, Observe, Reason, Rejection, Snapshot,
    keyed::KeyedMap,
    sync::{
        RwLock, Stat,
        unmodelled::{AtomicU64, Ordering::Relaxed},
    },
};
use seawall_rate_limiter::Quota;

use super::{
    away::{HERE, Policy},
    batch::Terms,
    decision::{Answer, Booked, Rules},
    event::{Event, Turn},
    held::{Held, PutBack},
};
use crate::{Connection, Error, KeySpace};

/// What the builder sets.
pub(super) struct Settings {
    pub(super) name: Name,
    pub(super) connection: Connection,
    pub(super) space: KeySpace,
    pub(super) terms: Terms,
    pub(super) max_wait: Option<Duration>,
    pub(super) outage: Policy,
    pub(super) clock: Clock,
    pub(super) listeners: Listeners<Event>,
}

pub(super) struct Shared {
    pub(super) settings: Settings,
    rules: RwLock<Arc<Rules>>,
    held: KeyedMap<Vec<u8>, Arc<Held>>,
    /// Since when Redis can't be asked; [`HERE`] while it can be.
    pub(super) away: AtomicU64,
    pub(super) stats: Stats,
}

#[derive(Debug, Default)]
pub(super) struct Stats {
    pub(super) shared: Stat,
    pub(super) local: Stat,
    pub(super) refused: Stat,
    pub(super) refused_local: Stat,
    pub(super) by_policy: Stat,
    pub(super) trips: Stat,
    pub(super) void: Stat,
    pub(super) given_back: Stat,
    pub(super) outages: Stat,
    pub(super) errors: Stat,
}

/// Why cells were not given.
#[derive(Debug)]
pub(super) enum Denied {
    /// They would be there after so long.
    Wait(Duration),
    /// There never are as many.
    Never,
    /// The caller's own time is over.
    Late(Rejection),
    /// Redis can't be asked.
    Away(Error),
}

impl Shared {
    pub(super) fn new(
        settings: Settings,
        quotas: Vec<Quota>,
        held: KeyedMap<Vec<u8>, Arc<Held>>,
    ) -> Self {
        Self {
            settings,
            rules: RwLock::new(Arc::new(Rules::new(quotas, 0))),
            held,
            away: AtomicU64::new(HERE),
            stats: Stats::default(),
        }
    }

    pub(super) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read())
    }

    pub(super) fn set_rules(&self, quotas: Vec<Quota>) {
        let mut rules = self.rules.write();
        if rules.quotas == quotas {
            return;
        }
        let next = Arc::new(Rules::new(quotas, rules.edition.wrapping_add(1)));
        let before = std::mem::replace(&mut *rules, Arc::clone(&next));
        drop(rules); // who is told may ask for them
        let (from, to) = (before.quotas.clone(), next.quotas.clone());
        self.tell(Turn::QuotaChanged { from, to });
    }

    /// Takes `cells` of `key` now.
    pub(super) async fn take(&self, key: &[u8], cells: u32) -> Result<(), Denied> {
        let rules = self.rules();
        if cells > rules.heaviest() {
            return Err(Denied::Never);
        }
        if cells == 0 {
            return Ok(());
        }
        match self.settings.terms.most {
            1 => self.take_alone(&rules, key, cells).await,
            _ => self.take_ahead(&rules, key, cells).await,
        }
    }

    /// As [`take`](Self::take), where nothing is ever taken ahead: a key is held only while it is refused.
    async fn take_alone(&self, rules: &Rules, key: &[u8], cells: u32) -> Result<(), Denied> {
        let sent = self.now();
        let held = self.held.peek(key);
        if let Some(wait) =
            held.and_then(|held| held.batch.lock().refuses(cells, sent, rules.edition))
        {
            self.stats.refused_local.add(1);
            return Err(Denied::Wait(wait));
        }
        let result = self.ask(rules, key, (cells, 0), Duration::ZERO).await;
        if let Err(Denied::Wait(wait)) = &result {
            let held = self.held.get_or_make(key, sent, Arc::default);
            held.batch.lock().refused(cells, *wait, sent, rules.edition);
        }
        result.map(drop)
    }

    /// As [`take`](Self::take), from what was taken ahead where there is enough of it.
    async fn take_ahead(&self, rules: &Rules, key: &[u8], cells: u32) -> Result<(), Denied> {
        let began = self.now();
        let held = self.held.get_or_make(key, began, Arc::default);
        if let Some(decided) = self.decide_here(&held, rules, cells, began) {
            return decided;
        }
        let _asking = self.turn_to_ask(&held).await?;
        let sent = self.now();
        if held.batch.lock().failed_since(began) {
            // He whom we waited for has found out, and it took him all the time that a call may take.
            return Err(Denied::Away(Error::TimedOut { sent: false }));
        }
        if let Some(decided) = self.decide_here(&held, rules, cells, sent) {
            return decided;
        }
        let order = {
            let waiting = held.waiting.load(Relaxed); // a hint
            held.batch.lock().order(cells, waiting, sent, self.settings.terms)
        };
        self.stats.void.add(order.void.into());
        let mut guard = PutBack::new(&held.batch, order.held);
        let result = self.ask(rules, key, (order.need, order.more), Duration::ZERO).await;
        let mut batch = held.batch.lock();
        match result {
            Ok((more, _)) => {
                guard.nothing();
                batch.granted(more, sent, self.settings.terms);
                Ok(())
            }
            Err(denied) => {
                match &denied {
                    // What was refused is a part of the call.
                    Denied::Wait(wait) if order.held == 0 => {
                        batch.refused(cells, *wait, sent, rules.edition);
                    }
                    Denied::Away(_) => batch.failed(self.now()),
                    _ => {}
                }
                drop(batch); // the guard wants it
                Err(denied)
            }
        }
    }

    /// What is known here already.
    fn decide_here(
        &self,
        held: &Held,
        rules: &Rules,
        cells: u32,
        now: Nanos,
    ) -> Option<Result<(), Denied>> {
        let mut batch = held.batch.lock();
        if batch.take(cells, now) {
            self.stats.local.add(1);
            return Some(Ok(()));
        }
        let wait = batch.refuses(cells, now, rules.edition)?;
        self.stats.refused_local.add(1);
        Some(Err(Denied::Wait(wait)))
    }

    /// Books `cells` of `key` for a turn within `patience`.
    pub(super) async fn book(
        &self,
        rules: &Rules,
        key: &[u8],
        cells: u32,
        patience: Duration,
    ) -> Result<Booked, Denied> {
        self.ask(rules, key, (cells, 0), patience).await.map(|(_, booked)| booked)
    }

    /// Asks the server.
    async fn ask(
        &self,
        rules: &Rules,
        key: &[u8],
        cells: (u32, u32),
        patience: Duration,
    ) -> Result<(u32, Booked), Denied> {
        let settings = &self.settings;
        self.stats.trips.add(1);
        let keys = (&settings.space, key);
        match rules.decide(&settings.connection, keys, cells, patience).await {
            Ok(answer) => {
                self.is_here();
                match answer {
                    Answer::Granted { more, booked } => {
                        self.stats.shared.add(1);
                        Ok((more, booked))
                    }
                    Answer::Refused(wait) => Err(Denied::Wait(wait)),
                }
            }
            Err(Error::DeadlineExceeded) => Err(Denied::Late(self.late())),
            Err(Error::Rejected(late)) if late.reason() == Reason::DeadlineExceeded => {
                Err(Denied::Late(late))
            }
            Err(error) => Err(Denied::Away(error)),
        }
    }

    /// Gives back a turn that nobody waits for any more.
    pub(super) async fn give_back(&self, rules: &Rules, key: &[u8], booked: &Booked) {
        let keys = (&self.settings.space, key);
        let given_back = rules.give_back(&self.settings.connection, keys, booked).await;
        self.stats.given_back.add(u64::from(given_back == Ok(true)));
    }

    /// A denial in words; counts it.
    pub(super) fn refusal(&self, denied: Denied) -> Rejection {
        let rejection = || Rejection::new(Reason::RateLimited, self.name());
        self.stats.refused.add(1);
        match denied {
            Denied::Wait(wait) => rejection().with_retry_after(wait),
            Denied::Never => rejection().with_bound(Bound::Weight),
            Denied::Late(late) => late,
            Denied::Away(error) => self.closed(&error),
        }
    }

    /// The refusal of a call whose caller's time is over.
    pub(super) fn late(&self) -> Rejection {
        Rejection::new(Reason::DeadlineExceeded, self.name())
    }

    pub(super) fn name(&self) -> Name {
        self.settings.name.clone()
    }

    pub(super) fn now(&self) -> Nanos {
        self.settings.clock.now()
    }

    pub(super) fn tell(&self, turn: Turn) {
        #[cfg(feature = "tracing")]
        self.trace(&turn);
        self.settings.listeners.tell(|| Event { name: self.name(), turn });
    }

    #[cfg(feature = "tracing")]
    fn trace(&self, turn: &Turn) {
        const TARGET: &str = "seawall::redis";
        let name = self.settings.name.as_str();
        match turn {
            Turn::OutageBegan { error } => {
                tracing::warn!(target: TARGET, name, %error, "limits are not shared");
            }
            Turn::OutageEnded { lasted } => {
                tracing::info!(target: TARGET, name, ?lasted, "limits are shared again");
            }
            Turn::QuotaChanged { from, to } => {
                tracing::info!(target: TARGET, name, ?from, ?to, "quota changed");
            }
        }
    }
}

impl Observe for Shared {
    fn snapshot(&self) -> Snapshot {
        let stats = &self.stats;
        let state = if self.away.load(Relaxed) == HERE { "shared" } else { "away" };
        let mut snapshot = Snapshot::new("redis_rate_limiter", self.settings.name.as_str(), state)
            .gauge("keys", self.held.len() as f64)
            .counter("trips", stats.trips.get())
            .counter("granted", stats.shared.get())
            .counter("granted_local", stats.local.get())
            .counter("refused", stats.refused.get())
            .counter("refused_local", stats.refused_local.get())
            .counter("by_policy", stats.by_policy.get())
            .counter("void_cells", stats.void.get())
            .counter("given_back", stats.given_back.get())
            .counter("outages", stats.outages.get())
            .counter("errors", stats.errors.get())
            .limit("max_keys", self.held.max_keys() as f64)
            .limit("prebook", self.settings.terms.most.into())
            .limit("lease_seconds", self.settings.terms.lease.as_secs_f64());
        for (at, quota) in self.rules().quotas.iter().enumerate() {
            let rate = f64::from(quota.cells()) / quota.period().as_secs_f64();
            snapshot.limits.insert(format!("per_second.{at}").into(), rate);
            snapshot.limits.insert(format!("burst.{at}").into(), quota.most_at_once().into());
        }
        snapshot
    }
}
