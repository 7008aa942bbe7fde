//! Models of a budget that several calls pay into and take from at the same time; the promises are those
//! of [`crate::budget`].

use std::sync::Arc;

use seawall_core::Clock;

use super::{model, model_of_equals, race, race_of_three};
use crate::{
    Costs, RetryBudget, Withdrawal,
    budget::{RetryBudgetBuilder, Want},
};

/// A budget in which each first try pays for a retry, so that what is there can be counted on fingers.
fn share(retries: u32) -> RetryBudgetBuilder {
    // Time stands still.
    RetryBudget::builder().ratio(1.0).floor_per_second(0).burst(retries).clock(Clock::manual().0)
}

fn built(budget: RetryBudgetBuilder) -> Arc<RetryBudget> {
    Arc::new(budget.build().expect("sound settings"))
}

/// A retry that is sent, or refused; whether it was sent.
fn retry(budget: &RetryBudget) -> bool {
    sent(budget.withdraw(Want::Retry))
}

fn sent(retry: Option<Withdrawal>) -> bool {
    retry.is_some_and(|mut retry| {
        retry.send();
        true
    })
}

/// Takes all that the bucket holds; how much it was.
fn drain(budget: &RetryBudget) -> u32 {
    let mut taken = 0;
    while retry(budget) {
        taken += 1;
    }
    taken
}

/// Promise 1: two who take while one pays get no more than was there, and leave what they did not get.
///
/// Caught when broken: with a look and a `fetch_sub` to take, two take one retry; with a store of the
/// sum to add, what was taken meanwhile is there again.
#[test]
fn no_more_is_granted_than_was_there() {
    model(|| {
        let budget = built(share(2));
        assert!(retry(&budget));

        let (a, b, ()) = race_of_three(&budget, retry, retry, RetryBudget::deposit);

        let granted = u32::from(a) + u32::from(b);
        assert!(granted >= 1, "there was one at any time");
        assert_eq!(granted + drain(&budget), 2);
    });
}

/// Promise 1: one retry that is left goes to one of two who want it.
///
/// Caught when broken: with a look and a `fetch_sub`; with a swap that is not tried again, two of
/// which one took the other's turn leave a retry that is refused to both.
#[test]
fn what_is_left_goes_to_those_who_ask() {
    model_of_equals(|| {
        let budget = built(share(1));
        let (a, b) = race(&budget, retry, retry);
        assert!(a != b, "{a} and {b}");

        let budget = built(share(2));
        let (a, b) = race(&budget, retry, retry);
        assert!(a && b, "{a} and {b}");
    });
}

/// Promise 2: a retry that is dropped before it is sent is there again, whoever pays or takes meanwhile.
///
/// Caught when broken: with a give-back that stores what it saw and one more; with one that gives up
/// where another was faster; with a withdrawal that gives nothing back.
#[test]
fn what_is_given_back_is_not_lost() {
    model(|| {
        let budget = built(share(3));
        let unsent = budget.withdraw(Want::Retry).expect("it is full");
        assert!(retry(&budget));

        let ((), granted, ()) =
            race_of_three(&budget, |_| drop(unsent), retry, RetryBudget::deposit);

        assert!(granted);
        assert_eq!(drain(&budget), 2);
    });
}

/// Promise 1: what is paid into a bucket that is nearly full fills it and no more.
///
/// Caught when broken: with a look and a `fetch_add`, two fill the place of one; without the cap.
#[test]
fn nothing_is_added_above_full() {
    model_of_equals(|| {
        let budget = built(share(2));
        assert!(retry(&budget));

        race(&budget, RetryBudget::deposit, RetryBudget::deposit);

        assert_eq!(drain(&budget), 2);
    });
}

/// Promise 1: what is free is given once, to one of two who come with an empty bucket.
///
/// Caught when broken: with a look and a store of the moment, both book one interval; with a swap that
/// is not tried again, the second of two intervals is refused.
#[test]
fn each_interval_of_the_floor_is_given_once() {
    model_of_equals(|| {
        for (per_second, granted) in [(1, 1), (2, 2)] {
            let budget = built(share(1).floor_per_second(per_second));
            assert!(retry(&budget));

            let (a, b) = race(&budget, retry, retry);

            assert_eq!(u32::from(a) + u32::from(b), granted);
            assert_eq!(drain(&budget), 0);
        }
    });
}

/// Promises 1 and 2: what was free and is given back is one retry still, while another one asks.
///
/// Caught when broken: with a floor that forgets what is booked as the retry comes back, a second one is
/// free.
#[test]
fn what_was_free_comes_back_as_one() {
    model(|| {
        let budget = built(share(1).floor_per_second(1));
        assert!(retry(&budget));
        let unsent = budget.withdraw(Want::Retry).expect("it is free");

        let ((), granted) = race(&budget, |_| drop(unsent), retry);

        assert_eq!(u32::from(granted) + drain(&budget), 1);
    });
}

/// A quota: the cost comes back with the success that it brought, while others pay theirs.
///
/// Caught when broken: with a success that stores a sum; with a withdrawal that comes back when dropped,
/// sent or not.
#[test]
fn a_success_brings_its_cost_back() {
    model(|| {
        let costs = Costs { tokens: 3, retry: 1, time_out: 2, success: 1 };
        let budget = Arc::new(RetryBudget::quota(costs).expect("sound settings"));
        let mut paid = budget.withdraw(Want::AfterTimeOut).expect("it is full");
        paid.send();

        let ((), granted) = race(&budget, move |budget| budget.succeeded(Some(&paid)), retry);

        assert!(granted);
        assert_eq!(drain(&budget), 2);
    });
}

/// A throttle: failures and successes at the same time all count.
///
/// Caught when broken: with a load and a store to lose or to add.
#[test]
fn each_failure_and_each_success_counts() {
    model(|| {
        let budget = Arc::new(RetryBudget::throttle(6, 1.0).expect("sound settings"));
        budget.failed();

        race_of_three(
            &budget,
            RetryBudget::failed,
            |budget| budget.succeeded(None),
            RetryBudget::failed,
        );

        let left = budget.available();
        assert!((left - 1.0).abs() < 1e-9, "{left} and not 6 - 3 + 1 - 3");
    });
}
