//! What Seawall puts around each member: a circuit breaker, then a bulkhead too; and what the breaker did
//! when.
//!
//! | breaker | value | why, for this storm |
//! |---|---|---|
//! | window | 1 s | quick to see; in a service with less traffic 10 s or more |
//! | minimum calls | 10 | a member gets 17 a second at the lowest rate |
//! | failure rate | 50 % | what hangs fails always; a member that errs now and then is left in |
//! | slow calls | 100 ms, 50 % | five times what a healthy call takes, or more: see [`slow_limit`] |
//! | hung calls | the same, 10 of them or the share | seen while they hang, and not when the time-out comes |
//! | open for | 0.25 s, then 0.5 s, jittered | soon back; a probe is a user's call, and where it fails it is tried again |
//! | probes | 3 | judged together: one lucky answer does not close it |
//!
//! | bulkhead | value | why, for this storm |
//! |---|---|---|
//! | limit | the member's share of the pool | see `pool.rs`; the calm needs less than a fourth of it |
//! | queue | three times as many, for 50 ms | a crowd is served; who finds the share held goes to the copy, where there is one |
//!
//! A breaker has to see some calls suffer before it knows, and those hold what they hold until they are
//! done. A bulkhead knows nothing and bounds what can be held, from the first moment on.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use seawall_bulkhead::Bulkhead;
use seawall_circuit_breaker::{CircuitBreaker, Event, State, Turn, Window};
use seawall_core::{Backoff, ConfigError, Jitter};
use tokio::time::Instant;

use crate::{defence::Defence, fleet::Member};

/// The least time after which a call is slow: a healthy member of the built-in fleet takes 20 ms at most.
const SLOW: Duration = Duration::from_millis(100);

/// How long a call waits for a place in a member's share: a crowd is served within, and a call that is
/// to go to the copy is not late.
const CROWD: Duration = Duration::from_millis(50);

/// Turns that are kept; a storm makes some dozens, and memory stays bounded if it makes more.
const MOST_TURNS: usize = 10_000;

/// What the client is told of the storm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tuning {
    pub(crate) seed: u64,
    /// How many calls a second are due in the calm.
    pub(crate) rate: u32,
    /// How many connections are a member's part of the pool.
    pub(crate) share: u32,
    /// A call that takes longer is slow; one that is in flight for longer hangs.
    pub(crate) slow: Duration,
}

/// When a call is slow, to a server that answered within `greeting` when it was calm: somebody's own
/// server may need longer than ours.
pub(crate) fn slow_limit(greeting: Duration) -> Duration {
    (greeting * 5).max(SLOW)
}

/// A breaker came into a state, and stayed there until the next change.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) at: Duration,
    pub(crate) state: State,
    /// Why, where there is more to say than the state does.
    pub(crate) why: Option<String>,
}

/// What guards one member; clones share.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub(crate) breaker: CircuitBreaker,
    pub(crate) bulkhead: Option<Bulkhead>,
    turns: Arc<Mutex<Vec<(Instant, Turn)>>>,
}

impl Guard {
    /// The guard of a member; none where it is bare.
    pub(crate) fn new(
        defence: Defence,
        member: &Member,
        tuning: Tuning,
    ) -> Result<Option<Self>, ConfigError> {
        let bulkhead = match defence {
            Defence::Bare | Defence::Naive | Defence::Retry => return Ok(None),
            Defence::Breaker => None,
            Defence::Bulkhead | Defence::Replicas | Defence::Limiter => Some(
                Bulkhead::builder(member.name)
                    .limit(tuning.share)
                    .queue(3 * tuning.share)
                    .max_wait(CROWD)
                    .build()?,
            ),
        };
        let turns = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&turns);
        let breaker = CircuitBreaker::builder(member.name)
            .window(Window::time(Duration::from_secs(1)))
            .minimum_calls(10)
            .failure_rate(0.5)
            .slow_call(tuning.slow, 0.5)
            .hung_calls(tuning.slow, tuning.share.min(10))
            .open_for(
                Backoff::exponential(Duration::from_millis(250))
                    .max(Duration::from_millis(500))
                    .jitter(Jitter::Equal),
            )
            .half_open_probes(3)
            .seed(tuning.seed)
            .on_event(move |event: &Event| {
                let mut log = log.lock();
                if log.len() < MOST_TURNS {
                    log.push((Instant::now(), event.turn.clone()));
                }
            })
            .build()?;
        Ok(Some(Self { breaker, bulkhead, turns }))
    }

    /// Its states since `start`, at which it was closed.
    pub(crate) fn changes(&self, start: Instant) -> Vec<Change> {
        let mut log = self.turns.lock().clone();
        // Two turns that follow closely may be told by two threads at once.
        log.sort_by_key(|&(at, _)| at);
        let change = |(at, turn): &(Instant, Turn)| {
            let (state, why) = meaning(turn)?;
            let at = at.saturating_duration_since(start);
            Some(Change { at, state, why })
        };
        let closed = Change { at: Duration::ZERO, state: State::Closed, why: None };
        std::iter::once(closed).chain(log.iter().filter_map(change)).collect()
    }
}

/// The state that a turn leads to, and why; nothing where it leads to none.
fn meaning(turn: &Turn) -> Option<(State, Option<String>)> {
    let state = match turn {
        Turn::Opened { cause, open_for, .. } => {
            let why = format!("for {} ms: {cause}", open_for.as_millis());
            return Some((State::Open, Some(why)));
        }
        Turn::HalfOpened => State::HalfOpen,
        Turn::RampStarted => State::Ramp,
        Turn::Closed | Turn::Reset => State::Closed,
        Turn::ForcedOpen => State::ForcedOpen,
        Turn::ForcedClosed => State::ForcedClosed,
        Turn::Disabled => State::Disabled,
        _ => return None,
    };
    Some((state, None))
}

/// How long after `healed` the circuit was closed for good; nothing where it never was.
pub(crate) fn back_at_work(changes: &[Change], healed: Duration) -> Option<Duration> {
    changes
        .last()
        .filter(|change| change.state == State::Closed)
        .map(|change| change.at.saturating_sub(healed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(changes: &[(u64, State)]) -> Vec<Change> {
        let change = |&(at, state)| Change { at: Duration::from_secs(at), state, why: None };
        changes.iter().map(change).collect()
    }

    #[test]
    fn a_run_keeps_the_guards_of_the_one_before_it() {
        let member = Member {
            name: "member",
            address: ([127, 0, 0, 1], 80).into(),
            host: "localhost".into(),
            path: None,
            plays: None,
        };
        let tuning = Tuning { seed: 7, rate: 600, share: 8, slow: SLOW };
        let has_bulkhead = Defence::ALL.map(|defence| {
            let guard = Guard::new(defence, &member, tuning).expect("its settings can be");
            guard.map(|guard| guard.bulkhead.is_some())
        });
        let with = Some(true);
        assert_eq!(has_bulkhead, [None, None, None, Some(false), with, with, with]);
    }

    #[test]
    fn a_member_is_back_at_work_when_its_circuit_closes_for_the_last_time() {
        let changes = changes(&[
            (0, State::Closed),
            (2, State::Open),
            (5, State::Closed),
            (6, State::Open),
            (9, State::Closed),
        ]);
        let back = back_at_work(&changes, Duration::from_secs(8));
        assert_eq!(back, Some(Duration::from_secs(1)));
    }

    #[test]
    fn a_circuit_that_never_opened_was_never_away() {
        let changes = changes(&[(0, State::Closed)]);
        let back = back_at_work(&changes, Duration::from_secs(8));
        assert_eq!(back, Some(Duration::ZERO));
    }

    #[test]
    fn a_circuit_that_is_still_open_is_not_back() {
        let changes = changes(&[(0, State::Closed), (2, State::Open)]);
        assert_eq!(back_at_work(&changes, Duration::from_secs(8)), None);
    }
}
