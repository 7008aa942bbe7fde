//! Workers of several processes on one file, each of which is killed (`SIGKILL`) in the middle of whatever it
//! does, and started again.
//!
//! The test pushes; its children work. Each writes down when a run begins and ends, and what the storage
//! answered to its verdict. From that follows which runs were under way when their worker was killed, and
//! only those may come again. A few lives here; more of them by `cargo xtask crash`.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::Read,
    path::Path,
    thread::{self, JoinHandle},
    time::Duration,
};

use seawall_core::Chance;
use seawall_queue::{
    BoxError, Claim, Claimed, Job, Json, Queue, Storage, Worker,
    job::{Cause, JobId, Kept, Settled, State, Verdict},
    sqlite::{Sqlite, SqliteBuilder, SqliteError},
    storage::{Heartbeat, Keep, Settlement},
};
use tokio::time::{sleep, timeout};

use super::{
    block, directory,
    lives::{Life, is_whole, role, rounds, say},
};
use crate::pass_on::pass_on;

/// So short that the jobs of the dead come back while others live, and so long that a disk which is slow for a
/// moment takes nobody's.
const LEASE: Duration = Duration::from_secs(2);
/// How many jobs a worker has at a time.
const PLACES: usize = 4;
/// How often a careful worker lets a job take its process along.
const CRASHES: u32 = 2;
/// What no process survives.
const POISON: u64 = 13;
/// How long the rest may take when nobody is killed any more.
const PATIENCE: Duration = Duration::from_secs(60);

fn builder(path: &Path) -> SqliteBuilder<u64> {
    let all = Keep { count: usize::MAX, age: Duration::from_secs(1 << 30) };
    Queue::sqlite(path).keep_done(all).keep_dead(all)
}

/// The file, which says what it answers.
struct Telling(Sqlite);

impl Storage for Telling {
    type Error = SqliteError;

    pass_on!(Vec<u8>: settings, enqueue, promote, cancel, requeue, pause, stats, inspect);

    async fn claim(&self, claim: Claim) -> Result<Vec<Claimed<Vec<u8>>>, SqliteError> {
        let claimed = self.0.claim(claim).await?;
        if claimed.is_empty() {
            say(format_args!("looked")); // who has nothing to do is killed too
        }
        Ok(claimed)
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<Settled>, SqliteError> {
        let said = settlements.clone();
        let answers = self.0.settle(settlements).await?;
        for (Settlement { lease, verdict }, answer) in said.iter().zip(&answers) {
            let answer = match (verdict, answer) {
                (_, Settled::Lost) => "lost",
                (Verdict::Done { .. }, Settled::Done(State::Done) | Settled::Already) => "done",
                (Verdict::Release, Settled::Done(State::Ready) | Settled::Already) => "released",
                other => panic!("nobody asked for that: {other:?}"),
            };
            say(format_args!("{answer} {} {}", lease.id, lease.token));
        }
        Ok(answers)
    }

    async fn heartbeat(
        &self,
        heartbeats: Vec<Heartbeat>,
        lease: Duration,
    ) -> Result<Vec<Kept>, SqliteError> {
        let leases: Vec<_> = heartbeats.iter().map(|heartbeat| heartbeat.lease).collect();
        let answers = self.0.heartbeat(heartbeats, lease).await?;
        for (lease, answer) in leases.iter().zip(&answers) {
            if *answer == Kept::Lost {
                say(format_args!("lost {} {}", lease.id, lease.token));
            }
        }
        Ok(answers)
    }
}

/// Not a test: what the children of the others run.
#[test]
fn child() {
    let Some((role, path)) = role() else { return };
    block(async {
        let file = builder(&path).open_storage().await.expect("the file opens again");
        let worker = Worker::builder(Queue::builder("jobs").coded(Telling(file), Json))
            .lease(LEASE)
            .poll(Duration::from_millis(20)) // no hint comes from another process
            .handler(work);
        let worker = match &*role {
            "careful" => worker.concurrency(1).lease(LEASE / 2).max_crashes(CRASHES),
            _ => worker.concurrency(PLACES).max_crashes(1_000),
        };
        worker.build().expect("sound settings").run_until(sent_home()).await;
    });
}

async fn work(job: Job<u64>) -> Result<(), BoxError> {
    let (lease, counts) = (job.lease(), job.counts());
    let [id, token] = [lease.id.0, lease.token.0];
    say(format_args!("began {id} {token} {} {}", counts.attempts, counts.crashes));
    if *job.payload() == POISON {
        std::process::abort();
    }
    sleep(Duration::from_millis(*job.payload() % 8)).await;
    say(format_args!("ended {id} {token}"));
    Ok(())
}

/// Until whoever started this process does not write to it any more, be it that he is no more.
async fn sent_home() {
    let read = || std::io::stdin().read_to_end(&mut Vec::new());
    tokio::task::spawn_blocking(read).await.expect("it does not panic").expect("there is a pipe");
}

/// What the children said.
#[derive(Default)]
struct Books {
    pushed: HashSet<JobId>,
    /// A job's runs, by the tokens of their claims.
    runs: HashMap<u64, BTreeMap<u64, Run>>,
    /// How many lives there were, and how many of them were ended by a kill.
    lives: usize,
    kills: usize,
}

/// A run of a job, as far as it was told of.
struct Run {
    life: usize,
    attempts: u32,
    crashes: u32,
    is_ended: bool,
    answer: Option<String>,
}

impl Books {
    /// What was said in one life, which a kill has ended or not.
    fn write(&mut self, lines: &[String], was_killed: bool) {
        for line in lines {
            self.write_line(line);
        }
        if !was_killed {
            let open = self
                .runs
                .values()
                .flat_map(BTreeMap::values)
                .filter(|run| run.life == self.lives && run.answer.is_none());
            assert_eq!(open.count(), 0, "who is sent home leaves nothing behind");
        }
        self.kills += usize::from(was_killed);
        self.lives += 1;
    }

    fn write_line(&mut self, line: &str) {
        let (what, numbers) = line.split_once(' ').unwrap_or((line, ""));
        let numbers: Vec<u64> = numbers.split_terminator(' ').map(|n| n.parse().unwrap()).collect();
        match (what, &numbers[..]) {
            ("looked", []) => {}
            ("began", &[id, token, attempts, crashes]) => {
                let [attempts, crashes] = [attempts, crashes].map(|count| count as u32);
                let run =
                    Run { life: self.lives, attempts, crashes, is_ended: false, answer: None };
                let before = self.runs.entry(id).or_default().insert(token, run);
                assert!(before.is_none(), "job {id} was given token {token} twice");
            }
            ("ended", [id, token]) => self.run(*id, *token).is_ended = true,
            (answer @ ("done" | "released" | "lost"), [id, token]) => {
                // A heartbeat that meets a settle finds its lease gone.
                let known = &mut self.run(*id, *token).answer;
                if known.is_none() || answer == "done" {
                    *known = Some(answer.to_owned());
                }
            }
            _ => panic!("no line of ours: {line}"),
        }
    }

    fn run(&mut self, id: u64, token: u64) -> &mut Run {
        let run = self.runs.get_mut(&id).and_then(|runs| runs.get_mut(&token));
        run.unwrap_or_else(|| panic!("job {id} with token {token} was never begun"))
    }

    /// Whether runs came again only where a worker was killed that had them.
    fn are_consistent(&self) {
        let mut tokens = HashSet::new();
        let mut under_way = HashMap::<usize, usize>::new();
        for (id, runs) in &self.runs {
            assert!(self.pushed.contains(&JobId(*id)), "nobody pushed job {id}");
            assert!(runs.keys().all(|token| tokens.insert(*token)), "a token was given twice");
            for run in runs.values() {
                // No handler fails here: each attempt but this one has crashed.
                assert_eq!(run.attempts, run.crashes + 1, "of job {id}");
            }
            for (before, next) in runs.values().zip(runs.values().skip(1)) {
                match before.answer.as_deref() {
                    Some("done") => panic!("job {id} ran again after it was done"),
                    Some("released") => assert!(before.attempts <= next.attempts, "of job {id}"),
                    Some(_) => assert!(before.attempts < next.attempts, "of job {id}"),
                    None => {
                        assert!(before.attempts < next.attempts, "of job {id}");
                        *under_way.entry(before.life).or_default() += 1;
                    }
                }
            }
        }
        for (life, runs) in under_way {
            assert!(runs <= PLACES, "life {life} had {runs} jobs at its end, and {PLACES} places");
        }
    }

    fn told(&self, answer: &str) -> usize {
        let runs = self.runs.values().flat_map(BTreeMap::values);
        runs.filter(|run| run.answer.as_deref() == Some(answer)).count()
    }
}

/// One life after another, each killed after some lines.
fn short_lives(path: &Path, seed: u64) -> JoinHandle<Vec<Vec<String>>> {
    let path = path.to_owned();
    thread::spawn(move || {
        let chance = Chance::seeded(seed);
        let life = |_| {
            let life = Life::start("killed_workers::child", "work", &path);
            life.killed_after(chance.uniform(1, 150))
        };
        (0..rounds()).map(life).collect()
    })
}

/// Returns when nothing waits or is leased any more.
async fn until_all_is_over(queue: &Queue<u64>) {
    let over = async {
        loop {
            let stats = queue.stats().await.expect("the file works");
            if stats.waiting() + stats.leased == 0 {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, over).await.expect("the rest is done, if late");
}

#[test]
fn whichever_worker_is_killed_what_was_pushed_is_done() {
    let directory = directory();
    let path = directory.path().join("jobs.db");
    let mut books = Books::default();

    block(async {
        let queue = builder(&path).open().await.unwrap();
        let lives = [8, 9].map(|seed| short_lives(&path, seed));
        let mut numbers = (0..).filter(|&number| number != POISON);
        while !lives.iter().all(JoinHandle::is_finished) {
            if queue.stats().await.unwrap().waiting() > 100 {
                sleep(Duration::from_millis(1)).await; // enough for a while
                continue;
            }
            let some: Vec<_> = numbers.by_ref().take(4).collect();
            let put = queue.push_batch(some).await.unwrap();
            books.pushed.extend(put.into_iter().map(|put| put.id().expect("there is room")));
        }
        for life in lives.into_iter().flat_map(|lives| lives.join().unwrap()) {
            books.write(&life, true);
        }

        let last = [(); 2].map(|()| Life::start("killed_workers::child", "work", &path));
        until_all_is_over(&queue).await;
        for mut life in last {
            life.send_home();
            books.write(&life.listen(), false);
        }
        every_push_is_done(&queue, &books).await;
    });

    is_whole(&path);
    books.are_consistent();
    let [done, released, lost] = ["done", "released", "lost"].map(|answer| books.told(answer));
    let (pushed, kills) = (books.pushed.len(), books.kills);
    println!(
        "{pushed} pushed, {kills} workers killed; {done} runs told done, {released} released, {lost} lost"
    );
}

async fn every_push_is_done(queue: &Queue<u64>, books: &Books) {
    let mut crashes = 0;
    for id in &books.pushed {
        let job = queue.job(*id).await.unwrap().expect("what was acknowledged is there");
        let (_, last) = books.runs[&id.0].last_key_value().expect("somebody ran it");
        assert_eq!(job.state, State::Done, "{job:?}");
        assert!(last.is_ended, "job {id} was settled before its handler came back");
        assert_eq!(job.counts.attempts, last.attempts, "{job:?}");
        assert_eq!(job.counts.crashes, last.crashes, "{job:?}");
        crashes += job.counts.crashes as usize;
    }
    let most = books.kills * PLACES + books.told("lost");
    assert!(crashes <= most, "{crashes} crashes, and {most} can have been");
    println!("{crashes} crashes counted");
}

/// One after another is started until one outlives all jobs.
#[test]
fn a_job_that_ends_its_process_is_dead_at_its_limit_and_takes_no_other_job_along() {
    let directory = directory();
    let path = directory.path().join("jobs.db");

    block(async {
        let queue = builder(&path).open().await.unwrap();
        for number in POISON - 5..POISON + 5 {
            queue.push(number).await.unwrap();
        }

        let mut deaths = 0;
        let over = async {
            loop {
                let mut life = Life::start("killed_workers::child", "careful", &path);
                loop {
                    if let Some(status) = life.ended() {
                        assert_eq!(status.code(), None, "it was no death of its own: {status}");
                        deaths += 1;
                        break;
                    }
                    let stats = queue.stats().await.unwrap();
                    if stats.waiting() + stats.leased == 0 {
                        life.send_home();
                        return drop(life.listen());
                    }
                    sleep(Duration::from_millis(10)).await;
                }
            }
        };
        timeout(PATIENCE, over).await.expect("somebody outlives it");

        assert_eq!(deaths, CRASHES);
        let [dead] = &queue.dead_letters().list(10).await.unwrap()[..] else { panic!("one died") };
        assert_eq!((dead.payload, dead.cause), (Some(POISON), Some(Cause::Crashes)));
        assert_eq!((dead.counts.crashes, dead.counts.attempts), (CRASHES, CRASHES));
        for job in queue.list(State::Done, 10, None).await.unwrap() {
            assert_eq!((job.counts.crashes, job.counts.attempts), (0, 1), "{job:?}");
        }
        assert_eq!(queue.stats().await.unwrap().done, 9);
    });
    is_whole(&path);
}
