//! The task that checks: looks who is there, begins what is due, and takes in what comes back.
//!
//! | it wakes | and does |
//! |---|---|
//! | a check ends, fails, panics, or its time is over | hands the result in, and marks who turned |
//! | a check is due | begins it, if there is a place |
//! | a second, or an interval if that is shorter, since it last looked | looks who is there |
//! | the last handle is dropped | ends |
//!
//! All checks are part of this one future: nothing is spawned, and dropping it drops them.

use std::{
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use seawall_core::{Nanos, discard};
use tokio::time::{Sleep, sleep};

use super::{Cause, Watch, rounds::Visit, shared::Shared};

/// How long it takes at most until a member that joined is found.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub(crate) struct Run<W, C, F> {
    shared: Arc<Shared<W>>,
    check: C,
    running: Vec<Running<F>>,
    /// When to look who is there.
    look: Nanos,
    timer: Option<Pin<Box<Sleep>>>,
}

struct Running<F> {
    visit: Visit,
    /// Gone once it panicked.
    check: Option<Pin<Box<F>>>,
    timer: Pin<Box<Sleep>>,
}

impl<W: Watch, C, F, E> Run<W, C, F>
where
    C: Fn(W::Member) -> F,
    F: Future<Output = Result<(), E>>,
    E: fmt::Display,
{
    pub(crate) const fn new(shared: Arc<Shared<W>>, check: C) -> Self {
        Self { shared, check, running: Vec::new(), look: Nanos::ZERO, timer: None }
    }

    /// Ready when the last handle is gone.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.shared.is_closed() {
            self.take_in(cx);
            let now = self.shared.clock.now();
            if now >= self.look {
                self.look(now);
            }
            if !self.begin_one(now) {
                ready!(self.poll_timer(now, cx));
            }
        }
        Poll::Ready(())
    }

    /// Takes in what came back.
    fn take_in(&mut self, cx: &mut Context<'_>) {
        let mut turns = Vec::new();
        let mut at = 0;
        while at < self.running.len() {
            match self.running[at].poll(cx) {
                Poll::Pending => at += 1,
                Poll::Ready(result) => {
                    let Running { visit, check, .. } = self.running.swap_remove(at);
                    turns.extend(self.shared.finish(&visit, result));
                    _ = guarded(|| drop(check));
                }
            }
        }
        if !turns.is_empty() {
            self.shared.settle(turns);
        }
    }

    fn look(&mut self, now: Nanos) {
        let found = self.shared.watched.members();
        self.shared.rounds.lock().follow(&found, now);
        self.look = now + self.shared.config.interval.min(LOOK_EVERY);
        self.shared.settle(Vec::new()); // who left can make the ill too many, or few enough
    }

    /// Begins the check that is due longest; whether there was one.
    fn begin_one(&mut self, now: Nanos) -> bool {
        let Some(visit) = self.shared.rounds.lock().start(now) else { return false };
        let Some(member) = self.shared.watched.member(&visit.found) else {
            // It has left since it was found: looked for at once, and not checked before that.
            self.shared.rounds.lock().abandon(&visit, now + LOOK_EVERY);
            self.look = now;
            return true;
        };
        let check = guarded(|| Box::pin((self.check)(member))).ok();
        let timer = Box::pin(sleep(self.shared.config.timeout));
        self.running.push(Running { visit, check, timer });
        true
    }

    /// Waits until there is something to do.
    fn poll_timer(&mut self, now: Nanos, cx: &mut Context<'_>) -> Poll<()> {
        let next = self.shared.rounds.lock().next().map_or(self.look, |next| next.min(self.look));
        // A clock that runs behind the timer's is not asked again and again.
        let wait = next.since(now).max(Duration::from_millis(1));
        let timer = self.timer.insert(Box::pin(sleep(wait)));
        timer.as_mut().poll(cx)
    }
}

impl<F, E> Running<F>
where
    F: Future<Output = Result<(), E>>,
    E: fmt::Display,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        let Some(check) = &mut self.check else { return Poll::Ready(Err(Cause::Panicked)) };
        let words = |error: E| Cause::Failed(error.to_string());
        match guarded(|| check.as_mut().poll(cx).map_err(words)) {
            Ok(Poll::Ready(result)) => Poll::Ready(result),
            Ok(Poll::Pending) => self.timer.as_mut().poll(cx).map(|()| Err(Cause::TimedOut)),
            Err(Panicked) => Poll::Ready(Err(Cause::Panicked)),
        }
    }
}

struct Panicked;

/// Runs what is the user's: a panic there is a failed check, and not the end of all checks.
fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, Panicked> {
    // What unwound is dropped, and not asked again.
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        discard(panic);
        Panicked
    })
}

/// Hands back what was begun, for another run.
impl<W, C, F> Drop for Run<W, C, F> {
    fn drop(&mut self) {
        let now = self.shared.clock.now();
        let mut rounds = self.shared.rounds.lock();
        self.running.iter().for_each(|running| rounds.abandon(&running.visit, now));
    }
}
