//! Places: taken, given back, weighed, and more or fewer of them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use seawall_bulkhead::{Bound, Bulkhead, BulkheadBuilder, Error, Permit, Reason};

fn builder(limit: u32) -> BulkheadBuilder {
    Bulkhead::builder("places").limit(limit)
}

fn bulkhead(limit: u32) -> Bulkhead {
    builder(limit).build().expect("the settings are sound")
}

fn bound(bulkhead: &Bulkhead, weight: u32) -> Option<Bound> {
    bulkhead.try_acquire_weighted(weight).expect_err("there is no room").bound()
}

#[test]
fn a_place_comes_back_with_its_permit() {
    let bulkhead = bulkhead(1);
    let permit = bulkhead.try_acquire().expect("it is empty");
    assert_eq!((bound(&bulkhead, 1), bulkhead.in_flight()), (Some(Bound::Limit), 1));

    drop(permit);

    assert_eq!(bulkhead.in_flight(), 0);
    assert!(bulkhead.try_acquire().is_ok());
}

#[test]
fn a_refusal_says_who_refused_and_why() {
    let bulkhead = bulkhead(1);
    let _permit = bulkhead.try_acquire();

    let refused = bulkhead.try_acquire().expect_err("it is full");

    assert_eq!((refused.name(), refused.reason()), ("places", Reason::BulkheadFull));
    assert_eq!(refused.bound(), Some(Bound::Limit));
}

#[test]
fn clones_share_the_places() {
    let bulkhead = bulkhead(1);
    let permit = bulkhead.clone().try_acquire_owned();

    assert!(permit.is_ok());
    assert_eq!(bound(&bulkhead, 1), Some(Bound::Limit));
}

#[test]
fn a_permit_that_owns_outlives_all_handles() {
    let bulkhead = bulkhead(1);
    let permit = bulkhead.try_acquire_owned().expect("it is empty");

    drop(bulkhead);

    assert_eq!(permit.weight(), 1);
}

#[test]
fn a_heavy_call_takes_what_it_weighs() {
    let bulkhead = bulkhead(5);

    let heavy = bulkhead.try_acquire_weighted(3).expect("it is empty");
    assert_eq!((bulkhead.in_flight(), heavy.weight()), (3, 3));
    assert_eq!(bound(&bulkhead, 3), Some(Bound::Limit));
    let _light = bulkhead.try_acquire_weighted(2).expect("there are two left");
    drop(heavy);

    assert_eq!(bulkhead.in_flight(), 2);
}

#[test]
fn a_call_that_weighs_nothing_takes_no_place() {
    let bulkhead = bulkhead(1);
    let _permit = bulkhead.try_acquire();

    let weightless = bulkhead.try_acquire_weighted(0);

    assert!(weightless.is_ok());
    assert_eq!(bulkhead.in_flight(), 1);
}

#[test]
fn a_call_that_can_never_get_in_is_told_so() {
    let bulkhead = bulkhead(5);

    for weight in [6, 1 << 24, u32::MAX] {
        assert_eq!(bound(&bulkhead, weight), Some(Bound::Weight), "{weight}");
    }
    assert_eq!(bulkhead.in_flight(), 0);
}

#[test]
fn a_limit_that_shrinks_drains_and_one_that_grows_is_there_at_once() {
    let bulkhead = bulkhead(10);
    let mut held: Vec<Permit<_>> = (0..10).filter_map(|_| bulkhead.try_acquire().ok()).collect();

    bulkhead.set_limit(5).expect("five is a limit");

    assert_eq!(held.len(), 10, "what is in flight stays");
    while held.len() > 5 {
        assert_eq!(bound(&bulkhead, 1), Some(Bound::Limit), "{} are held", held.len());
        held.pop();
    }
    assert_eq!(bound(&bulkhead, 1), Some(Bound::Limit), "five are held");
    held.pop();
    held.push(bulkhead.try_acquire().expect("four were held"));
    bulkhead.set_limit(10).expect("ten is a limit");
    held.extend((0..10).map_while(|_| bulkhead.try_acquire().ok()));
    assert_eq!((held.len(), bulkhead.in_flight()), (10, 10));
}

#[test]
fn a_limit_that_cannot_be_changes_nothing() {
    let bulkhead = bulkhead(3);

    for limit in [0, 1 << 24, u32::MAX] {
        let error = bulkhead.set_limit(limit).expect_err("no limit");
        assert_eq!(error.field(), "limit");
    }

    assert_eq!((bulkhead.limit(), bulkhead.config().limit), (3, Some(3)));
}

#[test]
fn the_largest_limit_can_be_filled() {
    const MOST: u32 = (1 << 24) - 1;
    let bulkhead = bulkhead(MOST);

    let all = bulkhead.try_acquire_weighted(MOST).expect("it is empty");

    assert_eq!((bulkhead.in_flight(), bulkhead.limit(), bulkhead.waiting()), (MOST, MOST, 0));
    assert_eq!(bound(&bulkhead, 1), Some(Bound::Limit));
    drop(all);
    assert_eq!((bulkhead.in_flight(), bulkhead.limit(), bulkhead.waiting()), (0, MOST, 0));
}

#[test]
fn a_call_that_panics_gives_its_place_back() {
    let bulkhead = bulkhead(1);

    let call = || bulkhead.call_blocking(|| -> Result<(), ()> { panic!("the call") });
    assert!(catch_unwind(AssertUnwindSafe(call)).is_err());

    assert_eq!(bulkhead.in_flight(), 0);
}

#[test]
fn a_call_is_made_in_a_place_or_not_at_all() {
    let bulkhead = bulkhead(1);
    let inside = bulkhead.call_blocking(|| Ok::<_, ()>(bulkhead.in_flight()));
    let failed = bulkhead.call_blocking(|| Err::<(), _>("the call's own"));
    let permit = bulkhead.try_acquire();
    let refused = bulkhead.call_blocking(|| -> Result<(), ()> { panic!("it was called") });

    assert_eq!(inside.ok(), Some(1));
    assert!(matches!(failed, Err(Error::Inner("the call's own"))), "{failed:?}");
    assert!(matches!(refused, Err(Error::Rejected(_))), "{refused:?}");
    drop(permit);
    assert_eq!(bulkhead.in_flight(), 0);
}

#[test]
fn a_snapshot_says_what_is_in_flight_and_what_was_refused() {
    let bulkhead = bulkhead(2);
    assert_eq!(bulkhead.snapshot().state, "open");
    let _permits = bulkhead.try_acquire_weighted(2);
    let _refused = (bulkhead.try_acquire(), bulkhead.try_acquire_weighted(3));

    let snapshot = bulkhead.snapshot();

    assert_eq!(
        (&*snapshot.pattern, &*snapshot.name, &*snapshot.state),
        ("bulkhead", "places", "full")
    );
    assert_eq!((snapshot.gauges["in_flight"], snapshot.limits["limit"]), (2.0, 2.0));
    assert_eq!(snapshot.counters["rejected_limit"], 1);
    assert_eq!(snapshot.counters["rejected_weight"], 1);
}
