//! What a call carries with it: to whom it belongs, and how scopes nest.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
    time::Duration,
};

use seawall_core::{
    Clock, Context, Deadline, ManualClock, Nanos, Priority, context, deadline, priority,
};
use seawall_test::{Scripted, Step, Task};

const SECOND: Duration = Duration::from_secs(1);

/// A context with so many seconds left on a manual clock, and the clock's hand.
fn seconds(count: u32) -> (Context, ManualClock) {
    let (clock, hand) = Clock::manual();
    (Context::new().with_deadline(Deadline::after_on(clock, SECOND * count)), hand)
}

/// What is left when `inner` runs inside of `outer`.
fn nested(outer: &Context, inner: &Context) -> Option<Duration> {
    outer.run(|| inner.run(deadline::remaining))
}

async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|_| {
        let was = std::mem::replace(&mut yielded, true);
        if was { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[test]
fn outside_of_any_scope_nothing_is_set() {
    assert!(context::current().deadline().is_none());
    assert_eq!(context::current().priority(), None);
    assert_eq!(deadline::remaining(), None);
    assert_eq!(priority::current(), Priority::NORMAL);
}

#[test]
fn a_scope_inside_can_shorten_the_deadline() {
    let ((outer, _), (inner, _)) = (seconds(60), seconds(2));

    assert_eq!(nested(&outer, &inner), Some(2 * SECOND));
}

#[test]
fn a_scope_inside_cannot_lengthen_the_deadline() {
    let ((outer, _), (inner, _)) = (seconds(2), seconds(60));

    assert_eq!(nested(&outer, &inner), Some(2 * SECOND));
}

#[test]
fn a_scope_without_a_deadline_keeps_the_outer_one() {
    let (outer, _) = seconds(2);
    let inner = Context::new().with_priority(Priority::LOW);

    assert_eq!(nested(&outer, &inner), Some(2 * SECOND));
}

#[test]
fn deadlines_of_different_clocks_are_compared_by_the_time_they_leave() {
    let ((outer, outer_hand), (inner, _)) = (seconds(60), seconds(10));
    outer_hand.set(Nanos::from_secs(1_000_000)); // this clock tells quite other moments
    assert_eq!(nested(&outer, &inner), Some(Duration::ZERO));

    let ((outer, outer_hand), (inner, _)) = (seconds(60), seconds(10));
    outer_hand.advance(Duration::from_secs(55));

    assert_eq!(nested(&outer, &inner), Some(5 * SECOND));
}

#[test]
fn the_priority_is_the_innermost_one_s() {
    let low = Context::new().with_priority(Priority::LOW);
    let high = Context::new().with_priority(Priority::HIGH);
    let silent = Context::new();

    assert_eq!(low.run(|| high.run(priority::current)), Priority::HIGH);
    assert_eq!(high.run(|| low.run(priority::current)), Priority::LOW);
    assert_eq!(high.run(|| silent.run(priority::current)), Priority::HIGH);
}

#[test]
fn the_outer_context_is_back_when_the_inner_one_ends() {
    let (outer, _) = seconds(60);
    let (inner, _) = seconds(2);

    outer.run(|| {
        inner.run(|| {});

        assert_eq!(deadline::remaining(), Some(60 * SECOND));
    });

    assert_eq!(deadline::remaining(), None);
}

#[test]
fn the_outer_context_is_back_after_a_panic() {
    let (outer, _) = seconds(60);
    let (inner, _) = seconds(2);

    outer.run(|| {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            inner.run(|| std::panic::resume_unwind(Box::new("inside")))
        }));

        assert!(panicked.is_err());
        assert_eq!(deadline::remaining(), Some(60 * SECOND));
    });
}

#[test]
fn the_outer_context_is_back_after_a_future_has_panicked() {
    let panics = async { std::panic::resume_unwind(Box::new("inside")) };
    let mut scoped = pin!(priority::scope(Priority::HIGH, async {
        let () = panics.await;
    }));

    let task = Task::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| task.poll(scoped.as_mut()).is_ready()));

    assert!(panicked.is_err());
    assert_eq!(priority::current(), Priority::NORMAL);
}

#[test]
fn two_tasks_on_one_thread_keep_their_own_context() {
    async fn twice() -> [Priority; 2] {
        let before = priority::current();
        yield_once().await;
        [before, priority::current()]
    }
    let task = Task::new();
    let mut low = pin!(priority::scope(Priority::LOW, twice()));
    let mut high = pin!(priority::scope(Priority::HIGH, twice()));

    assert!(task.poll(low.as_mut()).is_pending());
    assert!(task.poll(high.as_mut()).is_pending());
    assert_eq!(priority::current(), Priority::NORMAL); // between polls nobody's is there
    let low = task.poll(low);
    let high = task.poll(high);

    assert_eq!(low, Poll::Ready([Priority::LOW; 2]));
    assert_eq!(high, Poll::Ready([Priority::HIGH; 2]));
}

#[test]
fn a_task_that_moves_to_another_thread_takes_its_context_along() {
    let (edge, _hand) = seconds(7);
    let mut scoped = Box::pin(edge.scope(async {
        yield_once().await;
        deadline::remaining()
    }));
    assert!(Task::new().poll(scoped.as_mut()).is_pending());

    let there = std::thread::spawn(move || Task::new().poll(scoped.as_mut()));

    assert_eq!(there.join().unwrap(), Poll::Ready(Some(7 * SECOND)));
}

#[test]
fn a_spawned_task_starts_without_and_can_be_given_one() {
    let (edge, _hand) = seconds(7);

    let (without, with) = edge.run(|| {
        let carried = context::current();
        let without = std::thread::spawn(deadline::remaining).join().unwrap();
        let with = std::thread::spawn(move || carried.run(deadline::remaining)).join().unwrap();
        (without, with)
    });

    assert_eq!((without, with), (None, Some(7 * SECOND)));
}

#[test]
fn a_scope_tightens_the_one_that_it_is_polled_in() {
    let ((outer, _), (inner, _)) = (seconds(2), seconds(60));
    let mut scoped = pin!(inner.scope(async { deadline::remaining() }));

    let left = outer.run(|| Task::new().poll(scoped.as_mut()));

    assert_eq!(left, Poll::Ready(Some(2 * SECOND)));
}

#[test]
fn scopes_of_futures_nest_as_those_of_closures_do() {
    let left = deadline::scope(2 * SECOND, async {
        deadline::scope(60 * SECOND, async { deadline::remaining() }).await
    });

    let Poll::Ready(Some(left)) = Task::new().poll(pin!(left)) else {
        panic!("it neither waits nor forgets");
    };
    assert!(left <= 2 * SECOND, "{left:?}");
}

#[test]
fn a_deadline_has_passed_at_its_very_moment() {
    let (clock, hand) = Clock::manual();
    let deadline = Deadline::after_on(clock, SECOND);

    hand.advance(SECOND - Duration::from_nanos(1));
    assert!(!deadline.has_passed());
    assert_eq!(deadline.remaining(), Duration::from_nanos(1));
    hand.advance(Duration::from_nanos(1));

    assert!(deadline.has_passed());
    assert_eq!(deadline.remaining(), Duration::ZERO);
}

#[test]
fn a_deadline_at_the_end_of_time_never_passes() {
    let (clock, hand) = Clock::manual();
    let deadline = Deadline::after_on(clock, Duration::MAX);

    hand.advance(Duration::from_secs(500 * 365 * 86_400));

    assert!(!deadline.has_passed());
}

#[test]
fn the_lesser_of_two_deadlines_is_symmetric() {
    let (clock, _hand) = Clock::manual();
    let short = Deadline::after_on(clock.clone(), SECOND);
    let long = Deadline::after_on(clock, 2 * SECOND);

    assert_eq!(short.clone().min(long.clone()).remaining(), SECOND);
    assert_eq!(long.min(short).remaining(), SECOND);
}

/// A clock of the user's may well log, and a logger may look at the context.
#[test]
fn a_clock_may_look_at_the_context() {
    let nosy = || {
        Clock::custom(|| {
            let _ = context::current();
            Nanos::from_secs(5)
        })
    };
    let outer = Context::new().with_deadline(Deadline::after_on(nosy(), 3 * SECOND));
    let inner = Context::new().with_deadline(Deadline::after_on(nosy(), 2 * SECOND));

    assert_eq!(nested(&outer, &inner), Some(2 * SECOND));
}

#[test]
fn priorities_are_ordered_with_room_between() {
    let levels =
        [Priority::LOWEST, Priority::LOW, Priority::NORMAL, Priority::HIGH, Priority::CRITICAL];

    assert!(levels.is_sorted());
    assert!(levels.windows(2).all(|pair| pair[1].0 - pair[0].0 > 10));
    assert_eq!(Priority::default(), Priority::NORMAL);
}

#[test]
fn a_context_and_its_scope_show_what_they_hold() {
    let (edge, _hand) = seconds(7);

    let context = format!("{edge:?}");
    let scope = format!("{:?}", edge.scope(std::future::ready(())));

    assert!(context.contains("Deadline(in 7s)"), "{context}");
    assert!(scope.contains("Deadline(in 7s)"), "{scope}");
}

#[test]
fn a_service_called_in_a_scope_sees_it() {
    use tower::{Service, ServiceExt};
    let mut service = Scripted::new([Step::Ok]).map_request(|_: ()| priority::current());

    let mut scoped = pin!(priority::scope(Priority::HIGH, async { service.call(()).await }));

    assert_eq!(Task::new().poll(scoped.as_mut()), Poll::Ready(Ok(Priority::HIGH)));
}
