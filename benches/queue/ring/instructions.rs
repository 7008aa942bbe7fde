//! What an item takes in instructions, by one thread; the most that ours may is said at each group, and
//! `cargo xtask bench queue --instructions` fails where it is more.
//!
//! Tasks are polled by hand, without a runtime: what it costs one to be woken is not in it. Nor is what an
//! atomic instruction waits for, which is most of what an item takes.
//!
//! A receive that waits takes a seat, is called and answers, under a lock each time. That is more than what
//! loole does, under the one lock that it has for everything.

use std::{
    future::Future,
    hint::black_box,
    pin::pin,
    task::{Context, Waker},
};

use seawall_benches::{instructions::Instructions, poll};

use super::{
    BATCH,
    peers::{ArrayAndNotify, AsyncChannel, Batches, Channel, Crossfire, Flume, Loole, Ring, Tokio},
};

pub(crate) fn all(counted: &mut Instructions) {
    counted.group("queue/ring, a send and a receive", 0.9);
    one::<Ring>(counted, "seawall");
    one::<Tokio>(counted, "tokio");
    one::<AsyncChannel>(counted, "async-channel");
    one::<Flume>(counted, "flume");
    one::<Crossfire>(counted, "crossfire");
    one::<Loole>(counted, "loole");
    one::<ArrayAndNotify>(counted, "crossbeam, ArrayQueue and Notify");

    counted.group("queue/ring, as many sends as a batch, and a receive of them", 0.6);
    many::<Ring>(counted, "seawall");
    many::<Tokio>(counted, "tokio");

    counted.group("queue/ring, a receive that waits for a send", 1.4);
    waits::<Ring>(counted, "seawall");
    waits::<Tokio>(counted, "tokio");
    waits::<AsyncChannel>(counted, "async-channel");
    waits::<Flume>(counted, "flume");
    waits::<Crossfire>(counted, "crossfire");
    waits::<Loole>(counted, "loole");
    waits::<ArrayAndNotify>(counted, "crossbeam, ArrayQueue and Notify");
}

fn one<C: Channel>(counted: &mut Instructions, name: &str) {
    let (sender, mut receivers) = C::ends(1);
    counted.case(name, || {
        let () = poll::ready(pin!(C::send(black_box(&sender), black_box(1))));
        black_box(poll::ready(pin!(C::receive(black_box(&mut receivers[0])))));
    });
}

fn many<C: Batches>(counted: &mut Instructions, name: &str) {
    let (sender, mut receivers) = C::ends(1);
    let mut items = Vec::with_capacity(BATCH);
    counted.case(name, || {
        for item in 0..BATCH {
            let () = poll::ready(pin!(C::send(black_box(&sender), black_box(item as u64))));
        }
        let mut left = BATCH;
        while left > 0 {
            left -= poll::ready(pin!(C::receive_many(&mut receivers[0], &mut items, left)));
        }
        black_box(&items);
        items.clear();
    });
}

fn waits<C: Channel>(counted: &mut Instructions, name: &str) {
    let (sender, mut receivers) = C::ends(1);
    counted.case(name, || {
        let mut receives = pin!(C::receive(black_box(&mut receivers[0])));
        let waits = receives.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(waits.is_pending(), "there is nothing");
        let () = poll::ready(pin!(C::send(black_box(&sender), black_box(1))));
        black_box(poll::ready(receives));
    });
}
