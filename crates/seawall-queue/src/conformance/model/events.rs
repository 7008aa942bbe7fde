//! What can happen, and how it is said to a storage.

use std::time::Duration;

use proptest::{prelude::*, sample::Index};
use seawall_core::Priority;

use crate::{
    conformance::{
        reference::{Span, Spec, Word},
        stand::Job,
    },
    job::{Cause, Verdict},
    storage::{NewJob, Scope},
};

#[derive(Clone, Debug)]
pub(super) enum Event {
    Enqueue(Vec<Spec>, bool),
    Claim(usize, u32, u32),
    /// Some claims of all that there were say how it went; and again, as if the answer was lost.
    Settle(Vec<(Index, Word)>, bool),
    Keep(Vec<Index>),
    Pass(u64),
    Cancel(Index),
    Requeue(Index),
    Pause(bool),
}

fn specs() -> impl Strategy<Value = Spec> {
    let priority = prop_oneof![4 => Just(128), 1 => Just(0), 1 => Just(120), 1 => Just(255)];
    let span = prop_oneof![Just(Span::Queued), Just(Span::Active), (1..60_u64).prop_map(Span::For)];
    let delay = prop_oneof![3 => Just(0), 1 => 1..40_u64];
    let key = prop::option::of(0..2_u8);
    let unique = prop::option::weighted(0.3, (0..3_u8, span, any::<bool>()));
    let own = prop::option::weighted(0.2, 1..3_u32);
    (any::<u8>(), delay, priority, key, unique, own).prop_map(
        |(payload, delay, priority, key, unique, own_attempts)| Spec {
            payload,
            delay,
            priority,
            key,
            unique,
            own_attempts,
        },
    )
}

pub(super) fn events() -> impl Strategy<Value = Vec<Event>> {
    let word = || {
        prop_oneof![
            3 => Just(Word::Done),
            3 => (0..20_u64).prop_map(Word::Retry),
            1 => (0..20_u64).prop_map(Word::Snooze),
            1 => Just(Word::Release),
            1 => Just(Word::Bury),
            1 => Just(Word::Cancelled),
        ]
    };
    let index = any::<Index>;
    let event = prop_oneof![
        8 => (prop::collection::vec(specs(), 1..4), any::<bool>())
            .prop_map(|(specs, shed)| Event::Enqueue(specs, shed)),
        8 => (0..4_usize, 1..4_u32, 1..4_u32)
            .prop_map(|(max, attempts, crashes)| Event::Claim(max, attempts, crashes)),
        8 => (prop::collection::vec((index(), word()), 1..3), any::<bool>())
            .prop_map(|(words, twice)| Event::Settle(words, twice)),
        2 => prop::collection::vec(index(), 1..3).prop_map(Event::Keep),
        5 => (1..40_u64).prop_map(Event::Pass),
        2 => index().prop_map(Event::Cancel),
        2 => index().prop_map(Event::Requeue),
        1 => prop::bool::weighted(0.3).prop_map(Event::Pause),
    ];
    prop::collection::vec(event, 0..50)
}

pub(super) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(super) fn new_job(spec: &Spec) -> Job {
    let mut job = NewJob::new(vec![spec.payload]);
    job = job.delay(secs(spec.delay)).priority(Priority(spec.priority));
    job.key = spec.key.map(|key| format!("key {key}").into());
    job.max_attempts = spec.own_attempts;
    let Some((key, span, replace)) = spec.unique else { return job };
    let key = format!("unique {key}");
    let scope = match span {
        Span::Queued => Scope::Queued,
        Span::Active => Scope::Active,
        Span::For(time) => Scope::For(secs(time)),
    };
    if replace { job.replace(key, scope) } else { job.unique(key, scope) }
}

pub(super) fn verdict(word: Word) -> Verdict {
    let error = || "it failed".to_owned();
    match word {
        Word::Done => Verdict::DONE,
        Word::Retry(delay) => Verdict::Retry { delay: secs(delay), error: error() },
        Word::Snooze(delay) => Verdict::Snooze { delay: secs(delay) },
        Word::Release => Verdict::Release,
        Word::Bury => Verdict::Bury { cause: Cause::Refused, error: error() },
        Word::Cancelled => Verdict::Cancelled,
    }
}
