//! Settings of a circuit breaker from a file: no text makes reading panic; what it reads is written and
//! read back as the same; and a breaker that can be built bears whatever its settings say.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use seawall_circuit_breaker::{CircuitBreaker, Clock, Config};

fuzz_target!(|text: &str| {
    let Ok(config) = toml::from_str::<Config>(text) else {
        return;
    };
    let written = toml::to_string(&config).expect("what was read can be written");
    let again: Config = toml::from_str(&written).expect("what was written can be read");
    assert_eq!(again, config, "{text:?} was written as {written:?}");

    let (clock, hand) = Clock::manual();
    let builder = CircuitBreaker::builder("fuzz").config(config).clock(clock);
    let Ok(breaker) = builder.lanes(1).build() else {
        return;
    };
    breaker.reconfigure(again).expect("the same settings can be taken over");
    for step in 0..64_u32 {
        match breaker.try_acquire() {
            Ok(permit) if step % 3 == 0 => permit.failure(),
            Ok(permit) if step % 7 == 0 => drop(permit),
            Ok(permit) => {
                hand.advance(Duration::from_millis(u64::from(step)));
                permit.success();
            }
            Err(refused) => hand.advance(refused.retry_after().unwrap_or(Duration::MAX / 4)),
        }
        breaker.snapshot();
    }
});
