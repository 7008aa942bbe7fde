//! Models of flights; the promises are those of [`crate::flight`].
//!
//! Each was seen to fail with the broken variant that it names.

use std::{
    convert::Infallible,
    future::{Future, pending},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use seawall_core::{
    model::{model, model_of_equals, race, race_of_three},
    sync::{
        Mutex,
        unmodelled::{AtomicUsize, Ordering::Relaxed},
    },
};

use crate::{
    SingleFlight,
    flight::{Entry, Flights, Follower, Landing, Leader},
};

type Table = Flights<u8, u8>;

const KEY: u8 = 7;

fn table() -> Table {
    Flights::with_shards(1)
}

/// Whether it was woken.
#[derive(Default)]
struct Flag(AtomicUsize);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn leads(table: &Table) -> Leader<u8, u8> {
    match table.join_or_lead(&KEY) {
        Entry::Leads(leader) => leader,
        Entry::Follows(_) => panic!("somebody leads already"),
    }
}

fn follows(table: &Table) -> Sleeper {
    match table.join_or_lead(&KEY) {
        Entry::Leads(_) => panic!("nobody leads"),
        Entry::Follows(follower) => Sleeper::new(follower),
    }
}

/// A follower, and whether it was woken.
struct Sleeper {
    follower: Follower<u8, u8>,
    woken: Arc<Flag>,
}

impl Sleeper {
    fn new(follower: Follower<u8, u8>) -> Self {
        Self { follower, woken: Arc::default() }
    }

    fn asleep(mut self) -> Self {
        assert!(self.poll().is_pending(), "there is nothing to know yet");
        self
    }

    fn poll(&mut self) -> Poll<Landing<u8, u8>> {
        self.follower.poll(&Context::from_waker(&Waker::from(self.woken.clone())))
    }

    fn was_woken(&self) -> bool {
        self.woken.0.load(Relaxed) > 0
    }

    /// What it gets once it is polled again; it must have been woken for that.
    fn ends(mut self) -> Landing<u8, u8> {
        assert!(self.was_woken(), "it sleeps for ever");
        match self.poll() {
            Poll::Ready(landing) => landing,
            Poll::Pending => panic!("it was woken for nothing"),
        }
    }
}

fn value(landing: Landing<u8, u8>) -> u8 {
    match landing {
        Landing::Landed(value) => value,
        Landing::Panicked(_) => panic!("the load panicked"),
        Landing::Leads(_) => panic!("it had a leader"),
    }
}

/// One who asks: loads `value` if it leads.
fn asks(table: &Table, load: u8) -> Result<u8, Sleeper> {
    match table.join_or_lead(&KEY) {
        Entry::Leads(leader) => Ok(leader.settle(load)),
        Entry::Follows(follower) => {
            let mut sleeper = Sleeper::new(follower);
            match sleeper.poll() {
                Poll::Ready(Landing::Leads(leader)) => Ok(leader.settle(load)),
                Poll::Ready(landing) => Ok(value(landing)),
                Poll::Pending => Err(sleeper),
            }
        }
    }
}

/// Promises 1 and 4: of two who ask at once, who follows gets the leader's value, and is woken for it.
///
/// Caught when broken: with an `ask` that looks, lets go of the lock and takes it again to go to sleep,
/// the follower sleeps for ever; with a `publish` that lands first and leaves the table then, the second
/// follows what has landed.
#[test]
fn who_follows_is_woken_with_the_value() {
    model_of_equals(|| {
        let table = Arc::new(table());
        let (one, other) = race(&table, |table| asks(table, 1), |table| asks(table, 2));

        for asked in [one, other] {
            match asked {
                Ok(value) => assert!(value == 1 || value == 2),
                Err(sleeper) => assert_ne!(value(sleeper.ends()), 0),
            }
        }
        assert!(table.is_empty());
    });
}

/// Promise 4, for two followers at once: the one clones the value, the last one takes it.
///
/// Caught when broken: with a `followers` that counts those who are asleep only, the value is gone for
/// the second.
#[test]
fn each_follower_gets_the_value() {
    model(|| {
        let table = table();
        let leader = leads(&table);
        let followers = [follows(&table), follows(&table)].map(|one| Mutex::new(Some(one)));
        let shared = Arc::new((Mutex::new(Some(leader)), followers));
        let ask = |one: &Mutex<Option<Sleeper>>| {
            let mut sleeper = one.lock().take().expect("asked once");
            match sleeper.poll() {
                Poll::Ready(landing) => Ok(value(landing)),
                Poll::Pending => Err(sleeper),
            }
        };
        let ((), one, other) = race_of_three(
            &shared,
            |(leader, _)| {
                leader.lock().take().expect("taken once").settle(5);
            },
            move |(_, followers)| ask(&followers[0]),
            move |(_, followers)| ask(&followers[1]),
        );

        for asked in [one, other] {
            assert_eq!(asked.unwrap_or_else(|sleeper| value(sleeper.ends())), 5);
        }
    });
}

/// Promise 2: a leader that goes while somebody comes strands nobody.
///
/// Caught when broken: with an `abandon` that decides under the flight's lock and leaves the table under
/// the shard's afterwards, the newcomer follows a flight that nobody leads and nobody will find.
#[test]
fn a_leader_that_goes_while_one_comes_strands_nobody() {
    model(|| {
        let table = table();
        let shared = Arc::new((Mutex::new(Some(leads(&table))), table));
        let ((), came) =
            race(&shared, |(leader, _)| drop(leader.lock().take()), |(_, table)| asks(table, 2));

        match came {
            Ok(value) => assert_eq!(value, 2),
            Err(sleeper) => match sleeper.ends() {
                Landing::Leads(leader) => assert_eq!(leader.settle(2), 2),
                _ => panic!("nobody else loaded"),
            },
        }
        assert!(shared.1.is_empty());
    });
}

/// Promise 2: the one who was called goes while the leader does; the next is called.
///
/// Caught when broken: with a `leave` that does not pass the call on, the other sleeps for ever.
#[test]
fn a_call_is_passed_on() {
    model(|| {
        let table = table();
        let leader = leads(&table);
        let first = follows(&table).asleep();
        let second = follows(&table).asleep();
        let shared = Arc::new((Mutex::new(Some(leader)), Mutex::new(Some(first))));
        race(
            &shared,
            |(leader, _)| drop(leader.lock().take()),
            |(_, first)| drop(first.lock().take()),
        );

        assert!(matches!(second.ends(), Landing::Leads(_)));
        assert!(table.is_empty());
    });
}

/// Promise 1: of a follower that was called and a newcomer, one takes over.
///
/// Caught when broken: with a `board` that finds the flight vacant and leaves it so, both do.
#[test]
fn one_takes_over() {
    model(|| {
        let table = table();
        let leader = leads(&table);
        let called = follows(&table).asleep();
        drop(leader);
        let shared = Arc::new((Mutex::new(Some(called)), table));
        let leads = |entry| match entry {
            Entry::Leads(leader) => Ok(leader),
            Entry::Follows(follower) => Err(Sleeper::new(follower)),
        };
        let (called, came) = race(
            &shared,
            |(called, _)| {
                let mut called = called.lock().take().expect("asked once");
                match called.poll() {
                    Poll::Ready(Landing::Leads(leader)) => Ok(leader),
                    Poll::Ready(_) => panic!("nobody has loaded"),
                    Poll::Pending => Err(called),
                }
            },
            move |(_, table)| leads(table.join_or_lead(&KEY)),
        );

        let (leader, mut follower) = match (called, came) {
            (Ok(leader), Err(follower)) | (Err(follower), Ok(leader)) => (leader, follower),
            (Ok(_), Ok(_)) => panic!("two lead"),
            (Err(_), Err(_)) => panic!("nobody leads"),
        };
        leader.settle(3);
        let Poll::Ready(landing) = follower.poll() else { panic!("it has landed") };
        assert_eq!(value(landing), 3);
    });
}

/// Promise 3: the last follower of a vacant flight leaves while one comes; nobody joins what is gone.
///
/// Caught when broken: with a `leave` that does not hold the shard's lock, the newcomer takes the lead of
/// a flight that leaves the table under it, and a third one leads besides.
#[test]
fn the_last_one_leaves_while_one_comes() {
    model(|| {
        let table = table();
        let leader = leads(&table);
        let last = follows(&table).asleep();
        drop(leader);
        let shared = Arc::new((Mutex::new(Some(last)), table));
        let ((), came) =
            race(&shared, |(last, _)| drop(last.lock().take()), |(_, table)| leads(table));

        assert!(shared.1.try_lead(&KEY).is_none(), "two lead");
        came.settle(1);
        assert!(shared.1.is_empty());
    });
}

/// Promise 3: a load that is deserted while one comes is out of the table, or goes on.
///
/// Caught when broken: with a `leave` that tells the leader and leaves the table afterwards, the newcomer
/// follows a load that is being cancelled.
#[test]
fn nobody_joins_a_deserted_load() {
    model(|| {
        let table = table();
        let leader = leads(&table);
        let last = Sleeper::new(leader.follow());
        leader.watch_desertion();
        let woken = Arc::<Flag>::default();
        let waker = Waker::from(woken.clone());
        assert!(!leader.is_deserted(&Context::from_waker(&waker)));
        let shared = Arc::new((Mutex::new(Some(last)), table));
        let ((), came) = race(
            &shared,
            |(last, _)| drop(last.lock().take()),
            |(_, table)| table.join_or_lead(&KEY),
        );

        let deserted = leader.is_deserted(&Context::from_waker(&waker));
        assert_eq!(deserted, woken.0.load(Relaxed) == 1, "it is told when it is so");
        match came {
            Entry::Leads(own) => {
                assert!(deserted, "two lead");
                drop(leader);
                assert_eq!(own.publish(2, |_, _| ()), (2, true));
            }
            Entry::Follows(follower) => {
                assert!(!deserted, "it joined what is being cancelled");
                leader.settle(3);
                let Poll::Ready(landing) = Sleeper::new(follower).poll() else {
                    panic!("it has landed")
                };
                assert_eq!(value(landing), 3);
            }
        }
    });
}

/// Promise 4: a panic is told to who follows, and who comes after it begins anew.
///
/// Caught when broken: with a panic that lands before it leaves the table, a newcomer follows what is
/// over, and there is no outcome for it.
#[test]
fn a_panic_is_told_once_and_frees_the_key() {
    model(|| {
        let table = table();
        let shared = Arc::new((Mutex::new(Some(leads(&table))), table));
        let ((), came) = race(
            &shared,
            |(leader, _)| {
                let mut leader = leader.lock().take().expect("taken once");
                // Without the hook, which would print each of thousands.
                let part = || std::panic::resume_unwind(Box::new("no"));
                assert!(leader.guard::<()>(part).is_err());
            },
            |(_, table)| match table.join_or_lead(&KEY) {
                Entry::Leads(leader) => Ok(leader.settle(2)),
                Entry::Follows(follower) => {
                    let mut sleeper = Sleeper::new(follower);
                    match sleeper.poll() {
                        Poll::Pending => Err(Some(sleeper)),
                        Poll::Ready(Landing::Panicked(_)) => Err(None),
                        Poll::Ready(_) => panic!("nobody has loaded"),
                    }
                }
            },
        );

        match came {
            Ok(value) => assert_eq!(value, 2),
            Err(Some(sleeper)) => assert!(matches!(sleeper.ends(), Landing::Panicked(_))),
            Err(None) => {}
        }
        assert!(shared.1.is_empty());
    });
}

/// A table before a store of one entry, as a cache has it.
struct Cache {
    table: Table,
    store: Mutex<Option<u8>>,
    source: Mutex<u8>,
}

const OLD: u8 = 1;
const NEW: u8 = 2;

impl Cache {
    fn new() -> Arc<Self> {
        Arc::new(Self { table: table(), store: Mutex::new(None), source: Mutex::new(OLD) })
    }

    fn load(&self, leader: Leader<u8, u8>) -> u8 {
        let found = *self.store.lock(); // published between the miss and the claim
        if let Some(found) = found {
            return leader.settle(found);
        }
        let loaded = *self.source.lock();
        leader.publish(loaded, |_, &value| *self.store.lock() = Some(value)).0
    }

    /// A read by one who does not sleep; `None` where he would have to.
    fn read(&self) -> Option<u8> {
        let hit = *self.store.lock();
        if hit.is_some() {
            return hit;
        }
        match self.table.join_or_lead(&KEY) {
            Entry::Leads(leader) => Some(self.load(leader)),
            Entry::Follows(follower) => match Sleeper::new(follower).poll() {
                Poll::Ready(landing) => Some(value(landing)),
                Poll::Pending => None,
            },
        }
    }

    fn invalidate(&self) {
        self.table.poison(&KEY, || *self.store.lock() = None);
    }
}

/// Promise 5, the late set: read old, write, invalidate, store old.
///
/// Caught when broken: with a `publish` that asks whether it is registered and stores after it has let go
/// of the lock, the old value is there for good.
#[test]
fn after_an_invalidation_nobody_reads_an_older_value() {
    model(|| {
        let cache = Cache::new();
        let (_, seen) = race(
            &cache,
            |cache| cache.read(),
            |cache| {
                *cache.source.lock() = NEW;
                cache.invalidate();
                cache.read()
            },
        );

        assert_ne!(seen, Some(OLD), "this read began after the invalidation");
        assert_eq!(cache.read(), Some(NEW));
    });
}

/// Promise 5, for a write: what is put is not overwritten by what was loaded before.
///
/// Caught when broken: with a `poison` that runs its step after it has let go of the lock, a load that
/// began in between publishes the old value over it. (It read the source before the write, and looked
/// into the store before the step.)
#[test]
fn a_load_does_not_overwrite_what_is_put() {
    model(|| {
        let cache = Cache::new();
        race(
            &cache,
            |cache| cache.read(),
            |cache| {
                // The value of the write is not in the source yet: a write-behind.
                cache.table.poison(&KEY, || *cache.store.lock() = Some(NEW));
            },
        );

        assert_eq!(cache.read(), Some(NEW));
    });
}

/// As [`after_an_invalidation_nobody_reads_an_older_value`], for all keys: poison first, then clear.
///
/// Caught when broken: with a store that is cleared before the flights are poisoned, a load publishes in
/// between.
#[test]
fn after_a_clear_nobody_reads_an_older_value() {
    model(|| {
        let cache = Cache::new();
        race(
            &cache,
            |cache| cache.read(),
            |cache| {
                *cache.source.lock() = NEW;
                cache.table.poison_all();
                *cache.store.lock() = None;
            },
        );

        assert_eq!(cache.read(), Some(NEW));
    });
}

/// Which read returns what: followers of a poisoned flight that lost its leader ask anew, and one leads.
///
/// Caught when broken: with a `poison` that leaves a vacant flight vacant, who was called leads it besides
/// the newcomer; with an `abandon` that calls one though the flight is not registered, too.
#[test]
fn a_poisoned_flight_without_a_leader_is_no_second_one() {
    model(|| {
        let table = table();
        let leader = leads(&table);
        let early = follows(&table).asleep();
        let shared = Arc::new((Mutex::new(Some(leader)), table));
        race(
            &shared,
            |(leader, _)| drop(leader.lock().take()),
            |(_, table)| table.poison(&KEY, || ()),
        );

        let newcomer = leads(&shared.1);
        let mut early = early;
        assert!(early.was_woken());
        assert!(early.poll().is_pending(), "two lead");
        newcomer.settle(4);
        let Poll::Ready(landing) = early.poll() else { panic!("it has landed") };
        assert_eq!(value(landing), 4);
    });
}

/// Two bulk gets in opposite order end, and load each key once between them.
///
/// Caught when broken: with batches that wait for what they follow before they end what they lead, both
/// sleep for ever.
#[test]
fn two_batches_in_opposite_order_end() {
    model(|| {
        let table = Arc::new(table());
        let batch = |keys: [u8; 2]| {
            move |table: &Table| {
                let mut claims = table.claim(&keys);
                let led = claims.take_led();
                let loads = led.leaders.len();
                for leader in led.leaders {
                    leader.settle(9);
                }
                let woken = Arc::<Flag>::default();
                let waker = Waker::from(woken.clone());
                let polled = claims.poll_landings(&Context::from_waker(&waker), |_, landing| {
                    assert_eq!(value(landing), 9);
                });
                (loads, claims, woken, polled)
            }
        };
        let ends = race(&table, batch([1, 2]), batch([2, 1]));

        for (_, mut claims, woken, polled) in [ends.0, ends.1] {
            if polled.is_pending() {
                assert!(woken.0.load(Relaxed) > 0, "it sleeps for ever");
                let waker = Waker::noop();
                let again = claims.poll_landings(&Context::from_waker(waker), |_, landing| {
                    assert_eq!(value(landing), 9);
                });
                assert!(again.is_ready());
            }
            assert!(claims.is_over());
        }
        assert!(table.is_empty());
    });
}

/// Sets the flag when it is dropped.
struct Cancelled(Arc<Mutex<bool>>);

impl Drop for Cancelled {
    fn drop(&mut self) {
        *self.0.lock() = true;
    }
}

/// Promise 3, in the handle's own future: nobody follows a load that is cancelled already.
///
/// Caught when broken: with a course that drops its load before its leader.
#[test]
fn a_call_that_is_dropped_leaves_the_table_before_its_load() {
    model(|| {
        let users = SingleFlight::<u8, u8, Infallible>::builder("model").build().unwrap();
        let cancelled = Arc::new(Mutex::new(false));
        let load = {
            let cancelled = Cancelled(cancelled.clone());
            move || async {
                let _cancelled = cancelled;
                pending().await
            }
        };
        let mut only = Box::pin(users.run(KEY, load));
        assert!(only.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let shared = Arc::new((Mutex::new(Some(only)), users, cancelled));
        let ((), (was_cancelled, came)) = race(
            &shared,
            |(only, ..)| drop(only.lock().take()),
            |(_, users, cancelled)| {
                let was_cancelled = *cancelled.lock();
                (was_cancelled, users.shared().flights.join_or_lead(&KEY))
            },
        );

        if was_cancelled {
            assert!(matches!(came, Entry::Leads(_)), "it joined what is being dropped");
        }
    });
}
