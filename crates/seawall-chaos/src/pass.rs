//! The life of a struck call, up to the moment at which it goes on.
//!
//! ```text
//!              latency over             error ──▶ Err(Injected)
//!  drawn ──▶ delayed ──▶ what then? ─┬─ panic ──▶ panic!
//!                 │                  ├─ none ───▶ Ok(())
//!                 │                  └─ hang ───▶ hung
//!                 │ disarmed                       │ disarmed
//!                 └──────────▶ Ok(()) ◀────────────┘
//! ```

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::Sleep;

use crate::{
    Chaos, Injected, Strike,
    fate::{Fate, Fault},
    state::Drawn,
};

pin_project_lite::pin_project! {
    /// Ready where the call goes on, or is to fail: made by [`Chaos::pass`].
    ///
    /// # Panics
    ///
    /// Where the plan says so. Where there is a latency to wait for and no tokio runtime with time.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Pass {
        struck: Option<Struck>,
        #[pin]
        timer: Option<Sleep>,
    }
}

impl Pass {
    #[inline]
    pub(crate) fn new(chaos: &Chaos, drawn: Option<Drawn>) -> Self {
        Self { struck: drawn.map(|drawn| Struck::new(chaos, drawn)), timer: None }
    }

    /// Hangs until the present drill is over, and is no strike.
    pub(crate) fn watch(chaos: &Chaos) -> Self {
        let struck = chaos.state().armed_period().map(|period| {
            let fate = Fate { latency: None, fault: Some(Fault::Hang) };
            let call = 0; // nobody is told of it
            let mut struck = Struck::new(chaos, Drawn { call, period, fate });
            struck.hangs = true;
            struck
        });
        Self { struck, timer: None }
    }
}

impl Future for Pass {
    type Output = Result<(), Injected>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(struck) = this.struck else {
            return Poll::Ready(Ok(()));
        };
        let next = ready!(struck.poll(this.timer.as_mut(), cx));
        // Now, and not when the caller gets round to dropping this.
        this.timer.set(None);
        *this.struck = None;
        Poll::Ready(match next {
            Next::Go => Ok(()),
            Next::Fail(injected) => Err(injected),
            Next::Panic(message) => panic!("{message}"),
        })
    }
}

/// A call that is struck, with its place on the list of those who are held.
#[derive(Debug)]
struct Struck {
    chaos: Chaos,
    call: u64,
    period: u64,
    ticket: Option<u64>,
    latency: Option<Duration>,
    fault: Option<Fault>,
    /// Whether it was told that it hangs.
    hangs: bool,
}

enum Next {
    Go,
    Fail(Injected),
    Panic(String),
}

impl Struck {
    fn new(chaos: &Chaos, drawn: Drawn) -> Self {
        Self {
            chaos: chaos.clone(),
            call: drawn.call,
            period: drawn.period,
            ticket: None,
            latency: drawn.fate.latency,
            fault: drawn.fate.fault,
            hangs: false,
        }
    }

    fn poll(&mut self, mut timer: Pin<&mut Option<Sleep>>, cx: &mut Context<'_>) -> Poll<Next> {
        // First of all, so that nothing is injected by a poll that begins after `disarm` returned.
        if self.chaos.state().is_over(self.period) {
            return Poll::Ready(Next::Go);
        }
        if let Some(delay) = self.latency.take() {
            timer.set(Some(tokio::time::sleep(delay)));
            self.chaos.struck(self.call, &Strike::Latency(delay));
        }
        if let Some(timer) = timer.as_mut().as_pin_mut()
            && timer.poll(cx).is_pending()
        {
            return self.poll_over(cx);
        }
        timer.set(None);
        match self.fault {
            None => Poll::Ready(Next::Go),
            Some(Fault::Hang) => {
                if !self.hangs {
                    self.hangs = true;
                    self.chaos.struck(self.call, &Strike::Hang);
                }
                self.poll_over(cx)
            }
            Some(Fault::Error) => {
                let injected = Injected::new(self.chaos.shared_name(), self.call);
                self.chaos.struck(self.call, &Strike::Error(injected.clone()));
                Poll::Ready(Next::Fail(injected))
            }
            Some(Fault::Panic) => {
                self.chaos.struck(self.call, &Strike::Panic);
                let (name, call) = (self.chaos.name(), self.call);
                Poll::Ready(Next::Panic(format!(
                    "`{name}`: this panic was injected by chaos (call {call})"
                )))
            }
        }
    }

    fn poll_over(&mut self, cx: &Context<'_>) -> Poll<Next> {
        let state = self.chaos.state();
        state.poll_over(self.period, &mut self.ticket, cx.waker()).map(|()| Next::Go)
    }
}

impl Drop for Struck {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.chaos.state().leave(ticket);
        }
    }
}
