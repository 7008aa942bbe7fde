//! Promise 9: what does not wait allocates nothing, and who waits again and again does so once.

use std::{pin::pin, task::Poll};

use seawall_queue::ring::{Receiver, Sender, bounded};
use seawall_test::{Task, allocations};

fn ring(capacity: usize) -> (Sender<u64>, Receiver<u64>) {
    bounded(capacity).expect("it is allowed")
}

#[test]
fn what_does_not_wait_does_not_allocate() {
    let (sender, receiver) = ring(4);
    let (task, mut values) = (Task::new(), Vec::with_capacity(4));

    let ((), count) = allocations(|| {
        for n in 0..100 {
            sender.try_send(n).expect("there is room");
            assert_eq!(task.poll(pin!(sender.send(n))), Poll::Ready(Ok(())));
            sender.send_blocking(n).expect("there is room");
            assert_eq!(receiver.try_recv(), Ok(n));
            assert_eq!(receiver.recv_blocking(), Some(n));
            assert_eq!(task.poll(pin!(receiver.recv_many(&mut values, 4))), Poll::Ready(1));
            values.clear();
            // The one that a task which never waits owes the others: see the ring's page.
            assert!(task.poll(pin!(receiver.recv())).is_pending() || receiver.is_empty());
        }
    });

    // The line's first seat.
    assert!(count <= 1, "{count} allocations");
}

#[test]
fn who_waits_again_takes_the_room_that_was_made() {
    let (sender, receiver) = ring(1);
    let task = Task::new();
    let wait = || {
        let mut receive = pin!(receiver.recv());
        assert!(task.poll(receive.as_mut()).is_pending());
        sender.try_send(7).expect("there is room");
        assert_eq!(task.poll(receive), Poll::Ready(Some(7)));
    };
    wait();

    let ((), count) = allocations(|| (0..1_000).for_each(|_| wait()));

    assert_eq!(count, 0);
}
