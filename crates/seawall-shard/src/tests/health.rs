//! The rounds of checks against a slow form that keeps all results; the promises are those of
//! [`crate::health`]'s `rounds` and `checkup`.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use proptest::prelude::*;
use seawall_core::{Nanos, Ratio};

use crate::health::{
    Cause, Config, Found, Verdict,
    rounds::{Rounds, Visit},
};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const INTERVAL: Duration = Duration::from_secs(10);
const JITTER: Duration = Duration::from_secs(2);
const INTERVAL_ILL: Duration = Duration::from_secs(3);

#[derive(Clone, Debug)]
enum Step {
    /// Who is there, and which one of that name: 0 is nobody.
    Follow([u64; NAMES.len()]),
    Wait(u64),
    Start,
    Finish {
        which: prop::sample::Index,
        good: bool,
    },
    Abandon {
        which: prop::sample::Index,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let which = || any::<prop::sample::Index>();
    prop_oneof![
        1 => prop::array::uniform5(0_u64..3).prop_map(Step::Follow),
        3 => (0_u64..8_000).prop_map(Step::Wait),
        6 => Just(Step::Start),
        6 => (which(), any::<bool>()).prop_map(|(which, good)| Step::Finish { which, good }),
        1 => which().prop_map(|which| Step::Abandon { which }),
    ]
}

/// One stay of a member: all its results, and when the last of them came.
#[derive(Default)]
struct Stay {
    id: u64,
    number: u64,
    results: Vec<bool>,
    ended: Option<Nanos>,
}

impl Stay {
    /// From all results at once: the last `n` of a kind decide, and the first by itself.
    fn verdict(&self, config: &Config) -> Verdict {
        let all = |range: &[bool], good| range.iter().all(|&result| result == good);
        let last = |most: usize, count: u32, good| {
            let count = count as usize;
            most >= count && all(&self.results[most - count..most], good)
        };
        let mut verdict = match self.results.first() {
            None => return Verdict::Unknown,
            Some(true) => Verdict::Well,
            Some(false) => Verdict::Ill,
        };
        for most in 2..=self.results.len() {
            if last(most, config.unhealthy_after, false) {
                verdict = Verdict::Ill;
            } else if last(most, config.healthy_after, true) {
                verdict = Verdict::Well;
            }
        }
        verdict
    }
}

fn config(healthy_after: u32, unhealthy_after: u32, at_once: u32) -> Config {
    Config {
        interval: INTERVAL,
        interval_ill: Some(INTERVAL_ILL),
        jitter: Ratio::from_parts_per_million(200_000),
        healthy_after,
        unhealthy_after,
        at_once,
        seed: Some(7),
        ..Config::default()
    }
}

proptest! {
    #[test]
    fn rounds_do_as_the_slow_form(
        steps in prop::collection::vec(step(), 1..200),
        thresholds in (1_u32..4, 1_u32..4, 1_u32..4),
    ) {
        let config = config(thresholds.0, thresholds.1, thresholds.2);
        let mut rounds = Rounds::new(config.clone());
        let mut now = Nanos::from_secs(3600);
        let mut stays: BTreeMap<&str, Stay> = BTreeMap::new();
        let mut numbers = 0;
        // Each with the stay that it is of.
        let mut visits: Vec<(Visit, u64)> = Vec::new();
        let mut marked: BTreeSet<String> = BTreeSet::new();

        for step in steps {
            match step {
                Step::Wait(millis) => now = now + Duration::from_millis(millis),
                Step::Follow(there) => {
                    let there = || NAMES.into_iter().zip(there).filter(|&(_, id)| id > 0);
                    stays.retain(|name, stay| there().any(|(one, id)| one == *name && id == stay.id));
                    marked.retain(|name| stays.contains_key(name.as_str()));
                    for (name, id) in there() {
                        stays.entry(name).or_insert_with(|| {
                            numbers += 1;
                            Stay { id, number: numbers, ..Stay::default() }
                        });
                    }
                    let found = |(name, id)| Found::new(name, id, marked.contains(name));
                    rounds.follow(&there().map(found).collect::<Vec<_>>(), now);
                }
                Step::Start => {
                    let next = rounds.next();
                    let visit = rounds.start(now);
                    prop_assert_eq!(visit.is_some(), next.is_some_and(|next| next <= now));
                    let Some(visit) = visit else { continue };
                    let stay = &stays[visit.found.name.as_str()];
                    prop_assert_eq!(stay.id, visit.found.id);
                    let same = |(_, number): &(Visit, u64)| *number == stay.number;
                    prop_assert!(!visits.iter().any(same), "promise 1: one at a time");
                    if let Some(ended) = stay.ended {
                        let ill = stay.verdict(&config) == Verdict::Ill;
                        let least = if ill { INTERVAL_ILL } else { INTERVAL };
                        prop_assert!(now.since(ended) >= least, "promise 2: not before the interval");
                    }
                    let number = stay.number;
                    visits.push((visit, number));
                    prop_assert!(visits.len() <= config.at_once as usize, "promise 1");
                }
                Step::Finish { which, good } => {
                    if visits.is_empty() { continue }
                    let (visit, number) = visits.swap_remove(which.index(visits.len()));
                    let stay = stays.get_mut(visit.found.name.as_str());
                    let stay = stay.filter(|stay| stay.number == number);
                    let before = stay.as_ref().map(|stay| stay.verdict(&config));
                    let result = if good { Ok(()) } else { Err(Cause::TimedOut) };
                    let turn = rounds.finish(&visit, result, now);
                    let after = stay.map(|stay| {
                        stay.results.push(good);
                        stay.ended = Some(now);
                        stay.verdict(&config)
                    });
                    prop_assert_eq!(turn.is_some(), before != after);
                }
                Step::Abandon { which } => {
                    if visits.is_empty() { continue }
                    let (visit, number) = visits.swap_remove(which.index(visits.len()));
                    let stay = stays.get_mut(visit.found.name.as_str());
                    if let Some(stay) = stay.filter(|stay| stay.number == number) {
                        stay.ended = None; // due at once
                    }
                    rounds.abandon(&visit, now);
                }
            }

            for mark in rounds.marks().0 {
                let turned = if mark.down {
                    marked.insert(mark.name.to_string())
                } else {
                    marked.remove(mark.name.as_str())
                };
                prop_assert!(turned, "a mark that changes nothing: {mark:?}");
            }
            let ill: BTreeSet<_> = stays
                .iter()
                .filter(|(_, stay)| stay.verdict(&config) == Verdict::Ill)
                .map(|(name, _)| (*name).to_owned())
                .collect();
            let too_many = ill.len() * 2 > stays.len();
            prop_assert_eq!(&marked, &if too_many { BTreeSet::new() } else { ill }, "promise 3");
            prop_assert_eq!(rounds.census().running as usize, visits.len());
            // Promise 2: whoever is not checked is due within an interval and its jitter.
            if visits.is_empty() && !stays.is_empty() {
                let next = rounds.next().expect("there is a place");
                prop_assert!(next.since(now) <= INTERVAL + JITTER);
            }
        }
    }
}

#[test]
fn who_was_set_down_by_somebody_else_stays_down() {
    let mut rounds = Rounds::new(config(1, 1, 1));
    rounds.follow(&[Found::new("a", 0, true), Found::new("b", 0, false)], Nanos::ZERO);
    let visit = rounds.start(Nanos::ZERO).expect("it is due");

    rounds.finish(&visit, Ok(()), Nanos::ZERO);

    assert_eq!(rounds.marks().0, []);
}

#[test]
fn who_is_taken_up_by_somebody_else_and_still_ill_is_marked_again() {
    let mut rounds = Rounds::new(config(1, 1, 1));
    let found = |down| [Found::new("a", 0, down), Found::new("b", 0, false)];
    rounds.follow(&found(false), Nanos::ZERO);
    let visit = rounds.start(Nanos::ZERO).expect("it is due");
    rounds.finish(&visit, Err(Cause::TimedOut), Nanos::ZERO);
    assert!(rounds.marks().0[0].down);

    rounds.follow(&found(true), Nanos::ZERO);
    assert_eq!(rounds.marks().0, []);
    rounds.follow(&found(false), Nanos::ZERO);

    assert!(rounds.marks().0[0].down);
}
