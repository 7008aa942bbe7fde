//! The future of a hedged call.
//!
//! The first attempt lies in it as it is; the extra ones, which are rare, in boxes. The timer is made
//! when there is something to wait for, so that a call that is done at once arms none.

use std::{
    borrow::Borrow,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use seawall_core::{deadline, marks};
use tokio::time::{Sleep, sleep};

use super::{
    Hedge, HedgeTurn, Pace,
    race::{End, Next, Race},
};
use crate::{Attempt, Decide, Decision, budget::Withdrawal};

const TWICE: &str = "a response is not polled after it was ready";

/// Makes the attempts after the first one.
pub(crate) trait Another {
    type Future: Future;

    /// Begins another attempt, which `paid` pays for as soon as it is sent; or there can be none.
    fn another(&mut self, attempt: Attempt, paid: Withdrawal) -> Option<Self::Future>;
}

/// The attempts of a closure.
pub(crate) struct Calls<F>(pub(crate) F);

impl<F: FnMut(Attempt) -> Fut, Fut: Future> Another for Calls<F> {
    type Future = Fut;

    fn another(&mut self, attempt: Attempt, mut paid: Withdrawal) -> Option<Fut> {
        let future = (self.0)(attempt);
        paid.send();
        Some(future)
    }
}

pin_project! {
    pub(crate) struct Racing<A: Future, N: Another, D, H: Borrow<Hedge>> {
        #[pin]
        first: Option<A>,
        #[pin]
        timer: Option<Sleep>,
        others: Others<A::Output, N, D, H>,
    }
}

/// All of a race that need not be pinned.
struct Others<O, N: Another, D, H: Borrow<Hedge>> {
    run: Run<H>,
    /// The attempts after the first, in their order; none where it ended.
    extra: Vec<Option<Pin<Box<N::Future>>>>,
    next: N,
    decide: D,
    /// The last failure, while others are on their way.
    failed: Option<O>,
}

/// A race, and who is told how it ends: dropped before its end, it cuts off all attempts.
struct Run<H: Borrow<Hedge>> {
    hedge: H,
    race: Race,
}

impl<A: Future, N: Another, D, H: Borrow<Hedge>> Racing<A, N, D, H> {
    #[inline]
    pub(crate) const fn new(first: A, next: N, decide: D, hedge: H, race: Race) -> Self {
        let run = Run { hedge, race };
        let others = Others { run, extra: Vec::new(), next, decide, failed: None };
        Self { first: Some(first), timer: None, others }
    }
}

impl<A, N, D, H, T, E> Future for Racing<A, N, D, H>
where
    A: Future<Output = Result<T, E>>,
    N: Another<Future: Future<Output = Result<T, E>>>,
    D: Decide<T, E>,
    H: Borrow<Hedge>,
{
    type Output = Result<T, E>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.as_mut().project();
        assert!(!this.others.run.race.is_over(), "{TWICE}");
        if let Some(first) = this.first.as_mut().as_pin_mut() {
            let before = marks();
            if let Poll::Ready(result) = first.poll(cx) {
                this.first.set(None);
                this.timer.set(None); // what follows a failure is waited for anew
                if let Some(result) = this.others.ended(0, result, before) {
                    return Poll::Ready(result);
                }
            }
        }
        let Others { run, extra, .. } = this.others;
        if extra.is_empty() && !run.race.is_open() {
            return Poll::Pending;
        }
        self.poll_others(cx)
    }
}

impl<A, N, D, H, T, E> Racing<A, N, D, H>
where
    A: Future<Output = Result<T, E>>,
    N: Another<Future: Future<Output = Result<T, E>>>,
    D: Decide<T, E>,
    H: Borrow<Hedge>,
{
    #[inline(never)]
    fn poll_others(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, E>> {
        let mut this = self.project();
        let others = this.others;
        let mut polled = 0;
        loop {
            while polled < others.extra.len() {
                polled += 1; // the number of this attempt, too: the first one is not among them
                let Some(extra) = &mut others.extra[polled - 1] else { continue };
                let before = marks();
                let Poll::Ready(result) = extra.as_mut().poll(cx) else { continue };
                others.extra[polled - 1] = None;
                this.timer.set(None);
                if let Some(result) = others.ended(polled as u32, result, before) {
                    this.first.set(None);
                    return Poll::Ready(result);
                }
            }
            if !others.run.race.is_open() {
                return Poll::Pending;
            }
            ready!(poll_timer(this.timer.as_mut(), others.run.hedge.borrow(), cx));
            others.start();
        }
    }
}

/// Waits until another attempt is due; for ever, where that would be after the deadline.
fn poll_timer(mut timer: Pin<&mut Option<Sleep>>, hedge: &Hedge, cx: &mut Context<'_>) -> Poll<()> {
    if timer.is_none() {
        match hedge.delay() {
            Some(delay) if deadline::remaining().is_none_or(|left| delay < left) => {
                timer.set(Some(sleep(delay)));
            }
            _ => return Poll::Pending,
        }
    }
    if let Some(sleep) = timer.as_mut().as_pin_mut() {
        ready!(sleep.poll(cx));
    }
    timer.set(None);
    Poll::Ready(())
}

impl<N, D, H, T, E> Others<Result<T, E>, N, D, H>
where
    N: Another<Future: Future<Output = Result<T, E>>>,
    D: Decide<T, E>,
    H: Borrow<Hedge>,
{
    /// An attempt ended; the call's result, where that is it.
    #[inline]
    fn ended(
        &mut self,
        attempt: u32,
        result: Result<T, E>,
        marks_before: u32,
    ) -> Option<Result<T, E>> {
        let refused = result.is_err() && marks() != marks_before;
        let end = if refused { End::Refused } else { end_of(&self.decide, &result) };
        let mut next = self.run.race.ended(attempt, end);
        if end == End::Failed {
            self.run.hedge.borrow().shared.budget.failed();
        }
        if next == Next::Another {
            self.start();
            next = self.run.race.others();
        }
        if next == Next::Wait {
            if !refused || self.failed.is_none() {
                self.failed = Some(result);
            }
            return None;
        }
        self.run.over(attempt, end == End::Final && result.is_ok());
        self.extra = Vec::new();
        // A failure says more than a refusal of what came after it.
        Some(if refused { self.failed.take().unwrap_or(result) } else { result })
    }

    /// Begins another attempt, or closes the race.
    #[inline(never)]
    fn start(&mut self) {
        let Run { hedge, race } = &mut self.run;
        let hedge: &Hedge = (*hedge).borrow();
        let in_time = deadline::remaining().is_none_or(|left| !left.is_zero());
        let now = hedge.shared.now();
        let attempt = Attempt {
            number: race.made() + 1,
            elapsed: race.elapsed(now),
            is_last: race.made() + 1 == race.most(),
        };
        // Nothing is taken for what comes too late.
        let paid = in_time.then(|| hedge.pay()).flatten();
        let Some(future) = paid.and_then(|paid| self.next.another(attempt, paid)) else {
            race.close();
            return;
        };
        race.another(now);
        self.extra.push(Some(Box::pin(future)));
        hedge.shared.hedged.add(1);
        hedge.shared.tell(HedgeTurn::Hedged { attempt: attempt.number, elapsed: attempt.elapsed });
    }
}

#[inline]
fn end_of<T, E>(decide: &impl Decide<T, E>, result: &Result<T, E>) -> End {
    match decide.decide(result.as_ref()) {
        Decision::Stop => End::Final,
        Decision::Retry => End::Failed,
        Decision::RetryAfter(_) | Decision::Pushback(_) | Decision::RetryWith(_) => End::Refused,
    }
}

impl<H: Borrow<Hedge>> Run<H> {
    /// `attempt` gave the answer.
    #[inline]
    fn over(&mut self, attempt: u32, good: bool) {
        let shared = &*self.hedge.borrow().shared;
        if good {
            shared.budget.succeeded(None);
            if attempt > 0 {
                shared.won.add(1);
                shared.tell(HedgeTurn::WonByHedge { attempt: attempt + 1 });
            }
            if let Pace::Learned(estimator) = &shared.pace {
                let now = shared.now();
                estimator.record(now, self.race.took(attempt, now));
            }
        }
        self.cut_off();
    }

    /// What is still on its way is dropped.
    #[inline]
    fn cut_off(&mut self) {
        if !self.race.is_over() {
            self.record_cut_off();
        }
    }

    #[cold]
    fn record_cut_off(&mut self) {
        let shared = &*self.hedge.borrow().shared;
        let now = shared.now();
        for took in self.race.cut_off(now) {
            if let Pace::Learned(estimator) = &shared.pace {
                estimator.record_cut_off(now, took);
            }
        }
    }
}

impl<H: Borrow<Hedge>> Drop for Run<H> {
    #[inline]
    fn drop(&mut self) {
        self.cut_off();
    }
}
