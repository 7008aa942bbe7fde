//! A compartment: work that computes, on threads of its own, so that nobody else's request waits for it.
//!
//! A job that computes for 40 ms keeps its thread for 40 ms; on the runtime's threads, everything else
//! waits meanwhile. How long a small request takes, with such jobs here and there:
//!
//! Run it with `cargo run --release --example compartment`.

use std::{hint::black_box, time::Duration};

use seawall::prelude::*;
use tokio::time::{Instant, interval};

/// Computes for 40 ms, as for a thumbnail or the hash of a password.
fn compute() -> u64 {
    let start = Instant::now();
    let mut digest = 0u64;
    while start.elapsed() < Duration::from_millis(40) {
        digest = black_box(digest.wrapping_add(1).rotate_left(7));
    }
    digest
}

/// A thousand small requests, one a millisecond, and four heavy ones every fifth of a second: how long
/// the small ones took, from when each was due, in order.
async fn serve<F: Future<Output = ()> + Send + 'static>(heavy: impl Fn() -> F) -> Vec<Duration> {
    let mut beat = interval(Duration::from_millis(1));
    let mut requests = Vec::new();
    for request in 0..1000 {
        let due = beat.tick().await;
        if request % 200 == 0 {
            (0..4).for_each(|_| drop(tokio::spawn(heavy())));
        }
        requests.push(tokio::spawn(async move { due.elapsed() }));
    }
    let mut latencies = Vec::new();
    for request in requests {
        latencies.extend(request.await);
    }
    latencies.sort();
    latencies
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), seawall::ConfigError> {
    let cpu = Compartment::builder("cpu").threads(1).queue(16).build()?;

    let on_the_runtime = serve(|| async { _ = black_box(compute()) }).await;
    let in_a_compartment = serve(|| {
        let cpu = cpu.clone();
        async move {
            if let Err(error) = cpu.run(compute).await {
                println!("{error}"); // no room: refused at once; or it panicked
            }
        }
    })
    .await;

    for (place, latencies) in
        [("on the runtime", on_the_runtime), ("in a compartment", in_a_compartment)]
    {
        println!(
            "heavy jobs {place:<17} small requests: p50 {:>6.0?}, p99 {:>6.0?}",
            latencies[500], latencies[990]
        );
    }
    Ok(())
}
