//! Random courses of events, beside the reference: every answer and every job must be the same.

mod events;

use std::collections::HashMap;

use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, TestError, TestRunner},
};

use self::events::{Event, events, new_job, secs, verdict};
use super::{
    Stand,
    reference::{Entered, Heard, Reference, Spec, Stage, Word},
    stand::{LEASE, well},
    suite::Bench,
};
use crate::{
    job::{Cancelled, JobId, Kept, Lease, Limits, Settled, State, Token},
    storage::{Claim, Enqueued, Heartbeat, Look, Requeued, Room, Settings, Settlement, Storage},
};

const CAPACITY: usize = 6;
const KEY_LIMIT: u32 = 2;

/// Whether keys have a limit, and whether they take turns.
type Rules = (bool, bool);

/// Whether it behaves as its model, in this many courses; otherwise the shortest one in which it does not.
pub(super) fn holds<S: Storage>(
    runtime: &tokio::runtime::Runtime,
    bench: &Bench<S>,
    cases: u32,
    has_turns: bool,
) -> Result<(), String> {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&(any::<Rules>(), events()), |((limited, fair_keys), events)| {
            runtime.block_on(follow(bench, (limited, fair_keys && has_turns), events));
            Ok(())
        })
        .map_err(|error| match error {
            TestError::Fail(reason, events) => format!("{reason}\nin {events:#?}"),
            TestError::Abort(reason) => reason.to_string(),
        })
}

/// Both of them, and which job and claim of the one is which of the other.
struct Pair<S> {
    stand: Stand<S>,
    reference: Reference,
    ids: Vec<JobId>,
    jobs: HashMap<JobId, usize>,
    /// Which job each claim was of.
    claims: Vec<(Lease, usize)>,
    token: Token,
}

async fn follow<S: Storage>(bench: &Bench<S>, (limited, fair_keys): Rules, events: Vec<Event>) {
    let mut settings = Settings::new(CAPACITY);
    settings.key_limit = limited.then_some(KEY_LIMIT);
    settings.fair_keys = fair_keys;
    let mut pair = Pair {
        reference: Reference::new(CAPACITY, settings.key_limit, fair_keys),
        stand: bench.open(settings).await,
        ids: Vec::new(),
        jobs: HashMap::new(),
        claims: Vec::new(),
        token: Token::NONE,
    };
    for event in events {
        pair.follow(event).await;
        pair.compare().await;
    }
}

impl<S: Storage> Pair<S> {
    async fn follow(&mut self, event: Event) {
        match event {
            Event::Enqueue(specs, shed) => self.enqueue(&specs, shed).await,
            Event::Claim(max, attempts, crashes) => {
                self.claim(max, Limits { attempts, crashes }).await;
            }
            Event::Settle(words, twice) => {
                self.settle(&words).await;
                if twice {
                    self.settle(&words).await;
                }
            }
            Event::Keep(claims) => self.keep(&claims).await,
            Event::Pass(time) => {
                self.stand.pass(time);
                self.reference.now += time;
                self.promote().await;
            }
            Event::Cancel(index) if !self.ids.is_empty() => {
                let at = index.index(self.ids.len());
                let said = well(self.stand.storage.cancel(vec![self.ids[at]]).await);
                assert_eq!(
                    said,
                    [match self.reference.cancel(at) {
                        Some(true) => Cancelled::Now,
                        Some(false) => Cancelled::Asked,
                        None => Cancelled::Over,
                    }]
                );
            }
            Event::Requeue(index) if !self.ids.is_empty() => {
                let at = index.index(self.ids.len());
                let said = well(self.stand.storage.requeue(vec![self.ids[at]]).await);
                assert_eq!(
                    said,
                    [match self.reference.requeue(at) {
                        Ok(true) => Requeued::Now,
                        Ok(false) => Requeued::NotDead,
                        Err(holder) => Requeued::Existing(self.ids[holder]),
                    }]
                );
            }
            Event::Cancel(_) | Event::Requeue(_) => {}
            Event::Pause(paused) => {
                well(self.stand.storage.pause(paused).await);
                self.reference.paused = paused;
            }
        }
    }

    async fn enqueue(&mut self, specs: &[Spec], shed: bool) {
        let room = if shed { Room::Shed } else { Room::Refuse };
        let said = self.stand.enqueue(specs.iter().map(new_job).collect(), room).await;
        for (spec, said) in specs.iter().zip(said) {
            let expected = match self.reference.enqueue(spec, shed) {
                Entered::New { job, shed } => {
                    let Enqueued::New { id, .. } = said else {
                        panic!("{spec:?} is new, and was told {said:?}")
                    };
                    assert!(self.ids.iter().all(|other| *other < id), "ids grow: {id}");
                    self.ids.push(id);
                    self.jobs.insert(id, job);
                    Enqueued::New { id, shed: shed.map(|shed| self.ids[shed]) }
                }
                Entered::Existing(holder) => Enqueued::Existing(self.ids[holder]),
                Entered::Replaced(holder) => Enqueued::Replaced(self.ids[holder]),
                Entered::Full => Enqueued::Full,
            };
            assert_eq!(said, expected, "{spec:?}");
        }
    }

    async fn claim(&mut self, max: usize, limits: Limits) {
        let claimed = self.stand.claim_by(Claim::new(max, LEASE).limits(limits)).await;
        let mut claimed = claimed.into_iter();
        for _ in 0..max {
            let number = self.claims.len();
            let expected = self.reference.claim(number, limits.attempts, limits.crashes);
            let held = claimed.next();
            assert_eq!(
                held.as_ref().map(|held| held.lease.id),
                expected.map(|at| self.ids[at]),
                "whose turn it is"
            );
            let (Some(held), Some(at)) = (held, expected) else { return };
            assert!(held.lease.token > self.token, "tokens grow");
            self.token = held.lease.token;
            self.claims.push((held.lease, at));
            let job = &self.reference.jobs[at];
            assert_eq!(held.payload, [job.payload]);
            assert_eq!(held.counts, job.counts);
            assert_eq!(held.waited, secs(self.reference.now - job.due));
        }
    }

    async fn settle(&mut self, words: &[(Index, Word)]) {
        if self.claims.is_empty() {
            return;
        }
        let picked: Vec<_> =
            words.iter().map(|(index, word)| (index.index(self.claims.len()), *word)).collect();
        let settlement = |&(claim, word): &(usize, Word)| Settlement {
            lease: self.claims[claim].0,
            verdict: verdict(word),
        };
        let said = well(self.stand.storage.settle(picked.iter().map(settlement).collect()).await);
        let expected: Vec<_> = picked
            .iter()
            .map(|&(claim, word)| match self.reference.settle(self.claims[claim].1, claim, word) {
                Heard::Moved(state) => Settled::Done(state),
                Heard::Already => Settled::Already,
                Heard::Lost => Settled::Lost,
            })
            .collect();
        assert_eq!(said, expected, "{picked:?}");
    }

    async fn keep(&mut self, claims: &[Index]) {
        if self.claims.is_empty() {
            return;
        }
        let picked: Vec<_> = claims.iter().map(|index| index.index(self.claims.len())).collect();
        let heartbeats = picked.iter().map(|&claim| Heartbeat::of(self.claims[claim].0)).collect();
        let said = well(self.stand.storage.heartbeat(heartbeats, LEASE).await);
        let keep = |&claim: &usize| match self.reference.keep(self.claims[claim].1, claim) {
            Some(false) => Kept::Extended,
            Some(true) => Kept::Cancel,
            None => Kept::Lost,
        };
        assert_eq!(said, picked.iter().map(keep).collect::<Vec<_>>());
    }

    async fn promote(&mut self) {
        let promoted = self.stand.promote().await;
        let swept = self.reference.sweep();
        let (mut back, mut dead) = (Vec::new(), Vec::new());
        for at in swept {
            match self.reference.jobs[at].stage {
                Stage::Waiting => back.push(self.ids[at]),
                Stage::Dead(cause) => dead.push((self.ids[at], cause)),
                _ => {}
            }
        }
        let sorted = |mut ids: Vec<JobId>| {
            ids.sort_unstable();
            ids
        };
        assert_eq!(sorted(promoted.recovered), back);
        let mut buried = promoted.buried;
        buried.sort_unstable();
        assert_eq!(buried, dead);
    }

    /// Every job, and the counts of them.
    async fn compare(&self) {
        let now = self.reference.now;
        let infos = well(self.stand.storage.inspect(Look::At(self.ids.clone())).await);
        assert_eq!(infos.len(), self.ids.len(), "nothing is forgotten");
        for (info, job) in infos.iter().zip(&self.reference.jobs) {
            assert_eq!(info.state, job.state(now), "{info:?}\n{job:?}");
            assert_eq!(info.counts, job.counts, "{info:?}\n{job:?}");
            assert_eq!(info.priority.0, job.priority, "{info:?}");
            assert_eq!(info.key.is_some(), job.key.is_some(), "{info:?}");
            match job.stage {
                Stage::Waiting => {
                    assert_eq!(info.due_in, secs(job.due.saturating_sub(now)), "{info:?}");
                }
                Stage::Leased { until } => {
                    assert_eq!(info.lease_left, secs(until - now), "{info:?}")
                }
                Stage::Dead(cause) => assert_eq!(info.cause, Some(cause), "{info:?}"),
                Stage::Done | Stage::Cancelled => {}
            }
        }
        let count = |states: &[State]| {
            self.reference.jobs.iter().filter(|job| states.contains(&job.state(now))).count()
        };
        let stats = self.stand.stats().await;
        assert_eq!(stats.ready, count(&[State::Ready]));
        assert_eq!(stats.scheduled, count(&[State::Scheduled, State::Retrying]));
        assert_eq!(stats.leased, count(&[State::Leased]));
        assert_eq!(stats.done, count(&[State::Done]));
        assert_eq!(stats.dead, count(&[State::Dead]));
        assert_eq!(stats.cancelled, count(&[State::Cancelled]));
        assert_eq!(stats.paused, self.reference.paused);
        let ready = self.reference.jobs.iter().filter(|job| job.state(now) == State::Ready);
        let oldest = ready.map(|job| secs(now - job.due)).max();
        assert_eq!(stats.oldest_ready, oldest);
    }
}
