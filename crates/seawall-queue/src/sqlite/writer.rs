//! The thread that works on the file, and how a call gets there: many calls, one transaction.
//!
//! ```text
//!   push ──┐
//!   push ──┼──▶ calls ──▶ begin · push · push · claim · commit ──▶ answers
//!   claim ─┘   (a ring)            one fsync for all
//! ```
//!
//! While a transaction is committed, which takes as long as the disk takes, other calls gather; they are the
//! next group. So a lone caller waits for one fsync, and thousands share one. Nobody is answered before his
//! group is committed.
//!
//! A group that fails was not committed: then its calls are tried one by one, so that one that can't be done
//! does not take others with it.

use std::time::Duration;

use rusqlite::Connection;
use seawall_core::Clock;
use tokio::sync::oneshot;

use super::{
    Durability, SqliteError,
    ledger::{Ledger, Result, Totals},
};
use crate::{ring, storage::Settings};

/// How many calls may wait to be taken, and how many jobs a group may work on.
pub(super) const CALLS: usize = 1_024;
const WEIGHT: usize = 4_096;

/// Something to be done in a transaction.
pub(super) trait Call: Send {
    /// Does it, again where the transaction before failed.
    fn run(&mut self, ledger: &mut Ledger<'_>) -> Result<()>;
    /// About how many jobs it works on.
    fn weight(&self) -> usize;
    /// Whether it must be on the disk before it is answered, where not all must.
    fn must_last(&self) -> bool;
    /// Answers, after the transaction has ended so.
    fn answer(self: Box<Self>, ended: std::result::Result<(), SqliteError>);
}

/// A call by a closure, and who waits for what it gives.
pub(super) struct Asked<F, R> {
    work: F,
    weight: usize,
    must_last: bool,
    done: Option<R>,
    asker: oneshot::Sender<std::result::Result<R, SqliteError>>,
}

/// A call, and where its answer comes.
pub(super) fn ask<F, R>(
    weight: usize,
    must_last: bool,
    work: F,
) -> (Box<dyn Call>, oneshot::Receiver<std::result::Result<R, SqliteError>>)
where
    F: Fn(&mut Ledger<'_>) -> Result<R> + Send + 'static,
    R: Send + 'static,
{
    let (asker, answer) = oneshot::channel();
    (Box::new(Asked { work, weight, must_last, done: None, asker }), answer)
}

impl<F, R> Call for Asked<F, R>
where
    F: Fn(&mut Ledger<'_>) -> Result<R> + Send,
    R: Send,
{
    fn run(&mut self, ledger: &mut Ledger<'_>) -> Result<()> {
        self.done = Some((self.work)(ledger)?);
        Ok(())
    }

    fn weight(&self) -> usize {
        self.weight
    }

    fn must_last(&self) -> bool {
        self.must_last
    }

    fn answer(self: Box<Self>, ended: std::result::Result<(), SqliteError>) {
        let Self { done, asker, .. } = *self;
        let answer = ended.and_then(|()| done.ok_or(SqliteError::Closed));
        let _ = asker.send(answer); // he may have gone; it is done all the same
    }
}

/// What the thread knows.
pub(super) struct Writer {
    pub(super) conn: Connection,
    pub(super) settings: Settings,
    pub(super) clock: Clock,
    /// `None` for one that only reads.
    pub(super) durability: Option<Durability>,
    /// Whether commits wait for the disk now.
    pub(super) waits: bool,
    /// Is told how many jobs are where, after each commit.
    pub(super) tell: Box<dyn Fn(&Totals) + Send>,
}

impl Writer {
    /// Works until nobody can call any more.
    pub(super) fn run(mut self, calls: &ring::Receiver<Box<dyn Call>>) {
        let mut group = Vec::new();
        while let Some(first) = calls.recv_blocking() {
            let mut weight = first.weight();
            group.push(first);
            while weight < WEIGHT
                && let Ok(next) = calls.try_recv()
            {
                weight += next.weight();
                group.push(next);
            }
            self.work(&mut group);
        }
    }

    fn work(&mut self, group: &mut Vec<Box<dyn Call>>) {
        match self.commit(group) {
            // The file is not to be had: to try each would be to wait as long for each.
            Err(error) if group.len() > 1 && !matches!(error, SqliteError::Busy) => {
                for mut call in group.drain(..) {
                    let ended = self.commit(std::slice::from_mut(&mut call));
                    call.answer(ended);
                }
            }
            ended => {
                for call in group.drain(..) {
                    call.answer(ended.clone());
                }
            }
        }
    }

    pub(super) fn commit(
        &mut self,
        group: &mut [Box<dyn Call>],
    ) -> std::result::Result<(), SqliteError> {
        let ended = self.try_commit(group);
        if ended.is_err() && !self.conn.is_autocommit() {
            // Where this fails too, the next one will not begin, and say so.
            let _ = self.conn.execute_batch("ROLLBACK");
        }
        let totals = ended?;
        (self.tell)(&totals);
        Ok(())
    }

    fn try_commit(&mut self, group: &mut [Box<dyn Call>]) -> Result<Totals> {
        let begin = match self.durability {
            Some(durability) => {
                let waits = match durability {
                    Durability::All => true,
                    Durability::Pushes => group.iter().any(|call| call.must_last()),
                    Durability::Process => false,
                };
                self.set_waits(waits)?;
                // It takes the lock at once: one that reads first may find later that it can't have it.
                "BEGIN IMMEDIATE"
            }
            None => "BEGIN",
        };
        self.conn.prepare_cached(begin)?.execute([])?;
        // After the lock is had: whoever had it before has not seen a later time.
        let now = self.clock.now();
        let mut ledger = Ledger::open(&self.conn, &self.settings, now)?;
        for call in group {
            call.run(&mut ledger)?;
        }
        let totals = ledger.close()?;
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        Ok(totals)
    }

    fn set_waits(&mut self, waits: bool) -> Result<()> {
        if waits != self.waits {
            self.conn.pragma_update(None, "synchronous", if waits { "FULL" } else { "NORMAL" })?;
            self.waits = waits;
        }
        Ok(())
    }
}

/// How a connection is set up: what holds for the file as well as for a reader.
pub(super) fn set_up(conn: &Connection, busy: Duration) -> Result<()> {
    conn.busy_timeout(busy)?;
    conn.set_prepared_statement_cache_capacity(64);
    // The ways to all ends of a queue of millions, and what comes and goes there: 16 MiB. The log goes to
    // the file when it is as long.
    conn.pragma_update(None, "cache_size", -16_384)?;
    conn.pragma_update(None, "wal_autocheckpoint", 4_096)?;
    // On macOS an fsync alone does not reach the disk. Elsewhere these say nothing.
    conn.pragma_update(None, "fullfsync", true)?;
    conn.pragma_update(None, "checkpoint_fullfsync", true)?;
    // Nobody's schema is trusted to call functions: a file can come from anywhere.
    conn.pragma_update(None, "trusted_schema", false)
}
