//! What the test files of this crate share.

#![allow(dead_code, reason = "each test file uses a part")]

use seawall_test::contract::{Outcome, Verdict};

/// A runtime to be inside of, for services that make timers; it never runs.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime can be built")
}

/// Exactly these laws are broken, and each says so by its name.
#[track_caller]
pub(crate) fn assert_broken(verdicts: &[Verdict], expected: &[&str]) {
    let mut broken = Vec::new();
    for verdict in verdicts {
        if let Outcome::Broken(seen) = &verdict.outcome {
            assert!(seen.contains(verdict.law), "it does not name itself: {seen}");
            broken.push(verdict.law);
        }
    }
    assert_eq!(broken, expected, "{verdicts:#?}");
}
