//! The rate of all keys, changed while it is read; the promise is that of [`crate::keyed::current`].

use std::sync::Arc;

use seawall_core::model::{model, race};

use crate::{gcra::Rate, keyed::current::Current};

const fn rate(cells: u64) -> Rate {
    Rate { per_nano: 16, per_cell: cells, most: cells * 10 }
}

/// What is read belongs together, however often it changes meanwhile.
/// Caught when broken: without the second look at the count, or with loads or stores of a copy that are
/// Relaxed, a reader gets half of one rate and half of another.
#[test]
fn a_rate_is_read_whole() {
    model(|| {
        let current = Arc::new(Current::new(rate(1)));
        let ((), read) = race(
            &current,
            |current| {
                current.write(rate(2));
                current.write(rate(3));
            },
            |current| current.read(16),
        );
        assert!([1, 2, 3].map(rate).contains(&read), "{read:?}");
        assert_eq!(current.read(16), rate(3));
    });
}
