//! What a retry budget promises: against a model that counts slowly, in an outage, and setting by
//! setting.

mod outage;
mod reference;

use std::time::Duration;

use proptest::prelude::*;
use seawall_core::ManualClock;
use seawall_retry::{Clock, Costs, Registry, RetryBudget, RetryBudgetBuilder, Withdrawal};

use self::reference::{Account, Retry, Settings};

#[derive(Clone, Debug)]
enum Step {
    Deposit,
    Withdraw,
    /// Sends the n-th of the retries that wait.
    Send(usize),
    /// Drops the n-th of those that wait.
    Cancel(usize),
    /// The n-th of the retries that were sent does well.
    Succeed(usize),
    SucceedAtOnce,
    Fail,
    Advance(Duration),
}

fn step() -> impl Strategy<Value = Step> {
    let nanos = prop_oneof![0..1_000_000_u64, 0..1_000_000_000_u64, 0..5_000_000_000_u64];
    prop_oneof![
        10 => Just(Step::Deposit),
        12 => Just(Step::Withdraw),
        5 => (0..8_usize).prop_map(Step::Send),
        3 => (0..8_usize).prop_map(Step::Cancel),
        3 => (0..8_usize).prop_map(Step::Succeed),
        3 => Just(Step::SucceedAtOnce),
        3 => Just(Step::Fail),
        4 => nanos.prop_map(|nanos| Step::Advance(Duration::from_nanos(nanos))),
    ]
}

fn settings() -> impl Strategy<Value = Settings> {
    let share = (1..=1_000_u64, 0..12_u64, 1..12_u64)
        .prop_map(|(ratio, floor, burst)| Settings::Share { ratio, floor, burst });
    let throttle =
        (1..12_u64, 1..=1_000_u64).prop_map(|(tokens, ratio)| Settings::Throttle { tokens, ratio });
    let quota = (5..60_u64, 1..=5_u64, 0..=5_u64)
        .prop_map(|(tokens, retry, success)| Settings::Quota { tokens, retry, success });
    prop_oneof![3 => share, 1 => throttle, 1 => quota]
}

fn thousandths(count: u64) -> f64 {
    count as f64 / 1_000.0
}

fn budget(settings: Settings) -> (RetryBudget, ManualClock) {
    let (clock, time) = Clock::manual();
    let budget = match settings {
        Settings::Share { ratio, floor, burst } => RetryBudget::builder()
            .ratio(thousandths(ratio))
            .floor_per_second(floor as u32)
            .burst(burst as u32)
            .clock(clock)
            .build(),
        Settings::Throttle { tokens, ratio } => {
            RetryBudget::throttle(tokens as u32, thousandths(ratio))
        }
        Settings::Quota { tokens, retry, success } => {
            let [tokens, retry, success] = [tokens, retry, success].map(|count| count as u32);
            RetryBudget::quota(Costs { tokens, retry, time_out: retry, success })
        }
    };
    (budget.expect("the settings are sound"), time)
}

/// The budget and the reference side by side.
struct Pair {
    budget: RetryBudget,
    time: ManualClock,
    account: Account,
    waiting: Vec<(Withdrawal, Retry)>,
    sent: Vec<(Withdrawal, Retry)>,
}

impl Pair {
    fn new(settings: Settings) -> Self {
        let (budget, time) = budget(settings);
        Self { budget, time, account: Account::new(settings), waiting: vec![], sent: vec![] }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Deposit => {
                self.budget.deposit();
                self.account.deposit();
            }
            Step::Withdraw => match (self.budget.try_withdraw(), self.account.withdraw()) {
                (Some(withdrawal), Some(retry)) => self.waiting.push((withdrawal, retry)),
                (None, None) => {}
                (got, expected) => panic!("{got:?}, and not {expected:?}"),
            },
            Step::Send(n) if n < self.waiting.len() => {
                let (mut withdrawal, retry) = self.waiting.remove(n);
                withdrawal.send();
                self.sent.push((withdrawal, retry));
            }
            Step::Cancel(n) if n < self.waiting.len() => {
                let (withdrawal, retry) = self.waiting.remove(n);
                drop(withdrawal);
                self.account.give_back(retry);
            }
            Step::Succeed(n) if n < self.sent.len() => {
                let (withdrawal, retry) = self.sent.remove(n);
                self.budget.succeeded(Some(&withdrawal));
                self.account.succeed(Some(retry));
            }
            Step::Send(_) | Step::Cancel(_) | Step::Succeed(_) => {}
            Step::SucceedAtOnce => {
                self.budget.succeeded(None);
                self.account.succeed(None);
            }
            Step::Fail => {
                self.budget.failed();
                self.account.fail();
            }
            Step::Advance(by) => {
                self.time.advance(by);
                self.account.now += by.as_nanos() as u64;
            }
        }
        let (available, expected) = (self.budget.available(), self.account.available());
        assert!((available - expected).abs() < 1e-9, "{available}, and not {expected}");
        assert_eq!(self.budget.refused(), self.account.refused);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn the_budget_does_what_the_reference_does_and_no_window_has_more(
        settings in settings(),
        steps in prop::collection::vec(step(), 1..150),
    ) {
        let mut pair = Pair::new(settings);
        for step in &steps {
            pair.take(step);
        }
        pair.account.check_each_window();
    }
}

/// Empty, with a floor, and the hand on its clock.
fn spent(builder: RetryBudgetBuilder) -> (RetryBudget, ManualClock) {
    let (clock, time) = Clock::manual();
    let budget = builder.burst(1).clock(clock).build().expect("the settings are sound");
    budget.try_withdraw().expect("it is full").send();
    (budget, time)
}

/// How many retries it lets through now.
fn drain(budget: &RetryBudget) -> usize {
    std::iter::from_fn(|| budget.try_withdraw().map(|mut retry| retry.send())).count()
}

#[test]
fn the_whole_floor_is_there_at_once_and_once_a_second() {
    for floor in [1, 2, 3, 7, 10, 999, 1_000] {
        let (budget, time) = spent(RetryBudget::builder().floor_per_second(floor));

        let granted = drain(&budget);
        // Intervals are whole nanoseconds, rounded up.
        time.advance(Duration::from_secs(1) + Duration::from_nanos(floor.into()));

        assert_eq!((granted, drain(&budget)), (floor as usize, floor as usize));
    }
}

#[test]
fn the_floor_comes_evenly_after_its_first_second() {
    let (budget, time) = spent(RetryBudget::builder().floor_per_second(4));
    drain(&budget);

    let in_each_quarter = [(); 8].map(|()| {
        time.advance(Duration::from_millis(250));
        drain(&budget)
    });

    assert_eq!(in_each_quarter, [1; 8]);
}

#[test]
fn the_floor_is_never_faster_than_it_says() {
    for (floor, nanos) in [(3, 333_333_333), (7, 142_857_142), (999, 1_001_001)] {
        let (budget, time) = spent(RetryBudget::builder().floor_per_second(floor));
        drain(&budget);

        time.advance(Duration::from_nanos(nanos));
        let early = drain(&budget);
        time.advance(Duration::from_nanos(1));

        assert_eq!((early, drain(&budget)), (0, 1), "{floor} a second");
    }
}

#[test]
fn without_a_floor_nothing_is_free() {
    let (budget, time) = spent(RetryBudget::builder().floor_per_second(0));

    time.advance(Duration::from_secs(3600));

    assert!(budget.try_withdraw().is_none());
}

#[test]
fn what_is_dropped_before_it_is_sent_comes_back() {
    let (budget, _time) = spent(RetryBudget::builder().ratio(1.0).floor_per_second(0));
    budget.deposit();

    drop(budget.try_withdraw().expect("it is paid for"));

    assert_eq!(drain(&budget), 1);
}

#[test]
fn a_throttle_stops_at_half_and_starts_again_with_successes() {
    let budget = RetryBudget::throttle(10, 0.5).expect("the settings are sound");
    let fail = || {
        budget.failed();
        budget.try_withdraw().map(|mut retry| retry.send()).is_some()
    };
    assert_eq!([(); 6].map(|()| fail()), [true, true, true, true, false, false]);

    for _ in 0..4 {
        budget.succeeded(None);
    }

    assert!(!fail(), "six tokens less one");
    budget.succeeded(None);
    assert!(budget.try_withdraw().is_some());
}

#[test]
fn of_a_quota_the_cost_comes_back_with_the_success() {
    let budget = RetryBudget::quota(Costs { tokens: 10, ..Costs::default() }).expect("it is sound");
    let mut retries = [(); 2].map(|()| budget.try_withdraw().expect("ten tokens are there"));
    retries.iter_mut().for_each(Withdrawal::send);
    assert!(budget.try_withdraw().is_none());

    budget.succeeded(Some(&retries[0]));

    drop(retries);
    assert_eq!(drain(&budget), 1);
    for _ in 0..5 {
        budget.succeeded(None);
    }
    assert_eq!(drain(&budget), 1, "five successes at the first try pay for one more");
}

#[test]
fn of_a_quota_a_retry_after_a_time_out_costs_more() {
    let budget = RetryBudget::quota(Costs { tokens: 14, ..Costs::default() }).expect("it is sound");

    let mut retry = budget.try_withdraw_after_time_out().expect("fourteen tokens are there");
    retry.send();

    assert!(budget.try_withdraw().is_none(), "four are left");
    budget.succeeded(Some(&retry));
    assert_eq!(drain(&budget), 2);
}

#[test]
fn a_success_that_is_told_before_the_retry_is_sent_comes_back_once() {
    let budget = RetryBudget::quota(Costs { tokens: 10, ..Costs::default() }).expect("it is sound");
    budget.try_withdraw().expect("ten tokens are there").send();
    let retry = budget.try_withdraw().expect("five are left");

    budget.succeeded(Some(&retry));
    drop(retry);

    assert_eq!(drain(&budget), 1);
}

#[test]
fn clones_share_one_budget() {
    let budget = RetryBudget::builder().burst(2).floor_per_second(0).build().expect("it is sound");
    let clone = budget.clone();

    assert_eq!((drain(&budget), drain(&clone)), (2, 0));
    assert_eq!(budget.refused(), 2);
}

#[test]
fn a_budget_can_be_watched() {
    let registry = Registry::new();
    let budget = RetryBudget::builder().name("db").burst(2).floor_per_second(1).build();
    let budget = budget.expect("it is sound");
    budget.register(&registry);
    RetryBudget::quota(Costs::default()).expect("it is sound").register(&registry);
    let fresh = budget.snapshot();

    drain(&budget);

    let [spent] = &registry.snapshots()[..] else { panic!("the quota is gone") };
    assert_eq!((&*spent.pattern, &*spent.name), ("retry_budget", "db"));
    assert_eq!((&*fresh.state, &*spent.state), ("open", "spent"));
    assert_eq!((fresh.gauges["available"], spent.gauges["available"]), (2.0, 0.0));
    assert_eq!(spent.counters["refused"], 1);
    assert_eq!((spent.limits["full"], spent.limits["floor_per_second"]), (2.0, 1.0));
}

#[test]
fn settings_that_cannot_be_are_refused_by_name() {
    let share = RetryBudget::builder;
    let quota = |change: fn(&mut Costs)| {
        let mut costs = Costs::default();
        change(&mut costs);
        RetryBudget::quota(costs)
    };
    for (built, field, value) in [
        (share().ratio(0.0).build(), "ratio", "0"),
        (share().ratio(0.000_9).build(), "ratio", "0.0009"),
        (share().ratio(1.1).build(), "ratio", "1.1"),
        (share().ratio(f64::NAN).build(), "ratio", "NaN"),
        (share().floor_per_second(1_001).build(), "floor_per_second", "1001"),
        (share().burst(0).build(), "burst", "0"),
        (share().burst(1_000_001).build(), "burst", "1000001"),
        (RetryBudget::throttle(0, 0.1), "max_tokens", "0"),
        (RetryBudget::throttle(1_001, 0.1), "max_tokens", "1001"),
        (RetryBudget::throttle(10, 0.0), "ratio", "0"),
        (quota(|costs| costs.tokens = 0), "tokens", "0"),
        (quota(|costs| costs.tokens = u32::MAX), "tokens", "4294967295"),
        (quota(|costs| costs.retry = 0), "retry", "0"),
        (quota(|costs| costs.time_out = 501), "time_out", "501"),
        (quota(|costs| costs.success = u32::MAX), "success", "4294967295"),
    ] {
        let error = built.expect_err("it cannot be");
        assert_eq!((error.field(), error.value()), (field, value), "{error}");
    }
    for full in [
        share().ratio(1.0).burst(1_000_000).floor_per_second(1_000).build(),
        RetryBudget::throttle(1_000, 0.001),
        quota(|costs| {
            *costs = Costs { tokens: 1_000_000, retry: 1, time_out: 1_000_000, success: 1_000_000 }
        }),
    ] {
        full.expect("it can be").succeeded(None);
    }
}
