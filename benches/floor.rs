//! The least that any implementation could do: what the others are measured by.

#![expect(clippy::disallowed_types, reason = "the standard library's clock is a floor")]

use std::{
    hint::black_box,
    sync::atomic::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
    time::Instant,
};

/// One read-modify-write on a word.
#[inline]
pub fn fetch_add(word: &AtomicU64) {
    black_box(word.fetch_add(1, Relaxed));
}

/// One in within a limit, by a swap, and one out, by a subtraction.
#[inline]
pub fn in_and_out(word: &AtomicU64, limit: u64) {
    let mut seen = word.load(Relaxed);
    loop {
        assert!(seen < limit, "there is room");
        match word.compare_exchange_weak(seen, seen + 1, Acquire, Relaxed) {
            Ok(_) => break,
            Err(now) => seen = now,
        }
    }
    black_box(word.fetch_sub(1, Release));
}

/// One reading of the standard library's clock.
#[inline]
pub fn clock_read() {
    black_box(Instant::now());
}
