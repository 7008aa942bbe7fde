//! What can be sent, shared and unpinned: part of the interface, though no signature says so.

#![cfg(not(seawall_loom))]

use std::{cell::Cell, error::Error, marker::PhantomPinned};

use seawall_queue::ring::{
    Drain, Receiver, Receiving, ReceivingMany, SendError, Sender, Sending, TryRecvError,
    TrySendError,
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
    error::<SendError<u8>>();
    error::<TrySendError<u8>>();
    error::<TryRecvError>();
};
