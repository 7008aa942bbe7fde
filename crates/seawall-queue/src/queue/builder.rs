//! The builders: one for jobs in memory, one for any other storage.

use std::sync::Arc;

use seawall_core::{Clock, ConfigError, Listeners, Name};

use super::{
    Event, Queue,
    erased::Coded,
    shared::{Local, Shared, Tally},
};
use crate::{
    codec::{Codec, Plain},
    memory::Memory,
    periodic::Schedules,
    storage::{Keep, Settings, Stats, Storage},
};

impl<T> Queue<T> {
    /// Begins to build a queue in this process, called `name` in rejections, events and snapshots.
    pub fn memory(name: impl Into<Name>) -> MemoryBuilder<T> {
        MemoryBuilder {
            queue: Self::builder(name),
            settings: Settings::new(10_000),
            clock: Clock::default(),
        }
    }

    /// Begins to build a queue on a storage of any kind.
    pub fn builder(name: impl Into<Name>) -> QueueBuilder<T> {
        QueueBuilder {
            name: name.into(),
            listeners: Listeners::new(),
            of: std::marker::PhantomData,
        }
    }
}

/// Builds a [`Queue`] on a storage: made by [`Queue::builder`].
#[derive(Debug)]
#[must_use = "a builder builds nothing until it is given a storage"]
pub struct QueueBuilder<T> {
    name: Name,
    listeners: Listeners<Event>,
    of: std::marker::PhantomData<fn() -> T>,
}

impl<T> QueueBuilder<T> {
    /// The same with another name.
    #[cfg(feature = "sqlite")]
    pub(crate) fn name(self, name: Name) -> Self {
        Self { name, ..self }
    }

    /// Tells `listener` of each turn; several are told in the order in which they were added.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listeners.add(listener);
        self
    }

    /// A queue on a storage that keeps payloads as they are.
    pub fn storage(self, storage: impl Storage<T>) -> Queue<T>
    where
        T: Clone + Send + Sync + 'static,
    {
        self.coded(storage, Plain)
    }

    /// A queue on a storage that keeps something else, bytes mostly, and how payloads become that.
    ///
    /// # Examples
    ///
    /// ```
    /// # use seawall_queue::{BoxError, Codec, Memory, Queue, storage::Settings};
    /// # use seawall_core::Clock;
    /// # struct Decimal;
    /// # impl Codec<u64> for Decimal {
    /// #     fn encode(&self, photo: u64) -> Result<Vec<u8>, BoxError> { Ok(photo.to_string().into_bytes()) }
    /// #     fn decode(&self, bytes: Vec<u8>) -> Result<u64, BoxError> { Ok(String::from_utf8(bytes)?.parse()?) }
    /// # }
    /// let bytes = Memory::<Vec<u8>>::new(Settings::new(100), Clock::default())?;
    /// let queue: Queue<u64> = Queue::builder("photos").coded(bytes, Decimal);
    /// # Ok::<(), seawall_queue::ConfigError>(())
    /// ```
    pub fn coded<P>(self, storage: impl Storage<P>, codec: impl Codec<T, P>) -> Queue<T>
    where
        T: Send + 'static,
        P: Clone + Send + Sync + 'static,
    {
        let shared = Shared {
            name: self.name,
            storage: Box::new(Coded::new(storage, codec)),
            local: None,
            listeners: self.listeners,
            schedules: Schedules::default(),
            tally: Tally::default(),
            seen: seawall_core::sync::Mutex::new(Stats::default()),
        };
        Queue { shared: Arc::new(shared) }
    }
}

/// Builds a [`Queue`] in memory: made by [`Queue::memory`].
///
/// | setting | default | why |
/// |---|---|---|
/// | `capacity` | 10 000 | bounds the memory; a burst of some seconds fits |
/// | `key_limit` | none | counts nothing unless it is asked to |
/// | `fair_keys` | off | first come, first served is what most expect |
/// | `keep_done` | 1 000, an hour | enough to see what happens, and for late answers |
/// | `keep_dead` | 10 000, 30 days | until somebody has looked |
#[derive(Debug)]
#[must_use = "a builder builds nothing until `build`"]
pub struct MemoryBuilder<T> {
    queue: QueueBuilder<T>,
    settings: Settings,
    clock: Clock,
}

impl<T> MemoryBuilder<T> {
    /// How many jobs may wait, scheduled ones too; 10 000 where not set.
    pub const fn capacity(mut self, jobs: usize) -> Self {
        self.settings.capacity = jobs;
        self
    }

    /// How many jobs of one [key](crate::storage::NewJob::key) may be worked on at a time; any number where
    /// not set.
    pub const fn key_limit(mut self, jobs: u32) -> Self {
        self.settings.key_limit = Some(jobs);
        self
    }

    /// Lets [keys](crate::storage::NewJob::key) take [turns](crate::storage::turn): who pushes ten thousand jobs of
    /// one key holds up nobody else. Off where not set: then who comes first is first.
    pub const fn fair_keys(mut self) -> Self {
        self.settings.fair_keys = true;
        self
    }

    /// For how long jobs that are done or cancelled are known.
    pub const fn keep_done(mut self, keep: Keep) -> Self {
        self.settings.keep_done = keep;
        self
    }

    /// For how long dead letters are known.
    pub const fn keep_dead(mut self, keep: Keep) -> Self {
        self.settings.keep_dead = keep;
        self
    }

    /// What tells the time; the system's monotonic clock where not set.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Tells `listener` of each turn; several are told in the order in which they were added.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.queue = self.queue.on_event(listener);
        self
    }

    /// The queue.
    ///
    /// # Errors
    ///
    /// Where a setting can't be.
    pub fn build(self) -> Result<Queue<T>, ConfigError>
    where
        T: Clone + Send + Sync + 'static,
    {
        let memory = Memory::new(self.settings, self.clock)?;
        let mut queue = self.queue.storage(memory.clone());
        let shared = Arc::get_mut(&mut queue.shared).expect("nobody has it yet");
        shared.local = Some(Local { memory, own: Arc::unwrap_or_clone });
        Ok(queue)
    }
}
