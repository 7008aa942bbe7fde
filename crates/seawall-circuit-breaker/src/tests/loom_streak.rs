//! Models of the failures in a row; the promises are those of [`crate::machine::streak`].

use std::sync::Arc;

use seawall_core::model::{model, race, race_of_three};

use super::loom_circuit::Beside;
use crate::machine::streak::Streak;

fn streak_of(failures: u32) -> Arc<Beside<Streak>> {
    let streak = Beside::new(Streak::new());
    for _ in 0..failures {
        streak.failure(streak.generation(0));
    }
    Arc::new(streak)
}

/// Promise 1: two failures and a success come out as in one of the orders that they can have.
///
/// Caught when broken: with a store in `change`, two failures both count to 2.
#[test]
fn a_success_ends_the_streak_in_some_order() {
    model(|| {
        let streak = streak_of(1);

        let (first, second, ()) = race_of_three(
            &streak,
            |streak| streak.failure(streak.generation(0)),
            |streak| streak.failure(streak.generation(0)),
            |streak| streak.success(streak.generation(0)),
        );

        let (sooner, later) = (first.min(second), first.max(second));
        match (sooner, later, streak.failures(0)) {
            (1, 2, 2) => {} // the success came first
            (1, 2, 1) => {} // between them
            (2, 3, 0) => {} // last
            other => panic!("no order of the three calls comes to {other:?}"),
        }
    });
}

/// Promise 2: calls of the generation before neither end a streak nor add to it.
///
/// Caught when broken: where a late call sets the word to its generation, or counts in the later
/// one, the new streak is not 1, 2; where a success just stores, it ends the later one; with
/// a swap that is Relaxed, or without the fence in `is_over`, the late one does not see that it is.
#[test]
fn a_call_of_an_earlier_generation_changes_nothing() {
    model(|| {
        let streak = streak_of(1);

        let (late, (), own) = race_of_three(
            &streak,
            |streak| streak.failure(streak.generation(0)),
            |streak| streak.success(streak.generation(0)),
            |streak| {
                streak.turn(1);
                [(); 2].map(|()| streak.failure(streak.generation(1)))
            },
        );

        assert_eq!(own, [1, 2]);
        assert_eq!(streak.failures(1), 2);
        assert!(late <= 2, "what there was before it, and itself: {late}");
    });
}

/// Promise 1, where it must be seen at once: what a caller did before is in what it counts next.
///
/// Caught when broken: with a store in `change`, another's failure brings back what a success
/// ended.
#[test]
fn a_caller_counts_its_own_calls() {
    model(|| {
        let streak = streak_of(0);

        let (_, own) = race(
            &streak,
            |streak| streak.failure(streak.generation(0)),
            |streak| {
                streak.failure(streak.generation(0));
                streak.success(streak.generation(0));
                streak.failures(0)
            },
        );

        assert!(own <= 1, "the other's at most: {own}");
    });
}
