//! Models of a value that is exchanged while others look; the promises are those of [`crate::published`].

use std::sync::Arc;

use seawall_core::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Release},
};

use super::{model, race};
use crate::published::Published;

/// Promise 1.
///
/// Caught when broken: with a version that is stored before the lock is taken, who is told of another value finds
/// the old one; with one that is not stored, who looks after the exchange does.
#[test]
fn who_looks_after_an_exchange_has_returned_sees_that_value() {
    model(|| {
        let (first, second) = (Arc::new(1), Arc::new(2));
        let published = Published::new();
        published.exchange(&first, 1);
        let shared = Arc::new((published, AtomicBool::new(false)));

        let ((), (must, is_first, seen)) = race(
            &shared,
            {
                let second = Arc::clone(&second);
                move |(published, returned)| {
                    published.exchange(&second, 2);
                    returned.store(true, Release); // pairs with the load below
                }
            },
            |(published, returned)| {
                let must = returned.load(Acquire); // pairs with the store: the exchange has returned
                let is_first = published.is_newest(1);
                (must, is_first, published.newest().map(|value| *value))
            },
        );

        assert!(!must || !is_first, "it is told of the other one");
        assert!(is_first || seen == Some(2), "who is told of it finds it: {seen:?}");
        drop((first, second));
    });
}
