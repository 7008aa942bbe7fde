//! Models of arming and disarming against calls; the promises are those of [`crate::state`].
//!
//! Each was seen to fail with the broken variant that it names.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Poll, Wake, Waker},
    time::Duration,
};

use seawall_core::{
    Nanos,
    model::{model, model_of_equals, race},
    sync::atomic::{
        AtomicBool,
        Ordering::{Acquire, Release},
    },
};

use crate::{
    Plan,
    fate::{Fate, Fault},
    state::State,
};

const DELAY: Duration = Duration::from_millis(5);

/// Every part of the fate differs between the two plans, so that a mixture would show.
fn errors() -> Plan {
    Plan::new().error(1.0)
}

fn slow_hangs() -> Plan {
    Plan::new().latency(1.0, DELAY).hang(1.0)
}

const ERROR: Fate = Fate { latency: None, fault: Some(Fault::Error) };

const SLOW_HANG: Fate = Fate { latency: Some(DELAY), fault: Some(Fault::Hang) };

fn arm(state: &State, plan: Plan) -> u64 {
    let odds = plan.odds().expect("a good plan");
    state.arm(plan, odds, Nanos::ZERO)
}

fn armed_with(plan: Plan) -> Arc<State> {
    let state = Arc::new(State::new(7));
    arm(&state, plan);
    state
}

/// Promise 1: fate, number and period of a call come from one arming, while another takes its place.
///
/// Caught when broken: with the period that `is_armed` saw on the way to the book, a call struck by
/// the second plan carries the period of the first, and would be let go at once; with two visits to
/// the book, one for the plan and one for the number, the first call of the second plan gets a number
/// of the first plan's count; with a `disarm` that leaves the plan in the book, a call draws in the
/// period between the two.
#[test]
fn a_call_belongs_to_one_arming() {
    model(|| {
        let state = armed_with(errors());
        assert_eq!(state.draw().map(|drawn| drawn.call), Some(0));

        let (drawn, _) = race(&state, State::draw, |state| {
            state.disarm(None);
            arm(state, slow_hangs());
        });

        if let Some(drawn) = drawn {
            match drawn.fate {
                ERROR => assert_eq!((drawn.period, drawn.call), (1, 1)),
                fate => assert_eq!((fate, drawn.period, drawn.call), (SLOW_HANG, 3, 0)),
            }
        }
    });
}

/// Promise 1, where the plan is replaced without disarming.
///
/// Caught when broken: as above, with two visits to the book.
#[test]
fn a_replaced_plan_is_never_torn() {
    model(|| {
        let state = armed_with(errors());
        assert_eq!(state.draw().map(|drawn| drawn.call), Some(0));

        let (drawn, _) = race(&state, State::draw, |state| arm(state, slow_hangs()));

        let drawn = drawn.expect("it is armed all the time");
        assert_eq!(drawn.period, 1);
        assert_eq!(drawn.call, if drawn.fate == ERROR { 1 } else { 0 });
    });
}

/// Promise 2: once `disarm` has returned, nothing is drawn, and who was struck is let go.
///
/// Caught when broken: with a `disarm` that clears the book and leaves the word as it is, the struck
/// call is never let go.
#[test]
fn nothing_is_injected_once_disarm_has_returned() {
    model(|| {
        let state = armed_with(errors());
        let returned = Arc::new(AtomicBool::new(false));
        let before = state.draw().expect("it is armed");

        let seen = returned.clone();
        race(
            &state,
            move |state| {
                let late = seen.load(Acquire);
                let drawn = state.draw();
                if late {
                    assert_eq!(drawn, None);
                    assert!(state.is_over(before.period));
                }
            },
            move |state| {
                state.disarm(None);
                returned.store(true, Release);
            },
        );

        assert!(!state.is_armed());
        assert_eq!(state.draw(), None);
    });
}

/// The word and the book agree after any two turns.
///
/// Caught when broken: with the word turned outside the lock, arming and disarming at once leave a
/// plan in the book that the word calls disarmed, or none where it says armed.
#[test]
fn word_and_book_agree_after_arming_and_disarming_at_once() {
    model(|| {
        let state = armed_with(errors());

        race(&state, |state| state.disarm(None), |state| arm(state, slow_hangs()));

        assert_eq!(state.is_armed(), state.arming().is_some());
        assert_eq!(state.is_armed(), state.draw().is_some());
    });
}

/// A drill ends its own arming, and no later one.
///
/// Caught when broken: with the comparison of numbers left out, the dropped drill ends the arming
/// that took its place.
#[test]
fn a_dropped_drill_leaves_a_later_arming_alone() {
    model(|| {
        let state = Arc::new(State::new(7));
        let drill = arm(&state, errors());

        race(&state, move |state| state.disarm(Some(drill)), |state| arm(state, slow_hangs()));

        assert_eq!(state.draw().map(|drawn| drawn.fate), Some(SLOW_HANG));
    });
}

/// Promise 3: a call that is about to be held when `disarm` comes, is woken or sees it.
///
/// Caught when broken: with the second look at the word, under the list's lock, left out, `disarm`
/// takes an empty list between the first look and the entry; so it does where it takes the list
/// before it turns the word.
#[test]
fn a_held_call_is_woken_by_disarm() {
    model(|| {
        let state = armed_with(slow_hangs());
        let drawn = state.draw().expect("it is armed");

        let alarm = Arc::new(Alarm::default());
        let waker = Waker::from(alarm.clone());

        let ((held, ticket), _) = race(
            &state,
            move |state| {
                let mut ticket = None;
                (state.poll_over(drawn.period, &mut ticket, &waker), ticket)
            },
            |state| state.disarm(None),
        );

        match held {
            Poll::Pending => assert_eq!(alarm.0.load(Relaxed), 1),
            Poll::Ready(()) => assert_eq!(ticket, None),
        }
        assert_eq!(state.held(), 0);
    });
}

/// A call that is let go sees what was mended before `disarm`.
///
/// Caught when broken: with Relaxed in place of the Release of `disarm` or of the Acquire of
/// `is_over`, it goes on to a service that it still sees broken.
#[test]
fn a_call_that_is_let_go_sees_what_was_mended() {
    model(|| {
        let state = armed_with(slow_hangs());
        let drawn = state.draw().expect("it is armed");
        let mended = Arc::new(AtomicBool::new(false));

        let seen = mended.clone();
        race(
            &state,
            move |state| {
                if state.is_over(drawn.period) {
                    assert!(seen.load(Relaxed));
                }
            },
            move |state| {
                mended.store(true, Relaxed);
                state.disarm(None);
            },
        );
    });
}

/// A held call that is dropped while `disarm` takes the list leaves nothing on it.
///
/// Caught when broken: with a `leave` that does not look up the ticket but takes the last place, the
/// place of the call that stays is taken.
#[test]
fn a_dropped_call_takes_nobody_elses_place() {
    model(|| {
        let state = armed_with(slow_hangs());
        let drawn = state.draw().expect("it is armed");
        let alarm = Arc::new(Alarm::default());
        let (mut going, mut staying) = (None, None);
        let waker = Waker::from(alarm.clone());
        assert!(state.poll_over(drawn.period, &mut going, Waker::noop()).is_pending());
        assert!(state.poll_over(drawn.period, &mut staying, &waker).is_pending());

        let going = going.expect("it was pending");
        race(&state, |state| state.disarm(None), move |state| state.leave(going));

        assert_eq!(alarm.0.load(Relaxed), 1);
        assert_eq!(state.held(), 0);
    });
}

/// Promise 4: two calls at once have two numbers.
///
/// Caught when broken: with a load and a store in place of the addition, both get the same.
#[test]
fn calls_at_once_have_numbers_of_their_own() {
    model_of_equals(|| {
        let state = armed_with(errors());

        let call = |state: &State| state.draw().expect("it is armed").call;
        let (a, b) = race(&state, call, call);

        let mut calls = [a, b];
        calls.sort_unstable();
        assert_eq!(calls, [0, 1]);
    });
}

/// Counts how often it is woken; read after the threads are joined, so loom need not see it.
#[derive(Default)]
struct Alarm(AtomicUsize);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}
