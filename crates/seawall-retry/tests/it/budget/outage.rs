//! An outage: for half a minute a thousand calls a second come, each of up to four attempts, and none
//! does well.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use seawall_core::{Backoff, Chance};
use seawall_retry::{Clock, Costs, RetryBudget, RetryBudgetBuilder};

const SECONDS: u64 = 30;
const CALLS: u64 = 1_000 * SECONDS;
const ATTEMPTS: u32 = 4;
const SEED: u64 = 42;

/// How many attempts each second of the outage had, and the time after it.
fn attempts(budget: impl FnOnce(Clock) -> Option<RetryBudget>) -> Vec<u64> {
    let (clock, time) = Clock::manual();
    let (start, budget) = (time.now(), budget(clock));
    let (backoff, chance) = (Backoff::exponential(Duration::from_millis(50)), Chance::seeded(SEED));
    let mut queue: BinaryHeap<_> =
        (0..CALLS).map(|call| Reverse((Duration::from_millis(call), 1))).collect();
    let mut attempts = vec![0; SECONDS as usize + 2];
    while let Some(Reverse((now, attempt))) = queue.pop() {
        time.set(start + now);
        attempts[now.as_secs() as usize] += 1;
        let granted = budget.as_ref().is_none_or(|budget| {
            if attempt == 1 {
                budget.deposit();
            }
            budget.failed();
            attempt < ATTEMPTS && budget.try_withdraw().map(|mut retry| retry.send()).is_some()
        });
        if granted && attempt < ATTEMPTS {
            queue.push(Reverse((now + backoff.delay(attempt - 1, None, &chance), attempt + 1)));
        }
    }
    attempts
}

fn per_call(attempts: &[u64]) -> f64 {
    attempts.iter().sum::<u64>() as f64 / CALLS as f64
}

fn share(builder: RetryBudgetBuilder) -> Vec<u64> {
    attempts(|clock| Some(builder.clock(clock).build().expect("it is sound")))
}

#[test]
fn without_a_budget_an_outage_gets_four_times_the_load() {
    let attempts = attempts(|_| None);

    assert!((per_call(&attempts) - 4.0).abs() < 1e-9, "{attempts:?}");
}

#[test]
fn with_the_default_it_gets_a_fifth_more_and_no_second_a_third_more() {
    for (name, builder, most) in [
        ("20 %, 100", RetryBudget::builder().floor_per_second(0), 1.2034),
        ("default", RetryBudget::builder(), 1.21),
    ] {
        let attempts = share(builder);

        let per_call = per_call(&attempts);
        assert!((1.2..=most).contains(&per_call), "{name}: {per_call}, {attempts:?}");
        let worst = *attempts.iter().max().expect("seconds");
        assert!(worst <= 1_350, "{name}: {worst} in one second of {attempts:?}");
        let later = attempts[2..SECONDS as usize].iter();
        assert!(later.clone().all(|count| (1_180..1_220).contains(count)), "{name}: {attempts:?}");
    }
}

#[test]
fn the_other_rules_let_an_outage_be() {
    let throttle = |tokens| RetryBudget::throttle(tokens, 0.1);
    let quota = |retry| RetryBudget::quota(Costs { retry, time_out: 14, ..Costs::default() });
    for (name, budget, most) in [
        ("gRPC, 10", throttle(10), 4),
        ("gRPC, 100", throttle(100), 49),
        ("AWS, 5 of 500", quota(5), 100),
        ("AWS, 14 of 500", quota(14), 35),
    ] {
        let attempts = attempts(|_| Some(budget.expect("it is sound")));

        let retries = attempts.iter().sum::<u64>() - CALLS;
        // A call's last attempt costs a throttle a token, and is followed by none.
        assert!((most - 2..=most).contains(&retries), "{name}: {attempts:?}");
    }
}

#[test]
fn the_rate_of_a_share_is_what_it_says_and_is_not_rounded_up() {
    for ratio in [0.001, 0.05, 0.1, 0.3, 0.35, 0.5, 0.6, 0.999, 1.0] {
        let attempts = share(RetryBudget::builder().ratio(ratio).floor_per_second(0));

        let expected = 1.0 + ratio + 100.0 / CALLS as f64;
        let per_call = per_call(&attempts);
        assert!((per_call - expected).abs() < 1e-4, "{ratio}: {per_call}, and not {expected}");
    }
}
