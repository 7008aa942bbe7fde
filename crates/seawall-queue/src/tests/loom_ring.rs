//! Models of those who wait, and of who calls them; the promises are those of [`crate::ring`].
//!
//! Each was seen to fail with the broken variant that it names.

use std::sync::Arc;

use seawall_core::model::{model, race};

use super::sleeper::{For, Sleeper, receives, sends};
use crate::ring::{Receiver, Sender, TrySendError, bounded};

type Ends = (Sender<u8>, Receiver<u8>);

fn ring(capacity: usize) -> Ends {
    bounded(capacity).expect("it is allowed")
}

/// A ring of so many that is full of `1`, `2`, ...
fn full(capacity: u8) -> Ends {
    let ends = ring(capacity.into());
    (1..=capacity).for_each(|n| ends.0.try_send(n).expect("there is room"));
    ends
}

fn rest(receiver: &Receiver<u8>) -> Vec<u8> {
    receiver.drain().collect()
}

/// Promise 4: who goes to sleep while a value comes, is woken for it.
///
/// Caught when broken: without the fence of `notify`, or that of `sit`, or the second look after it.
#[test]
fn a_receiver_that_falls_asleep_is_woken() {
    model(|| {
        let (sender, receiver) = ring(1);
        let shared = Arc::new((sender, For::one(receives(&receiver))));
        let (sent, mut receives) = race(
            &shared,
            |(sender, _)| sender.try_send(1),
            |(_, receives)| {
                let mut receives = receives.take();
                receives.poll();
                receives
            },
        );

        assert_eq!(sent, Ok(()));
        Sleeper::run(&mut [&mut receives]);
        assert_eq!(receives.end(), Some(1));
    });
}

/// Promise 4, at the other end.
///
/// Caught when broken: as above; without the `notify` in `popped`.
#[test]
fn a_sender_that_falls_asleep_is_woken() {
    model(|| {
        let (sender, receiver) = full(1);
        let shared = Arc::new((receiver, For::one(sends(&sender, 2))));
        let (received, mut sends) = race(
            &shared,
            |(receiver, _)| receiver.try_recv(),
            |(_, sends)| {
                let mut sends = sends.take();
                sends.poll();
                sends
            },
        );

        assert_eq!(received, Ok(1));
        Sleeper::run(&mut [&mut sends]);
        assert!(sends.end());
        assert_eq!(rest(&shared.0), [2]);
    });
}

/// Promise 4: a value that lies behind a gap when receivers go to sleep. Who closes the gap calls for both.
///
/// Caught when broken: with a `call` that calls once.
#[test]
fn a_value_behind_a_gap_is_called_for() {
    model(|| {
        let (sender, receiver) = ring(2);
        let tasks = For::one([receives(&receiver), receives(&receiver)]);
        let shared = Arc::new((sender, tasks));
        let (_, mut tasks) = race(
            &shared,
            |(sender, _)| sender.try_send(1).expect("there is room"),
            |(sender, tasks)| {
                sender.try_send(2).expect("there is room");
                let mut tasks = tasks.take();
                tasks.iter_mut().for_each(Sleeper::poll);
                tasks
            },
        );

        let [one, other] = &mut tasks;
        assert!(one.is_awake() && other.is_awake(), "neither waits for the other one's answer");
        Sleeper::run(&mut [one, other]);
        let mut values = [one.end(), other.end()];
        values.sort_unstable();
        assert_eq!(values, [Some(1), Some(2)]);
    });
}

/// Promise 4, at the other end: a free slot behind one that is about to be free.
///
/// Caught when broken: with a `call` that calls once.
#[test]
fn a_free_slot_behind_a_gap_is_called_for() {
    model(|| {
        let (sender, receiver) = full(2);
        let tasks = For::one([sends(&sender, 3), sends(&sender, 4)]);
        let shared = Arc::new((receiver, tasks));
        let (one, (other, mut tasks)) = race(
            &shared,
            |(receiver, _)| receiver.try_recv().expect("it is full"),
            |(receiver, tasks)| {
                let value = receiver.try_recv().expect("it is full");
                let mut tasks = tasks.take();
                tasks.iter_mut().for_each(Sleeper::poll);
                (value, tasks)
            },
        );

        assert_eq!(one + other, 3);
        let [one, other] = &mut tasks;
        assert!(one.is_awake() && other.is_awake(), "neither waits for the other one's answer");
        Sleeper::run(&mut [one, other]);
        assert!(one.end() && other.end());
        assert_eq!(rest(&shared.0).len(), 2);
    });
}

/// Promise 6: who is called and goes away without looking hands the call on.
///
/// Caught when broken: with a `leave` that never says that it was called.
#[test]
fn a_receiver_that_goes_hands_its_call_on() {
    model(|| {
        let (sender, receiver) = ring(1);
        let goes = For::one(receives(&receiver).asleep());
        let mut stays = receives(&receiver).asleep();
        let shared = Arc::new((sender, goes));
        race(
            &shared,
            |(sender, _)| sender.try_send(1).expect("there is room"),
            |(_, goes)| drop(goes.take()),
        );

        Sleeper::run(&mut [&mut stays]);
        assert_eq!(stays.end(), Some(1));
    });
}

/// Promise 6, at the other end; and what was not sent is not received.
///
/// Caught when broken: with a `leave` that never says that it was called.
#[test]
fn a_sender_that_goes_hands_its_call_on() {
    model(|| {
        let (sender, receiver) = full(1);
        let goes = For::one(sends(&sender, 2).asleep());
        let mut stays = sends(&sender, 3).asleep();
        let shared = Arc::new((receiver, goes));
        let (received, ()) =
            race(&shared, |(receiver, _)| receiver.try_recv(), |(_, goes)| drop(goes.take()));

        assert_eq!(received, Ok(1));
        Sleeper::run(&mut [&mut stays]);
        assert!(stays.end());
        assert_eq!(rest(&shared.0), [3]);
    });
}

/// Promise 4: who is polled without having been called may take a value, and be called for the next one in
/// the same moment. That call is handed on.
///
/// Caught when broken: with a `leave` after which nobody is called where something was taken.
#[test]
fn who_takes_a_value_and_is_called_for_another_hands_the_call_on() {
    model(|| {
        let (sender, receiver) = ring(2);
        let polled = For::one(receives(&receiver).asleep());
        let mut sleeps = receives(&receiver).asleep();
        let shared = Arc::new((sender, polled));
        let (_, mut polled) = race(
            &shared,
            |(sender, _)| [1, 2].map(|n| sender.try_send(n).expect("there is room")),
            |(_, polled)| {
                let mut polled = polled.take();
                polled.poll();
                polled
            },
        );

        Sleeper::run(&mut [&mut polled, &mut sleeps]);
        let mut values = [polled.end(), sleeps.end()];
        values.sort_unstable();
        assert_eq!(values, [Some(1), Some(2)]);
    });
}

/// Promise 5: as many values as sleepers, and each sleeper is woken once.
///
/// Caught when broken: with a rule that does not look at `called`; with a `call` that calls once.
#[test]
fn one_value_wakes_one() {
    model(|| {
        let (sender, receiver) = ring(2);
        let mut tasks = [(); 3].map(|()| receives(&receiver).asleep());
        let shared = Arc::new(sender);
        race(
            &shared,
            |sender| sender.try_send(1).expect("there is room"),
            |sender| sender.try_send(2).expect("there is room"),
        );

        assert_eq!(tasks.iter().map(Sleeper::wakes).sum::<usize>(), 2);
        let [one, two, three] = &mut tasks;
        Sleeper::run(&mut [one, two, three]);
        assert!(one.end().is_some() && two.end().is_some());
    });
}

/// Promise 4, for a batch: it calls a sender for each slot.
///
/// Caught when broken: with a `call` that calls once; with a `pop_many` without `popped`.
#[test]
fn a_batch_calls_for_all_that_it_took() {
    model(|| {
        let (sender, receiver) = full(2);
        let falls = For::one(sends(&sender, 3));
        let mut sleeps = sends(&sender, 4).asleep();
        let shared = Arc::new((receiver, falls));
        let (values, mut falls) = race(
            &shared,
            |(receiver, _)| {
                let mut values = Vec::new();
                assert_eq!(receiver.try_recv_many(&mut values, 2), Ok(2));
                values
            },
            |(_, falls)| {
                let mut falls = falls.take();
                falls.poll();
                falls
            },
        );

        assert_eq!(values, [1, 2]);
        assert!(falls.is_awake() && sleeps.is_awake(), "neither waits for the other one's answer");
        Sleeper::run(&mut [&mut falls, &mut sleeps]);
        assert!(falls.end() && sleeps.end());
    });
}

/// Promise 7: a close wakes those who sleep, and those who fall asleep meanwhile.
///
/// Caught when broken: with a `close` that wakes first and shuts then; without the look after one sat down.
#[test]
fn a_close_wakes_receivers() {
    model(|| {
        let (sender, receiver) = ring(1);
        let falls = For::one(receives(&receiver));
        let mut sleeps = receives(&receiver).asleep();
        let shared = Arc::new((sender, falls));
        let (_, mut falls) = race(
            &shared,
            |(sender, _)| assert!(sender.close()),
            |(_, falls)| {
                let mut falls = falls.take();
                falls.poll();
                falls
            },
        );

        assert!(falls.is_awake() && sleeps.is_awake(), "neither waits for the other one's answer");
        Sleeper::run(&mut [&mut falls, &mut sleeps]);
        assert_eq!([falls.end(), sleeps.end()], [None, None]);
    });
}

/// Promise 7, at the other end: a sender that sleeps, or falls asleep, gets its value back.
///
/// Caught when broken: as above.
#[test]
fn a_close_wakes_senders() {
    model(|| {
        let (sender, receiver) = full(1);
        let falls = For::one(sends(&sender, 2));
        let mut sleeps = sends(&sender, 3).asleep();
        let shared = Arc::new((receiver, falls));
        let (_, mut falls) = race(
            &shared,
            |(receiver, _)| assert!(receiver.close()),
            |(_, falls)| {
                let mut falls = falls.take();
                falls.poll();
                falls
            },
        );

        assert!(falls.is_awake() && sleeps.is_awake(), "neither waits for the other one's answer");
        Sleeper::run(&mut [&mut falls, &mut sleeps]);
        assert!(!falls.end() && !sleeps.end());
        assert_eq!(rest(&shared.0), [1]);
    });
}

/// Promise 7: receivers who find a gap after the close. A passer-by takes the value, and the end is theirs,
/// of both of them at once.
///
/// Caught when broken: with a `popped` that does not call receivers at the end.
#[test]
fn after_the_last_value_all_learn_of_the_end() {
    model(|| {
        let (sender, receiver) = ring(1);
        let tasks = For::one([receives(&receiver), receives(&receiver)]);
        let shared = Arc::new((sender, tasks));
        let (sent, mut tasks) = race(
            &shared,
            |(sender, _)| sender.try_send(1),
            |(sender, tasks)| {
                sender.close();
                let mut tasks = tasks.take();
                tasks.iter_mut().for_each(Sleeper::poll);
                tasks
            },
        );
        let passer_by = receiver.try_recv().ok();

        let [one, other] = &mut tasks;
        assert!(one.is_awake() && other.is_awake(), "neither waits for the other one's answer");
        Sleeper::run(&mut [one, other]);
        let mut values = [passer_by, one.end(), other.end()];
        values.sort_unstable();
        match sent {
            Ok(()) => assert_eq!(values, [None, None, Some(1)]),
            Err(TrySendError::Closed(1)) => assert_eq!(values, [None, None, None]),
            Err(other) => panic!("{other:?}"),
        }
    });
}

/// Promise 7, where nobody closes it: the last of two senders that go at once does.
///
/// Caught when broken: with a count that is read, and written one less.
#[test]
fn the_last_sender_that_goes_closes() {
    model(|| {
        let (sender, receiver) = ring(1);
        let mut sleeps = receives(&receiver).asleep();
        let shared = Arc::new((For::one(sender.clone()), For::one(sender)));
        race(
            &shared,
            |(one, _)| {
                let one = one.take();
                one.try_send(1).expect("there is room");
            },
            |(_, other)| drop(other.take()),
        );

        Sleeper::run(&mut [&mut sleeps]);
        assert_eq!(sleeps.end(), Some(1));
        let mut end = receives(&receiver);
        end.poll();
        assert_eq!(end.end(), None);
    });
}
