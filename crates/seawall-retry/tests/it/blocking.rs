//! Calls that block: no runtime, and waits that park.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use seawall_core::Nanos;
use seawall_retry::{Backoff, Clock, GaveUp, Jitter, Retry};

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_blocking_call_is_tried_again_without_a_runtime() {
    let steady = Backoff::constant(MS * 5).jitter(Jitter::None);
    let retry = Retry::builder("blocking").backoff(steady).clock(Clock::system()).build();
    let (clock, began) = (Clock::system(), Clock::system().now());

    let answer = retry.expect("sound settings").call_blocking(|attempt| match attempt.number() {
        3 => Ok("third"),
        _ => Err(()),
    });

    assert_eq!(answer, Ok("third"));
    assert!(clock.now().since(began) >= MS * 10);
}

#[test]
fn a_blocking_call_begins_no_wait_that_its_deadline_would_end() {
    let (clock, hand) = Clock::manual();
    let steady = Backoff::constant(MS * 10).jitter(Jitter::None);
    let retry = Retry::builder("blocking").backoff(steady).deadline(MS * 100).clock(clock).build();

    let failed = retry.expect("sound settings").call_blocking(|attempt| {
        hand.advance(MS * 45);
        Err::<(), _>(attempt.number())
    });

    let failed = failed.expect_err("it always fails");
    assert_eq!((failed.attempts(), failed.why(), failed.elapsed()), (2, GaveUp::Deadline, MS * 90));
}

#[test]
fn a_call_that_does_well_at_once_reads_the_clock_once() {
    let readings = Arc::new(AtomicU32::new(0));
    let read = Arc::clone(&readings);
    let clock = Clock::custom(move || Nanos::from_secs(read.fetch_add(1, Relaxed).into()));
    let retry = Retry::builder("blocking").clock(clock).build().expect("the defaults are sound");

    retry.call_blocking(|_| Ok::<_, ()>(())).expect("it does well");

    assert_eq!(readings.load(Relaxed), 1);
}
