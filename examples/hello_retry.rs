//! Retries in fifty lines: what they mend, and what the budget keeps them from making worse.
//!
//! Run it with `cargo run --example hello_retry`.

use std::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use seawall::prelude::*;

const CALLS: u32 = 300;

/// How many calls reached the other side.
static REACHED: AtomicU32 = AtomicU32::new(0);

/// A call that fails one time in five, and always while the other side is down.
async fn fetch(down: bool) -> Result<(), &'static str> {
    let unlucky = REACHED.fetch_add(1, Relaxed).is_multiple_of(5);
    if down || unlucky { Err("no answer") } else { Ok(()) }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), seawall::ConfigError> {
    let builder =
        || Retry::builder("catalog").backoff(Backoff::exponential(Duration::from_millis(1)));
    for (weather, down) in [("one call in five fails", false), ("the other side is down", true)] {
        println!("{weather}, {CALLS} calls:");
        let budget = RetryBudget::builder().ratio(0.2).floor_per_second(0).burst(10).build()?;
        for (how, retry) in [
            ("no retries", builder().max_attempts(1).build()?),
            ("no budget", builder().without_budget().build()?),
            ("a budget of 20 %", builder().budget(budget).build()?),
        ] {
            REACHED.store(0, Relaxed);
            let mut answered = 0;
            for _ in 0..CALLS {
                answered += u32::from(retry.call(|_| fetch(down)).await.is_ok());
            }
            let reached = REACHED.load(Relaxed);
            println!("  {how:16} {answered:3} answered, {reached:3} reached the other side");
        }
    }
    Ok(())
}
