//! How often a call is looked at that waits for its turn.
//!
//! A call is polled when it comes, and has to be once more when its turn has come. Where all who wait are
//! told the same moment, that moment wakes all of them, and all but one go on waiting: a hundred calls
//! are then polled five thousand times. That is a number and no time, so it is counted: by one thread, by
//! the system's clock, with a turn each two milliseconds, so that a timer's tick is of no weight.

use std::{cell::Cell, future::poll_fn, pin::pin, rc::Rc, time::Duration};

use governor::clock::MonotonicClock;
use leaky_bucket::RateLimiter as LeakyBucket;
use seawall_benches::runtime::runtime;
use seawall_rate_limiter::{Clock, Quota};
use tokio::task::LocalSet;

use crate::{
    peers::{self, Governor},
    settings::{self, ALLOWED},
};

/// From one turn to the next.
const TURN: Duration = Duration::from_millis(2);

pub(crate) fn all() {
    println!("\n| waiters | case | polls | of each |\n| ---: | --- | ---: | ---: |");
    for waiters in [50, 200] {
        let ours = settings::build(Quota::new(1, TURN).expect(ALLOWED), Clock::system());
        let ours = Rc::new(ours);
        report("seawall", waiters, move || {
            let ours = Rc::clone(&ours);
            async move { ours.acquire().await.expect("nobody waits too long") }
        });
        let governor = Governor::direct_with_clock(peers::every(TURN), MonotonicClock);
        let governor = Rc::new(governor);
        report("governor", waiters, move || {
            let governor = Rc::clone(&governor);
            async move { governor.until_ready().await }
        });
        let leaky = LeakyBucket::builder().refill(1).interval(TURN).max(1).initial(1).build();
        let leaky = Rc::new(leaky);
        report("leaky-bucket", waiters, move || {
            let leaky = Rc::clone(&leaky);
            async move { leaky.acquire_one().await }
        });
    }
}

/// Lets so many calls wait at once, and says how often all of them were polled.
fn report<F: Future<Output = ()> + 'static>(name: &str, waiters: u32, call: impl Fn() -> F) {
    let polls = Rc::new(Cell::new(0_u32));
    let all = LocalSet::new();
    for _ in 0..waiters {
        let (call, polls) = (call(), Rc::clone(&polls));
        all.spawn_local(async move {
            let mut call = pin!(call);
            poll_fn(|cx| {
                polls.set(polls.get() + 1);
                call.as_mut().poll(cx)
            })
            .await;
        });
    }
    runtime().block_on(all);
    let polls = polls.get();
    let each = f64::from(polls) / f64::from(waiters);
    println!("| {waiters} | {name} | {polls} | {each:.1} |");
}
