//! The clock that follows tokio's.

#![cfg(feature = "tokio")]

use std::time::Duration;

use seawall_core::Clock;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn time_that_is_paused_stands_still_and_moves_when_it_is_moved() {
    let clock = Clock::tokio();
    let start = clock.now();
    assert_eq!(clock.now(), start);

    tokio::time::advance(MINUTE).await;

    assert_eq!(clock.now().since(start), MINUTE);
}

#[tokio::test(start_paused = true)]
async fn a_sleep_of_the_runtime_moves_the_clock() {
    let clock = Clock::tokio();
    let start = clock.now();

    tokio::time::sleep(MINUTE).await;

    assert_eq!(clock.now().since(start), MINUTE);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_made_elsewhere_follows_too() {
    let clock = std::thread::spawn(Clock::tokio).join().unwrap();
    let start = clock.now();

    tokio::time::advance(MINUTE).await;

    assert_eq!(clock.now().since(start), MINUTE);
    assert_eq!(clock.now(), Clock::tokio().now());
}

#[test]
fn it_works_outside_of_any_runtime() {
    let clock = Clock::tokio();

    let readings = [clock.now(), clock.now(), Clock::tokio().now()];

    assert!(readings.is_sorted(), "{readings:?}");
    assert!(readings[0].0 > 0);
    assert_eq!(format!("{clock:?}"), r#"Clock("tokio")"#);
}

/// A runtime may have stopped its time before anybody asked for a clock.
#[test]
fn time_that_was_paused_before_the_first_clock_is_told() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(async {
        let clock = Clock::tokio();
        let start = clock.now();

        tokio::time::advance(Duration::from_millis(1)).await;

        assert_eq!(clock.now().since(start), Duration::from_millis(1));
    });
}

#[cfg(feature = "test-util")]
mod default {
    use seawall_core::{Deadline, deadline};

    use super::{Clock, Duration, MINUTE};

    #[tokio::test(start_paused = true)]
    async fn the_default_clock_follows_the_time_that_is_paused() {
        let clock = Clock::default();
        let start = clock.now();

        tokio::time::advance(MINUTE).await;

        assert_eq!(clock.now().since(start), MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_passes_when_the_time_is_moved() {
        let deadline = Deadline::after(MINUTE);
        assert_eq!(deadline.remaining(), MINUTE);

        tokio::time::advance(MINUTE - Duration::from_millis(1)).await;
        assert!(!deadline.has_passed());
        tokio::time::advance(Duration::from_millis(1)).await;

        assert!(deadline.has_passed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_scope_s_time_runs_out_while_its_future_sleeps() {
        let left = deadline::scope(MINUTE, async {
            tokio::time::sleep(Duration::from_secs(45)).await;
            deadline::remaining()
        });

        assert_eq!(left.await, Some(Duration::from_secs(15)));
    }
}
