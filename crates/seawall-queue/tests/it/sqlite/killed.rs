//! Processes that push and work on one file, and are killed in the middle of it.
//!
//! Each round starts a process that pushes and two that work; each writes down what was acknowledged to it,
//! and only then. The test reads that, and kills each (`SIGKILL`) after some lines, so in the middle of
//! whatever it does next. After some rounds the file is opened once more, the rest is done, and all that was
//! written down must fit together. A few rounds here; more of them by `cargo xtask crash`.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
    thread,
    time::Duration,
};

use seawall_core::{Chance, Clock, Nanos};
use seawall_queue::{
    Queue,
    job::{JobId, Limits, Settled, State, Verdict},
    sqlite::{Sqlite, SqliteBuilder},
    storage::{
        Claim, Claimed, Enqueued, Heartbeat, Keep, Look, MAX_BATCH, NewJob, Room, Settlement,
        Storage,
    },
};

use super::{
    block, directory,
    lives::{Life, is_whole, role, rounds, say},
};

/// So short that the jobs of the dead come back while others live.
const LEASE: Duration = Duration::from_millis(200);
/// Nothing dies of being killed: all of it is to be counted.
const LIMITS: Limits = Limits { attempts: 1_000, crashes: 1_000 };

fn builder(path: &Path) -> SqliteBuilder<String> {
    let all = Keep { count: usize::MAX, age: Duration::from_secs(1 << 30) };
    Queue::sqlite(path).keep_done(all).keep_dead(all)
}

/// Not a test: what the children of the other one run.
#[test]
fn child() {
    let Some((role, path)) = role() else { return };
    block(async {
        let storage = builder(&path).open_storage().await.expect("the file opens again");
        match &*role {
            "push" => push_for_ever(&storage).await,
            _ => work_for_ever(&storage).await,
        }
    });
}

async fn push_for_ever(storage: &Sqlite) {
    for size in (1..=4).cycle() {
        let jobs = (0..size).map(|_| NewJob::new(vec![7; 200])).collect();
        for put in storage.enqueue(jobs, Room::Refuse).await.expect("the file works") {
            let Enqueued::New { id, .. } = put else { panic!("there is room") };
            say(format_args!("pushed {id} 0 0"));
        }
    }
}

async fn work_for_ever(storage: &Sqlite) {
    loop {
        storage.promote(MAX_BATCH).await.expect("the file works");
        let claimed = storage.claim(Claim::new(4, LEASE).limits(LIMITS)).await;
        let claimed = claimed.expect("the file works");
        if claimed.is_empty() {
            say(format_args!("looked 0 0 0")); // it counts as a line, or he would live as long as there is nothing
        }
        for job in claimed {
            began(&job);
            let lease = job.lease;
            storage.heartbeat(vec![Heartbeat::of(lease)], LEASE).await.expect("the file works");
            let done = vec![Settlement { lease, verdict: Verdict::DONE }];
            if storage.settle(done).await.expect("the file works") == [Settled::Done(State::Done)] {
                say(format_args!("done {} {} 0", lease.id, lease.token));
            }
        }
    }
}

fn began(job: &Claimed<Vec<u8>>) {
    say(format_args!("began {} {} {}", job.lease.id, job.lease.token, job.counts.attempts));
}

/// What was acknowledged to the children.
#[derive(Default)]
struct Books {
    pushed: HashSet<u64>,
    /// A job's attempts by the tokens of its claims.
    began: HashMap<u64, BTreeMap<u64, u32>>,
    /// With which token a job was done.
    done: HashMap<u64, u64>,
}

impl Books {
    fn write(&mut self, line: &str) {
        let mut words = line.split(' ');
        let what = words.next();
        let numbers: Vec<u64> = words.map(|word| word.parse().expect("a number")).collect();
        let [id, token, attempt] = numbers[..] else { panic!("no line of ours: {line}") };
        match what {
            Some("pushed") => assert!(self.pushed.insert(id), "id {id} was given twice"),
            Some("began") => self.begin(id, token, attempt as u32),
            Some("looked") => {}
            _ => assert_eq!(self.done.insert(id, token), None, "job {id} was done twice"),
        }
    }

    fn begin(&mut self, id: u64, token: u64, attempt: u32) {
        let before = self.began.entry(id).or_default().insert(token, attempt);
        assert_eq!(before, None, "token {token} was given twice");
    }

    fn are_consistent(&self) {
        let mut tokens = HashSet::new();
        for (id, claims) in &self.began {
            assert!(claims.keys().all(|token| tokens.insert(token)), "a token was given twice");
            // Some claims were not told to anybody, but none is forgotten.
            let attempts: Vec<_> = claims.values().collect();
            assert!(attempts.is_sorted_by(|one, next| one < next), "of job {id}: {claims:?}");
            // It ran again only where nobody had been told that it was done.
            if let Some(done) = self.done.get(id) {
                let last = claims.last_key_value().expect("it began").0;
                assert_eq!(done, last, "job {id} ran again after it was done: {claims:?}");
            }
        }
    }
}

#[test]
fn whoever_is_killed_whenever_nothing_is_lost() {
    let chance = Chance::seeded(8);
    let directory = directory();
    let path = directory.path().join("jobs.db");
    let mut books = Books::default();

    for _ in 0..rounds() {
        let lives = ["push", "work", "work"].map(|role| {
            let (path, lines) = (path.clone(), chance.uniform(1, 120));
            thread::spawn(move || Life::start("killed::child", role, &path).killed_after(lines))
        });
        for life in lives {
            for line in life.join().unwrap() {
                books.write(&line);
            }
        }
        is_whole(&path);
    }

    block(finish(&path, &mut books));
    books.are_consistent();
    let runs: usize = books.began.values().map(BTreeMap::len).sum();
    println!("{} pushed, {} runs of {} jobs", books.pushed.len(), runs, books.began.len());
}

/// Does what is left, an hour later: all leases are over then.
async fn finish(path: &Path, books: &mut Books) {
    let far = Clock::custom(|| Nanos(1 << 61));
    let storage = builder(path).clock(far).verify().open_storage().await.unwrap();
    storage.promote(MAX_BATCH).await.unwrap();
    loop {
        let rest = storage.claim(Claim::new(100, LEASE).limits(LIMITS)).await.unwrap();
        if rest.is_empty() {
            break;
        }
        for job in rest {
            let (id, token) = (job.lease.id.0, job.lease.token.0);
            books.begin(id, token, job.counts.attempts);
            let done = vec![Settlement { lease: job.lease, verdict: Verdict::DONE }];
            let settled = storage.settle(done).await.unwrap();
            assert_eq!(settled, [Settled::Done(State::Done)]);
            assert_eq!(books.done.insert(id, token), None, "job {id} was done twice");
        }
    }
    let ids: Vec<_> = books.pushed.iter().copied().map(JobId).collect();
    for some in ids.chunks(MAX_BATCH) {
        let known = storage.inspect(Look::At(some.to_vec())).await.unwrap();
        assert_eq!(known.len(), some.len(), "what was acknowledged is there");
        for job in known {
            assert_eq!(job.state, State::Done, "{job:?}");
            // Each claim is an attempt, and each but the last, of which nobody said how it ended, a crash.
            assert_eq!(job.counts.attempts, job.counts.crashes + 1, "{job:?}");
        }
    }
}
