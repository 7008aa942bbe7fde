//! A bulkhead in a world that stands still, and those who come to it.

use std::{
    sync::Arc,
    task::{Poll, Wake, Waker},
};

use seawall_core::{
    Bound, Nanos, Priority, Ratio,
    sync::unmodelled::{AtomicU32, Ordering::Relaxed},
};

use crate::{
    Config, Partition, Shedding,
    machine::{Call, Entry, Machine, Place},
    outside::Outside,
    word::Word,
};

/// One place for whoever names no share.
pub(super) const ONE: Call = Call { share: 0, weight: 1 };

/// Two places for whoever names no share.
pub(super) const TWO: Call = Call { share: 0, weight: 2 };

/// One place for a call of the first share.
pub(super) const OF_A: Call = Call { share: 1, weight: 1 };

/// One place for a call of the second share.
pub(super) const OF_B: Call = Call { share: 2, weight: 1 };

pub(super) struct Hall {
    machine: Machine,
    most_waiting: u32,
}

/// No model is about time.
struct Still;

impl Outside for Still {
    fn now(&self) -> Nanos {
        Nanos::ZERO
    }

    fn overload(&self, _: bool) {
        unreachable!("nobody watches for it");
    }
}

/// What became of one who asked and may wait.
#[derive(Debug)]
pub(super) enum Asked {
    In,
    Asleep(Sleeper),
    Refused(Bound),
}

/// One who waits, and sleeps until his bell rings.
#[derive(Debug)]
pub(super) struct Sleeper {
    place: Place,
    bell: Arc<Bell>,
}

/// How often it rang. Outside loom's view, so that the models stay small.
#[derive(Debug, Default)]
struct Bell(AtomicU32);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl Hall {
    /// A bulkhead with `limit` places, and a queue for as many as a model has.
    pub(super) fn new(limit: u32) -> Arc<Self> {
        Self::with_queue(limit, 8)
    }

    pub(super) fn with_queue(limit: u32, queue: u32) -> Arc<Self> {
        Self::set_to(Config { limit: Some(limit), queue, ..Config::default() })
    }

    /// A bulkhead that serves the more important first.
    pub(super) fn ranked(limit: u32, queue: u32) -> Arc<Self> {
        let shedding = Some(Shedding::default());
        Self::set_to(Config { limit: Some(limit), queue, shedding, ..Config::default() })
    }

    /// A bulkhead of which one half is the share of `a`, and the other one that of `b`.
    pub(super) fn in_halves(limit: u32, queue: u32) -> Arc<Self> {
        let half = |name: &'static str| Partition { name: name.into(), share: Ratio::of(1, 2) };
        let partitions = vec![half("a"), half("b")];
        Self::set_to(Config { limit: Some(limit), queue, partitions, ..Config::default() })
    }

    fn set_to(config: Config) -> Arc<Self> {
        config.check().expect("sound settings");
        let machine = Machine::new(&config, config.first_limit());
        Arc::new(Self { machine, most_waiting: config.queue })
    }

    pub(super) fn try_enter(&self, call: Call) -> Result<(), Bound> {
        let entered = self.machine.try_enter(call, &Still);
        entered.inspect_err(|_| self.machine.turned_away(call, &Still))
    }

    /// Lets in whom there is room for.
    pub(super) fn enter(&self, call: Call) {
        self.try_enter(call).expect("there is room");
    }

    /// Asks, and goes to sleep where there is no room.
    pub(super) fn ask(&self, call: Call) -> Asked {
        self.ask_as(call, Priority::NORMAL)
    }

    pub(super) fn ask_as(&self, call: Call, priority: Priority) -> Asked {
        let place = match self.machine.enter_or_join(call, priority, self.most_waiting, &Still) {
            Ok(Entry::In) => return Asked::In,
            Ok(Entry::Waits(place)) => place,
            Err(bound) => return Asked::Refused(bound),
        };
        let bell = Arc::new(Bell::default());
        match self.machine.poll(place, &Waker::from(bell.clone())) {
            Poll::Ready(Ok(())) => Asked::In,
            Poll::Ready(Err(bound)) => Asked::Refused(bound),
            Poll::Pending => Asked::Asleep(Sleeper { place, bell }),
        }
    }

    /// Puts one to sleep for whom there is no room.
    pub(super) fn asleep(&self, call: Call) -> Sleeper {
        match self.ask(call) {
            Asked::Asleep(sleeper) => sleeper,
            asked => panic!("{asked:?}, and should wait"),
        }
    }

    /// What has become of one who slept, once all is quiet: what he does not know he was woken for.
    pub(super) fn look_after(&self, sleeper: &Sleeper) -> Option<Result<(), Bound>> {
        let rang = sleeper.bell.0.load(Relaxed);
        let found = self.machine.poll(sleeper.place, &Waker::from(sleeper.bell.clone()));
        assert_eq!(
            rang,
            u32::from(found.is_ready()),
            "his bell rings for it, and for nothing else"
        );
        match found {
            Poll::Ready(verdict) => Some(verdict),
            Poll::Pending => None,
        }
    }

    /// Whether one who asked is in, once all is quiet.
    pub(super) fn is_in(&self, asked: &Asked) -> bool {
        match asked {
            Asked::In => true,
            Asked::Asleep(sleeper) => self.look_after(sleeper) == Some(Ok(())),
            Asked::Refused(_) => false,
        }
    }

    pub(super) fn leave(&self, call: Call) {
        self.machine.leave(call, &Still);
    }

    /// One who slept goes away.
    pub(super) fn cancel(&self, sleeper: &Sleeper) {
        self.machine.cancel(sleeper.place, &Still);
    }

    /// One who slept has no more time.
    pub(super) fn expire(&self, sleeper: &Sleeper) -> Result<(), Bound> {
        self.machine.expire(sleeper.place, &Still)
    }

    pub(super) fn set_limit(&self, limit: u32) {
        self.machine.set_limit(limit, &Still);
    }

    pub(super) fn word(&self) -> Word {
        self.machine.word()
    }

    /// The limit, how many are in flight, and how many wait.
    pub(super) fn seen(&self) -> (u32, u32, u32) {
        let word = self.word();
        (word.limit(), word.in_flight(), word.waiting())
    }

    /// What is its own and what it uses of each named share.
    pub(super) fn shares(&self) -> Vec<(u32, u32)> {
        self.machine.shares().iter().skip(1).map(|share| (share.own(), share.in_use())).collect()
    }

    /// Nobody is in flight and nobody waits, and there is room for as many as ever.
    pub(super) fn is_as_new(&self, limit: u32) {
        assert_eq!(self.seen(), (limit, 0, 0));
        assert!(self.shares().iter().all(|&(_, in_use)| in_use == 0), "{:?}", self.shares());
        self.enter(Call { share: 0, weight: limit });
    }
}
