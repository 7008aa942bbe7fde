//! What is told, and to whom.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use seawall_rate_limiter::{Quota, RateLimiter, RateLimiterBuilder, RateLimiters, Turn};

fn quota(cells: u32) -> Quota {
    Quota::per_second(cells).expect("a quota")
}

fn builder() -> (RateLimiterBuilder, Arc<Mutex<Vec<Turn>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let builder = RateLimiter::builder("events").quota(quota(5)).on_event(move |event| {
        assert_eq!(event.name.as_str(), "events");
        listener.lock().push(event.turn.clone());
    });
    (builder, told)
}

/// Runs `body` on a thread, and fails where that hangs: on a lock that is held while somebody is told.
fn ends(body: impl FnOnce() + Send + 'static) {
    let (done, over) = mpsc::channel();
    let thread = thread::spawn(move || {
        body();
        done.send(())
    });
    let ended = over.recv_timeout(Duration::from_secs(60));
    assert_ne!(ended, Err(mpsc::RecvTimeoutError::Timeout), "it hangs");
    thread.join().expect("it does not panic").expect("somebody waits for it");
}

/// From what it changed to what, where that is what happened.
fn change(turn: &Turn) -> Option<(&[Quota], &[Quota])> {
    match turn {
        Turn::QuotaChanged { from, to, .. } => Some((from, to)),
        _ => None,
    }
}

#[test]
fn a_quota_that_changes_is_told_once() {
    let (builder, told) = builder();
    let limiter = builder.build().expect("sound");

    limiter.set_quotas([quota(7)]).expect("it can change");
    limiter.clone().set_quotas([quota(7)]).expect("it is the same");
    limiter.set_quotas([]).expect_err("none is no quota");
    let mut config = limiter.config();
    config.max_wait = Some(Duration::from_secs(1));
    limiter.reconfigure(config).expect("it can change");

    let told = told.lock();
    assert_eq!(
        told.iter().map(change).collect::<Vec<_>>(),
        [Some((&[quota(5)][..], &[quota(7)][..]))]
    );
}

#[test]
fn a_quota_of_all_keys_that_changes_is_told_once() {
    for several in [false, true] {
        let (mut builder, told) = builder();
        if several {
            builder = builder.quota(quota(9));
        }
        let limiters: RateLimiters<u64> = builder.keyed().build().expect("sound");
        (0..10).for_each(|key| limiters.try_acquire(&key).expect("it is fresh"));
        let before = limiters.config().quotas;
        let mut after = before.clone();
        after[0] = quota(3);

        limiters.set_quotas(after.clone()).expect("it can change");
        limiters.clone().set_quotas(after.clone()).expect("it is the same");

        let told = told.lock();
        let told: Vec<_> = told.iter().map(change).collect();
        assert_eq!(told, [Some((&before[..], &after[..]))]);
    }
}

#[test]
fn calls_that_are_let_in_and_refused_are_no_events() {
    let (builder, told) = builder();
    let limiter = builder.build().expect("sound");

    limiter.try_acquire_n(5).expect("it is fresh");
    limiter.try_acquire_n(5).expect_err("it is spent");
    drop(limiter.reserve(1, Duration::from_secs(9)));

    assert_eq!(*told.lock(), []);
}

#[test]
fn a_listener_that_panics_harms_no_call_and_no_other_listener() {
    let (builder, told) = builder();
    let limiter = builder.on_event(|_| panic!("the listener")).build().expect("sound");

    limiter.set_quotas([quota(7)]).expect("it can change");
    limiter.set_quotas([quota(8)]).expect("it can change");

    assert_eq!(told.lock().len(), 2);
    assert_eq!(limiter.config().quotas, [quota(8)]);
    assert!(limiter.try_acquire().is_ok());
}

#[test]
fn a_listener_may_use_the_limiter() {
    let cell: Arc<Mutex<Option<RateLimiter>>> = Arc::default();
    let (inner, seen) = (Arc::clone(&cell), Arc::new(Mutex::new(Vec::new())));
    let told = Arc::clone(&seen);
    let limiter = RateLimiter::builder("events").quota(quota(1)).on_event(move |_| {
        let limiter = inner.lock().clone().expect("it was built");
        let again = limiter.set_quotas(limiter.config().quotas).is_ok();
        told.lock().push((limiter.config().quotas, limiter.standing().limit, again));
        let _ = limiter.snapshot();
    });
    let limiter = limiter.build().expect("sound");
    *cell.lock() = Some(limiter.clone());

    ends(move || limiter.set_quotas([quota(2)]).expect("it can change"));
    *cell.lock() = None;

    assert_eq!(*seen.lock(), [(vec![quota(2)], 2, true)]);
}

#[test]
fn a_listener_may_use_the_limiters_of_many_keys() {
    for several in [false, true] {
        let cell: Arc<Mutex<Option<RateLimiters<u64>>>> = Arc::default();
        let (inner, seen) = (Arc::clone(&cell), Arc::new(Mutex::new(Vec::new())));
        let told = Arc::clone(&seen);
        let builder = RateLimiters::builder("events").quota(quota(1)).on_event(move |_| {
            let limiters = inner.lock().clone().expect("it was built");
            told.lock().push((limiters.config().quotas[0], limiters.standing(&1).limit));
            let _ = limiters.snapshot();
        });
        let builder = if several { builder.quota(quota(9)) } else { builder };
        let limiters = builder.build().expect("sound");
        *cell.lock() = Some(limiters.clone());
        let mut quotas = limiters.config().quotas;
        quotas[0] = quota(2);

        ends(move || limiters.set_quotas(quotas).expect("it can change"));
        *cell.lock() = None;

        assert_eq!(*seen.lock(), [(quota(2), 2)]);
    }
}
