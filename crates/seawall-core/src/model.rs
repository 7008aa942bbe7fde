//! Models of what threads do to each other, run in every order in which they can meet.
//!
//! For the models of the patterns, and there under `--cfg seawall_loom` alone. Not public API.
//!
//! # Who goes first
//!
//! Loom looks for the orders that are worth a try by what has happened in those that it tried. In
//! doing so it forgets that a thread read a word as soon as another thread reads it too: if the one
//! that only reads goes first, loom never tries to let it read after the other one's swap. So a
//! [`model`] is searched once with each of its racers as the first; where all of them take the same
//! steps, once is enough: [`model_of_equals`].

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use loom::thread::{self, JoinHandle};

thread_local! {
    /// Which of the racers goes first where nothing makes it wait, and how many there are.
    static FIRST: Cell<usize> = const { Cell::new(0) };
    static RACERS: Cell<usize> = const { Cell::new(1) };
}

/// Runs `body` in every order in which its racers can meet, and says how many there are.
pub fn model(body: impl Fn() + Send + Sync + 'static) {
    let body = Arc::new(body);
    RACERS.set(1);
    let mut orders = search(&body, 0);
    for first in 1..RACERS.get() {
        orders += search(&body, first);
    }
    say(orders);
}

/// As [`model`], where all racers take the same steps, and any may be the first.
pub fn model_of_equals(body: impl Fn() + Send + Sync + 'static) {
    say(search(&Arc::new(body), 0));
}

fn search(body: &Arc<impl Fn() + Send + Sync + 'static>, first: usize) -> u64 {
    FIRST.set(first);
    let orders = Arc::new(AtomicU64::new(0));
    let (body, counted) = (body.clone(), orders.clone());
    loom::model(move || {
        counted.fetch_add(1, Relaxed);
        body();
    });
    orders.load(Relaxed)
}

fn say(orders: u64) {
    let test = std::thread::current();
    eprintln!("{}: {orders} orders", test.name().unwrap_or_default());
}

/// Runs both at the same time on what they share.
pub fn race<S: 'static, A: 'static, B: 'static>(
    shared: &Arc<S>,
    a: impl FnOnce(&S) -> A + 'static,
    b: impl FnOnce(&S) -> B + 'static,
) -> (A, B) {
    RACERS.set(2);
    if FIRST.get() == 0 {
        let b = spawn(shared, b);
        (a(shared), joined(b))
    } else {
        let a = spawn(shared, a);
        let b = b(shared);
        (joined(a), b)
    }
}

/// Runs all three at the same time on what they share.
pub fn race_of_three<S: 'static, A: 'static, B: 'static, C: 'static>(
    shared: &Arc<S>,
    a: impl FnOnce(&S) -> A + 'static,
    b: impl FnOnce(&S) -> B + 'static,
    c: impl FnOnce(&S) -> C + 'static,
) -> (A, B, C) {
    RACERS.set(3);
    match FIRST.get() {
        0 => {
            let (b, c) = (spawn(shared, b), spawn(shared, c));
            (a(shared), joined(b), joined(c))
        }
        1 => {
            let (c, a) = (spawn(shared, c), spawn(shared, a));
            let b = b(shared);
            (joined(a), b, joined(c))
        }
        _ => {
            let (a, b) = (spawn(shared, a), spawn(shared, b));
            let c = c(shared);
            (joined(a), joined(b), c)
        }
    }
}

fn spawn<S: 'static, T: 'static>(
    shared: &Arc<S>,
    racer: impl FnOnce(&S) -> T + 'static,
) -> JoinHandle<T> {
    let shared = shared.clone();
    thread::spawn(move || racer(&shared))
}

fn joined<T>(thread: JoinHandle<T>) -> T {
    thread.join().expect("loom stops at the first panic")
}
