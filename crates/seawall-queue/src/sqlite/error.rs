//! What can go wrong with a file.

use std::sync::Arc;

use rusqlite::ErrorCode;
use seawall_core::ConfigError;

/// What can go wrong with a queue in a file.
///
/// What failed may have been done: see promise 3 of [`storage`](crate::storage).
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqliteError {
    /// It can't be set up so.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Something is there, and it is no SQLite database.
    #[error("the file is no SQLite database")]
    NotADatabase,
    /// It is a database, and what is in it is none of ours: see
    /// [`beside_others`](super::SqliteBuilder::beside_others).
    #[error("the database is another program's: it has tables, and none of them is a queue")]
    Foreign,
    /// A later version of this crate made it. It was not touched.
    #[error(
        "the queue's schema is of version {found}, and this program knows versions up to {known}"
    )]
    Newer {
        /// The file's.
        found: u32,
        /// The last one that is known.
        known: u32,
    },
    /// An earlier version of this crate made it, or nobody yet (0), and it was to be
    /// [looked at only](super::SqliteBuilder::read_only): whoever opens it to work brings it up to date.
    #[error(
        "the queue's schema is of version {found}, and to bring it to {known} is to write, which was not allowed"
    )]
    Older {
        /// The file's.
        found: u32,
        /// The present one.
        known: u32,
    },
    /// It was opened to be looked at only, or the disk lets nobody write.
    #[error("the file is only to be read")]
    ReadOnly,
    /// It is damaged. What can be read of it can be saved with SQLite's own tools (`.recover`).
    #[error("the database is damaged: {0}")]
    Corrupt(Arc<str>),
    /// Somebody else held the file for as long as a call waits.
    #[error("somebody else is writing, for longer than a call waits")]
    Busy,
    /// The disk is full.
    #[error("the disk is full")]
    DiskFull,
    /// The given connection is in no transaction.
    #[error("the connection is in no transaction")]
    NoTransaction,
    /// Whoever works on the file is gone.
    #[error("the queue is closed")]
    Closed,
    /// SQLite said something else.
    #[error("the database failed: {0}")]
    Other(Arc<str>),
}

impl From<rusqlite::Error> for SqliteError {
    fn from(error: rusqlite::Error) -> Self {
        let text = || error.to_string().into();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase,
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt(text()),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(_) => Self::Other(text()),
            // A column that is not what we wrote.
            None => match error {
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::QueryReturnedNoRows => Self::Corrupt(text()),
                _ => Self::Other(text()),
            },
        }
    }
}
