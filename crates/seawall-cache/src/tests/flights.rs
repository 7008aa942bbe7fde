//! What a cache builds on: publish, poison, and a lead that nobody waits for.

use std::{
    cell::RefCell,
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Poll, Wake, Waker},
};

use seawall_test::Task;

use crate::flight::{Entry, Flights, Landing, Leader, Loads};

type Table = Flights<String, u32>;

fn leads(table: &Table, key: &str) -> Leader<String, u32> {
    match table.join_or_lead(key) {
        Entry::Leads(leader) => leader,
        Entry::Follows(_) => panic!("somebody leads already"),
    }
}

#[test]
fn what_is_published_is_stored_under_its_key_and_comes_back() {
    let (table, store) = (Table::new(), RefCell::new(HashMap::new()));

    let leader = leads(&table, "a");
    let published = leader.publish(1, |key, &value| {
        store.borrow_mut().insert(key.clone(), value);
    });

    assert_eq!(published, (1, true));
    assert_eq!(store.borrow()["a"], 1);
    assert!(table.is_empty());
}

#[test]
fn what_was_poisoned_is_not_stored_and_its_followers_get_it() {
    let table = Table::new();
    let leader = leads(&table, "a");
    let Entry::Follows(mut follower) = table.join_or_lead("a") else { panic!("somebody leads") };

    assert_eq!(table.poison("a", || "removed"), "removed");
    let present = leads(&table, "a");

    assert_eq!(leader.publish(1, |_, _| panic!("it is older")), (1, false));
    let landing = Task::new().enter(|cx| follower.poll(cx));
    assert!(matches!(landing, Poll::Ready(Landing::Landed(1))));
    assert_eq!(present.publish(2, |_, _| ()), (2, true));
    assert_eq!(table.counts().poisoned.get(), 1);
}

#[test]
fn poison_runs_its_step_where_nothing_is_in_flight() {
    let table = Table::new();

    assert_eq!(table.poison("a", || 7), 7);

    assert_eq!(table.counts().poisoned.get(), 0);
}

#[test]
fn a_refresh_leads_only_where_nobody_does() {
    let table = Table::new();

    let refresh = table.try_lead("a").expect("nobody leads");
    assert!(table.try_lead("a").is_none());
    let Entry::Follows(mut follower) = table.join_or_lead("a") else { panic!("a refresh leads") };
    let task = Task::new();
    assert!(task.enter(|cx| follower.poll(cx)).is_pending());
    drop(refresh);
    let next = table.try_lead("a").expect("it is vacant");

    assert_eq!(next.settle(3), 3);
    assert!(matches!(task.enter(|cx| follower.poll(cx)), Poll::Ready(Landing::Landed(3))));
}

#[test]
fn a_refresh_takes_a_free_slot_or_none() {
    let loads = Loads::new(Some(1), 8);

    let held = loads.try_enter().expect("it is free");
    assert!(loads.try_enter().is_none());
    drop(held);

    assert!(loads.try_enter().is_some());
}

#[test]
fn a_store_that_panics_strands_nobody() {
    let table = Table::new();
    let leader = leads(&table, "a");
    let Entry::Follows(mut follower) = table.join_or_lead("a") else { panic!("somebody leads") };
    let task = Task::new();
    assert!(task.enter(|cx| follower.poll(cx)).is_pending());

    let publish = AssertUnwindSafe(|| leader.publish(1, |_, _| panic!("no memory")));
    assert!(catch_unwind(publish).is_err());

    assert_eq!(task.wakes(), 1);
    assert!(matches!(task.enter(|cx| follower.poll(cx)), Poll::Ready(Landing::Leads(_))));
}

/// A waker that asks the table something when it is woken or dropped.
struct ComesBack(Table);

impl Wake for ComesBack {
    fn wake(self: std::sync::Arc<Self>) {}
}

impl Drop for ComesBack {
    fn drop(&mut self) {
        assert_eq!(
            self.0.in_flight() + self.0.following(),
            self.0.in_flight() + self.0.following()
        );
    }
}

/// Promise 6: where it is broken, this test does not end.
#[test]
fn nothing_of_a_callers_is_dropped_under_a_lock() {
    let table = Table::new();
    let waker = || Waker::from(std::sync::Arc::new(ComesBack(table.clone())));
    let asks = |waker: Waker, follower: &mut crate::flight::Follower<String, u32>| {
        assert!(follower.poll(&std::task::Context::from_waker(&waker)).is_pending());
    };
    let follow = || match table.join_or_lead("a") {
        Entry::Follows(follower) => follower,
        Entry::Leads(_) => panic!("somebody leads"),
    };
    let leader = leads(&table, "a");
    leader.watch_desertion();
    for _ in 0..2 {
        assert!(!leader.is_deserted(&std::task::Context::from_waker(&waker())));
    }
    let [mut leaves, mut dozes, mut stays, mut takes_over] = [(); 4].map(|()| follow());
    for follower in [&mut leaves, &mut dozes, &mut stays, &mut takes_over] {
        asks(waker(), follower);
        asks(waker(), follower); // in place of the one before
    }

    drop(leaves);
    dozes.doze();
    drop(leader);
    let noop = &std::task::Context::from_waker(Waker::noop());
    let Poll::Ready(Landing::Leads(leader)) = takes_over.poll(noop) else { panic!("it is vacant") };
    asks(waker(), &mut stays);
    leader.settle(1);

    assert!(matches!(stays.poll(noop), Poll::Ready(Landing::Landed(1))));
    assert!(matches!(dozes.poll(noop), Poll::Ready(Landing::Landed(1))));
}
