//! A ring in every order of events that chance comes up with, beside a `VecDeque` and a line that are right
//! at sight. Everything is polled by hand, and every wake is counted.

use std::{
    collections::VecDeque,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

use proptest::prelude::*;
use seawall_queue::ring::{Receiver, SendError, Sender, TryRecvError, TrySendError, bounded};
use seawall_test::Task;

/// A number, and a token by which drops are counted.
type Value = (u32, Arc<()>);

#[derive(Clone, Debug)]
enum Event {
    TrySend,
    TryRecv,
    TryRecvMany(usize),
    Drain,
    /// A future is made; it is not polled yet.
    Send,
    Recv,
    RecvMany(usize),
    /// One of the futures is polled, woken or not.
    Poll(prop::sample::Index),
    Drop(prop::sample::Index),
    Close,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let index = any::<prop::sample::Index>;
    let event = prop_oneof![
        3 => Just(Event::TrySend),
        3 => Just(Event::TryRecv),
        1 => (0..5_usize).prop_map(Event::TryRecvMany),
        1 => Just(Event::Drain),
        4 => Just(Event::Send),
        4 => Just(Event::Recv),
        2 => (0..5_usize).prop_map(Event::RecvMany),
        16 => index().prop_map(Event::Poll),
        5 => index().prop_map(Event::Drop),
    ];
    let close = prop_oneof![40 => event, 1 => Just(Event::Close)];
    prop::collection::vec(close, 0..80)
}

/// What must be.
#[derive(Default)]
struct Model {
    capacity: usize,
    values: VecDeque<u32>,
    closed: bool,
    senders: Line,
    receivers: Line,
}

/// Who waits, and who was called and has not answered; by the numbers of their calls.
#[derive(Default)]
struct Line {
    /// In the order in which they first found nothing.
    came: Vec<usize>,
    seated: Vec<usize>,
    called: Vec<usize>,
    wakes: Vec<usize>,
}

impl Line {
    /// While somebody sits and there is something for one more than are called, the first is called.
    fn call(&mut self, has: impl Fn(usize) -> bool) {
        while !self.seated.is_empty() && has(self.called.len()) {
            let first = self.seated.remove(0);
            self.called.push(first);
            self.wakes.push(first);
        }
    }

    fn leave(&mut self, number: usize) {
        self.seated.retain(|&one| one != number);
        self.called.retain(|&one| one != number);
    }

    /// Behind those who came earlier; who comes again has come when he came first.
    fn sit(&mut self, number: usize) {
        self.leave(number);
        if !self.came.contains(&number) {
            self.came.push(number);
        }
        let came = |number: usize| self.came.iter().position(|&one| one == number);
        let at = self.seated.iter().take_while(|&&one| came(one) < came(number)).count();
        self.seated.insert(at, number);
    }
}

impl Model {
    fn settle(&mut self) {
        let (len, capacity, closed) = (self.values.len(), self.capacity, self.closed);
        self.senders.call(|called| closed || called < capacity - len);
        self.receivers.call(|called| called < len || (closed && len == 0));
    }

    fn line(&mut self, does: Does) -> &mut Line {
        match does {
            Does::Send(_) => &mut self.senders,
            Does::Receive(_) => &mut self.receivers,
        }
    }

    /// What comes of a future that is polled; `None` where it waits.
    fn attempt(&mut self, does: Does) -> Option<Seen> {
        match does {
            Does::Send(number) => match self.push(number) {
                Ok(()) => Some(Seen::Sent),
                Err(TrySendError::Closed(number)) => Some(Seen::GotBack(number)),
                Err(TrySendError::Full(_)) => None,
            },
            Does::Receive(limit) => match self.pop(limit) {
                Ok(values) => Some(Seen::Received(values)),
                Err(TryRecvError::Closed) => Some(Seen::Received(Vec::new())),
                Err(TryRecvError::Empty) => None,
            },
        }
    }

    fn push(&mut self, value: u32) -> Result<(), TrySendError<u32>> {
        if self.closed {
            return Err(TrySendError::Closed(value));
        }
        if self.values.len() == self.capacity {
            return Err(TrySendError::Full(value));
        }
        self.values.push_back(value);
        Ok(())
    }

    fn pop(&mut self, limit: usize) -> Result<Vec<u32>, TryRecvError> {
        if self.values.is_empty() && limit > 0 {
            return Err(if self.closed { TryRecvError::Closed } else { TryRecvError::Empty });
        }
        let count = limit.min(self.values.len());
        Ok(self.values.drain(..count).collect())
    }
}

/// A future, and what it does.
struct Caller<'a> {
    number: usize,
    does: Does,
    future: Pin<Box<dyn Future<Output = Seen> + 'a>>,
    task: Task,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    Send(u32),
    /// So many at most.
    Receive(usize),
}

#[derive(Debug, PartialEq)]
enum Seen {
    Sent,
    GotBack(u32),
    Received(Vec<u32>),
}

fn numbers(values: impl IntoIterator<Item = Value>) -> Vec<u32> {
    values.into_iter().map(|(number, _)| number).collect()
}

/// A task that waits of itself has all its turns again.
fn rest() {
    let (_sender, receiver) = bounded::<u8>(1).expect("it is allowed");
    assert!(Task::new().poll(pin!(receiver.recv())).is_pending());
}

struct Run<'a> {
    sender: &'a Sender<Value>,
    receiver: &'a Receiver<Value>,
    model: Model,
    callers: Vec<Caller<'a>>,
    /// How many calls and values there were.
    next: usize,
    token: Arc<()>,
}

impl<'a> Run<'a> {
    fn value(&mut self) -> (u32, Value) {
        self.next += 1;
        let number = u32::try_from(self.next).expect("they are few");
        (number, (number, self.token.clone()))
    }

    fn call(&mut self, does: Does, future: impl Future<Output = Seen> + 'a) {
        let caller =
            Caller { number: self.next, does, future: Box::pin(future), task: Task::new() };
        self.next += 1;
        self.callers.push(caller);
    }

    fn step(&mut self, event: &Event) {
        let (sender, receiver) = (self.sender, self.receiver);
        match event {
            Event::TrySend => {
                let (number, value) = self.value();
                let refused = |refused| match refused {
                    TrySendError::Full((number, _)) => TrySendError::Full(number),
                    TrySendError::Closed((number, _)) => TrySendError::Closed(number),
                };
                assert_eq!(sender.try_send(value).map_err(refused), self.model.push(number));
            }
            Event::TryRecv => {
                let one = receiver.try_recv().map(|value| numbers([value]));
                assert_eq!(one, self.model.pop(1));
            }
            Event::TryRecvMany(limit) => {
                let mut values = Vec::new();
                let many = receiver.try_recv_many(&mut values, *limit);
                assert_eq!(many.map(|_| numbers(values)), self.model.pop(*limit));
            }
            Event::Drain => {
                let all: Vec<_> = self.model.values.drain(..).collect();
                assert_eq!(numbers(receiver.drain()), all);
            }
            Event::Send => {
                let (number, value) = self.value();
                self.call(Does::Send(number), async move {
                    match sender.send(value).await {
                        Ok(()) => Seen::Sent,
                        Err(SendError((number, _))) => Seen::GotBack(number),
                    }
                });
            }
            Event::Recv => self.call(Does::Receive(1), async move {
                Seen::Received(numbers(receiver.recv().await))
            }),
            &Event::RecvMany(limit) => self.call(Does::Receive(limit), async move {
                let mut values = Vec::new();
                let count = receiver.recv_many(&mut values, limit).await;
                assert_eq!(values.len(), count);
                Seen::Received(numbers(values))
            }),
            Event::Poll(index) if !self.callers.is_empty() => {
                self.poll(index.index(self.callers.len()));
            }
            Event::Drop(index) if !self.callers.is_empty() => {
                let gone = self.callers.swap_remove(index.index(self.callers.len()));
                self.model.line(gone.does).leave(gone.number);
            }
            Event::Poll(_) | Event::Drop(_) => {}
            Event::Close => {
                assert_eq!(sender.close(), !self.model.closed);
                self.model.closed = true;
            }
        }
        self.model.settle();
        self.agrees();
    }

    fn poll(&mut self, index: usize) {
        rest();
        let caller = &mut self.callers[index];
        let (number, does) = (caller.number, caller.does);
        let seen = caller.task.enter(|cx| caller.future.as_mut().poll(cx));

        let expected = self.model.attempt(does);
        let line = self.model.line(does);
        match expected {
            Some(expected) => {
                line.leave(number);
                assert_eq!(seen, Poll::Ready(expected));
                self.callers.swap_remove(index);
            }
            None => {
                line.sit(number);
                assert_eq!(seen, Poll::Pending);
            }
        }
    }

    fn agrees(&self) {
        assert_eq!(self.receiver.len(), self.model.values.len());
        assert_eq!(self.sender.is_closed(), self.model.closed);
        for caller in &self.callers {
            let line = match caller.does {
                Does::Send(_) => &self.model.senders,
                Does::Receive(_) => &self.model.receivers,
            };
            let wakes = line.wakes.iter().filter(|&&one| one == caller.number).count();
            assert_eq!(caller.task.wakes(), wakes as u64, "wakes of {}", caller.number);
        }
    }
}

proptest! {
    /// Promises 1 to 7, for one thread.
    #[test]
    fn a_ring_is_as_its_model(capacity in 1..5_usize, events in events()) {
        let (sender, receiver) = bounded(capacity).expect("it is allowed");
        let token = Arc::new(());
        let mut run = Run {
            sender: &sender,
            receiver: &receiver,
            model: Model { capacity, ..Model::default() },
            callers: Vec::new(),
            next: 0,
            token: token.clone(),
        };

        for event in &events {
            run.step(event);
        }

        drop(run);
        drop((sender, receiver));
        prop_assert_eq!(Arc::strong_count(&token), 1, "each value is dropped, once");
    }
}
