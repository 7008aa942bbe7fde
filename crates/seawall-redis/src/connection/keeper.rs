//! The keeper: one task that connects, sees to it that the connection is alive, and connects again.
//!
//! ```text
//!              first call                 connected
//!      Idle ──────────────▶ Connecting ─────────────▶ Up
//!                            ▲      │                  │ broken, or silent
//!             time is over   │      │ failed           │
//!                           Down ◀──┘                  │
//!                            ▲                         │
//!                            └─────────────────────────┘ (Connecting, where the wait is short)
//! ```
//!
//! # What it promises
//!
//! 1. A connection that is lost is made again though nobody calls.
//! 2. Attempts are spread: the wait before each grows and is drawn by chance, also before the first, so
//!    that a fleet does not meet at a server that has just come back. It begins anew when a connection
//!    has held for a while.
//! 3. A connection over which commands go and no answer comes is replaced, also where every caller gave
//!    up before its time was over: where the other machine has vanished, nobody else would tell.
//!
//! It lives in the runtime of the call that started it, and ends with the last handle. Where that
//! runtime ends first, the next call starts another.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::{
    core::Core,
    event::Turn,
    state::{Live, State},
};

/// A connection that held for so long was a good one.
pub(super) const STABLE: Duration = Duration::from_secs(1);

/// Keeps a connection up until the task is aborted.
pub(super) async fn keep_up(core: Arc<Core>) {
    let idle = IdleAtTheEnd(core);
    let core = &*idle.0;
    let mut waits = Waits::default();
    loop {
        let (tell, mut lost) = mpsc::channel(1);
        let wait = match connect(core, tell).await {
            Ok(live) => {
                let since = core.clock.now();
                core.is_up(live.clone());
                let why = watch(core, &live, &mut lost).await;
                if core.clock.now().since(since) >= STABLE {
                    waits = Waits::default();
                }
                let wait = waits.next(core);
                core.is_lost(why, wait);
                wait
            }
            Err(message) => {
                let wait = waits.next(core);
                core.is_down(message, wait);
                wait
            }
        };
        sleep(wait).await;
        core.state.send_replace(State::Connecting);
    }
}

async fn connect(core: &Core, tell: mpsc::Sender<String>) -> Result<Live, String> {
    let broke = tell.clone();
    let lost = move || drop(broke.try_send("the server closed the connection".to_owned()));
    match timeout(core.times.connect, core.client.connect(lost)).await {
        Ok(link) => Ok(Live::new(link?, tell)),
        Err(_) => Err(format!("not connected within {:?}", core.times.connect)),
    }
}

/// Returns when the connection is of no use any more, and says why.
async fn watch(core: &Core, live: &Live, lost: &mut mpsc::Receiver<String>) -> String {
    let mut ticks = interval(core.times.response);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = live.counts();
    loop {
        tokio::select! {
            Some(why) = lost.recv() => return why,
            _ = ticks.tick() => {}
        }
        let now = live.counts();
        if now.is_silent_since(before) && !core.is_alive(live).await {
            return format!("no answer within {:?}", core.times.response);
        }
        before = now;
    }
}

/// The waits before each attempt.
#[derive(Default)]
pub(super) struct Waits {
    made: u32,
    last: Option<Duration>,
}

impl Waits {
    pub(super) fn next(&mut self, core: &Core) -> Duration {
        let wait = core.reconnect.delay(self.made, self.last, &core.chance);
        self.made = self.made.saturating_add(1);
        self.last = Some(wait);
        wait
    }
}

/// Nobody keeps the connection up when the task is gone, however it went.
struct IdleAtTheEnd(Arc<Core>);

impl Drop for IdleAtTheEnd {
    fn drop(&mut self) {
        self.0.state.send_replace(State::Idle);
    }
}

impl Core {
    fn is_up(&self, live: Live) {
        let again = self.stats.connects.replace(self.stats.connects.get() + 1) > 0;
        self.state.send_replace(State::Up(live));
        self.tell(Turn::Connected { again });
    }

    fn is_lost(&self, why: String, retry_in: Duration) {
        // Calls wait for the next attempt where they may live to see it.
        self.state.send_replace(match retry_in < self.times.response {
            true => State::Connecting,
            false => State::Down(why.as_str().into()),
        });
        self.stats.lost.add(1);
        self.tell(Turn::Lost { why });
    }

    fn is_down(&self, message: String, retry_in: Duration) {
        self.stats.connect_failures.add(1);
        self.state.send_replace(State::Down(message.as_str().into()));
        self.tell(Turn::ConnectFailed { message, retry_in });
    }

    /// Asks for a sign of life, which counts for the circuit as a call does.
    async fn is_alive(&self, live: &Live) -> bool {
        let permit = self.breaker.try_acquire();
        let time = match self.client.is_single() {
            true => self.times.response,
            // It may be busy learning the slots anew, which waits twice for a node that does not answer and
            // then for a new connection to it; until that is over, the client sends nothing to anybody.
            false => self.times.response.saturating_mul(3) + self.times.connect,
        };
        let alive = matches!(timeout(time, live.ping(time)).await, Ok(Ok(())));
        if let Ok(permit) = permit {
            match alive {
                true => permit.success(),
                false => permit.failure(),
            }
        }
        alive
    }
}
