//! What ours are set to; [`peers`](crate::peers) are set the same, as far as they can be.
//!
//! What is let in must be so in the whole bench, and what is refused too:
//!
//! | quota | cells | why it stays as it is |
//! |---|---|---|
//! | [`plenty`] | one a nanosecond, 2³² - 1 at once | a call takes longer than a cell; where the clock stands still, the burst is more than a bench calls |
//! | [`spent`] | one an hour, taken | a bench takes minutes |
//! | [`of_a_key`] | one each 10 ms, or each second where there are many keys; 2²⁵ at once or more | a key is asked again before it has paid off what it owes: it stays in the table |
//!
//! Each case asserts at each call that it was let in, or refused. The names are literals, as they would
//! be in a service.

use std::time::Duration;

use seawall_rate_limiter::{Clock, Quota, RateLimiter, RateLimiters};

/// How many cells a second there are where they never run out, and how many at once.
pub(crate) const RATE: u32 = 1_000_000_000;
pub(crate) const BURST: u32 = u32::MAX;
/// Where a cell is gone, the next one comes after as long as this.
pub(crate) const LONG: Duration = Duration::from_secs(3_600);
/// What a heavy call takes.
pub(crate) const WEIGHT: u32 = 3;
/// How long a call may wait for its turn.
pub(crate) const WAIT: Duration = Duration::from_secs(1);

/// A quota that never runs out.
pub(crate) fn plenty() -> Quota {
    Quota::per_second(RATE).and_then(|quota| quota.burst(BURST)).expect(ALLOWED)
}

/// A limiter that lets in whoever comes.
pub(crate) fn open(clock: Clock) -> RateLimiter {
    build(plenty(), clock)
}

/// A limiter with nothing left.
pub(crate) fn spent(clock: Clock) -> RateLimiter {
    let limiter = build(Quota::new(1, LONG).expect(ALLOWED), clock);
    limiter.try_acquire().expect("there is one");
    limiter
}

/// A limiter of one quota.
pub(crate) fn build(quota: Quota, clock: Clock) -> RateLimiter {
    RateLimiter::builder("bench").quota(quota).clock(clock).build().expect(ALLOWED)
}

/// How long a cell of a key is, and how many there are at once.
pub(crate) const fn of_a_key(keys: usize) -> (Duration, u32) {
    if keys <= 1_000 {
        (Duration::from_millis(10), 1 << 31)
    } else {
        (Duration::from_secs(1), 1 << 25)
    }
}

/// A quota for each of so many keys, all of which have something to pay off.
pub(crate) fn keyed<K>(keys: usize, clock: Clock) -> RateLimiters<K>
where
    K: ToOwned<Owned: std::hash::Hash + Eq> + ?Sized,
{
    let (interval, burst) = of_a_key(keys);
    let quota = Quota::new(1, interval).and_then(|quota| quota.burst(burst)).expect(ALLOWED);
    let limiters = RateLimiters::builder("bench").quota(quota).max_keys(keys).clock(clock);
    limiters.build().expect(ALLOWED)
}

/// A clock that stands still.
pub(crate) fn still() -> Clock {
    Clock::manual().0
}

pub(crate) const ALLOWED: &str = "the settings of the benches are allowed";
