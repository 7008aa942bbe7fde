//! Whose turn it is to be checked, and who is left out: a state machine that is told the time.
//!
//! # How it decides
//!
//! | event | what happens |
//! |---|---|
//! | a member is found | it is unknown, and due at once |
//! | it is gone, or another one of its name came | it is forgotten; a check that still runs says nothing |
//! | `start` | whoever is due longest, while fewer than `at_once` are checked |
//! | `finish` | its [checkup](super::checkup) takes a step; it is due after its interval and the jitter |
//! | `abandon` | who ran the check is gone: due at once |
//! | `marks` | who is ill is marked, and nobody where more than `panic_above` are ill |
//!
//! # What it promises
//!
//! 1. No member is checked twice at a time, and no more than `at_once` are checked at a time.
//! 2. From the end of a check to the next is at least the interval, and at most that and the jitter where a
//!    place is free.
//! 3. Marks follow from the verdicts alone: all who are ill, or nobody.
//! 4. Only who was marked is unmarked: who was set down by somebody else stays down.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use seawall_core::{Chance, Name, Nanos, Ratio};

use super::{
    Cause, Config, Turn, Verdict,
    checkup::Checkup,
    watch::{Found, Mark},
};

#[derive(Debug)]
pub(crate) struct Rounds {
    config: Config,
    chance: Chance,
    /// By a number that is given once: whoever has it means this stay of this member.
    members: BTreeMap<u64, Member>,
    /// Who waits, and until when.
    due: BTreeSet<(Nanos, u64)>,
    next: u64,
    running: u32,
    in_panic: bool,
}

#[derive(Debug)]
struct Member {
    name: Name,
    id: u64,
    checkup: Checkup,
    is_marked: bool,
}

/// A check that was begun: handed back by `finish` or `abandon`.
#[derive(Debug)]
#[must_use = "a visit that is not handed back keeps its place for ever"]
pub(crate) struct Visit {
    member: u64,
    pub(crate) found: Found,
}

/// How many there are of which kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) members: usize,
    pub(crate) ill: usize,
    pub(crate) unknown: usize,
    pub(crate) running: u32,
    pub(crate) in_panic: bool,
}

impl Rounds {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            chance: Chance::from_seed(config.seed),
            config,
            members: BTreeMap::new(),
            due: BTreeSet::new(),
            next: 0,
            running: 0,
            in_panic: false,
        }
    }

    /// Takes over who is there now.
    pub(crate) fn follow(&mut self, found: &[Found], now: Nanos) {
        let mut there: HashMap<&str, &Found> =
            found.iter().map(|found| (found.name.as_str(), found)).collect();
        self.members.retain(|_, member| {
            match there.get(member.name.as_str()).copied() {
                Some(found) if found.id == member.id => {
                    there.remove(member.name.as_str());
                    // Somebody has taken it up meanwhile: marked again, if it is still ill.
                    member.is_marked &= found.is_down;
                    true
                }
                _ => false,
            }
        });
        let members = &self.members;
        self.due.retain(|(_, member)| members.contains_key(member));
        for found in found.iter().filter(|found| there.contains_key(found.name.as_str())) {
            let member = Member {
                name: found.name.clone(),
                id: found.id,
                checkup: Checkup::Unknown,
                is_marked: false,
            };
            self.members.insert(self.next, member);
            self.due.insert((now, self.next));
            self.next += 1;
        }
    }

    /// The next check, if one is due and there is a place for it.
    pub(crate) fn start(&mut self, now: Nanos) -> Option<Visit> {
        let &(due, member) = self.due.first()?;
        if due > now || self.running >= self.config.at_once {
            return None;
        }
        self.due.pop_first();
        self.running += 1;
        let of = &self.members[&member]; // who is due is there: `follow` sees to it
        Some(Visit { member, found: Found::new(of.name.clone(), of.id, of.is_marked) })
    }

    /// When the next check is due that there is a place for.
    pub(crate) fn next(&self) -> Option<Nanos> {
        let &(due, _) = self.due.first()?;
        (self.running < self.config.at_once).then_some(due)
    }

    /// A check has ended; the turn that it made, if any.
    pub(crate) fn finish(
        &mut self,
        visit: &Visit,
        result: Result<(), Cause>,
        now: Nanos,
    ) -> Option<Turn> {
        self.running -= 1;
        let member = self.members.get_mut(&visit.member)?;
        let before = member.checkup.verdict();
        member.checkup = member.checkup.after(result.is_ok(), &self.config);
        let verdict = member.checkup.verdict();
        let name = member.name.clone();
        self.due.insert((now + self.pause(verdict), visit.member));
        if verdict == before {
            return None;
        }
        Some(match result {
            Ok(()) => Turn::Well { member: name },
            Err(cause) => Turn::Ill { member: name, cause },
        })
    }

    /// A check was dropped before it ended: it says nothing, and is due again.
    pub(crate) fn abandon(&mut self, visit: &Visit, now: Nanos) {
        self.running -= 1;
        if self.members.contains_key(&visit.member) {
            self.due.insert((now, visit.member));
        }
    }

    fn pause(&self, verdict: Verdict) -> Duration {
        let interval = match (verdict, self.config.interval_ill) {
            (Verdict::Ill, Some(interval)) => interval,
            _ => self.config.interval,
        };
        let most = interval.as_nanos() * u128::from(self.config.jitter.parts_per_million());
        let jitter = self.chance.uniform(0, (most / 1_000_000) as u64);
        interval + Duration::from_nanos(jitter)
    }

    /// Who is to be marked from now on and who no more, and whether that is another manner than before.
    pub(crate) fn marks(&mut self) -> (Vec<Mark>, Option<Turn>) {
        let Census { members, ill, .. } = self.census();
        let in_panic = Ratio::of(ill as u64, members as u64) > self.config.panic_above;
        let turn = match (self.in_panic, in_panic) {
            (false, true) => Some(Turn::Panic { ill, members }),
            (true, false) => Some(Turn::Calm),
            _ => None,
        };
        self.in_panic = in_panic;
        let mut marks = Vec::new();
        for member in self.members.values_mut() {
            let down = !in_panic && member.checkup.verdict() == Verdict::Ill;
            if down != member.is_marked {
                member.is_marked = down;
                marks.push(Mark::new(member.name.clone(), member.id, down));
            }
        }
        (marks, turn)
    }

    pub(crate) fn census(&self) -> Census {
        let count = |verdict| {
            self.members.values().filter(|member| member.checkup.verdict() == verdict).count()
        };
        Census {
            members: self.members.len(),
            ill: count(Verdict::Ill),
            unknown: count(Verdict::Unknown),
            running: self.running,
            in_panic: self.in_panic,
        }
    }

    /// Each member's name and verdict, in the order in which they came.
    pub(crate) fn verdicts(&self) -> Vec<(Name, Verdict)> {
        self.members
            .values()
            .map(|member| (member.name.clone(), member.checkup.verdict()))
            .collect()
    }
}
