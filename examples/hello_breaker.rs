//! A circuit breaker in thirty lines: a dependency that fails, and a caller who stops asking.
//!
//! Run it with `cargo run --example hello_breaker`.

use std::{io, time::Duration};

use seawall::prelude::*;

/// A dependency that is down for its first seven calls.
async fn fetch(call: u32) -> Result<&'static str, io::Error> {
    if call < 7 { Err(io::Error::other("connection refused")) } else { Ok("hello") }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), seawall::ConfigError> {
    let breaker = CircuitBreaker::builder("greeter")
        .consecutive_failures(5)
        .half_open_probes(1)
        .open_for(Backoff::constant(Duration::from_millis(200)).jitter(Jitter::None))
        .on_event(|event| println!("        [{}] {:?}", event.name, event.turn))
        .build()?;

    let mut made = 0;
    for attempt in 1..=20 {
        let call = || {
            made += 1;
            fetch(made)
        };
        match breaker.call(call).await {
            Ok(greeting) => println!("{attempt:>2}  answered   {greeting}"),
            Err(Error::Inner(error)) => println!("{attempt:>2}  failed     {error}"),
            Err(Error::Rejected(refused)) => println!("{attempt:>2}  refused    {refused}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("20 attempts, {made} calls made: {:?}", breaker.state());
    Ok(())
}
