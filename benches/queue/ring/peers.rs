//! The peers, with room for [`CAPACITY`] each.
//!
//! | peer | what is not equal |
//! |---|---|
//! | tokio 1, `mpsc` | One receiver: several share it behind tokio's `Mutex`. |
//! | async-channel 2.5 | |
//! | flume 0.12 | A `send` that is dropped while it waits is delivered nonetheless. |
//! | crossfire 3.1 | |
//! | loole 0.6 | A `send` that is dropped while it waits is delivered nonetheless. |
//! | crossbeam-queue 0.3 | `ArrayQueue` with tokio's `Notify` at both ends, by hand: it can't be closed. |
//!
//! kanal is left out: a `recv` of its that is dropped loses a value.

use std::{future::Future, pin::pin, sync::Arc};

use crossbeam_queue::ArrayQueue;
use seawall_queue::ring;
use tokio::sync::{Mutex, Notify, mpsc};

use super::CAPACITY;

/// A channel of `u64`.
pub(crate) trait Channel {
    type Sender: Clone + Send + 'static;
    type Receiver: Send + 'static;

    /// A sender to be cloned, and as many receivers.
    fn ends(receivers: usize) -> (Self::Sender, Vec<Self::Receiver>);
    fn send(sender: &Self::Sender, item: u64) -> impl Future<Output = ()> + Send;
    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = u64> + Send;
}

/// A channel that can receive several at once.
pub(crate) trait Batches: Channel {
    fn receive_many(
        receiver: &mut Self::Receiver,
        items: &mut Vec<u64>,
        limit: usize,
    ) -> impl Future<Output = usize> + Send;
}

/// Ours.
pub(crate) struct Ring;

impl Channel for Ring {
    type Sender = ring::Sender<u64>;
    type Receiver = ring::Receiver<u64>;

    fn ends(receivers: usize) -> (Self::Sender, Vec<Self::Receiver>) {
        let (sender, receiver) = ring::bounded(CAPACITY).expect("it is allowed");
        (sender, vec![receiver; receivers])
    }

    async fn send(sender: &Self::Sender, item: u64) {
        sender.send(item).await.expect(OPEN);
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect(OPEN)
    }
}

impl Batches for Ring {
    async fn receive_many(
        receiver: &mut Self::Receiver,
        items: &mut Vec<u64>,
        limit: usize,
    ) -> usize {
        receiver.recv_many(items, limit).await
    }
}

pub(crate) struct Tokio;

/// The receiver of a channel that has but one.
pub(crate) enum OneOrShared {
    One(mpsc::Receiver<u64>),
    Shared(Arc<Mutex<mpsc::Receiver<u64>>>),
}

impl Channel for Tokio {
    type Sender = mpsc::Sender<u64>;
    type Receiver = OneOrShared;

    fn ends(receivers: usize) -> (Self::Sender, Vec<Self::Receiver>) {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        if receivers == 1 {
            return (sender, vec![OneOrShared::One(receiver)]);
        }
        let shared = Arc::new(Mutex::new(receiver));
        (sender, (0..receivers).map(|_| OneOrShared::Shared(shared.clone())).collect())
    }

    async fn send(sender: &Self::Sender, item: u64) {
        sender.send(item).await.expect(OPEN);
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        let item = match receiver {
            OneOrShared::One(one) => one.recv().await,
            OneOrShared::Shared(shared) => shared.lock().await.recv().await,
        };
        item.expect(OPEN)
    }
}

impl Batches for Tokio {
    async fn receive_many(
        receiver: &mut Self::Receiver,
        items: &mut Vec<u64>,
        limit: usize,
    ) -> usize {
        match receiver {
            OneOrShared::One(one) => one.recv_many(items, limit).await,
            OneOrShared::Shared(shared) => shared.lock().await.recv_many(items, limit).await,
        }
    }
}

pub(crate) struct AsyncChannel;

impl Channel for AsyncChannel {
    type Sender = async_channel::Sender<u64>;
    type Receiver = async_channel::Receiver<u64>;

    fn ends(receivers: usize) -> (Self::Sender, Vec<Self::Receiver>) {
        let (sender, receiver) = async_channel::bounded(CAPACITY);
        (sender, vec![receiver; receivers])
    }

    async fn send(sender: &Self::Sender, item: u64) {
        sender.send(item).await.expect(OPEN);
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect(OPEN)
    }
}

pub(crate) struct Flume;

impl Channel for Flume {
    type Sender = flume::Sender<u64>;
    type Receiver = flume::Receiver<u64>;

    fn ends(receivers: usize) -> (Self::Sender, Vec<Self::Receiver>) {
        let (sender, receiver) = flume::bounded(CAPACITY);
        (sender, vec![receiver; receivers])
    }

    async fn send(sender: &Self::Sender, item: u64) {
        sender.send_async(item).await.expect(OPEN);
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv_async().await.expect(OPEN)
    }
}

pub(crate) struct Crossfire;

impl Channel for Crossfire {
    type Sender = crossfire::MAsyncTx<crossfire::mpmc::Array<u64>>;
    type Receiver = crossfire::MAsyncRx<crossfire::mpmc::Array<u64>>;

    fn ends(receivers: usize) -> (Self::Sender, Vec<Self::Receiver>) {
        let (sender, receiver) = crossfire::mpmc::bounded_async(CAPACITY);
        (sender, vec![receiver; receivers])
    }

    async fn send(sender: &Self::Sender, item: u64) {
        sender.send(item).await.expect(OPEN);
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect(OPEN)
    }
}

pub(crate) struct Loole;

impl Channel for Loole {
    type Sender = loole::Sender<u64>;
    type Receiver = loole::Receiver<u64>;

    fn ends(receivers: usize) -> (Self::Sender, Vec<Self::Receiver>) {
        let (sender, receiver) = loole::bounded(CAPACITY);
        (sender, vec![receiver; receivers])
    }

    async fn send(sender: &Self::Sender, item: u64) {
        sender.send_async(item).await.expect(OPEN);
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv_async().await.expect(OPEN)
    }
}

/// What one would build from parts.
pub(crate) struct ArrayAndNotify;

pub(crate) struct Parts {
    queue: ArrayQueue<u64>,
    filled: Notify,
    freed: Notify,
}

impl Channel for ArrayAndNotify {
    type Sender = Arc<Parts>;
    type Receiver = Arc<Parts>;

    fn ends(receivers: usize) -> (Self::Sender, Vec<Self::Receiver>) {
        let queue = ArrayQueue::new(CAPACITY);
        let parts = Arc::new(Parts { queue, filled: Notify::new(), freed: Notify::new() });
        (parts.clone(), vec![parts; receivers])
    }

    async fn send(parts: &Self::Sender, mut item: u64) {
        loop {
            match parts.queue.push(item) {
                Ok(()) => return parts.filled.notify_one(),
                Err(again) => item = again,
            }
            let mut freed = pin!(parts.freed.notified());
            freed.as_mut().enable();
            match parts.queue.push(item) {
                Ok(()) => return parts.filled.notify_one(),
                Err(again) => item = again,
            }
            freed.await;
        }
    }

    async fn receive(parts: &mut Self::Receiver) -> u64 {
        loop {
            if let Some(item) = parts.queue.pop() {
                parts.freed.notify_one();
                return item;
            }
            let mut filled = pin!(parts.filled.notified());
            filled.as_mut().enable();
            if let Some(item) = parts.queue.pop() {
                parts.freed.notify_one();
                return item;
            }
            filled.await;
        }
    }
}

const OPEN: &str = "nobody closes it before the last item";
