//! Quotas and settings of a rate limiter from a file: no text makes reading panic; what it reads is written
//! and read back as the same; and a limiter that can be built bears whatever its settings say, and never
//! gives more than a burst at one moment.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use seawall_rate_limiter::{Clock, Config, Quota, RateLimiter};

fuzz_target!(|text: &str| {
    if let Ok(quota) = text.parse::<Quota>() {
        let written = quota.to_string();
        assert_eq!(written.parse(), Ok(quota), "{text:?} was written as {written:?}");
        let mut config = Config::default();
        config.quotas = vec![quota];
        bears(config);
    }
    if let Ok(config) = toml::from_str::<Config>(text) {
        let written = toml::to_string(&config).expect("what was read can be written");
        let again: Config = toml::from_str(&written).expect("what was written can be read");
        assert_eq!(again, config, "{text:?} was written as {written:?}");
        bears(config);
    }
});

fn bears(config: Config) {
    let (clock, hand) = Clock::manual();
    let Ok(limiter) = RateLimiter::builder("fuzz").config(config.clone()).clock(clock).build()
    else {
        return;
    };
    limiter.reconfigure(config).expect("the same settings can be taken over");
    let mut booked = Vec::new();
    for step in 0..64_u32 {
        let left = limiter.standing().remaining;
        match limiter.try_acquire_n(step % 5) {
            Ok(()) => assert!(left >= u64::from(step % 5)),
            Err(refused) => {
                assert!(step % 5 == 0 || left < u64::from(step % 5));
                hand.advance(refused.retry_after().unwrap_or_default() / (1 + step % 2));
            }
        }
        booked.extend(limiter.reserve(step % 3, Duration::from_secs(step.into())));
        if step % 4 == 0 {
            booked.pop();
        }
        let _ = limiter.snapshot();
    }
}
