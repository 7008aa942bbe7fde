//! The ring as its users meet it, one promise a test; the promises are those of `seawall_queue::ring`.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread,
};

use seawall_queue::ring::{Receiver, SendError, Sender, TryRecvError, TrySendError, bounded};
use seawall_test::Task;

fn ring<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    bounded(capacity).expect("it is allowed")
}

#[test]
fn it_holds_as_many_as_it_was_told() {
    for capacity in [1, 2, 3, 5, 64, 100] {
        let (sender, receiver) = ring(capacity);

        let sent = (0..).take_while(|&n| sender.try_send(n).is_ok()).count();

        assert_eq!((sent, sender.len(), sender.capacity()), (capacity, capacity, capacity));
        assert_eq!(receiver.drain().collect::<Vec<_>>(), (0..capacity).collect::<Vec<_>>());
        assert!(receiver.is_empty());
    }
}

#[test]
fn a_ring_of_none_is_refused_with_a_reason() {
    let error = bounded::<u8>(0).expect_err("it could hold nothing");

    assert_eq!((error.field(), error.value()), ("capacity", "0"));
    assert!(error.rule().starts_with("a number from 1 to "));
}

#[test]
fn a_dropped_send_sends_nothing_and_its_room_is_the_next_ones() {
    let (sender, receiver) = ring(1);
    sender.try_send(1).expect("there is room");
    let tasks = [Task::new(), Task::new()];
    let mut goes = Box::pin(sender.send(2));
    let mut stays = pin!(sender.send(3));
    assert!(tasks[0].poll(goes.as_mut()).is_pending());
    assert!(tasks[1].poll(stays.as_mut()).is_pending());

    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!([tasks[0].wakes(), tasks[1].wakes()], [1, 0]);
    drop(goes);

    assert_eq!(tasks[1].wakes(), 1);
    assert_eq!(tasks[1].poll(stays), Poll::Ready(Ok(())));
    assert_eq!(receiver.drain().collect::<Vec<_>>(), [3]);
}

#[test]
fn a_dropped_receive_takes_nothing_and_its_value_is_the_next_ones() {
    let (sender, receiver) = ring(1);
    let tasks = [Task::new(), Task::new()];
    let mut goes = Box::pin(receiver.recv());
    let mut stays = pin!(receiver.recv());
    assert!(tasks[0].poll(goes.as_mut()).is_pending());
    assert!(tasks[1].poll(stays.as_mut()).is_pending());

    sender.try_send(1).expect("there is room");
    assert_eq!([tasks[0].wakes(), tasks[1].wakes()], [1, 0]);
    drop(goes);

    assert_eq!(tasks[1].wakes(), 1);
    assert_eq!(tasks[1].poll(stays), Poll::Ready(Some(1)));
}

#[test]
fn who_was_called_and_found_nothing_keeps_his_place() {
    let (sender, receiver) = ring(1);
    let tasks = [Task::new(), Task::new()];
    let (mut first, mut second) = (pin!(receiver.recv()), pin!(receiver.recv()));
    assert!(tasks[0].poll(first.as_mut()).is_pending());
    assert!(tasks[1].poll(second.as_mut()).is_pending());

    sender.try_send(1).expect("there is room");
    assert_eq!(receiver.try_recv(), Ok(1), "a passer-by is faster");
    assert!(tasks[0].poll(first.as_mut()).is_pending());
    sender.try_send(2).expect("there is room");

    assert_eq!([tasks[0].wakes(), tasks[1].wakes()], [2, 0]);
    assert_eq!(tasks[0].poll(first), Poll::Ready(Some(2)));
}

#[test]
fn a_future_that_moves_to_another_task_wakes_that_one() {
    let (sender, receiver) = ring(1);
    let (before, after) = (Task::new(), Task::new());
    let mut receives = pin!(receiver.recv());
    assert!(before.poll(receives.as_mut()).is_pending());
    assert!(after.poll(receives.as_mut()).is_pending());

    sender.try_send(1).expect("there is room");

    assert_eq!([before.wakes(), after.wakes()], [0, 1]);
}

#[test]
fn a_close_gives_senders_their_values_back_and_receivers_what_is_there() {
    let (sender, receiver) = ring(1);
    sender.try_send(1).expect("there is room");
    let task = Task::new();
    let mut sends = pin!(sender.send(2));
    assert!(task.poll(sends.as_mut()).is_pending());

    assert!(receiver.close());
    assert!(!sender.close(), "it is closed");

    assert_eq!(task.wakes(), 1);
    assert_eq!(task.poll(sends), Poll::Ready(Err(SendError(2))));
    assert_eq!(sender.try_send(3), Err(TrySendError::Closed(3)));
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(receiver.recv_blocking(), None);
    assert_eq!(sender.send_blocking(4), Err(SendError(4)));
}

#[test]
fn the_last_sender_closes_and_not_the_one_before() {
    let (sender, receiver) = ring(2);
    let other = sender.clone();

    drop(sender);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    other.try_send(1).expect("there is room");
    drop(other);

    assert_eq!(receiver.recv_blocking(), Some(1));
    assert_eq!(receiver.recv_blocking(), None);
}

#[test]
fn the_last_receiver_closes_and_drops_what_is_there() {
    let (sender, receiver) = ring(2);
    let (value, other) = (Arc::new(()), receiver.clone());
    sender.try_send(value.clone()).expect("there is room");

    drop(receiver);
    assert!(!sender.is_closed());
    drop(other);

    assert!(sender.is_closed() && sender.is_empty());
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn values_that_nobody_took_are_dropped_with_the_ring() {
    let (sender, receiver) = ring(3);
    let value = Arc::new(());
    for _ in 0..5 {
        sender.try_send(value.clone()).expect("there is room");
        sender.try_send(value.clone()).expect("there is room");
        receiver.try_recv().expect("there are two");
        receiver.try_recv().expect("there is one");
    }
    sender.try_send(value.clone()).expect("there is room");
    let waits = sender.send(value.clone());
    assert_eq!(Arc::strong_count(&value), 3);

    drop(waits);
    drop(receiver);
    drop(sender);

    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn a_batch_is_what_is_there_up_to_the_limit() {
    let (sender, receiver) = ring(8);
    let (task, mut values) = (Task::new(), vec![0]);
    (1..=5).for_each(|n| sender.try_send(n).expect("there is room"));

    assert_eq!(task.poll(pin!(receiver.recv_many(&mut values, 3))), Poll::Ready(3));
    assert_eq!(task.poll(pin!(receiver.recv_many(&mut values, 0))), Poll::Ready(0));
    assert_eq!(task.poll(pin!(receiver.recv_many(&mut values, usize::MAX))), Poll::Ready(2));

    assert_eq!(values, [0, 1, 2, 3, 4, 5]);
    assert!(task.poll(pin!(receiver.recv_many(&mut values, 1))).is_pending());
    receiver.close();
    assert_eq!(task.poll(pin!(receiver.recv_many(&mut values, 1))), Poll::Ready(0));
    assert_eq!(receiver.try_recv_many(&mut values, 1), Err(TryRecvError::Closed));
}

#[test]
fn a_drain_ends_though_values_keep_coming() {
    let (sender, receiver) = ring(2);
    sender.try_send(0).expect("there is room");

    let taken = receiver.drain().inspect(|n| sender.try_send(n + 1).expect("there is room"));

    assert_eq!(taken.collect::<Vec<_>>(), [0]);
    assert_eq!(receiver.try_recv(), Ok(1));
}

/// A loop that never waits would otherwise keep everything else of its thread from running.
#[test]
fn a_task_that_never_waits_gives_way() {
    let (sender, receiver) = ring(1);
    let task = Task::new();
    let gave_way = || {
        sender.try_send(1).expect("there is room");
        let pending = task.poll(pin!(receiver.recv())).is_pending();
        let _ = receiver.try_recv();
        pending
    };
    assert!(task.poll(pin!(receiver.recv())).is_pending(), "from here on it has all its turns");

    let turns = (0..1_000).take_while(|_| !gave_way()).count();

    assert_eq!((turns, task.wakes()), (512, 1), "it is woken at once");
}

/// Promise 8: where it is broken, this test does not end.
#[test]
fn wakers_run_outside_the_locks() {
    struct ComesBack(Sender<u8>, Receiver<u8>);
    impl ComesBack {
        fn comes_back(&self) {
            let mut again = pin!(self.1.recv());
            let polled = again.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending() || self.0.capacity() == 1);
        }
    }
    impl Wake for ComesBack {
        fn wake(self: Arc<Self>) {
            self.comes_back();
        }
    }
    impl Drop for ComesBack {
        fn drop(&mut self) {
            self.comes_back();
        }
    }
    let (sender, receiver) = ring(1);
    let waker = || Waker::from(Arc::new(ComesBack(sender.clone(), receiver.clone())));

    let mut receives = Box::pin(receiver.recv());
    for _ in 0..2 {
        // The second is put in the place of the first.
        assert!(receives.as_mut().poll(&mut Context::from_waker(&waker())).is_pending());
    }
    sender.try_send(1).expect("there is room");
    assert!(receives.as_mut().poll(&mut Context::from_waker(&waker())).is_pending());
    drop(receives);

    assert!(receiver.is_empty());
}

#[test]
fn a_thread_that_waits_is_woken() {
    let (sender, receiver) = ring(1);
    let echoes = thread::spawn(move || {
        let mut sum = 0;
        while let Some(n) = receiver.recv_blocking() {
            sum += n;
        }
        sum
    });

    for n in 1..=1_000 {
        sender.send_blocking(n).expect("somebody receives");
    }
    drop(sender);

    assert_eq!(echoes.join().expect("it does not panic"), 500_500_u32);
}

#[test]
fn debug_shows_the_state_and_no_value() {
    let (sender, receiver) = ring(2);
    sender.try_send([0_u8; 1]).expect("there is room");

    assert_eq!(format!("{sender:?}"), "Sender { len: 1, capacity: 2, closed: false }");
    assert_eq!(format!("{receiver:?}"), "Receiver { len: 1, capacity: 2, closed: false }");
    assert_eq!(format!("{:?}", sender.send([1])), "Sending { done: false, waits: false, .. }");
    assert_eq!(format!("{:?}", receiver.recv()), "Receiving { waits: false, .. }");
    assert_eq!(TrySendError::Full(1).to_string(), "the ring is full");
}
