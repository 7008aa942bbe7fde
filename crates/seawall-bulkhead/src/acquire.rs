//! Waiting for a place: the future of those who wait in a task, and the loop of those who block.
//!
//! ```text
//!             room                        a place              the caller
//!  New ------------------> Ready     +---------------> Ready
//!   |   no room                      |   time is over          goes away
//!   +------------------> Waits ------+---------------> Rejected   -> the place goes to the next
//!   |   nor in the queue             |   let go
//!   +------------------> Rejected    +---------------> Rejected
//! ```

use std::{
    borrow::Borrow,
    future::poll_fn,
    pin::pin,
    task::{Poll, Waker},
    time::Duration,
};
#[cfg(feature = "tokio")]
use std::{fmt, future::Future, pin::Pin, task::Context};

use seawall_core::{Bound, Parker, Rejection, deadline, priority};
#[cfg(feature = "tokio")]
use tokio::time::Sleep;

#[cfg(feature = "tower")]
use crate::word::MOST_WAITING;
use crate::{
    Bulkhead, Demand, Permit,
    machine::{Entry, Place},
    shared::Shared,
};

impl Bulkhead {
    /// Takes a place, and waits for it where there is a queue.
    ///
    /// # Errors
    ///
    /// At once where the queue is full, or there is none, and where the call's priority is too low;
    /// after the longest wait where none became free. [`Reason::BulkheadFull`] says by its [`Bound`]
    /// which it was; [`Reason::Overloaded`] that the call was shed, [`Reason::DeadlineExceeded`] that
    /// the call's own time was over first.
    ///
    /// [`Reason::BulkheadFull`]: seawall_core::Reason::BulkheadFull
    /// [`Reason::Overloaded`]: seawall_core::Reason::Overloaded
    /// [`Reason::DeadlineExceeded`]: seawall_core::Reason::DeadlineExceeded
    ///
    /// # Panics
    ///
    /// The future panics where it has to wait for a limited time outside a tokio runtime with its time
    /// driver.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up its place in line; a place that was just given to it goes to the
    /// next.
    #[cfg(feature = "tokio")]
    pub const fn acquire(&self) -> Acquire<&Self> {
        self.acquire_weighted(1)
    }

    /// Takes `weight` places, and waits for them where there is a queue.
    ///
    /// Who comes later does not get past a heavy call at the turn: what becomes free is kept for it
    /// until it is enough. With [`Order::Lifo`](crate::Order::Lifo) who comes later is at the turn
    /// before it, and only its longest wait bounds how long it waits.
    ///
    /// # Errors
    ///
    /// Those of [`acquire`](Self::acquire); [`Bound::Weight`] where it is more than the limit, also where
    /// that shrinks meanwhile.
    ///
    /// # Panics
    ///
    /// Those of [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    ///
    /// As [`acquire`](Self::acquire).
    #[cfg(feature = "tokio")]
    pub const fn acquire_weighted(&self, weight: u32) -> Acquire<&Self> {
        Acquire::new(self, weight)
    }

    /// As [`acquire`](Self::acquire), with a permit that does not borrow the bulkhead.
    #[cfg(feature = "tokio")]
    pub fn acquire_owned(&self) -> Acquire<Self> {
        self.acquire_weighted_owned(1)
    }

    /// As [`acquire_weighted`](Self::acquire_weighted), with a permit that does not borrow the
    /// bulkhead.
    #[cfg(feature = "tokio")]
    pub fn acquire_weighted_owned(&self, weight: u32) -> Acquire<Self> {
        Acquire::new(self.clone(), weight)
    }

    /// Takes a place, and blocks the thread where there is a queue; as [`acquire`](Self::acquire).
    ///
    /// # Errors
    ///
    /// Those of [`acquire`](Self::acquire).
    #[inline]
    pub fn acquire_blocking(&self) -> Result<Permit<&Self>, Rejection> {
        let demand = Demand::new();
        match self.enter(demand.weight, demand.priority) {
            Ok(started) => Ok(Permit::new(self, demand.weight, started)),
            Err(bound) => self.block(Begun::or_wait(self, demand, bound)?),
        }
    }

    #[inline(never)]
    fn block<'a>(&'a self, begun: Begun<&'a Self>) -> Result<Permit<&'a Self>, Rejection> {
        let mut line = match begun {
            Begun::Over(permit) => return Ok(permit),
            Begun::InLine(line) => line,
        };
        let patience = line.patience;
        let parker = Parker::new();
        let mut place = pin!(poll_fn(|cx| line.poll(cx.waker())));
        let ended = match patience {
            None => return parker.block_on(place),
            Some(patience) => parker.block_on_for(patience.wait, place.as_mut()),
        };
        ended.unwrap_or_else(|| line.expire())
    }
}

/// How long somebody may wait, and whether it is the call's deadline that says so.
#[derive(Clone, Copy, Debug)]
struct Patience {
    wait: Duration,
    deadline: bool,
}

impl Patience {
    fn of(shared: &Shared) -> Option<Self> {
        let longest = shared.max_wait().map(|wait| Self { wait, deadline: false });
        let left = deadline::remaining().map(|wait| Self { wait, deadline: true });
        match (longest, left) {
            (Some(longest), Some(left)) => {
                Some(if left.wait < longest.wait { left } else { longest })
            }
            (longest, left) => longest.or(left),
        }
    }
}

/// What came of a call that asked for a place and may wait for it.
pub(crate) enum Begun<B: Borrow<Bulkhead> = Bulkhead> {
    Over(Permit<B>),
    InLine(InLine<B>),
}

/// One who waits: dropping it gives up the place in line, and what was taken for it.
pub(crate) struct InLine<B: Borrow<Bulkhead> = Bulkhead> {
    /// Until the wait is over.
    bulkhead: Option<B>,
    weight: u32,
    place: Place,
    patience: Option<Patience>,
}

impl<B: Borrow<Bulkhead>> Begun<B> {
    /// Waits for what was refused for `bound`, where that can be waited for.
    #[inline(never)]
    pub(crate) fn or_wait(bulkhead: B, demand: Demand, bound: Bound) -> Result<Self, Rejection> {
        let shared = bulkhead.borrow().shared();
        let most_waiting = shared.machine.most_waiting();
        if most_waiting == 0 || bound == Bound::Priority {
            return Err(shared.turn_away(bulkhead.borrow().call_of(demand.weight), bound));
        }
        let patience = Patience::of(shared);
        if patience.is_some_and(|patience| patience.wait.is_zero()) {
            return Err(shared.reject_late());
        }
        Self::join(bulkhead, demand, most_waiting, patience)
    }

    fn join(
        bulkhead: B,
        demand: Demand,
        most_waiting: u32,
        patience: Option<Patience>,
    ) -> Result<Self, Rejection> {
        let shared = bulkhead.borrow().shared();
        let call = bulkhead.borrow().call_of(demand.weight);
        let priority = demand.priority.unwrap_or_else(priority::current);
        match shared.machine.enter_or_join(call, priority, most_waiting, shared) {
            Ok(Entry::In) => {
                let started = shared.begin();
                Ok(Self::Over(Permit::new(bulkhead, demand.weight, started)))
            }
            Ok(Entry::Waits(place)) => {
                let bulkhead = Some(bulkhead);
                Ok(Self::InLine(InLine { bulkhead, weight: demand.weight, place, patience }))
            }
            Err(bound) => Err(shared.reject(bound)),
        }
    }
}

impl<B: Borrow<Bulkhead>> InLine<B> {
    fn poll(&mut self, waker: &Waker) -> Poll<Result<Permit<B>, Rejection>> {
        let bulkhead = self.bulkhead.as_ref().expect(TWICE);
        bulkhead.borrow().shared().machine.poll(self.place, waker).map(|ended| self.end(ended))
    }

    /// Its time is over; it keeps the place that it has got by then.
    fn expire(&mut self) -> Result<Permit<B>, Rejection> {
        let shared = self.bulkhead.as_ref().expect(TWICE).borrow().shared();
        match shared.machine.expire(self.place, shared) {
            Err(Bound::Wait) if self.patience.is_some_and(|patience| patience.deadline) => {
                let late = shared.reject_late();
                self.bulkhead = None;
                Err(late)
            }
            ended => self.end(ended),
        }
    }

    fn end(&mut self, ended: Result<(), Bound>) -> Result<Permit<B>, Rejection> {
        let bulkhead = self.bulkhead.take().expect(TWICE);
        let shared = bulkhead.borrow().shared();
        match ended {
            Ok(()) => {
                let started = shared.begin();
                Ok(Permit::new(bulkhead, self.weight, started))
            }
            Err(bound) => Err(shared.reject(bound)),
        }
    }
}

const TWICE: &str = "a wait is not polled after it was over";

impl<B: Borrow<Bulkhead>> Drop for InLine<B> {
    fn drop(&mut self) {
        if let Some(bulkhead) = &self.bulkhead {
            let shared = bulkhead.borrow().shared();
            shared.machine.cancel(self.place, shared);
        }
    }
}

/// Waits for a place: made by [`Bulkhead::acquire`] and its like.
///
/// It joins the queue when it is first polled, and leaves it when it is dropped.
///
/// # Panics
///
/// When it is polled again after it was ready.
#[cfg(feature = "tokio")]
#[must_use = "futures do nothing unless polled"]
pub struct Acquire<B: Borrow<Bulkhead> = Bulkhead> {
    state: State<B>,
}

/// While it is polled, and when it is over, the slot of each is empty: so no more is moved than that.
#[cfg(feature = "tokio")]
enum State<B: Borrow<Bulkhead>> {
    New {
        bulkhead: Option<B>,
        weight: u32,
    },
    #[cfg(feature = "tower")]
    Patient {
        bulkhead: Option<B>,
    },
    Waits {
        line: Option<InLine<B>>,
        over: Option<Pin<Box<Sleep>>>,
    },
}

#[cfg(feature = "tokio")]
impl<B: Borrow<Bulkhead>> Acquire<B> {
    const fn new(bulkhead: B, weight: u32) -> Self {
        Self { state: State::New { bulkhead: Some(bulkhead), weight } }
    }

    /// Waits in line however many wait there, and for as long as it takes.
    #[cfg(feature = "tower")]
    pub(crate) const fn patient(bulkhead: B) -> Self {
        Self { state: State::Patient { bulkhead: Some(bulkhead) } }
    }

    /// Is in line already.
    pub(crate) const fn in_line(line: InLine<B>) -> Self {
        Self { state: State::Waits { line: Some(line), over: None } }
    }
}

#[cfg(feature = "tokio")]
impl<B: Borrow<Bulkhead> + Unpin> Future for Acquire<B> {
    type Output = Result<Permit<B>, Rejection>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let State::New { bulkhead, weight } = &mut self.state else {
            return self.go_on(cx);
        };
        let bulkhead = bulkhead.take().expect(TWICE);
        let demand = Demand::new().weight(*weight);
        match bulkhead.borrow().enter(demand.weight, demand.priority) {
            Ok(started) => Poll::Ready(Ok(Permit::new(bulkhead, demand.weight, started))),
            Err(bound) => self.begin(Begun::or_wait(bulkhead, demand, bound), cx),
        }
    }
}

#[cfg(feature = "tokio")]
impl<B: Borrow<Bulkhead> + Unpin> Acquire<B> {
    #[inline(never)]
    fn go_on(&mut self, cx: &mut Context<'_>) -> Poll<Result<Permit<B>, Rejection>> {
        match &mut self.state {
            State::New { .. } => unreachable!("`poll` asks for it"),
            #[cfg(feature = "tower")]
            State::Patient { bulkhead } => {
                let bulkhead = bulkhead.take().expect(TWICE);
                self.begin(Begun::join(bulkhead, Demand::new(), MOST_WAITING, None), cx)
            }
            State::Waits { line, over } => {
                let (line, over) = (line.take().expect(TWICE), over.take());
                self.wait(line, over, cx)
            }
        }
    }

    #[inline(never)]
    fn begin(
        &mut self,
        begun: Result<Begun<B>, Rejection>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Permit<B>, Rejection>> {
        match begun {
            Ok(Begun::Over(permit)) => Poll::Ready(Ok(permit)),
            Ok(Begun::InLine(line)) => self.wait(line, None, cx),
            Err(rejection) => Poll::Ready(Err(rejection)),
        }
    }

    /// One look at the line; it stays there unless the wait is over.
    fn wait(
        &mut self,
        mut line: InLine<B>,
        mut over: Option<Pin<Box<Sleep>>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Permit<B>, Rejection>> {
        if let Poll::Ready(ended) = line.poll(cx.waker()) {
            return Poll::Ready(ended);
        }
        if let Some(patience) = line.patience {
            let sleep = || Box::pin(tokio::time::sleep(patience.wait));
            if over.get_or_insert_with(sleep).as_mut().poll(cx).is_ready() {
                return Poll::Ready(line.expire());
            }
        }
        self.state = State::Waits { line: Some(line), over };
        Poll::Pending
    }
}

#[cfg(feature = "tokio")]
impl<B: Borrow<Bulkhead>> fmt::Debug for Acquire<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::New { bulkhead: Some(_), .. } => "new",
            #[cfg(feature = "tower")]
            State::Patient { bulkhead: Some(_) } => "new",
            State::Waits { line: Some(_), .. } => "waits",
            _ => "over",
        };
        f.debug_struct("Acquire").field("state", &state).finish_non_exhaustive()
    }
}
