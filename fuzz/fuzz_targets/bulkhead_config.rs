//! Settings of a bulkhead from a file: no text makes reading panic; what it reads is written and read
//! back as the same; and a bulkhead that can be built bears whatever its settings say.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use seawall_bulkhead::{Bulkhead, Clock, Config};

fuzz_target!(|text: &str| {
    let Ok(config) = toml::from_str::<Config>(text) else {
        return;
    };
    let written = toml::to_string(&config).expect("what was read can be written");
    let again: Config = toml::from_str(&written).expect("what was written can be read");
    assert_eq!(again, config, "{text:?} was written as {written:?}");

    let (clock, hand) = Clock::manual();
    let Ok(bulkhead) = Bulkhead::builder("fuzz").config(config).clock(clock).build() else {
        return;
    };
    bulkhead.reconfigure(again).expect("the same settings can be taken over");
    let mut permits = Vec::new();
    for step in 0..64_u32 {
        permits.extend(bulkhead.try_acquire_weighted(step % 5));
        hand.advance(Duration::from_millis(u64::from(step * step)));
        if step % 3 == 0
            && let Some(permit) = permits.pop()
        {
            permit.failure();
        }
        bulkhead.snapshot();
    }
    permits.clear();
    assert_eq!(bulkhead.in_flight(), 0);
});
