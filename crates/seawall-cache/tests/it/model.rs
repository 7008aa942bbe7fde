//! Flights in every order of events that chance comes up with, beside a slow model that is right at
//! sight. Everything is polled by hand, and every wake is counted.

use std::{
    cell::RefCell,
    collections::HashMap,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    rc::Rc,
    task::Poll,
};

use proptest::prelude::*;
use seawall_cache::{Error, LoadError, SingleFlight};
use seawall_test::Task;

/// What comes of a load; a value is the number of the caller whose load it was.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Value,
    Failure,
    Panic,
}

/// What a caller sees.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Seen {
    Value(usize),
    Failure(usize),
    Panic(usize),
}

#[derive(Clone, Debug)]
enum Event {
    /// Somebody makes a call for a key; it is not polled yet.
    Call(u8),
    /// A call is polled, woken or not.
    Poll(prop::sample::Index),
    Drop(prop::sample::Index),
    /// The load of a call ends, if it has begun; else it ends at once when it begins.
    End(prop::sample::Index, Ending),
    Forget(u8),
    ForgetAll,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let key = 0..2_u8;
    let index = any::<prop::sample::Index>;
    let ending = prop_oneof![
        6 => Just(Ending::Value),
        1 => Just(Ending::Failure),
        1 => Just(Ending::Panic),
    ];
    let event = prop_oneof![
        5 => key.clone().prop_map(Event::Call),
        12 => index().prop_map(Event::Poll),
        4 => index().prop_map(Event::Drop),
        3 => (index(), ending).prop_map(|(index, ending)| Event::End(index, ending)),
        1 => key.prop_map(Event::Forget),
        1 => Just(Event::ForgetAll),
    ];
    prop::collection::vec(event, 1..120)
}

// The model.

#[derive(Default)]
struct Model {
    flights: Vec<Flight>,
    callers: Vec<Caller>,
    /// How each load ends, as soon as it is known.
    endings: HashMap<usize, Ending>,
    loads: u64,
    joins: u64,
    handed_over: u64,
    poisoned: u64,
    panicked: u64,
    failed: u64,
}

struct Flight {
    key: u8,
    registered: bool,
    leader: Option<usize>,
    outcome: Option<Seen>,
    scattered: bool,
    followers: Vec<usize>,
    /// Who sleeps and was not woken, in the order in which they fell asleep first.
    asleep: Vec<usize>,
    /// In which order.
    slept: Vec<usize>,
    called: Option<usize>,
}

struct Caller {
    key: u8,
    stage: Stage,
    wakes: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    New,
    Leads(usize),
    Follows(usize),
    Over,
}

impl Model {
    fn registered(&self, key: u8) -> Option<usize> {
        self.flights.iter().position(|flight| flight.registered && flight.key == key)
    }

    fn wake_all(&mut self, flight: usize) {
        for sleeper in std::mem::take(&mut self.flights[flight].asleep) {
            self.callers[sleeper].wakes += 1;
        }
    }

    fn is_vacant(&self, flight: usize) -> bool {
        let flight = &self.flights[flight];
        flight.leader.is_none() && flight.outcome.is_none() && !flight.scattered
    }

    fn call_next(&mut self, flight: usize) {
        let flight = &mut self.flights[flight];
        flight.called = (!flight.asleep.is_empty()).then(|| flight.asleep.remove(0));
        if let Some(called) = flight.called {
            self.callers[called].wakes += 1;
        }
    }

    fn scatter(&mut self, flight: usize) {
        self.flights[flight].scattered = true;
        self.wake_all(flight);
    }

    /// The caller stops following, having got what it waited for or not.
    fn unfollow(&mut self, caller: usize, flight: usize) {
        let flight = &mut self.flights[flight];
        flight.followers.retain(|&other| other != caller);
        flight.asleep.retain(|&other| other != caller);
    }

    fn enter(&mut self, caller: usize) -> Option<Seen> {
        let key = self.callers[caller].key;
        match self.registered(key) {
            Some(flight) if self.is_vacant(flight) => {
                self.handed_over += 1;
                self.lead(caller, flight)
            }
            Some(flight) => {
                self.joins += 1;
                self.callers[caller].stage = Stage::Follows(flight);
                self.flights[flight].followers.push(caller);
                self.poll(caller)
            }
            None => {
                self.flights.push(Flight {
                    key,
                    registered: true,
                    leader: None,
                    outcome: None,
                    scattered: false,
                    followers: Vec::new(),
                    asleep: Vec::new(),
                    slept: Vec::new(),
                    called: None,
                });
                self.lead(caller, self.flights.len() - 1)
            }
        }
    }

    fn lead(&mut self, caller: usize, flight: usize) -> Option<Seen> {
        self.loads += 1;
        self.flights[flight].leader = Some(caller);
        self.flights[flight].called = None;
        self.callers[caller].stage = Stage::Leads(flight);
        self.poll(caller)
    }

    fn poll(&mut self, caller: usize) -> Option<Seen> {
        match self.callers[caller].stage {
            Stage::New => self.enter(caller),
            Stage::Leads(flight) => {
                let seen = match self.endings.get(&caller)? {
                    Ending::Value => Seen::Value(caller),
                    Ending::Failure => {
                        self.failed += 1;
                        Seen::Failure(caller)
                    }
                    Ending::Panic => {
                        self.panicked += 1;
                        Seen::Panic(caller)
                    }
                };
                self.flights[flight].registered = false;
                self.flights[flight].outcome = Some(seen);
                self.callers[caller].stage = Stage::Over;
                self.wake_all(flight);
                Some(seen)
            }
            Stage::Follows(flight) => {
                if let Some(seen) = self.flights[flight].outcome {
                    self.unfollow(caller, flight);
                    self.callers[caller].stage = Stage::Over;
                    return Some(seen);
                }
                if self.flights[flight].scattered {
                    self.unfollow(caller, flight);
                    return self.enter(caller);
                }
                if self.is_vacant(flight) {
                    self.unfollow(caller, flight);
                    self.handed_over += 1;
                    return self.lead(caller, flight);
                }
                let flight = &mut self.flights[flight];
                if !flight.slept.contains(&caller) {
                    flight.slept.push(caller);
                }
                let asleep = |&one: &usize| flight.asleep.contains(&one) || one == caller;
                flight.asleep = flight.slept.iter().copied().filter(asleep).collect();
                None
            }
            Stage::Over => unreachable!("what is over is not polled"),
        }
    }

    fn drop(&mut self, caller: usize) {
        match std::mem::replace(&mut self.callers[caller].stage, Stage::Over) {
            Stage::New | Stage::Over => {}
            Stage::Leads(index) => {
                let flight = &mut self.flights[index];
                flight.leader = None;
                match (flight.registered, flight.followers.is_empty()) {
                    (true, true) => flight.registered = false,
                    (true, false) => self.call_next(index),
                    (false, _) => self.scatter(index),
                }
            }
            Stage::Follows(index) => {
                self.unfollow(caller, index);
                if self.is_vacant(index) {
                    if self.flights[index].called == Some(caller) {
                        self.call_next(index);
                    }
                    if self.flights[index].followers.is_empty() {
                        self.flights[index].registered = false;
                    }
                }
            }
        }
    }

    fn forget(&mut self, key: u8) {
        if let Some(flight) = self.registered(key) {
            self.poisoned += 1;
            self.flights[flight].registered = false;
            if self.is_vacant(flight) {
                self.scatter(flight);
            }
        }
    }
}

// What is modelled.

type Answer = Result<usize, Error<LoadError<usize>>>;
type Endings = Rc<RefCell<HashMap<usize, Ending>>>;

struct Call {
    future: Option<Pin<Box<dyn Future<Output = Answer>>>>,
    task: Task,
}

impl Call {
    fn new(
        flights: &SingleFlight<u8, usize, usize>,
        key: u8,
        number: usize,
        endings: &Endings,
    ) -> Self {
        let endings = endings.clone();
        // Wakes nobody when it ends, so that all wakes are the flight's.
        let load = move || {
            poll_fn(move |_| match endings.borrow().get(&number) {
                None => Poll::Pending,
                Some(Ending::Value) => Poll::Ready(Ok(number)),
                Some(Ending::Failure) => Poll::Ready(Err(number)),
                Some(Ending::Panic) => resume_unwind(Box::new(number.to_string())), // without the hook
            })
        };
        Self { future: Some(Box::pin(flights.run(key, load))), task: Task::new() }
    }

    fn poll(&mut self) -> Option<Seen> {
        let future = self.future.as_mut().expect("what is over is not polled");
        let polled =
            catch_unwind(AssertUnwindSafe(|| self.task.enter(|cx| future.as_mut().poll(cx))));
        let seen = match polled {
            Ok(Poll::Pending) => return None,
            Ok(Poll::Ready(Ok(number))) => Seen::Value(number),
            Ok(Poll::Ready(Err(Error::Inner(LoadError::Failed(number))))) => Seen::Failure(*number),
            Ok(Poll::Ready(Err(Error::Inner(LoadError::Panicked(told))))) => {
                Seen::Panic(told.message().parse().unwrap())
            }
            Ok(Poll::Ready(Err(other))) => panic!("{other}"),
            Err(panic) => Seen::Panic(panic.downcast_ref::<String>().unwrap().parse().unwrap()),
        };
        self.future = None;
        Some(seen)
    }
}

fn compare(model: &Model, flights: &SingleFlight<u8, usize, usize>, calls: &[Call]) {
    for (number, (call, caller)) in calls.iter().zip(&model.callers).enumerate() {
        assert_eq!(call.task.wakes(), caller.wakes, "wakes of {number}");
    }
    let registered: Vec<_> = model.flights.iter().filter(|flight| flight.registered).collect();
    let following: usize = registered.iter().map(|flight| flight.followers.len()).sum();
    let snapshot = flights.snapshot();
    assert_eq!(snapshot.gauges["in_flight"] as usize, registered.len());
    assert_eq!(snapshot.gauges["following"] as usize, following);
    for (name, count) in [
        ("loads", model.loads),
        ("joins", model.joins),
        ("handed_over", model.handed_over),
        ("poisoned", model.poisoned),
        ("panicked", model.panicked),
        ("failed", model.failed),
    ] {
        assert_eq!(snapshot.counters[name], count, "{name}");
    }
}

/// What must hold of the model itself, so that no error is in both: who sleeps though there is something
/// to know was woken, and of who waits for a leader one is awake.
fn nobody_is_stranded(model: &Model) {
    for (index, flight) in model.flights.iter().enumerate() {
        if flight.outcome.is_some() || flight.scattered {
            assert!(flight.asleep.is_empty());
        } else if model.is_vacant(index) && !flight.followers.is_empty() {
            assert!(flight.called.is_some() || flight.asleep.is_empty());
        }
    }
    let leads = |key| {
        let of_key = |flight: &&Flight| flight.registered && flight.key == key;
        model.flights.iter().filter(of_key).count()
    };
    assert!((0..2).all(|key| leads(key) <= 1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn flights_do_as_their_model_does(events in events()) {
        let flights = SingleFlight::builder("model").build().expect("sound settings");
        let endings = Endings::default();
        let mut model = Model::default();
        let mut calls: Vec<Call> = Vec::new();
        for event in events {
            let chosen = |calls: &[Call], index: prop::sample::Index| {
                let alive: Vec<_> =
                    (0..calls.len()).filter(|&number| calls[number].future.is_some()).collect();
                (!alive.is_empty()).then(|| alive[index.index(alive.len())])
            };
            match event {
                Event::Call(key) => {
                    calls.push(Call::new(&flights, key, calls.len(), &endings));
                    model.callers.push(Caller { key, stage: Stage::New, wakes: 0 });
                }
                Event::Poll(index) => {
                    if let Some(number) = chosen(&calls, index) {
                        prop_assert_eq!(calls[number].poll(), model.poll(number));
                    }
                }
                Event::Drop(index) => {
                    if let Some(number) = chosen(&calls, index) {
                        calls[number].future = None;
                        model.drop(number);
                    }
                }
                Event::End(index, ending) => {
                    if let Some(number) = chosen(&calls, index) {
                        endings.borrow_mut().insert(number, ending);
                        model.endings.insert(number, ending);
                    }
                }
                Event::Forget(key) => {
                    flights.forget(&key);
                    model.forget(key);
                }
                Event::ForgetAll => {
                    flights.forget_all();
                    (0..2).for_each(|key| model.forget(key));
                }
            }
            compare(&model, &flights, &calls);
            nobody_is_stranded(&model);
        }

        // All loads end now; whoever is polled long enough has an answer, and nothing is left behind.
        for number in 0..calls.len() {
            endings.borrow_mut().entry(number).or_insert(Ending::Value);
            model.endings.entry(number).or_insert(Ending::Value);
        }
        for _ in 0..calls.len() {
            for (number, call) in calls.iter_mut().enumerate().filter(|(_, call)| call.future.is_some()) {
                prop_assert_eq!(call.poll(), model.poll(number));
            }
        }
        prop_assert!(calls.iter().all(|call| call.future.is_none()), "somebody waits for ever");
        compare(&model, &flights, &calls);
        prop_assert_eq!(flights.snapshot().state, "idle");
    }
}
