//! What is told, and to whom.

use std::sync::Arc;

use parking_lot::Mutex;
use seawall_bulkhead::{Bulkhead, BulkheadBuilder, Clock, Shedding, Turn};

fn builder() -> (BulkheadBuilder, Arc<Mutex<Vec<Turn>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let builder = Bulkhead::builder("events").limit(1).on_event(move |event| {
        assert_eq!(event.name.as_str(), "events");
        listener.lock().push(event.turn);
    });
    (builder, told)
}

#[test]
fn a_limit_that_changes_is_told_once() {
    let (builder, told) = builder();
    let bulkhead = builder.build().expect("sound");

    bulkhead.set_limit(7).expect("seven is a limit");
    bulkhead.set_limit(7).expect("seven is a limit");
    bulkhead.set_limit(0).expect_err("none is no limit");

    let told = told.lock();
    assert!(
        matches!(told[..], [Turn::LimitChanged { from: 1, to: 7, adapted: false, .. }]),
        "{told:?}"
    );
}

#[test]
fn calls_that_are_let_in_and_refused_are_no_events() {
    let (builder, told) = builder();
    let bulkhead = builder.build().expect("sound");

    let _permit = bulkhead.try_acquire();
    let _refused = bulkhead.try_acquire();

    assert_eq!(*told.lock(), []);
}

#[test]
fn shedding_is_told_when_it_begins_and_when_it_ends() {
    let (builder, told) = builder();
    let (clock, _hand) = Clock::manual();
    let rules = Shedding { calls: 100, ..Shedding::default() };
    let bulkhead = builder.clock(clock).shed(rules).seed(1).build().expect("sound");

    let permit = bulkhead.try_acquire();
    (0..300).for_each(|_| drop(bulkhead.try_acquire()));
    assert_eq!(*told.lock(), [Turn::SheddingBegan]);
    drop(permit);
    (0..3000).for_each(|_| drop(bulkhead.try_acquire()));

    assert_eq!(*told.lock(), [Turn::SheddingBegan, Turn::SheddingEnded]);
}

#[cfg(feature = "tokio")]
#[test]
fn an_overload_is_told_when_it_begins_and_when_it_ends() {
    use std::{pin::Pin, time::Duration};

    use seawall_bulkhead::Codel;
    use seawall_test::Task;

    let (builder, told) = builder();
    let (clock, hand) = Clock::manual();
    let builder = builder.clock(clock).queue(4).max_wait(None).codel(Codel::default());
    let bulkhead = builder.build().expect("sound");
    let task = Task::new();
    let wait_for = |time: Duration| {
        let permit = bulkhead.try_acquire();
        let mut acquire = bulkhead.acquire_owned();
        assert!(task.poll(Pin::new(&mut acquire)).is_pending());
        hand.advance(time);
        drop(permit);
    };

    wait_for(Duration::from_millis(200));
    assert_eq!(*told.lock(), [Turn::OverloadBegan]);
    hand.advance(Duration::from_secs(1));
    wait_for(Duration::from_millis(1));

    assert_eq!(*told.lock(), [Turn::OverloadBegan, Turn::OverloadEnded]);
}

#[test]
fn a_listener_that_panics_harms_no_call() {
    let bulkhead = Bulkhead::builder("events").on_event(|_| panic!("the listener"));
    let bulkhead = bulkhead.build().expect("sound");

    bulkhead.set_limit(7).expect("seven is a limit");

    assert_eq!(bulkhead.limit(), 7);
    assert!(bulkhead.try_acquire().is_ok());
}

#[test]
fn a_listener_may_use_the_bulkhead() {
    let cell: Arc<Mutex<Option<Bulkhead>>> = Arc::default();
    let (inner, seen) = (Arc::clone(&cell), Arc::new(Mutex::new(Vec::new())));
    let told = Arc::clone(&seen);
    let bulkhead = Bulkhead::builder("events").limit(1).on_event(move |_| {
        let bulkhead = inner.lock().clone().expect("it was built");
        told.lock().push((
            bulkhead.limit(),
            bulkhead.config().limit,
            bulkhead.try_acquire().is_ok(),
        ));
    });
    let bulkhead = bulkhead.build().expect("sound");
    *cell.lock() = Some(bulkhead.clone());

    bulkhead.set_limit(2).expect("two is a limit");
    *cell.lock() = None;

    assert_eq!(*seen.lock(), [(2, Some(2), true)]);
}
