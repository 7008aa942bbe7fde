//! How a file is opened.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use seawall_core::{Clock, Name};

use super::{Outbox, Sqlite, SqliteError};
use crate::{
    clock::wall_clock,
    codec::{Codec, Json},
    queue::{Event, Queue, QueueBuilder},
    storage::{Keep, Settings},
};

/// What is on the disk before a call is answered: see [what is lost, and when](super).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// All.
    All,
    /// What was pushed, cancelled, requeued or paused. What workers say is not waited for: a job that is done
    /// may be done again after a power cut, which handlers must bear anyway.
    #[default]
    Pushes,
    /// Nothing. A killed process loses nothing, a power cut the last moments.
    Process,
}

/// What is known before a file is open.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) path: PathBuf,
    pub(super) settings: Settings,
    pub(super) clock: Clock,
    pub(super) durability: Durability,
    pub(super) busy_timeout: Duration,
    pub(super) beside_others: bool,
    pub(super) verify: bool,
    pub(super) read_only: bool,
}

impl<T> Queue<T> {
    /// Begins to open a queue in a file, which is made if it is not there. It is called as the file is,
    /// unless it is told otherwise.
    ///
    /// Payloads become JSON, unless it is told [otherwise](SqliteBuilder::codec).
    pub fn sqlite(path: impl AsRef<Path>) -> SqliteBuilder<T> {
        let path = path.as_ref();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        SqliteBuilder {
            options: Options {
                path: path.to_owned(),
                settings: Settings::new(1_000_000),
                clock: wall_clock(),
                durability: Durability::default(),
                busy_timeout: Duration::from_secs(5),
                beside_others: false,
                verify: false,
                read_only: false,
            },
            queue: Self::builder(name),
            codec: Json,
        }
    }
}

/// Builds a [`Queue`] in a file: made by [`Queue::sqlite`].
///
/// | setting | default | why |
/// |---|---|---|
/// | `capacity` | 1 000 000 | a disk has room for a long burst, and it ends somewhere |
/// | `key_limit` | none | counts nothing unless it is asked to |
/// | `fair_keys` | off | first come, first served is what most expect |
/// | `keep_done` | 1 000, an hour | enough to see what happens, and for late answers |
/// | `keep_dead` | 10 000, 30 days | until somebody has looked |
/// | `durability` | `Pushes` | what was accepted is never lost; to do a job twice must be harmless anyway |
/// | `busy_timeout` | 5 s | longer than any transaction of ours |
/// | `codec` | JSON | people and later versions can read it |
#[derive(Debug)]
#[must_use = "a builder opens nothing until `open`"]
pub struct SqliteBuilder<T, C = Json> {
    options: Options,
    queue: QueueBuilder<T>,
    codec: C,
}

impl<T, C> SqliteBuilder<T, C> {
    /// What the queue is called in rejections, events and snapshots; as its file where not set.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.queue = self.queue.name(name.into());
        self
    }

    /// How many jobs may wait, scheduled ones too; a million where not set.
    pub const fn capacity(mut self, jobs: usize) -> Self {
        self.options.settings.capacity = jobs;
        self
    }

    /// How many jobs of one [key](crate::storage::NewJob::key) may be worked on at a time; any number where
    /// not set. All processes say the same.
    pub const fn key_limit(mut self, jobs: u32) -> Self {
        self.options.settings.key_limit = Some(jobs);
        self
    }

    /// Lets [keys](crate::storage::NewJob::key) take [turns](crate::storage::turn): who pushes ten thousand jobs of
    /// one key holds up nobody else. Off where not set: then who comes first is first.
    ///
    /// All processes say the same; where they don't, turns are as fair as those who say so can make them. A
    /// file that was opened by other rules before is lined up anew, which looks at all of its jobs, once.
    pub const fn fair_keys(mut self) -> Self {
        self.options.settings.fair_keys = true;
        self
    }

    /// For how long jobs that are done or cancelled are known.
    pub const fn keep_done(mut self, keep: Keep) -> Self {
        self.options.settings.keep_done = keep;
        self
    }

    /// For how long dead letters are known.
    pub const fn keep_dead(mut self, keep: Keep) -> Self {
        self.options.settings.keep_dead = keep;
        self
    }

    /// What is on the disk before a call is answered.
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.options.durability = durability;
        self
    }

    /// How long a call waits for somebody else who writes; 5 seconds where not set.
    pub const fn busy_timeout(mut self, time: Duration) -> Self {
        self.options.busy_timeout = time;
        self
    }

    /// The database may have tables of others, and may be theirs: of the service itself, so that jobs are
    /// pushed in its [own transactions](Outbox). All of ours are called `seawall_*`.
    ///
    /// Without it such a database is [refused](SqliteError::Foreign).
    pub const fn beside_others(mut self) -> Self {
        self.options.beside_others = true;
        self
    }

    /// Reads the whole file before anything else, and refuses it where it is damaged. Without it, damage is
    /// found where it is met.
    pub const fn verify(mut self) -> Self {
        self.options.verify = true;
        self
    }

    /// Looks, and writes nothing: for tools that watch a queue at which others work.
    ///
    /// The file must be there, and be of the present schema: it is neither made nor brought up to date. What
    /// would write is refused ([`SqliteError::ReadOnly`]); nothing that workers do waits for who looks. Where
    /// nobody else has it open, an empty log may stay beside it.
    ///
    /// # Examples
    ///
    /// How do I watch a queue and disturb nobody?
    ///
    /// ```
    /// # use seawall_queue::Queue;
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("jobs.db");
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// let service = Queue::<u32>::sqlite(&path).open().await?;
    /// service.push(7).await?;
    ///
    /// let watched = Queue::<u32>::sqlite(&path).read_only().open().await?;
    /// assert_eq!(watched.stats().await?.ready, 1);
    /// assert!(watched.pause().await.is_err());
    /// # Ok::<(), seawall_queue::BoxError>(())
    /// # })?;
    /// # Ok::<(), seawall_queue::BoxError>(())
    /// ```
    pub const fn read_only(mut self) -> Self {
        self.options.read_only = true;
        self
    }

    /// What tells the time: nanoseconds since 1970, for all processes alike. The system's wall clock where
    /// not set.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.options.clock = clock;
        self
    }

    /// Tells `listener` of each turn; several are told in the order in which they were added.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.queue = self.queue.on_event(listener);
        self
    }

    /// How payloads become bytes.
    pub fn codec<D>(self, codec: D) -> SqliteBuilder<T, D> {
        SqliteBuilder { options: self.options, queue: self.queue, codec }
    }

    /// Opens the file, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// Where a setting can't be, and where the file is refused.
    pub async fn open(self) -> Result<Queue<T>, SqliteError>
    where
        T: Send + 'static,
        C: Codec<T>,
    {
        let storage = Sqlite::open(self.options).await?;
        Ok(self.queue.coded(storage, self.codec))
    }

    /// Opens the file, for jobs that are pushed in transactions of your own, too.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn open_with_outbox(self) -> Result<(Queue<T>, Outbox<T>), SqliteError>
    where
        T: Send + 'static,
        C: Codec<T>,
    {
        let storage = Sqlite::open(self.options).await?;
        let codec: Arc<dyn Codec<T>> = Arc::new(self.codec);
        let outbox = Outbox { storage: storage.clone(), codec: Arc::clone(&codec) };
        Ok((self.queue.coded(storage, codec), outbox))
    }

    /// Opens the file as a storage of bytes, below any queue.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn open_storage(self) -> Result<Sqlite, SqliteError> {
        Sqlite::open(self.options).await
    }
}

#[cfg(test)]
impl<T, C> SqliteBuilder<T, C> {
    pub(super) const fn options(&self) -> &Options {
        &self.options
    }
}
