//! What a file can be, and what it is when it is opened again.

use std::{fs, path::Path, sync::Arc, time::Duration};

use seawall_core::{Clock, Nanos, sync::Mutex};
use seawall_queue::{
    Claim, Queue,
    job::{Kept, Verdict},
    sqlite::{Durability, Sqlite, SqliteError, rusqlite::Connection},
    storage::{Enqueued, Heartbeat, NewJob, Room, Settlement, Storage},
};
use seawall_test::Task;

use super::{LEASE, block, builder, claim, directory, open, payloads, push};

fn refused(directory: &Path) -> SqliteError {
    block(builder(directory).verify().open_storage()).expect_err("it is refused")
}

#[test]
fn what_was_pushed_is_there_when_the_file_is_opened_again() {
    let directory = directory();
    block(async {
        let queue = open(directory.path()).await;
        push(&queue, "one").await;
        push(&queue, "two").await;
        let [one] = claim(&queue, 1).await.try_into().unwrap();
        let done = Settlement { lease: one.lease, verdict: Verdict::DONE };
        queue.settle(vec![done]).await.unwrap();
        drop(queue);

        let queue = open(directory.path()).await;
        let stats = queue.stats().await.unwrap();
        assert_eq!((stats.ready, stats.done), (1, 1));
        assert_eq!(payloads(claim(&queue, 10).await), ["two"]);
    });
}

#[test]
fn no_token_comes_twice_though_the_last_claims_are_forgotten() {
    let directory = directory();
    let path = directory.path().join("jobs.db");
    block(async {
        let queue = open(directory.path()).await;
        push(&queue, "one").await;
        let before = claim(&queue, 1).await[0].lease;
        drop(queue);

        // What a power cut does to a claim that was not waited for.
        let file = Connection::open(&path).unwrap();
        file.execute_batch(
            "UPDATE seawall_jobs SET phase = 1, lane = priority, moment = due, token = 0, attempts = 0;
            UPDATE seawall_queue SET ready = 1, leased = 0, last_token = last_token - 1;",
        )
        .unwrap();

        let queue = open(directory.path()).await;
        let after = claim(&queue, 1).await[0].lease;
        assert_eq!(after.id, before.id);
        assert!(after.token > before.token, "{after:?} is the second claim, {before:?} the first");
    });
}

#[test]
fn two_handles_on_one_file_see_one_queue() {
    let directory = directory();
    block(async {
        let (one, other) = (open(directory.path()).await, open(directory.path()).await);
        let pushes = |queue, name: &'static str| async move {
            for n in 0..100 {
                push(queue, &format!("{name} {n}")).await;
            }
        };
        tokio::join!(pushes(&one, "one"), pushes(&other, "other"));
        assert_eq!(one.stats().await.unwrap().ready, 200);
        assert_eq!(other.stats().await.unwrap().ready, 200);

        let mut all = payloads(claim(&one, 150).await);
        all.extend(payloads(claim(&other, 150).await));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 200, "each job is one worker's");
    });
}

#[test]
fn who_is_held_up_under_one_limit_is_free_under_another() {
    let directory = directory();
    block(async {
        let strict = builder(directory.path()).key_limit(1).open_storage().await.unwrap();
        let job = || NewJob::new(Vec::new()).key("ada");
        strict.enqueue(vec![job(), job(), job()], Room::Refuse).await.unwrap();
        assert_eq!(claim(&strict, 10).await.len(), 1);
        let stats = strict.stats().await.unwrap();
        assert_eq!((stats.ready, stats.held_up), (2, 2));
        drop(strict);

        let free = open(directory.path()).await;
        assert_eq!(claim(&free, 10).await.len(), 2);
    });
}

/// The names of up to so many jobs of a key each.
async fn keys(storage: &Sqlite, max: usize) -> String {
    let claimed = claim(storage, max).await;
    claimed.into_iter().map(|job| job.key.expect("it has one").to_string()).collect()
}

async fn push_keys(storage: &Sqlite, keys: &str) {
    let job = |key: char| NewJob::new(Vec::new()).key(key.to_string());
    storage.enqueue(keys.chars().map(job).collect(), Room::Refuse).await.unwrap();
}

#[test]
fn a_backlog_is_lined_up_anew_where_keys_take_turns_from_now_on() {
    let directory = directory();
    block(async {
        let plain = open(directory.path()).await;
        push_keys(&plain, "aaaab").await;
        assert_eq!(keys(&plain, 1).await, "a");
        drop(plain);

        let fair = builder(directory.path()).fair_keys().open_storage().await.unwrap();
        push_keys(&fair, "cc").await;
        assert_eq!(keys(&fair, 4).await, "abca");
        // Whoever opens it by the same rules disturbs no turns.
        let other = builder(directory.path()).fair_keys().open_storage().await.unwrap();
        assert_eq!(keys(&other, 1).await, "c");
        drop((fair, other));

        let plain = open(directory.path()).await;
        push_keys(&plain, "b").await;
        assert_eq!(keys(&plain, 10).await, "ab");
        let stats = plain.stats().await.unwrap();
        assert_eq!((stats.ready, stats.leased), (0, 8));
    });
}

/// Two processes of which one does not know of turns, and one has another limit: each job is done, once.
#[test]
fn where_processes_go_by_different_rules_no_job_is_left_behind() {
    let directory = directory();
    block(async {
        let open = async |limit: u32, fair: bool| {
            let builder = builder(directory.path()).key_limit(limit);
            let builder = if fair { builder.fair_keys() } else { builder };
            builder.open_storage().await.unwrap()
        };
        let storages =
            [open(1, true).await, open(3, false).await, open(2, true).await, open(1, false).await];
        for storage in &storages {
            push_keys(storage, "aaaaabbbcaaa").await;
        }
        let (mut done, mut idle) = (0, 0);
        while idle < 2 * storages.len() {
            // The claims of all are there at once, and end in another order.
            let mut leases = Vec::new();
            for storage in &storages {
                leases.extend(claim(storage, 4).await.into_iter().map(|job| job.lease));
            }
            idle = if leases.is_empty() { idle + 1 } else { 0 };
            for (storage, lease) in storages.iter().cycle().skip(1).zip(leases) {
                let settled = Settlement { lease, verdict: Verdict::DONE };
                storage.settle(vec![settled]).await.unwrap();
                done += 1;
            }
        }
        let stats = storages[0].stats().await.unwrap();
        assert_eq!((done, stats.ready, stats.done), (48, 0, 48));
    });
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let directory = directory();
    let path = directory.path().join("jobs.db");
    let letter = "Dear Ada, this is a letter and not a database. ".repeat(100);
    fs::write(&path, &letter).unwrap();

    let error = refused(directory.path());

    assert!(matches!(error, SqliteError::NotADatabase), "{error:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), letter);
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let directory = directory();
    let path = directory.path().join("jobs.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE birds (name TEXT)").unwrap();
    let before = fs::read(&path).unwrap();

    let error = refused(directory.path());

    assert!(matches!(error, SqliteError::Foreign), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
    block(builder(directory.path()).beside_others().open_storage()).expect("it may be beside");
}

#[test]
fn a_later_versions_file_is_refused_and_left_alone() {
    let directory = directory();
    drop(block(open(directory.path())));
    let path = directory.path().join("jobs.db");
    let file = Connection::open(&path).unwrap();
    file.execute_batch("UPDATE seawall_queue SET version = 99").unwrap();
    let changes = || -> u32 {
        file.query_row("SELECT last_token FROM seawall_queue", [], |row| row.get::<_, u64>(0))
            .map(|token| (token >> 32) as u32)
            .unwrap()
    };
    let before = changes();

    let error = refused(directory.path());

    assert!(matches!(error, SqliteError::Newer { found: 99, .. }), "{error:?}");
    assert_eq!(changes(), before);
}

#[test]
fn a_damaged_file_is_refused_with_what_is_wrong() {
    let directory = directory();
    let path = directory.path().join("jobs.db");
    block(async {
        let queue = open(directory.path()).await;
        let jobs = (0..1_000).map(|n| NewJob::new(format!("job {n}").into_bytes())).collect();
        queue.enqueue(jobs, Room::Refuse).await.unwrap();
        queue.close().await;
    });
    // All that is in the log goes to the file, and the log away.
    let file = Connection::open(&path).unwrap();
    file.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE").unwrap();
    drop(file);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8_192].fill(0x5A);
    fs::write(&path, bytes).unwrap();

    let error = refused(directory.path());

    assert!(matches!(error, SqliteError::Corrupt(_)), "{error:?}");
}

#[test]
fn a_call_waits_for_another_writer_no_longer_than_it_is_told() {
    let directory = directory();
    let quick = Duration::from_millis(20);
    let queue = block(builder(directory.path()).busy_timeout(quick).open_storage()).unwrap();
    let other = Connection::open(directory.path().join("jobs.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let job = || vec![NewJob::new(Vec::new())];
    let refused = block(queue.enqueue(job(), Room::Refuse));
    assert!(matches!(refused, Err(SqliteError::Busy)), "{refused:?}");

    other.execute_batch("COMMIT").unwrap();
    let put = block(queue.enqueue(job(), Room::Refuse)).unwrap();
    assert!(matches!(put[..], [Enqueued::New { .. }]), "{put:?}");
}

/// Promise 2.
#[test]
fn calls_that_come_while_the_disk_works_share_a_commit() {
    let directory = directory();
    let queue = block(open(directory.path()));
    let other = Connection::open(directory.path().join("jobs.db")).unwrap();
    let before = commits(directory.path());
    other.execute_batch("BEGIN IMMEDIATE").unwrap(); // as a disk that is slow

    let call = |_| Box::pin(queue.enqueue(vec![NewJob::new(Vec::new())], Room::Refuse));
    let mut calls: Vec<_> = (0..100).map(call).collect();
    for call in &mut calls {
        assert!(Task::new().poll(call.as_mut()).is_pending());
    }
    other.execute_batch("ROLLBACK").unwrap();
    for call in calls {
        block(call).unwrap();
    }

    // The first may have been on its way alone.
    let shared = commits(directory.path()) - before;
    assert!((1..=2).contains(&shared), "{shared} commits");
}

/// How many commits are in the write-ahead log: a frame that is one says how large the file is after it.
fn commits(directory: &Path) -> usize {
    const HEADER: usize = 32;
    const FRAME_HEADER: usize = 24;
    let log = fs::read(directory.join("jobs.db-wal")).unwrap();
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let page_size = number(8) as usize;
    let frames = (HEADER..log.len()).step_by(FRAME_HEADER + page_size);
    frames.filter(|&frame| number(frame + 4) > 0).count()
}

/// What storages promise of their time (9): the suite moves its clock on only.
#[test]
fn a_clock_that_steps_back_ends_no_lease_and_grants_none_twice() {
    let directory = directory();
    let tells = Arc::new(Mutex::new(Nanos::from_secs(100)));
    let told = Arc::clone(&tells);
    block(async {
        let clock = Clock::custom(move || *told.lock());
        let queue = builder(directory.path()).clock(clock).open_storage().await.unwrap();
        push(&queue, "one").await;
        let held = claim(&queue, 1).await[0].lease;
        *tells.lock() = Nanos::from_secs(90);

        push(&queue, "two").await;
        let other = claim(&queue, 9).await;
        assert!(
            other.iter().all(|other| other.lease.token > held.token && other.lease.id != held.id)
        );
        *tells.lock() = Nanos::from_secs(119);
        assert_eq!(queue.promote(9).await.unwrap().recovered, []);
        assert_eq!(
            queue.heartbeat(vec![Heartbeat::of(held)], LEASE).await.unwrap(),
            [Kept::Extended]
        );
        *tells.lock() = Nanos::from_secs(200);
        queue.promote(9).await.unwrap();
        assert_eq!(claim(&queue, 9).await.len(), 2);
    });
}

#[test]
fn who_looks_sees_while_another_writes() {
    let directory = directory();
    let queue = block(open(directory.path()));
    block(push(&queue, "one"));
    let other = Connection::open(directory.path().join("jobs.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    assert_eq!(block(queue.stats()).unwrap().ready, 1);
}

#[test]
fn what_is_called_after_it_was_closed_is_told_so() {
    let directory = directory();
    block(async {
        let queue = open(directory.path()).await;
        let clone = queue.clone();
        push(&queue, "one").await;
        queue.close().await;
        let refused = clone.enqueue(vec![NewJob::new(Vec::new())], Room::Refuse).await;
        assert!(matches!(refused, Err(SqliteError::Closed)), "{refused:?}");
        assert!(matches!(clone.stats().await, Err(SqliteError::Closed)));
    });
    // Nobody has the file open: the log is gone with the last one.
    assert!(!directory.path().join("jobs.db-wal").exists());
}

#[test]
fn settings_that_cannot_be_are_refused_with_their_name() {
    let directory = directory();
    let error = block(builder(directory.path()).capacity(0).open_storage()).unwrap_err();
    assert!(error.to_string().contains("capacity"), "{error}");
}

#[test]
fn a_queue_of_a_type_keeps_it_as_json() {
    let directory = directory();
    block(async {
        let queue = Queue::<Vec<u32>>::sqlite(directory.path().join("photos.db"))
            .durability(Durability::All)
            .open()
            .await
            .unwrap();
        assert_eq!(queue.name().as_str(), "photos");
        queue.push(vec![640, 480]).await.unwrap();
        let [job] = queue.claim(Claim::new(10, LEASE)).await.unwrap().try_into().unwrap();
        assert_eq!(job.payload, [640, 480]);
    });
}

/// All files of a directory, as they are.
fn contents(directory: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = entries.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    all.sort();
    all
}

#[test]
fn who_may_only_look_sees_what_others_do_and_is_refused_what_would_write() {
    let directory = directory();
    block(async {
        let works = open(directory.path()).await;
        push(&works, "one").await;
        let looks = builder(directory.path()).read_only().open_storage().await.unwrap();

        push(&works, "two").await;
        assert_eq!(claim(&works, 1).await.len(), 1);

        let stats = looks.stats().await.unwrap();
        assert_eq!((stats.ready, stats.leased, stats.pushed), (1, 1, 2));
        let pushed = looks.enqueue(vec![NewJob::new(Vec::new())], Room::Refuse).await;
        assert!(matches!(pushed, Err(SqliteError::ReadOnly)), "{pushed:?}");
        let claimed = looks.claim(Claim::new(1, LEASE)).await;
        assert!(matches!(claimed, Err(SqliteError::ReadOnly)), "{claimed:?}");
        assert!(matches!(looks.pause(true).await, Err(SqliteError::ReadOnly)));
        let stats = works.stats().await.unwrap();
        assert_eq!((stats.ready, stats.leased, stats.paused), (1, 1, false));
    });
}

#[test]
fn who_may_only_look_leaves_the_file_as_it_was() {
    let directory = directory();
    block(async {
        let works = open(directory.path()).await;
        push(&works, "one").await;
        works.close().await;
        let before = contents(directory.path());

        let looks = builder(directory.path()).verify().read_only().open_storage().await.unwrap();
        assert_eq!(looks.stats().await.unwrap().ready, 1);
        looks.close().await;

        let after = contents(directory.path());
        assert_eq!(before[0], after[0], "the database");
        let log = after.iter().find(|(path, _)| path.ends_with("jobs.db-wal"));
        assert!(log.is_none_or(|(_, bytes)| bytes.is_empty()));
    });
}

#[test]
fn who_may_only_look_sees_what_a_killed_process_left_in_its_log() {
    let (lives, killed) = (directory(), directory());
    block(async {
        let works = open(lives.path()).await;
        push(&works, "one").await;
        for name in ["jobs.db", "jobs.db-wal"] {
            fs::copy(lives.path().join(name), killed.path().join(name)).unwrap();
        }

        let before = fs::read(killed.path().join("jobs.db")).unwrap();

        let looks = builder(killed.path()).read_only().open_storage().await.unwrap();

        assert_eq!(looks.stats().await.unwrap().ready, 1);
        looks.close().await;
        let after = fs::read(killed.path().join("jobs.db")).unwrap();
        assert_eq!(before, after, "to bring the log home is for who works");
    });
}

#[test]
fn who_may_only_look_makes_no_file_and_brings_none_up_to_date() {
    let directory = directory();
    let refused =
        |path: &Path| block(builder(path).read_only().open_storage()).expect_err("it is refused");

    let error = refused(directory.path());
    assert!(matches!(error, SqliteError::Other(_)), "{error:?}");
    assert_eq!(contents(directory.path()), []);

    // Nothing is in it yet; then a queue of long ago; then another program's tables.
    let path = directory.path().join("jobs.db");
    let other = Connection::open(&path).unwrap();
    fs::write(&path, []).unwrap();
    let error = refused(directory.path());
    assert!(matches!(error, SqliteError::Older { found: 0, .. }), "{error:?}");

    other
        .execute_batch("CREATE TABLE seawall_queue (version); INSERT INTO seawall_queue VALUES (1)")
        .unwrap();
    let error = refused(directory.path());
    assert!(matches!(error, SqliteError::Older { found: 1, .. }), "{error:?}");
    let version: u32 =
        other.query_row("SELECT version FROM seawall_queue", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 1);

    other.execute_batch("DROP TABLE seawall_queue; CREATE TABLE photos (id)").unwrap();
    let error = refused(directory.path());
    assert!(matches!(error, SqliteError::Foreign), "{error:?}");
}
