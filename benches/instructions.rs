//! Instructions: what a call costs where nanoseconds say nothing.
//!
//! On a machine that has other work to do, a call of 4 ns is one of 5 ns in the next run, and of 50 ns
//! beside another thread. How many instructions it takes is the same in each run, and a change that makes
//! them more is seen at once; what it leaves out is memory, and whoever else wants it.
//!
//! `cargo xtask bench NAME --instructions` runs the bench under valgrind's callgrind, which writes down
//! how many there were up to each call of [`mark`]. A case runs its calls some times before the first
//! mark, `CALLS` times before the second, and twice as often before the third one: the difference between
//! the last two is that of `CALLS` calls, and of nothing else.
//!
//! ```text
//!  building, first calls │ CALLS + a │ 2 CALLS + a │ building, first calls │ …
//!  ──────────────────────┴───────────┴─────────────┴───────────────────────┴──▶
//!                       mark        mark          mark                     a: the mark, a dump
//! ```
//!
//! Calls are made by one thread. What the kernel does is not counted: under valgrind a reading of the
//! system's clock is a system call, and only what is around it is seen.

use std::hint::black_box;

/// How many calls are counted: whatever is done by turns is done as often as it should be.
const CALLS: u32 = 3_000;

/// The cases of a bench, told to `cargo xtask bench` in lines: calls, the most that ours may be of the
/// best peer, group, name.
#[derive(Debug)]
pub struct Instructions {
    group: &'static str,
    at_most: f64,
}

impl Instructions {
    /// Where this run is to count instructions, and not time.
    #[must_use]
    pub fn asked_for() -> Option<Self> {
        let asked = std::env::args().any(|arg| arg == "--instructions");
        asked.then_some(Self { group: "", at_most: f64::INFINITY })
    }

    /// The cases to come are of the group `name`, in which ours may take so many times the instructions
    /// of the best peer, at most.
    pub fn group(&mut self, name: &'static str, at_most: f64) {
        (self.group, self.at_most) = (name, at_most);
    }

    /// Counts the instructions of `op`.
    pub fn case(&mut self, name: &str, mut op: impl FnMut()) {
        println!("{CALLS}\t{}\t{}\t{name}", self.at_most, self.group);
        for calls in [CALLS, CALLS, 2 * CALLS] {
            for _ in 0..calls {
                op();
            }
            mark();
        }
    }
}

/// Callgrind writes a dump before each call of this.
#[inline(never)]
pub fn mark() {
    black_box(CALLS);
}
