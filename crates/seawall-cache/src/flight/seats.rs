//! One flight: who leads it, who follows it, and what came of it. The states are drawn on the page of
//! [`flight`](super).
//!
//! Each method is one step under the flight's lock, and returns what is to be woken or dropped outside
//! of it. Those that say so are called under the shard's lock too.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    task::Waker,
};

use seawall_core::sync::Mutex;

use super::Panicked;

/// What came of a load: what the loader's side made of it, or a panic.
pub(super) type Outcome<T> = Result<T, Panicked>;

pub(super) struct Flight<K, T> {
    pub(super) key: K,
    pub(super) hash: u64,
    seats: Mutex<Seats<T>>,
}

struct Seats<T> {
    stage: Stage<T>,
    /// Those who follow, asleep or not polled yet.
    followers: usize,
    /// Those of them who went to sleep, in that order.
    asleep: BTreeMap<Ticket, Waker>,
    next: Ticket,
    desertion: Desertion,
}

/// The number of one who went to sleep.
pub(super) type Ticket = u64;

enum Stage<T> {
    Led,
    /// Nobody leads; who was woken to take over. Registered, always.
    Vacant {
        called: Option<Ticket>,
    },
    /// `None` where nobody followed, or all have taken it.
    Landed(Option<Outcome<T>>),
    Scattered,
}

/// Whether the leader wants to know that nobody follows any more.
enum Desertion {
    /// It loads on for itself, or for the store.
    Ignored,
    Watched(Option<Waker>),
    Happened,
}

/// Whom to wake, once no lock is held.
#[must_use = "somebody sleeps"]
pub(super) enum Wake {
    Nobody,
    One(Waker),
    All(BTreeMap<Ticket, Waker>),
}

impl Wake {
    fn maybe(waker: Option<Waker>) -> Self {
        waker.map_or(Self::Nobody, Self::One)
    }

    pub(super) fn now(self) {
        match self {
            Self::Nobody => {}
            Self::One(waker) => waker.wake(),
            Self::All(asleep) => asleep.into_values().for_each(Waker::wake),
        }
    }
}

/// What a follower finds.
pub(super) enum Asked<T> {
    Sleeps,
    Landed(Outcome<T>),
    /// It leads from now on.
    Leads,
    /// The flight is no more.
    Scattered,
}

/// What is to be done after somebody left.
pub(super) struct Left<T> {
    /// Nobody needs the flight: out of the table with it, under the lock that is held.
    pub(super) empty: bool,
    pub(super) wake: Wake,
    pub(super) rest: Rest<T>,
}

/// What nobody needs any more: the user's own, to be dropped when no lock is held.
pub(super) type Rest<T> = (Option<Outcome<T>>, Option<Waker>);

impl<K, T> Flight<K, T> {
    /// A flight that its maker leads.
    pub(super) fn led(key: K, hash: u64) -> Self {
        let seats = Seats {
            stage: Stage::Led,
            followers: 0,
            asleep: BTreeMap::new(),
            next: 0,
            desertion: Desertion::Ignored,
        };
        Self { key, hash, seats: Mutex::new(seats) }
    }

    /// A newcomer takes the lead of a flight that nobody leads; of another one he `follows`, or not.
    /// Registered, under the shard's lock.
    pub(super) fn board(&self, follows: bool) -> bool {
        let mut seats = self.seats.lock();
        let vacant = matches!(seats.stage, Stage::Vacant { .. });
        if vacant {
            seats.stage = Stage::Led; // who was called finds it led, and sleeps on
        } else if follows {
            seats.followers += 1;
        }
        vacant
    }

    /// The leader's own guest.
    pub(super) fn join(&self) {
        self.seats.lock().followers += 1;
    }

    /// The leader wants to be told when nobody follows any more.
    pub(super) fn watch_desertion(&self) {
        self.seats.lock().desertion = Desertion::Watched(None);
    }

    /// Whether nobody follows any more; if not, `waker` is woken when that is so.
    pub(super) fn is_deserted(&self, waker: &Waker) -> bool {
        let _old; // dropped after the lock is given back
        match &mut self.seats.lock().desertion {
            Desertion::Ignored => false,
            Desertion::Happened => true,
            Desertion::Watched(kept) => {
                _old = keep(kept, waker);
                false
            }
        }
    }

    /// The load is over: wakes all. Not registered any more.
    ///
    /// The outcome is cloned only where somebody follows, and comes back.
    pub(super) fn land(&self, outcome: Outcome<T>) -> (Outcome<T>, Wake)
    where
        T: Clone,
    {
        let mut seats = self.seats.lock();
        let kept = (seats.followers > 0).then(|| outcome.clone());
        seats.stage = Stage::Landed(kept);
        (outcome, Wake::All(std::mem::take(&mut seats.asleep)))
    }

    /// The leader goes without an outcome. Under the shard's lock.
    pub(super) fn abandon(&self, registered: bool) -> Left<T> {
        let mut seats = self.seats.lock();
        // It was this leader's wish, and is nobody's now.
        let waker = match std::mem::replace(&mut seats.desertion, Desertion::Ignored) {
            Desertion::Watched(waker) => waker,
            Desertion::Ignored | Desertion::Happened => None,
        };
        let empty = registered && seats.followers == 0;
        let wake = if registered && !empty { seats.call() } else { seats.scatter() };
        Left { empty, wake, rest: (None, waker) }
    }

    /// It was poisoned; has no effect on those who follow a load. Just taken out of the table, under
    /// the shard's lock.
    pub(super) fn poison(&self) -> Wake {
        let mut seats = self.seats.lock();
        match seats.stage {
            Stage::Vacant { .. } => seats.scatter(),
            _ => Wake::Nobody,
        }
    }

    /// A follower asks, and sleeps until there is something for it to know.
    pub(super) fn ask(&self, ticket: &mut Option<Ticket>, waker: &Waker) -> Asked<T>
    where
        T: Clone,
    {
        let _old; // dropped after the lock is given back
        let mut seats = self.seats.lock();
        let seats = &mut *seats;
        match &mut seats.stage {
            Stage::Led => {
                let ticket = *ticket.get_or_insert_with(|| {
                    seats.next += 1;
                    seats.next
                });
                match seats.asleep.entry(ticket) {
                    Entry::Occupied(kept) if kept.get().will_wake(waker) => {}
                    Entry::Occupied(mut kept) => _old = Some(kept.insert(waker.clone())),
                    Entry::Vacant(place) => drop(place.insert(waker.clone())),
                }
                return Asked::Sleeps;
            }
            Stage::Landed(outcome) => {
                let outcome = match seats.followers {
                    1 => outcome.take(),
                    _ => outcome.clone(),
                };
                seats.followers -= 1;
                return Asked::Landed(outcome.expect("kept while somebody follows"));
            }
            Stage::Vacant { .. } | Stage::Scattered => {}
        }
        // Under both, it follows no more.
        seats.followers -= 1;
        _old = ticket.take().and_then(|ticket| seats.asleep.remove(&ticket));
        if matches!(seats.stage, Stage::Scattered) {
            return Asked::Scattered;
        }
        seats.stage = Stage::Led;
        Asked::Leads
    }

    /// A follower does not want to be woken for now: if it was called to take over, another is.
    pub(super) fn doze(&self, ticket: &mut Option<Ticket>) -> Wake {
        let Some(ticket) = ticket.take() else { return Wake::Nobody };
        let (wake, _old) = self.seats.lock().forget(ticket);
        wake
    }

    /// A follower goes. Under the shard's lock.
    pub(super) fn leave(&self, ticket: Option<Ticket>) -> Left<T> {
        let mut seats = self.seats.lock();
        seats.followers -= 1;
        let last = seats.followers == 0;
        let forget = |ticket| seats.forget(ticket);
        let (mut wake, waker) = ticket.map_or((Wake::Nobody, None), forget);
        let mut unread = None;
        let empty = match &mut seats.stage {
            Stage::Vacant { .. } => last,
            Stage::Landed(outcome) if last => {
                unread = outcome.take();
                false
            }
            Stage::Led if last => match &mut seats.desertion {
                Desertion::Watched(waker) => {
                    wake = Wake::maybe(waker.take());
                    seats.desertion = Desertion::Happened;
                    true
                }
                Desertion::Ignored | Desertion::Happened => false,
            },
            _ => false,
        };
        Left { empty, wake, rest: (unread, waker) }
    }

    /// How many follow, for tests and snapshots.
    pub(super) fn followers(&self) -> usize {
        self.seats.lock().followers
    }
}

impl<T> Seats<T> {
    /// Nobody leads: the one who has slept longest is called.
    fn call(&mut self) -> Wake {
        let called = self.asleep.pop_first();
        let (called, waker) =
            called.map_or((None, None), |(ticket, waker)| (Some(ticket), Some(waker)));
        self.stage = Stage::Vacant { called };
        Wake::maybe(waker)
    }

    /// One who slept does not any more; a call that was his goes to the next.
    fn forget(&mut self, ticket: Ticket) -> (Wake, Option<Waker>) {
        let waker = self.asleep.remove(&ticket);
        let wake = match self.stage {
            Stage::Vacant { called } if called == Some(ticket) => self.call(),
            _ => Wake::Nobody,
        };
        (wake, waker)
    }

    fn scatter(&mut self) -> Wake {
        self.stage = Stage::Scattered;
        Wake::All(std::mem::take(&mut self.asleep))
    }
}

/// Clones nothing where the same one is kept already; gives out the one that was kept instead.
fn keep(kept: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    match kept {
        Some(kept) if kept.will_wake(waker) => None,
        _ => kept.replace(waker.clone()),
    }
}
