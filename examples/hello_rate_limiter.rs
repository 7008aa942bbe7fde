//! A rate limiter in forty lines: a batch of mails, a provider that takes 100 a second, and what becomes
//! of both.
//!
//! Run it with `cargo run --example hello_rate_limiter`.

use std::time::Duration;

use seawall::prelude::*;
use tokio::{task::JoinSet, time::Instant};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), seawall::BoxError> {
    // Refused: the provider's side. Fifty at once come, ten are let in, the others are told when.
    let quota = Quota::per_second(100)?.burst(10)?;
    let provider = RateLimiter::builder("provider").quota(quota).build()?;
    let refused: Vec<_> = (0..50).filter_map(|_| provider.try_acquire().err()).collect();
    println!("{} of 50 at once are let in", 50 - refused.len());
    if let Some(refused) = refused.last() {
        println!("   and the others refused: {refused}");
    }

    // Waited for: the client's side. All fifty go out, each at its turn, and nobody is refused.
    let client = RateLimiter::builder("mails").quota(quota).build()?;
    let start = Instant::now();
    let mut mails = JoinSet::new();
    for _ in 0..50 {
        let client = client.clone();
        mails.spawn(async move { client.acquire().await.map(|()| start.elapsed()) });
    }
    let sent = mails.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let last = sent.into_iter().max().unwrap_or_default();
    println!("50 of 50 are sent in {last:.0?}, the first ten at once");

    // Decided: who would have to wait for too long does something else.
    match client.reserve(10, Duration::from_millis(20)) {
        Ok(turn) => turn.wait().await,
        Err(refused) => println!("a batch of ten more would wait for longer than 20 ms: {refused}"),
    }
    Ok(())
}
