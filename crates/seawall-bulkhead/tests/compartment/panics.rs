//! A panic is the job's own: no thread dies of it, and no caller hangs.

use std::{
    panic::panic_any,
    pin::Pin,
    sync::{Arc, mpsc},
    task::Context,
    thread,
};

use seawall_bulkhead::{Clock, Compartment, CompartmentTurn, Error, Panicked, Reason};
use seawall_core::{Nanos, sync::Mutex};

use crate::support::{Bomb, LONG, Witness, finish, gate, handed_in, one_thread, reason};

fn panicked<T>(result: Result<T, Error<Panicked>>) -> Panicked {
    result.err().and_then(Error::into_inner).expect("it panicked")
}

/// The one thread lives, and has all its places.
fn is_well(cpu: &Compartment) {
    assert_eq!(cpu.run_blocking(|| "well").unwrap(), "well");
    let gauges = cpu.snapshot().gauges;
    assert_eq!((gauges["running"], gauges["queued"]), (0.0, 0.0));
}

#[test]
fn a_panic_is_the_callers_error() {
    let cpu = one_thread().queue(0).build().unwrap();

    let error = cpu.run_blocking(|| panic_any("no image".to_owned())).unwrap_err();

    let sources = std::error::Error::source(&error).map(ToString::to_string);
    assert_eq!(sources.as_deref(), Some("the job panicked: no image"));
    let panicked = error.into_inner().unwrap();
    assert_eq!(panicked.message(), "no image");
    assert_eq!(*panicked.into_panic().downcast::<String>().unwrap(), "no image");
    assert_eq!(cpu.snapshot().counters["panicked"], 1);
    is_well(&cpu);
}

#[test]
fn a_panic_need_not_carry_text() {
    let cpu = one_thread().build().unwrap();

    let panicked = panicked(cpu.run_blocking(|| panic_any(7_u8)));

    assert_eq!(panicked.message(), "(no text)");
    assert_eq!(panicked.into_panic().downcast_ref(), Some(&7_u8));
}

#[test]
fn a_panic_of_a_future_is_the_callers_error() {
    let cpu = one_thread().build().unwrap();

    let late = cpu.run_async(|| async {
        tokio::task::yield_now().await;
        panic!("late");
    });
    let early = cpu.run_async(|| -> std::future::Ready<()> { panic!("early") });

    assert_eq!(panicked(finish(late)).message(), "late");
    assert_eq!(panicked(finish(early)).message(), "early");
    is_well(&cpu);
}

#[test]
fn a_panic_in_place_is_the_callers_error() {
    let cpu = one_thread().build().unwrap();
    let inner = cpu.clone();

    let nested = cpu.run_blocking(move || inner.run_blocking(|| panic!("nested")));

    assert_eq!(panicked(nested.unwrap()).message(), "nested");
    is_well(&cpu);
}

#[test]
fn listeners_learn_of_a_panic_before_its_caller() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hear = heard.clone();
    let cpu = one_thread()
        .on_event(|_| panic!("a bad listener"))
        .on_event(move |event| {
            if let CompartmentTurn::Panicked { message, .. } = &event.turn {
                hear.lock().push(format!("{}: {message}", event.name));
            }
        })
        .build()
        .unwrap();

    let _ = panicked(cpu.run_blocking(|| panic!("no image")));

    assert_eq!(*heard.lock(), ["cpu: no image"]);
    is_well(&cpu);
}

#[test]
fn a_closure_whose_drop_panics_harms_nobody() {
    let cpu = one_thread().build().unwrap();
    let (held, job) = gate();
    let run = handed_in(cpu.run(job));
    held.begun();
    let bomb = Bomb;
    let queued = handed_in(cpu.run(move || {
        let _bomb = bomb;
    }));

    drop(queued); // here, and not a panic

    held.open();
    finish(run.into_inner()).unwrap();
    is_well(&cpu);
}

#[test]
fn a_closure_whose_drop_panics_after_its_run_is_a_job_that_panicked() {
    let cpu = one_thread().build().unwrap();
    let bomb = Bomb;

    let result = cpu.run_blocking(move || {
        let _bomb = &bomb;
    });

    assert_eq!(panicked(result).message(), "dropped");
    is_well(&cpu);
}

#[test]
fn a_result_that_nobody_waits_for_and_whose_drop_panics_kills_no_thread() {
    let cpu = one_thread().build().unwrap();
    let (held, job) = gate();
    let run = handed_in(cpu.run(move || {
        job();
        Bomb
    }));
    held.begun();

    drop(run);
    held.open();

    is_well(&cpu);
}

/// Panics when it is dropped, with something that does too.
struct Chain;

impl Drop for Chain {
    fn drop(&mut self) {
        panic_any(Bomb);
    }
}

#[test]
fn what_a_panic_carries_and_nobody_waits_for_may_panic_in_its_drop() {
    let cpu = one_thread().build().unwrap();
    let (held, job) = gate();
    let (tell, dropped) = mpsc::channel();
    let run = handed_in(cpu.run(move || {
        job();
        panic_any((Chain, Witness(tell)));
    }));
    held.begun();

    drop(run);
    held.open();

    dropped.recv_timeout(LONG).expect("it was dropped");
    is_well(&cpu);
    assert_eq!(cpu.snapshot().counters["panicked"], 1);
}

struct Angry;

impl std::task::Wake for Angry {
    fn wake(self: Arc<Self>) {
        panic!("do not wake me");
    }
}

/// Polls once, with a waker that panics when it is woken.
fn handed_in_angrily<F: Future>(future: F) -> Pin<Box<F>> {
    let mut future = Box::pin(future);
    let waker = Arc::new(Angry).into();
    assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    future
}

#[test]
fn a_waker_that_panics_kills_no_thread() {
    let cpu = one_thread().build().unwrap();
    let (held, job) = gate();
    let _run = handed_in_angrily(cpu.run(job));
    held.begun();

    held.open();

    is_well(&cpu);
}

#[cfg(feature = "tokio")]
#[test]
fn a_waker_that_panics_keeps_no_job_from_a_runtime() {
    let io = one_thread().runtime().build().unwrap();
    let (held, job) = gate();
    let _run = handed_in_angrily(io.run(job));
    held.begun();
    let next = handed_in(io.run(|| "its turn came"));

    held.open();

    assert_eq!(finish(next.into_inner()).unwrap(), "its turn came");
}

#[test]
fn a_clock_that_panics_kills_no_thread() {
    let clock = Clock::custom(|| match thread::current().name() {
        Some("cpu-0") => panic!("no time"),
        _ => Nanos::ZERO,
    });
    let cpu = one_thread().max_wait(LONG).clock(clock).build().unwrap();

    for _ in 0..2 {
        assert_eq!(reason(cpu.run_blocking(|| ())), Reason::ShuttingDown);
    }
}
