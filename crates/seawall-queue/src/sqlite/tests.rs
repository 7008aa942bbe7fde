//! The file from inside: its schema, and how each statement is answered.

mod strange;

use std::sync::Arc;

use rusqlite::{
    Connection,
    trace::{TraceEvent, TraceEventCodes},
};
use seawall_core::{Nanos, Priority, sync::Mutex};

use super::{
    Bells, Durability,
    ledger::Ledger,
    reading,
    schema::{STEPS, prepare, version},
    writer::ask,
    writing,
};
use crate::{
    job::{Lease, Verdict},
    memory::Bell,
    storage::{Claim, Heartbeat, Keep, Look, NewJob, Progress, Room, Scope, Settings, Settlement},
};

const LEASE: std::time::Duration = std::time::Duration::from_secs(30);

fn job(payload: &str) -> NewJob<Vec<u8>> {
    NewJob::new(payload.as_bytes().to_vec())
}

/// All that the schema says, as it stands in the file.
fn schema(conn: &Connection) -> Vec<String> {
    let columns = "SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || c.pk || c.\"notnull\"
        FROM sqlite_schema m, pragma_table_info(m.name) c
        UNION ALL SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1";
    let mut statement = conn.prepare(columns).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// A file of the first version, with a job that somebody has and one that waits, as that version left it.
const FIRST: &str = "
    UPDATE seawall_queue SET version = 1, last_id = 2, last_token = 1, ready = 1, leased = 1;
    INSERT INTO seawall_jobs (id, phase, lane, moment, due, since, priority, attempts, token,
        limit_attempts, limit_crashes, payload)
        VALUES (1, 3, 0, 60000000000, 5, 5, 128, 1, 1, 5, 3, x'6F6E65');
    INSERT INTO seawall_jobs (id, phase, lane, moment, due, since, priority, limit_attempts, limit_crashes,
        key, unique_key, unique_scope, payload)
        VALUES (2, 1, 192, 6, 6, 6, 192, 5, 3, 'ada', 'photo:7', 1, x'74776F');
    INSERT INTO seawall_uniques (key, id) VALUES ('photo:7', 2);";

#[test]
fn a_file_of_the_first_version_becomes_one_of_the_last() {
    let mut old = Connection::open_in_memory().unwrap();
    old.execute_batch(STEPS[0]).unwrap();
    old.execute_batch(FIRST).unwrap();

    prepare(&mut old, false, &Settings::new(10)).unwrap();

    let mut new = Connection::open_in_memory().unwrap();
    prepare(&mut new, false, &Settings::new(10)).unwrap();
    assert_eq!(version(&old).unwrap(), Some(STEPS.len() as u32));
    assert_eq!(schema(&old), schema(&new));
    let settings = Settings::new(10);
    let mut ledger = Ledger::open(&old, &settings, Nanos::from_secs(1)).unwrap();
    let claimed = ledger.claim(&Claim::new(10, LEASE)).unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!((&*claimed[0].payload, claimed[0].key.as_deref()), (&b"two"[..], Some("ada")));
    let again = ledger.enqueue(&[job("two").unique("photo:7", Scope::Active)], Room::Refuse);
    assert_eq!(again.unwrap()[0].id(), Some(claimed[0].lease.id));
    ledger.close().unwrap();

    // The lease that the first version gave is over, too.
    let mut ledger = Ledger::open(&old, &settings, Nanos::from_secs(61)).unwrap();
    assert_eq!(ledger.promote(10).unwrap().recovered.len(), 2);
}

#[test]
fn a_step_that_fails_leaves_the_file_as_it_was() {
    let mut old = Connection::open_in_memory().unwrap();
    old.execute_batch(STEPS[0]).unwrap();
    old.execute_batch(FIRST).unwrap();
    // The last column of the next step is there already.
    old.execute_batch("ALTER TABLE seawall_jobs ADD COLUMN progress_note TEXT").unwrap();
    let before = schema(&old);

    prepare(&mut old, false, &Settings::new(10)).unwrap_err();

    assert_eq!((version(&old).unwrap(), schema(&old)), (Some(1), before));
}

/// All statements that ran since.
static RAN: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[expect(clippy::needless_pass_by_value, reason = "SQLite calls it so")]
fn trace(event: TraceEvent<'_>) {
    if let TraceEvent::Stmt(_, sql) = event {
        RAN.lock().push(sql.to_owned());
    }
}

/// Every call of a worker and of a producer, each on all of its ways.
fn live(conn: &Connection, mut settings: Settings) {
    settings.keep_done = Keep { count: 2, age: LEASE };
    settings.keep_dead = Keep { count: 2, age: LEASE };
    let at = |secs| Ledger::open(conn, &settings, Nanos::from_secs(secs)).unwrap();

    let mut ledger = at(10);
    let jobs: Vec<_> = (0..20_u8)
        .map(|n| {
            let scope = [Scope::Queued, Scope::Active, Scope::For(LEASE)][usize::from(n) % 3];
            job("a").key("ada").unique(format!("{n}"), scope).priority(Priority(n % 4))
        })
        .collect();
    ledger.enqueue(&jobs, Room::Refuse).unwrap();
    ledger.enqueue(&[job("a").replace("0", Scope::Active)], Room::Refuse).unwrap();
    ledger.enqueue(&vec![job("a").delay(LEASE).priority(Priority(9)); 40], Room::Refuse).unwrap();
    ledger.enqueue(&vec![job("a"); 5], Room::Shed).unwrap();
    let claim = Claim::new(5, LEASE).worker("ada");
    let leases: Vec<Lease> = ledger.claim(&claim).unwrap().iter().map(|job| job.lease).collect();
    let news = Some(Progress::default());
    let beats: Vec<_> =
        leases.iter().map(|&lease| Heartbeat { lease, progress: news.clone() }).collect();
    ledger.heartbeat(&beats, LEASE).unwrap();
    ledger.cancel(&[leases[0].id]).unwrap();
    let result = Verdict::Done { result: Some(Vec::new()) };
    let bury = Verdict::Bury { cause: crate::job::Cause::Refused, error: String::new() };
    let verdicts = [Verdict::Release, result, bury];
    let ended = leases.iter().zip(verdicts);
    let ended: Vec<_> = ended.map(|(&lease, verdict)| Settlement { lease, verdict }).collect();
    ledger.settle(&ended).unwrap();
    ledger.requeue(&[leases[2].id]).unwrap();
    let _ = ledger.stats().unwrap();
    ledger.inspect(&Look::At(vec![leases[0].id])).unwrap();
    ledger.close().unwrap();

    for secs in [50, 100, 200, 300] {
        let mut ledger = at(secs);
        ledger.promote(1_000).unwrap();
        ledger.claim(&claim).unwrap();
        ledger.close().unwrap();
    }
}

/// Promise 5, as far as a plan shows it: the table's rows and the indexes' entries are found, never walked.
#[test]
fn no_call_walks_through_what_is_there() {
    let rules = Settings::new(40).key_limit(1);
    let mut conns = Vec::new();
    for settings in [rules.clone(), rules.fair_keys(), Settings::new(40).fair_keys()] {
        let mut conn = Connection::open_in_memory().unwrap();
        prepare(&mut conn, false, &settings).unwrap();
        conn.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(trace)).unwrap();
        live(&conn, settings);
        conn.trace_v2(TraceEventCodes::empty(), None::<fn(TraceEvent<'_>)>).unwrap();
        conns.push(conn);
    }
    let conn = &conns[0];

    let mut ran = std::mem::take(&mut *RAN.lock());
    ran.sort();
    ran.dedup();
    assert!(ran.len() > 25, "all calls ran: {ran:#?}");
    for sql in ran {
        let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let count = plan.parameter_count();
        let nulls = rusqlite::params_from_iter((0..count).map(|_| rusqlite::types::Null));
        let steps = plan.query_map(nulls, |row| row.get::<_, String>(3)).unwrap();
        for step in steps.map(Result::unwrap) {
            // The one row of the queue's totals, and what a key's limit has counted out.
            let is_bounded = ["SCAN seawall_queue", "SCAN (subquery-"];
            let is_bounded = is_bounded.iter().any(|bounded| step.starts_with(bounded));
            // A phase alone would be all that wait, or all that are leased.
            let walks = ["SCAN", "TEMP B-TREE", "(phase=?)"].iter().any(|way| step.contains(way));
            assert!(!walks || is_bounded, "{sql}\n{step}");
        }
    }
}

/// Promise 6. SQLite's binding waits for five seconds on its own, so that it waits is no proof.
#[test]
fn a_connection_waits_as_long_as_it_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let time = std::time::Duration::from_millis(1_234);
    let builder = crate::Queue::<String>::sqlite(directory.path().join("jobs.db"));
    let builder = builder.busy_timeout(time);
    let bells = Bells { work: Bell::new(0), room: Bell::new(0) };
    for opened in [writing(builder.options(), Arc::new(bells)), reading(builder.options())] {
        let conn = opened.unwrap().conn;
        let waits: u64 = conn.pragma_query_value(None, "busy_timeout", |row| row.get(0)).unwrap();
        assert_eq!(waits, 1_234);
    }
}

/// Who pushes is answered after an fsync, and who works where he asked for that: what a commit waits for, as
/// SQLite has it (2 is `FULL`, 1 is `NORMAL`).
#[test]
fn a_commit_waits_for_the_disk_where_it_must() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jobs.db");
    for (durability, push, claim) in
        [(Durability::All, 2, 2), (Durability::Pushes, 2, 1), (Durability::Process, 1, 1)]
    {
        let builder = crate::Queue::<String>::sqlite(&path).durability(durability);
        let bells = Bells { work: Bell::new(0), room: Bell::new(0) };
        let mut writer = writing(builder.options(), Arc::new(bells)).unwrap();
        for (must_last, expected) in [(true, push), (false, claim), (true, push)] {
            let (call, _) = ask(1, must_last, |ledger| ledger.enqueue(&[job("a")], Room::Refuse));
            writer.commit(&mut [call]).unwrap();
            let waits: u8 =
                writer.conn.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
            assert_eq!(waits, expected, "{durability:?}, {must_last}");
        }
    }
}
