//! What somebody else wrote into the file: cells that we never write.
//!
//! A file is input. Whatever stands in a cell, a call answers or fails; it does not panic, and what it was
//! not asked about goes on.

use proptest::{prelude::*, sample::Index};
use rusqlite::{Connection, params, types::Value};
use seawall_core::Nanos;

use super::{LEASE, job, live};
use crate::{
    job::{JobId, State, Token, Verdict},
    sqlite::{
        ledger::{Ledger, Result},
        schema::prepare,
    },
    storage::{Claim, Heartbeat, Look, Room, Scope, Settings, Settlement},
};

/// Each column of ours: its table, its name, its type.
fn columns(conn: &Connection) -> Vec<(String, String, String)> {
    let columns = "SELECT m.name, c.name, c.type FROM sqlite_schema m, pragma_table_info(m.name) c
        WHERE m.type = 'table' AND m.name LIKE 'seawall_%' AND c.name NOT IN ('only', 'version')
        ORDER BY 1, 2";
    let mut statement = conn.prepare(columns).unwrap();
    let columns = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    columns.unwrap().map(std::result::Result::unwrap).collect()
}

/// What a column of a type may hold at its worst.
fn worst(type_of: &str, whole: i64, text: &str) -> Value {
    match type_of {
        "INTEGER" => Value::Integer(whole),
        "TEXT" => Value::Text(text.to_owned()),
        _ => Value::Blob(text.as_bytes().to_vec()),
    }
}

fn whole() -> impl Strategy<Value = i64> {
    let edges = [0, 1, 2, 7, 255, 256, i64::from(u32::MAX), i64::from(u32::MAX) + 1, 1 << 62];
    let edges: Vec<i64> = edges.into_iter().chain([i64::MIN, -1, i64::MAX - 1, i64::MAX]).collect();
    prop_oneof![4 => prop::sample::select(edges), 1 => any::<i64>()]
}

/// Every call, once; the first failure ends it, as it would end the transaction.
fn every_call(conn: &Connection, settings: &Settings, now: Nanos) -> Result<()> {
    let mut ledger = Ledger::open(conn, settings, now)?;
    let ids: Vec<JobId> = (1..=80).map(JobId).collect();
    ledger.enqueue(&[job("b").key("ada").unique("0", Scope::Active)], Room::Shed)?;
    ledger.enqueue(&[job("b").replace("1", Scope::For(LEASE))], Room::Refuse)?;
    ledger.promote(100)?;
    let claimed = ledger.claim(&Claim::new(20, LEASE))?;
    let beats: Vec<_> = claimed.iter().map(|job| Heartbeat::of(job.lease)).collect();
    ledger.heartbeat(&beats, LEASE)?;
    let foreign = ids.iter().map(|&id| crate::job::Lease { id, token: Token(u64::MAX) });
    let leases = claimed.iter().map(|job| job.lease).chain(foreign);
    let verdicts = [
        Verdict::Release,
        Verdict::DONE,
        Verdict::Snooze { delay: LEASE },
        Verdict::Retry { delay: LEASE, error: String::new() },
    ];
    let ended = leases.zip(verdicts.into_iter().cycle());
    let ended: Vec<_> = ended.map(|(lease, verdict)| Settlement { lease, verdict }).collect();
    ledger.settle(&ended)?;
    ledger.stats()?;
    ledger.inspect(&Look::At(ids.clone()))?;
    for state in [State::Scheduled, State::Retrying, State::Ready, State::Leased, State::Dead] {
        ledger.inspect(&Look::In { state, limit: 50, before: None })?;
    }
    ledger.requeue(&ids)?;
    ledger.cancel(&ids)?;
    ledger.promote(100)?;
    ledger.close()?;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_cell_of_a_file_makes_a_call_panic(
        cells in prop::collection::vec((any::<Index>(), whole(), ".{0,8}", 1..5), 1..4),
        is_fair in any::<bool>(),
        now in prop_oneof![Just(0), Just(20), Just(400), Just(u64::MAX / 1_000_000_000)],
    ) {
        let mut conn = Connection::open_in_memory().unwrap();
        let settings = Settings::new(100).key_limit(1);
        let settings = if is_fair { settings.fair_keys() } else { settings };
        prepare(&mut conn, false, &settings).unwrap();
        live(&conn, settings.clone());
        let columns = columns(&conn);
        for (column, whole, text, every) in &cells {
            let (table, column, type_of) = column.get(&columns);
            let value = worst(type_of, *whole, text);
            // All rows, or one in so many; a cell that the schema itself refuses stays as it was.
            let some = if table == "seawall_jobs" { "id % ?2 = 0" } else { "?2 = ?2" };
            let sql = format!("UPDATE OR IGNORE {table} SET {column} = ?1 WHERE {some}");
            let _ = conn.execute(&sql, params![value, every]);
        }
        let _ = every_call(&conn, &settings, Nanos::from_secs(now));
    }
}
