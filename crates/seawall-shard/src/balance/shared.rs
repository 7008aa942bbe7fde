//! What the clones of a balance share: the peers, and what looks after them.
//!
//! # Who waits for whom
//!
//! A pick reads the list of peers through a lock of its own lane, so that picks don't take it from each
//! other's processor; it waits only while a list is exchanged for another, which is the store of a pointer.
//! All that turns a peer, or the list, is done under `control`, one thread at a time: these are rare.

use std::sync::{Arc, Weak};

use seawall_core::{
    CachePadded, Chance, Clock, ConfigError, Listeners, Name, Nanos, Observe, Reason, Rejection,
    Snapshot, lane,
    sync::{
        Mutex, RwLock, Stat,
        unmodelled::{AtomicU64, Ordering::Relaxed},
    },
};

use super::{
    Cause, Config, Event, Turn,
    ejection::{self, Outlier},
    latency::{Decay, Latency},
    load::InFlight,
    outlook::{Outlook, Sight},
    peer::Peer,
    pick::{Ask, Peers},
    rules::Rules,
    standing::{Moment, Standing},
};

/// A peer of a balance: with what its user keeps there, and the way back.
pub(crate) type Seated<T> = Peer<Seat<T>>;

pub(crate) struct Seat<T> {
    pub(crate) value: T,
    pub(crate) common: Arc<Common>,
    /// For the rare turns; no call counts the handles.
    pub(crate) home: Weak<Shared<T>>,
    /// The how manieth that joined: another one for another peer of the same name.
    pub(crate) serial: u64,
}

/// What a call needs when it ends, whatever the peers are.
pub(crate) struct Common {
    pub(crate) name: Name,
    pub(crate) clock: Clock,
    pub(crate) decay: Decay,
    pub(crate) rules: Rules,
    outlook: Outlook,
    /// When success rates are compared next. Who raises it compares; it decides nothing else: Relaxed.
    next_sweep: AtomicU64,
    listeners: Listeners<Event>,
    picks_refused: Stat,
    ejections: Stat,
    spared: Stat,
}

pub(crate) struct Shared<T> {
    pub(crate) common: Arc<Common>,
    lanes: Box<[CachePadded<Lane<T>>]>,
    control: Mutex<Control<T>>,
}

struct Lane<T> {
    peers: RwLock<Arc<Peers<Seat<T>>>>,
    chance: Chance,
}

struct Control<T> {
    config: Config,
    peers: Arc<Peers<Seat<T>>>,
    /// For the jitter of ejection times.
    chance: Chance,
    last_sweep: Nanos,
    /// How many have joined so far.
    joined: u64,
}

impl Common {
    fn moment(&self) -> Moment {
        Moment::of(self.clock.now())
    }

    fn tell(&self, peer: &Name, turn: Turn) {
        #[cfg(feature = "tracing")]
        tracing::info!(
            target: "seawall::balance",
            name = self.name.as_str(),
            peer = peer.as_str(),
            ?turn,
            "peer turned"
        );
        self.listeners.tell(|| Event { name: self.name.clone(), peer: peer.clone(), turn });
    }

    /// Whether success rates are due, told to one caller.
    #[inline]
    pub(crate) fn sweep_is_due(&self, now: Nanos) -> bool {
        let next = self.next_sweep.load(Relaxed);
        // Until the sweep has set when the next one is due: never.
        now.0 >= next && self.next_sweep.compare_exchange(next, u64::MAX, Relaxed, Relaxed).is_ok()
    }
}

impl<T> Shared<T> {
    pub(crate) fn new(
        name: Name,
        clock: Clock,
        config: Config,
        listeners: Listeners<Event>,
        lanes: usize,
        seats: Vec<(Name, u32, T)>,
    ) -> Arc<Self> {
        let now = clock.now();
        let common = Arc::new(Common {
            name,
            decay: Decay::new(config.decay),
            rules: Rules::new(&config),
            outlook: Outlook::new(),
            next_sweep: AtomicU64::new(next_sweep(&config, now)),
            clock,
            listeners,
            picks_refused: Stat::default(),
            ejections: Stat::default(),
            spared: Stat::default(),
        });
        let seed = config.seed;
        Arc::new_cyclic(|home| {
            let initial = Nanos::from(config.initial).0;
            let joined = seats.len() as u64;
            let seat = |(serial, (name, weight, value))| {
                let seat = Seat { value, common: common.clone(), home: home.clone(), serial };
                let latency = Latency::new(initial, common.decay.tick(now));
                Arc::new(Peer::new(name, weight, seat, latency, Standing::new(Moment::ALWAYS)))
            };
            let peers = Arc::new(Peers::new((0..).zip(seats).map(seat).collect()));
            let lane = |at: usize| {
                let chance = Chance::from_seed(seed.map(|seed| seed.wrapping_add(at as u64)));
                CachePadded::new(Lane { peers: RwLock::new(peers.clone()), chance })
            };
            let lanes = (0..lanes).map(lane).collect();
            let control = Control {
                config,
                peers: peers.clone(),
                chance: Chance::from_seed(seed),
                last_sweep: now,
                joined,
            };
            Self { common, lanes, control: Mutex::new(control) }
        })
    }

    /// Takes the next call's peer, and enters the call there.
    pub(crate) fn pick(&self, now: Nanos) -> Result<InFlight<Seat<T>>, Rejection> {
        let common = &*self.common;
        let moment = Moment::of(now);
        let sight = common.outlook.read(moment).unwrap_or_else(|| self.look(moment));
        let lane = &self.lanes[lane() & (self.lanes.len() - 1)];
        let ask = Ask {
            tick: common.decay.tick(now),
            now: moment,
            sight,
            ramp: common.rules.ramp(),
            chance: &lane.chance,
        };
        let taken = lane.peers.read().pick(ask).cloned();
        taken.map(InFlight::enter).ok_or_else(|| self.rejection())
    }

    #[cold]
    fn rejection(&self) -> Rejection {
        self.common.picks_refused.add(1);
        Rejection::new(Reason::NoShard, self.common.name.clone())
    }

    /// Somebody's time has come: looks at all again.
    #[cold]
    fn look(&self, now: Moment) -> Sight {
        let control = self.control.lock();
        self.survey(&control, now)
    }

    fn survey(&self, control: &Control<T>, now: Moment) -> Sight {
        let common = &*self.common;
        let rules = &common.rules;
        common.outlook.survey(control.peers.list(), now, rules.ramp(), rules.panic_above())
    }

    pub(crate) fn config(&self) -> Config {
        self.control.lock().config.clone()
    }

    pub(crate) fn reconfigure(&self, config: Config) -> Result<(), ConfigError> {
        let common = &*self.common;
        let now = common.clock.now();
        let mut control = self.control.lock();
        control.config.check_change(&config)?;
        common.rules.set(&config);
        common.next_sweep.store(next_sweep(&config, now), Relaxed);
        control.last_sweep = now;
        control.config = config;
        self.survey(&control, Moment::of(now));
        Ok(())
    }

    pub(crate) fn peers(&self) -> Arc<Peers<Seat<T>>> {
        self.control.lock().peers.clone()
    }

    /// One more peer, or another one in the place of the one of that name.
    pub(crate) fn insert(self: &Arc<Self>, name: &Name, weight: u32, value: T) {
        let now = self.common.clock.now();
        let _old = {
            let mut control = self.control.lock();
            let tick = self.common.decay.tick(now);
            let read = |peer: &Arc<Seated<T>>| peer.load.latency.read(tick, peer.load.in_flight());
            let mut estimates: Vec<_> = control.peers.list().iter().map(read).collect();
            estimates.sort_unstable();
            let initial = Nanos::from(control.config.initial).0;
            let median = estimates.get(estimates.len() / 2).copied().unwrap_or(initial);
            let home = Arc::downgrade(self);
            let serial = control.joined;
            control.joined += 1;
            let seat = Seat { value, common: self.common.clone(), home, serial };
            // The first one has nobody to be compared with: it is given all at once.
            let since = if estimates.is_empty() { Moment::ALWAYS } else { Moment::of(now) };
            let latency = Latency::new(median, tick);
            let peer = Peer::new(name.clone(), weight, seat, latency, Standing::new(since));
            let mut list = without(control.peers.list(), name);
            list.push(Arc::new(peer));
            self.exchange(&mut control, list, Moment::of(now))
        };
        self.common.tell(name, Turn::Joined);
    }

    /// Takes a peer off the list; whether it was there.
    pub(crate) fn remove(&self, name: &str) -> bool {
        let (gone, _old) = {
            let mut control = self.control.lock();
            let Some(gone) = find(control.peers.list(), name).cloned() else {
                return false;
            };
            let list = without(control.peers.list(), name);
            (gone, self.exchange(&mut control, list, self.common.moment()))
        };
        self.common.tell(&gone.name, Turn::Left);
        true
    }

    /// Gives a peer another weight; whether there is one of that name.
    pub(crate) fn set_weight(&self, name: &str, weight: u32) -> bool {
        let _old = {
            let mut control = self.control.lock();
            let Some(peer) = find(control.peers.list(), name) else { return false };
            peer.set_weight(weight);
            let list = control.peers.list().to_vec();
            self.exchange(&mut control, list, self.common.moment())
        };
        true
    }

    /// Returns the list that was, to be dropped after the locks: it may be the last that knows of a user's
    /// value.
    fn exchange(
        &self,
        control: &mut Control<T>,
        list: Vec<Arc<Seated<T>>>,
        now: Moment,
    ) -> Arc<Peers<Seat<T>>> {
        let old = std::mem::replace(&mut control.peers, Arc::new(Peers::new(list)));
        self.survey(control, now);
        for lane in &self.lanes {
            *lane.peers.write() = control.peers.clone();
        }
        old
    }

    /// Sets a peer down or up, whichever has that name or only the one of that number; whether there is one and
    /// it was not.
    pub(crate) fn set(&self, name: &str, serial: Option<u64>, up: bool) -> bool {
        let now = self.common.moment();
        let turned = {
            let control = self.control.lock();
            let is_meant =
                |peer: &&Arc<Seated<T>>| serial.is_none_or(|serial| serial == peer.value.serial);
            let Some(peer) = find(control.peers.list(), name).filter(is_meant).cloned() else {
                return false;
            };
            let turned = if up { peer.standing.set_up(now) } else { peer.standing.set_down() };
            if turned {
                self.survey(&control, now);
            }
            turned.then_some(peer)
        };
        let turn = || if up { Turn::Up } else { Turn::Down };
        turned.inspect(|peer| self.common.tell(&peer.name, turn())).is_some()
    }

    /// Puts a peer out for a time, if there is a place left outside.
    #[cold]
    pub(crate) fn eject(&self, peer: &Arc<Seated<T>>, cause: Cause, now: Nanos) {
        let turn = {
            let control = self.control.lock();
            if !control.peers.list().iter().any(|one| Arc::ptr_eq(one, peer)) {
                return; // it has left meanwhile
            }
            self.eject_under(&control, peer, cause, now)
        };
        if let Some(turn) = turn {
            self.common.tell(&peer.name, turn);
        }
    }

    fn eject_under(
        &self,
        control: &Control<T>,
        peer: &Seated<T>,
        cause: Cause,
        now: Nanos,
    ) -> Option<Turn> {
        let rules = control.config.ejection.as_ref()?;
        let moment = Moment::of(now);
        let stand = peer.standing.read();
        if !stand.is_in(moment) {
            return None; // another call was faster
        }
        let peers = control.peers.list();
        if ejection::ejected(peers, moment) >= ejection::places(rules.at_most, peers.len()) {
            peer.standing.spare();
            self.common.spared.add(1);
            return Some(Turn::Spared { cause });
        }
        let out_for = rules.time.delay(stand.ejections, None, &control.chance);
        if !peer.standing.eject(moment, Moment::from(now + out_for)) {
            return None;
        }
        self.survey(control, moment);
        self.common.ejections.add(1);
        Some(Turn::Ejected { cause, out_for, ejections: stand.ejections + 1 })
    }

    /// The end of an interval: compares success rates, and forgives.
    #[cold]
    pub(crate) fn sweep(&self, now: Nanos) {
        let mut turns = Vec::new();
        {
            let mut control = self.control.lock();
            self.common.next_sweep.store(next_sweep(&control.config, now), Relaxed);
            let Some(rules) = control.config.ejection.clone() else { return };
            let last = Moment::of(std::mem::replace(&mut control.last_sweep, now));
            let interval = Moment::whole(Nanos::from(rules.interval).0);
            let peers = control.peers.clone();
            let moment = Moment::of(now);
            for peer in peers.list() {
                peer.standing.forgive(last, moment, interval);
            }
            let tallies: Vec<_> = peers.list().iter().map(|peer| peer.tally.take()).collect();
            let outliers =
                rules.success_rate.map_or_else(Vec::new, |rule| ejection::outliers(rule, &tallies));
            for Outlier { at, rate, least } in outliers {
                let peer = &peers.list()[at];
                let cause = Cause::SuccessRate { rate, least };
                turns.extend(
                    self.eject_under(&control, peer, cause, now).map(|turn| (peer.clone(), turn)),
                );
            }
        }
        for (peer, turn) in turns {
            self.common.tell(&peer.name, turn);
        }
    }
}

/// When success rates are compared next, after `now`.
fn next_sweep(config: &Config, now: Nanos) -> u64 {
    config.ejection.as_ref().map_or(u64::MAX, |rules| (now + rules.interval).0)
}

pub(super) fn find<'a, T>(list: &'a [Arc<Seated<T>>], name: &str) -> Option<&'a Arc<Seated<T>>> {
    list.iter().find(|peer| peer.name.as_str() == name)
}

fn without<T>(list: &[Arc<Seated<T>>], name: &str) -> Vec<Arc<Seated<T>>> {
    list.iter().filter(|peer| peer.name.as_str() != name).cloned().collect()
}

impl<T: Send + Sync> Observe for Shared<T> {
    fn snapshot(&self) -> Snapshot {
        let common = &*self.common;
        let now = common.moment();
        let control = self.control.lock();
        let peers = control.peers.list();
        let state = match self.survey(&control, now) {
            Sight::Panic => "panic",
            Sight::Some if peers.iter().any(|peer| !peer.standing.read().is_in(now)) => "degraded",
            Sight::Some | Sight::All => "whole",
        };
        let down = peers.iter().filter(|peer| peer.standing.read().down).count();
        let in_flight: u64 = peers.iter().map(|peer| u64::from(peer.load.in_flight())).sum();
        let ejected = ejection::ejected(peers, now);
        let snapshot = Snapshot::new("balance", common.name.as_str(), state)
            .gauge("peers", peers.len() as f64)
            .gauge("peers_down", down as f64)
            .gauge("peers_ejected", ejected as f64)
            .gauge("in_flight", in_flight as f64)
            .counter("refused", common.picks_refused.get())
            .counter("ejections", common.ejections.get())
            .counter("spared", common.spared.get())
            .limit("panic_above", control.config.panic_above.as_f64());
        match &control.config.ejection {
            Some(rules) => snapshot.limit("ejected_at_most", rules.at_most.as_f64()),
            None => snapshot,
        }
    }
}
