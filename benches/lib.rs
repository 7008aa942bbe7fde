//! How the benches measure: short bursts on pinned threads, and the median of those.
//!
//! The machines that these run on have other work to do. A mean over a second then says how often
//! the scheduler came by, not what a call costs. So each sample of criterion is cut into 256 bursts
//! of some 0.2 ms, far below a time slice, and the sample's figure is that of its median burst: a
//! burst in which something else ran is an outlier, and has no weight. Criterion warms up for 0.5 s
//! and takes 20 such samples in about a second; the table of `cargo xtask bench` prints their median.
//!
//! * **One thread** is pinned to a core, so that it does not take its caches along to another.
//! * **Two threads** are pinned to two cores, start at a barrier, and run their bursts one after the
//!   other. A burst counts only if neither thread was taken from its core (the kernel's count of that
//!   stands still) and the other one was at it too for nine tenths of it; so what is said to be
//!   contended is. The figure is the nanoseconds of one call as one of the threads sees it: what takes
//!   10 ns alone and 10 ns beside another thread scales perfectly.
//!
//! Nanoseconds are those of one machine. What may be quoted is a ratio of two figures of one run.
//!
//! Read [`group`] first, then [`bursts`]; [`instructions`] is another way to measure, for what two
//! threads or a loud machine hide.

pub mod bursts;
pub mod floor;
pub mod group;
pub mod instructions;
pub mod poll;
pub mod processor;
pub mod runtime;
pub mod service;

use std::time::Duration;

use criterion::Criterion;

use self::instructions::Instructions;

/// Criterion, set as this page says.
///
/// # Panics
///
/// Where instructions are asked for: a bench that counts them has done so before.
#[must_use]
pub fn criterion() -> Criterion {
    assert!(Instructions::asked_for().is_none(), "this bench counts no instructions");
    Criterion::default()
        .without_plots()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .nresamples(2_000) // for the error bars, which nobody reads to the third digit
        .configure_from_args()
}
