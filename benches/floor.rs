//! The least that any implementation could do: what the others are measured by.

#![expect(clippy::disallowed_types, reason = "the standard library's clock is a floor")]

use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Instant,
};

/// One read-modify-write on a word.
#[inline]
pub fn fetch_add(word: &AtomicU64) {
    black_box(word.fetch_add(1, Relaxed));
}

/// One reading of the standard library's clock.
#[inline]
pub fn clock_read() {
    black_box(Instant::now());
}
