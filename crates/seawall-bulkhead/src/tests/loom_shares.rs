//! Models of a limit in parts; the promises are those of [`crate::machine`].

use seawall_core::Bound;

use super::{
    hall::{Hall, OF_A, OF_B, ONE},
    model, race, race_of_three,
};
use crate::machine::Call;

const TWO_OF_B: Call = Call { share: 2, weight: 2 };

/// Promise 1: two shares together have no more than there is, and each counts what is its own.
///
/// Caught when broken: with a share that lets in by its own count alone; with one that goes on
/// counting a call that was refused.
#[test]
fn shares_together_have_no_more_than_there_is() {
    model(|| {
        let hall = Hall::in_halves(2, 0);
        hall.enter(ONE);

        let (a, b) = race(&hall, |hall| hall.try_enter(OF_A), |hall| hall.try_enter(OF_B));

        assert!(a.is_ok() != b.is_ok(), "{a:?} and {b:?}");
        assert_eq!(hall.seen(), (2, 2, 0));
        assert_eq!(hall.shares(), [(1, u32::from(a.is_ok())), (1, u32::from(b.is_ok()))]);
    });
}

/// Promises 1 and 4: all comes back to each share, from those who wait too.
///
/// Caught when broken: with a grant that is not counted in the share; with a waiter who goes away
/// after a grant and gives the place back to the word alone.
#[test]
fn all_comes_back_to_the_shares() {
    model(|| {
        let hall = Hall::in_halves(2, 8);
        hall.enter(OF_A);
        hall.enter(OF_A);
        let waits = hall.asleep(OF_B);

        let (_, asked) = race(
            &hall,
            |hall| hall.leave(OF_A),
            move |hall| {
                hall.cancel(&waits);
                hall.ask(OF_B)
            },
        );

        assert!(hall.is_in(&asked), "{asked:?}");
        assert_eq!(hall.shares(), [(1, 1), (1, 1)]);
        hall.leave(OF_B);
        hall.leave(OF_A);
        hall.is_as_new(2);
    });
}

/// Promise 5: what was lent goes back to its share with the first call that ends, though one of
/// the other share waits before it, and another one comes meanwhile.
///
/// Caught when broken: with a turn by rank alone; with a `try_enter` that passes those who wait.
#[test]
fn what_was_lent_goes_back_to_its_share() {
    model(|| {
        let hall = Hall::in_halves(2, 8);
        hall.enter(TWO_OF_B);
        let (borrower, owner) = (hall.asleep(OF_B), hall.asleep(OF_A));

        let (_, tried) = race(&hall, |hall| hall.leave(OF_B), |hall| hall.try_enter(OF_B));

        assert_eq!(tried, Err(Bound::Limit));
        assert_eq!(hall.look_after(&owner), Some(Ok(())));
        assert_eq!(hall.look_after(&borrower), None);
        assert_eq!(hall.shares(), [(1, 1), (1, 1)]);
    });
}

/// Promise 5 without a queue: who asked for his own place in vain finds it once a call ends, and not
/// lent again meanwhile.
///
/// Caught when broken: with a share that keeps nothing free; with one that keeps its places free of
/// its own calls.
#[test]
fn what_was_asked_for_in_vain_is_not_lent_again() {
    model(|| {
        let hall = Hall::in_halves(2, 0);
        hall.enter(TWO_OF_B);
        assert_eq!(hall.try_enter(OF_A), Err(Bound::Limit));

        let (_, borrowed) = race(&hall, |hall| hall.leave(OF_B), |hall| hall.try_enter(OF_B));

        assert!(borrowed.is_err(), "it was to be kept free");
        hall.enter(OF_A);
        assert_eq!(hall.shares(), [(1, 1), (1, 1)]);
    });
}

/// Promises 2 and 5: one who tries and is refused changes nobody's turn.
///
/// Caught when broken: with a share that counts whoever tries before it is known that somebody waits,
/// the one who leaves thinks that the share has all that is its own, and serves nobody.
#[test]
fn whoever_is_refused_changes_nobodys_turn() {
    model(|| {
        let hall = Hall::in_halves(2, 8);
        hall.enter(OF_A);
        hall.enter(OF_B);
        let (heavy, owner) = (hall.asleep(TWO_OF_B), hall.asleep(OF_A));

        race(&hall, |hall| hall.leave(OF_A), |hall| hall.try_enter(OF_A).expect_err("others wait"));

        assert_eq!(hall.look_after(&owner), Some(Ok(())));
        assert_eq!(hall.look_after(&heavy), None);
    });
}

/// Promises 2 and 5: as before, where those who wait come only after he tried.
///
/// Caught when broken: without the `serve` after a call that was counted and then refused.
#[test]
fn whoever_is_refused_late_changes_nobodys_turn() {
    model(|| {
        let hall = Hall::in_halves(2, 8);
        hall.enter(OF_B);

        let (tried, (heavy, owner)) =
            race(&hall, |hall| hall.try_enter(OF_A), |hall| (hall.ask(TWO_OF_B), hall.ask(OF_A)));

        match tried {
            Ok(()) => assert_eq!(hall.seen(), (2, 2, 2)),
            Err(_) => {
                assert!(hall.is_in(&owner), "{owner:?} behind {heavy:?}");
                assert_eq!(hall.seen(), (2, 2, 1));
            }
        }
    });
}

/// Of two who change the limit, the one whose limit stays is the one whom the shares follow.
///
/// Caught when broken: with a share that is resized by a Relaxed swap, or without a second look at
/// the limit.
#[test]
fn the_shares_follow_the_limit_that_stays() {
    model(|| {
        let hall = Hall::in_halves(2, 0);

        race(&hall, |hall| hall.set_limit(4), |hall| hall.set_limit(8));

        let (limit, ..) = hall.seen();
        assert_eq!(hall.shares(), [(limit / 2, 0), (limit / 2, 0)]);
    });
}

/// A limit that changes loses nothing of what a share counts.
///
/// Caught when broken: with a store to the share's word.
#[test]
fn a_share_that_is_resized_keeps_its_count() {
    model(|| {
        let hall = Hall::in_halves(2, 0);
        hall.enter(OF_A);

        race_of_three(
            &hall,
            |hall| hall.set_limit(4),
            |hall| hall.leave(OF_A),
            |hall| hall.enter(OF_B),
        );

        assert_eq!(hall.shares(), [(2, 0), (2, 1)]);
        assert_eq!(hall.seen(), (4, 1, 0));
    });
}

/// Promises 2 and 5: one who waits for a place that a new limit makes his own is let in, though he
/// came before the shares followed the limit.
///
/// Caught when broken: without a `serve` after the shares were resized.
#[test]
fn a_share_that_grows_serves_who_waits_for_its_own() {
    model(|| {
        let hall = Hall::in_halves(2, 8);
        hall.enter(OF_A);
        hall.enter(OF_B);

        let (_, (heavy, owner)) = race(
            &hall,
            |hall| hall.set_limit(4),
            |hall| (hall.ask(Call { share: 2, weight: 3 }), hall.ask(OF_A)),
        );

        assert!(hall.is_in(&owner), "{owner:?} behind {heavy:?}");
    });
}
