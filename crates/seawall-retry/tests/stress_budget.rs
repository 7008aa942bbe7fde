//! Real threads on one budget: what loom's small models leave out, and what ThreadSanitizer is run on.
//!
//! Plain threads, each joined by its handle: the end of a scope is a race to ThreadSanitizer, which
//! does not see into the standard library.

#![cfg(not(seawall_loom))]

use std::{
    sync::{Arc, Barrier},
    thread,
};

use seawall_retry::RetryBudget;

/// Runs `body` on each of so many threads, which begin together; the sum of what they say.
fn sum(threads: usize, body: impl Fn() -> u64 + Send + Sync + 'static) -> u64 {
    let shared = Arc::new((Barrier::new(threads), body));
    let start = |_| {
        let shared = Arc::clone(&shared);
        thread::spawn(move || {
            shared.0.wait();
            (shared.1)()
        })
    };
    let threads: Vec<_> = (0..threads).map(start).collect();
    threads.into_iter().map(|thread| thread.join().expect("nobody panics")).sum()
}

#[test]
fn no_number_of_threads_overdraws() {
    for threads in [2, 4, 8] {
        for round in 0..500 {
            let budget = RetryBudget::builder().burst(20).floor_per_second(0).build();
            let budget = budget.expect("it is sound");
            let sent = sum(threads, move || {
                let retries = std::iter::from_fn(|| budget.try_withdraw());
                retries.map(|mut retry| retry.send()).count() as u64
            });
            assert_eq!(sent, 20, "{threads} threads, round {round}");
        }
    }
}

#[test]
fn what_is_paid_taken_and_given_back_sums_up() {
    const CALLS: u64 = 10_000;
    let budget = RetryBudget::builder().ratio(0.1).burst(1_000_000).floor_per_second(0).build();
    let budget = budget.expect("it is sound");
    let used = budget.clone();

    let sent = sum(4, move || {
        let mut sent = 0;
        for call in 0..CALLS {
            used.deposit();
            let mut retry = used.try_withdraw().expect("a million are there");
            if call % 3 == 0 {
                retry.send();
                sent += 1;
            }
        }
        sent
    });

    assert_eq!(sent, 4 * CALLS.div_ceil(3));
    let most = 1_000_000.0 - sent as f64 + 4.0 * CALLS as f64 / 10.0;
    let left = budget.available();
    // What is paid into a bucket that is full just then is lost.
    assert!((1_000_000.0 - sent as f64..=most + 1e-6).contains(&left), "{left} of {most}");
}
