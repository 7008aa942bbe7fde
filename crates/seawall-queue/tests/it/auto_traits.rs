//! What can be sent, shared and unpinned: part of the interface, though no signature says so.

use std::{cell::Cell, error::Error, marker::PhantomPinned};

use seawall_queue::{
    Claimed, DeadLetters, Event, Job, Memory, MemoryBuilder, NewJob, Queue, QueueBuilder,
    StorageError,
    periodic::{Every, Fire, Fired, Periodic, Schedule},
    ring::{
        Drain, Receiver, Receiving, ReceivingMany, SendError, Sender, Sending, TryRecvError,
        TrySendError,
    },
};

const fn all<T: Send + Sync + Unpin>() {}
const fn unpins<T: Unpin>() {}
const fn error<T: Error + Send + Sync + Unpin + 'static>() {}

/// A value that can be sent, and not shared: a ring asks for no more.
type Value = Cell<u8>;

const _: () = {
    all::<Sender<Value>>();
    all::<Receiver<Value>>();
    all::<Receiving<'static, Value>>();
    all::<ReceivingMany<'static, u8>>();
    all::<Sending<'static, u8>>();
    all::<Drain<'static, Value>>();
    unpins::<Sending<'static, PhantomPinned>>();
    all::<Queue<u8>>();
    all::<QueueBuilder<u8>>();
    all::<MemoryBuilder<u8>>();
    all::<DeadLetters<'static, u8>>();
    all::<Memory<u8>>();
    all::<NewJob<u8>>();
    all::<Claimed<u8>>();
    all::<Job<u8>>();
    all::<Event>();
    all::<Every<'static, u8>>();
    all::<Periodic<u8>>();
    all::<Schedule>();
    all::<(Fire, Fired)>();
    #[cfg(feature = "tower")]
    {
        error::<seawall_queue::EnqueueError>();
        all::<seawall_queue::EnqueueLayer<u8>>();
        all::<seawall_queue::EnqueueService<u8, u8>>();
    }
    #[cfg(feature = "worker")]
    {
        all::<seawall_queue::Worker<u8>>();
        all::<seawall_queue::Watch<u8>>();
        all::<seawall_queue::Concurrency>();
        all::<seawall_queue::Report>();
    }
    error::<StorageError>();
    error::<SendError<u8>>();
    error::<TrySendError<u8>>();
    error::<TryRecvError>();
};

#[cfg(feature = "sqlite")]
const _: () = {
    use seawall_queue::sqlite::{Outbox, Sqlite, SqliteBuilder, SqliteError};
    all::<Sqlite>();
    all::<SqliteBuilder<u8>>();
    all::<Outbox<u8>>();
    error::<SqliteError>();
};

const fn sends<F: Send>(_: &F) {}

/// What a task of a work-stealing runtime holds over an `.await`.
#[expect(dead_code, reason = "it is only to compile")]
fn calls(queue: &Queue<u8>) {
    sends(&queue.push(1));
    sends(&queue.try_push(1));
    sends(&queue.push_or_shed(1));
    sends(&queue.push_batch([1]));
    sends(&queue.promote(1));
    sends(&queue.fire());
    sends(&queue.pause());
    sends(&queue.dead_letters().requeue_all());
}
