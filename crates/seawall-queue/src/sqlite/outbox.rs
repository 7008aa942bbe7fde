//! Jobs in a transaction of your own: they are there if it is committed, and were never there if it is not.

use std::{fmt, sync::Arc};

use rusqlite::Connection;

use super::{Sqlite, SqliteError, ledger::Ledger};
use crate::{
    codec::Codec,
    queue::StorageError,
    storage::{Enqueued, NewJob, Room},
};

impl Sqlite {
    /// Puts jobs in, in the transaction that `conn` is in: of the database that the queue lives in.
    ///
    /// The one place where a type of another crate stands in a signature, on purpose: the transaction is
    /// yours, so its type is the one that you have. Use [`rusqlite`] from here, and the two
    /// are the same version.
    ///
    /// A transaction that begins with `BEGIN IMMEDIATE` never finds out in the middle that another one is
    /// writing. As long as it is open, nobody else pushes or claims: keep it short.
    ///
    /// # Errors
    ///
    /// Where `conn` is in no transaction, or the database fails. Nothing was put in then, and the transaction
    /// can go on. What does not fit is told as elsewhere: [`Enqueued::Full`].
    pub fn enqueue_tx(
        &self,
        conn: &Connection,
        jobs: &[NewJob<Vec<u8>>],
        room: Room,
    ) -> Result<Vec<Enqueued>, SqliteError> {
        if conn.is_autocommit() {
            return Err(SqliteError::NoTransaction);
        }
        conn.execute_batch("SAVEPOINT seawall_enqueue")?;
        let put = || {
            let mut ledger = Ledger::open(conn, &self.0.settings, self.0.clock.now())?;
            let answers = ledger.enqueue(jobs, room)?;
            ledger.close()?;
            Ok(answers)
        };
        let answers: rusqlite::Result<_> = put();
        if answers.is_err() {
            conn.execute_batch("ROLLBACK TO seawall_enqueue")?;
        }
        conn.execute_batch("RELEASE seawall_enqueue")?;
        Ok(answers?)
    }
}

/// Puts jobs in within a transaction of your own. Made by
/// [`SqliteBuilder::open_with_outbox`](super::SqliteBuilder::open_with_outbox).
///
/// # Examples
///
/// How is the mail sent if the order is placed, and only then?
///
/// ```
/// # use seawall_queue::{Claim, Queue, sqlite::rusqlite::{Connection, TransactionBehavior}};
/// # use std::time::Duration;
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("shop.db");
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let mut shop = Connection::open(&path)?;
/// shop.execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY, who TEXT)")?;
///
/// let (mails, outbox) = Queue::<String>::sqlite(&path).beside_others().open_with_outbox().await?;
///
/// let order = shop.transaction_with_behavior(TransactionBehavior::Immediate)?;
/// order.execute("INSERT INTO orders (who) VALUES ('ada')", [])?;
/// outbox.push(&order, "thank you, ada".to_owned())?;
/// order.commit()?; // both are there now
///
/// let due = mails.claim(Claim::new(1, Duration::from_secs(30))).await?;
/// assert_eq!(due[0].payload, "thank you, ada");
/// # Ok::<(), seawall_core::BoxError>(())
/// # })?;
/// # Ok::<(), seawall_core::BoxError>(())
/// ```
pub struct Outbox<T> {
    pub(super) storage: Sqlite,
    pub(super) codec: Arc<dyn Codec<T>>,
}

impl<T: 'static> Outbox<T> {
    /// Puts a job in, in the transaction that `conn` is in: see [`Sqlite::enqueue_tx`].
    ///
    /// # Errors
    ///
    /// As there; and where the payload can't be encoded.
    pub fn push(
        &self,
        conn: &Connection,
        job: impl Into<NewJob<T>>,
    ) -> Result<Enqueued, StorageError> {
        let encode = |payload| self.codec.encode(payload).map_err(StorageError::Encode);
        let job = job.into().try_map(encode)?;
        let failed = |error: SqliteError| StorageError::Failed(error.into());
        let answers = self.storage.enqueue_tx(conn, &[job], Room::Refuse).map_err(failed)?;
        Ok(answers[0])
    }
}

impl<T: 'static> Clone for Outbox<T> {
    fn clone(&self) -> Self {
        Self { storage: self.storage.clone(), codec: Arc::clone(&self.codec) }
    }
}

impl<T> fmt::Debug for Outbox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("storage", &self.storage).finish_non_exhaustive()
    }
}
