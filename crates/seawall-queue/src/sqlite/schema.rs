//! What is in the file, and how an older one becomes that.
//!
//! ```text
//!   seawall_queue     one row: the schema's version, the last id and token, how many jobs are where
//!   seawall_jobs      one row a job
//!   seawall_uniques   one row a unique key that somebody holds
//! ```
//!
//! A job's **place** is `(phase, lane, moment, id)`, and there is one index on it. All questions that a call
//! asks are about the first of a phase and a lane, so what they cost does not grow with what is there:
//!
//! | phase | | lane | moment |
//! |---|---|---|---|
//! | 0 | scheduled | its priority | when it is due |
//! | 1 | ready | its priority | when it was due; or when its key was served, should that be later |
//! | 2 | held up by its key | its priority | when it was due |
//! | 3 | leased | 0 | when the lease is over |
//! | 4 | done | 0 | when that was |
//! | 5 | cancelled | 0 | when that was |
//! | 6 | dead | 0 | when that was |
//!
//! The statements say `phase = 2` and not `phase = ?` where a partial index is to answer: it is chosen for
//! what stands in the text.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::SqliteError;
use crate::storage::Settings;

/// What leads from each version to the next: a new file goes the whole way, so there is one schema only.
pub(super) const STEPS: &[&str] = &[
    // 1: jobs, their places, their keys.
    "CREATE TABLE seawall_queue (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        version INTEGER NOT NULL,
        last_id INTEGER NOT NULL DEFAULT 0,
        last_token INTEGER NOT NULL DEFAULT 0,
        paused INTEGER NOT NULL DEFAULT 0,
        scheduled INTEGER NOT NULL DEFAULT 0,
        ready INTEGER NOT NULL DEFAULT 0,
        held_up INTEGER NOT NULL DEFAULT 0,
        leased INTEGER NOT NULL DEFAULT 0,
        done INTEGER NOT NULL DEFAULT 0,
        cancelled INTEGER NOT NULL DEFAULT 0,
        dead INTEGER NOT NULL DEFAULT 0,
        timed INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    INSERT INTO seawall_queue (only, version) VALUES (1, 0);
    CREATE TABLE seawall_jobs (
        id INTEGER PRIMARY KEY,
        phase INTEGER NOT NULL,
        lane INTEGER NOT NULL,
        moment INTEGER NOT NULL,
        due INTEGER NOT NULL,
        since INTEGER NOT NULL,
        priority INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        crashes INTEGER NOT NULL DEFAULT 0,
        snoozes INTEGER NOT NULL DEFAULT 0,
        redrives INTEGER NOT NULL DEFAULT 0,
        token INTEGER NOT NULL DEFAULT 0,
        settled INTEGER NOT NULL DEFAULT 0,
        cancel INTEGER NOT NULL DEFAULT 0,
        limit_attempts INTEGER NOT NULL DEFAULT 0,
        limit_crashes INTEGER NOT NULL DEFAULT 0,
        max_attempts INTEGER,
        key TEXT,
        unique_key TEXT,
        unique_scope INTEGER,
        cause TEXT,
        worker TEXT,
        error TEXT,
        result BLOB,
        payload BLOB
    ) STRICT;
    CREATE INDEX seawall_place ON seawall_jobs (phase, lane, moment);
    CREATE INDEX seawall_leased_of ON seawall_jobs (key) WHERE phase = 3 AND key IS NOT NULL;
    CREATE INDEX seawall_held_up_of
        ON seawall_jobs (key, moment + (255 - priority) * 1000000000) WHERE phase = 2;
    CREATE TABLE seawall_uniques (
        key TEXT PRIMARY KEY,
        id INTEGER NOT NULL,
        until INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX seawall_timed ON seawall_uniques (until) WHERE until IS NOT NULL;",
    // 2: how far jobs are.
    "ALTER TABLE seawall_jobs ADD COLUMN progress_done INTEGER;
    ALTER TABLE seawall_jobs ADD COLUMN progress_total INTEGER;
    ALTER TABLE seawall_jobs ADD COLUMN progress_note TEXT;",
    // 3: keys that take turns. Of each, who is in line; of these, who waits longer than his place tells.
    "ALTER TABLE seawall_queue ADD COLUMN served INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE seawall_queue ADD COLUMN key_limit INTEGER;
    ALTER TABLE seawall_queue ADD COLUMN fair_keys INTEGER;
    ALTER TABLE seawall_jobs ADD COLUMN served INTEGER;
    CREATE INDEX seawall_in_line_of ON seawall_jobs (key) WHERE phase = 1 AND key IS NOT NULL;
    CREATE INDEX seawall_put_off ON seawall_jobs (due) WHERE phase = 1 AND moment > due;",
];

/// Nobody is held up, as where keys mean nothing.
const ALL_IN_LINE: &str = "UPDATE seawall_jobs SET phase = 1, moment = due, served = NULL
    WHERE phase = 2 OR (phase = 1 AND moment > due)";

/// Of each key, all but the first in turn are held up.
const ONE_IN_LINE: &str = "UPDATE seawall_jobs SET phase = 2 WHERE id IN (SELECT id FROM
    (SELECT id, row_number() OVER (PARTITION BY key ORDER BY due + (255 - priority) * 1000000000, id) AS place
    FROM seawall_jobs WHERE phase = 1 AND key IS NOT NULL) WHERE place > 1)";

/// How far apart the tokens of two openings are: more than the claims that a power cut can undo.
const GAP: i64 = 1 << 32;

/// Whether the file is ours, and what is to be done where it is not.
pub(super) fn prepare(
    conn: &mut Connection,
    beside_others: bool,
    settings: &Settings,
) -> Result<(), SqliteError> {
    // So that two processes that come at once make it one after the other.
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known = STEPS.len() as u32;
    let found = match version(&tx)? {
        Some(found) => found,
        None => {
            let others: u32 = tx.query_row(
                "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'",
                [],
                |row| row.get(0),
            )?;
            if others > 0 && !beside_others {
                return Err(SqliteError::Foreign);
            }
            0
        }
    };
    if found > known {
        return Err(SqliteError::Newer { found, known });
    }
    for step in &STEPS[found as usize..] {
        tx.execute_batch(step)?;
    }
    tx.execute(
        "UPDATE seawall_queue SET version = ?1, last_token = last_token + ?2",
        (known, GAP),
    )?;
    line_up(&tx, settings)?;
    tx.commit()?;
    Ok(())
}

/// Where the file was last opened with other rules for keys, all jobs are lined up anew: that looks at all of
/// them.
fn line_up(tx: &Connection, settings: &Settings) -> Result<(), SqliteError> {
    const SAME: &str = "SELECT key_limit IS ?1 AND fair_keys IS ?2 FROM seawall_queue";
    const RULES: &str = "UPDATE seawall_queue SET key_limit = ?1, fair_keys = ?2,
        ready = (SELECT count(*) FROM seawall_jobs WHERE phase = 1),
        held_up = (SELECT count(*) FROM seawall_jobs WHERE phase = 2)";
    let rules = (settings.key_limit, settings.fair_keys);
    if tx.query_row(SAME, rules, |row| row.get(0))? {
        return Ok(());
    }
    tx.execute(ALL_IN_LINE, [])?;
    if settings.fair_keys {
        tx.execute(ONE_IN_LINE, [])?;
    }
    tx.execute(RULES, rules)?;
    Ok(())
}

/// The schema's version; `None` where there is none of ours.
pub(super) fn version(conn: &Connection) -> Result<Option<u32>, SqliteError> {
    let table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'seawall_queue'";
    if conn.query_row(table, [], |_| Ok(())).optional()?.is_none() {
        return Ok(None);
    }
    let version = "SELECT version FROM seawall_queue";
    match conn.query_row(version, [], |row| row.get(0)).optional()? {
        Some(version) => Ok(Some(version)),
        None => Err(SqliteError::Corrupt("its table `seawall_queue` is empty".into())),
    }
}
