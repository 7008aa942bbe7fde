//! The builder: every setting by name, checked when it is built.

use std::{num::NonZero, ops::RangeInclusive, thread, time::Duration};

use seawall_core::{Clock, ConfigError, Listeners, Name};

use super::{
    Compartment, CompartmentEvent,
    pool::{Limits, Pool},
    threads::Threads,
};

const MOST_THREADS: usize = 1 << 14;
const MOST_JOBS: usize = 1 << 24;
const LEAST_STACK: usize = 16 << 10;

/// Builds a [`Compartment`]: made by [`Compartment::builder`].
///
/// | setting | default | why, and what it was tuned for |
/// |---|---|---|
/// | `threads` | as many as there are cores | work that computes gains nothing from more; give work that blocks as many as the other end can take |
/// | `queue` | 16 for each thread | takes up a burst; who comes last waits as long as 16 jobs take, and what would wait longer is better refused |
/// | `max_wait` | none | only you know when an answer is too late; a call's deadline holds anyway |
/// | `stack_size` | the system's (2 MiB) | enough but for deep recursion |
/// | `runtime` | no | closures need threads only |
/// | `limit` | as many as `threads` | with `runtime`, futures that mostly wait can be many on few threads |
///
/// # Examples
///
/// What does a full set look like?
///
/// ```
/// # use seawall_bulkhead::{Compartment, CompartmentTurn};
/// # use std::time::Duration;
/// let cpu = Compartment::builder("thumbnails")
///     .threads(2)
///     .queue(16)
///     .max_wait(Duration::from_millis(500))
///     .stack_size(4 << 20)
///     .on_event(|event| if let CompartmentTurn::Panicked { message, .. } = &event.turn {
///         eprintln!("{}: {message}", event.name);
///     })
///     .build()?;
/// # Ok::<(), seawall_bulkhead::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder builds nothing until `build`"]
pub struct CompartmentBuilder {
    name: Name,
    threads: Option<usize>,
    queue: Option<usize>,
    limit: Option<usize>,
    max_wait: Option<Duration>,
    stack_size: Option<usize>,
    runtime: bool,
    clock: Clock,
    listeners: Listeners<CompartmentEvent>,
}

impl CompartmentBuilder {
    pub(crate) fn new(name: Name) -> Self {
        Self {
            name,
            threads: None,
            queue: None,
            limit: None,
            max_wait: None,
            stack_size: None,
            runtime: false,
            clock: Clock::default(),
            listeners: Listeners::new(),
        }
    }

    /// How many threads it has: from 1 to 16 384.
    pub const fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// How many jobs wait at most while all that may are running: up to 16 777 216; with 0, a job
    /// that can't begin is refused.
    pub const fn queue(mut self, jobs: usize) -> Self {
        self.queue = Some(jobs);
        self
    }

    /// A job that has waited for this long is refused instead of run.
    pub const fn max_wait(mut self, time: Duration) -> Self {
        self.max_wait = Some(time);
        self
    }

    /// How many bytes of stack each thread has: at least 16 KiB.
    pub const fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// Makes the threads those of a tokio runtime of its own, with whatever drivers of tokio's are
    /// compiled in: futures then share the threads, and find timers and sockets there.
    #[cfg(feature = "tokio")]
    pub const fn runtime(mut self) -> Self {
        self.runtime = true;
        self
    }

    /// How many jobs run at once, other than one a thread: only with [`runtime`](Self::runtime),
    /// where those that wait for something hold no thread.
    #[cfg(feature = "tokio")]
    pub const fn limit(mut self, jobs: usize) -> Self {
        self.limit = Some(jobs);
        self
    }

    /// Where the time comes from that jobs wait; [`Clock::default`] where not set.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Calls `listener` when something rare happens, outside any lock.
    pub fn on_event(
        mut self,
        listener: impl Fn(&CompartmentEvent) + Send + Sync + 'static,
    ) -> Self {
        self.listeners.add(listener);
        self
    }

    /// Builds the compartment and starts its threads.
    ///
    /// # Errors
    ///
    /// Names the first setting that cannot be, its value, and what is allowed; where the system
    /// starts no more threads, that is `threads`, and the value says why.
    pub fn build(self) -> Result<Compartment, ConfigError> {
        let limits = self.limits()?;
        let threads =
            Threads { name: self.name.clone(), count: limits.threads, stack_size: self.stack_size };
        let pool = Pool::new(self.name, self.clock, self.listeners, limits);
        #[cfg(feature = "tokio")]
        if self.runtime {
            return threads.runtime(pool);
        }
        threads.plain(pool)
    }

    fn limits(&self) -> Result<Limits, ConfigError> {
        if self.name.contains('\0') {
            let name = self.name.as_str().escape_default();
            return Err(ConfigError::new("name", name, "fit for a thread, and so without a NUL"));
        }
        let threads =
            self.threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get));
        within("threads", threads, 1..=MOST_THREADS)?;
        let queue = self.queue.unwrap_or(threads * 16);
        within("queue", queue, 0..=MOST_JOBS)?;
        let running = self.limit.unwrap_or(threads);
        within("limit", running, 1..=MOST_JOBS)?;
        if !self.runtime && running != threads {
            let rule = format!("as many as there are threads ({threads}), but on a `runtime`");
            return Err(ConfigError::new("limit", running, rule));
        }
        if self.stack_size.is_some_and(|bytes| bytes < LEAST_STACK) {
            let bytes = self.stack_size.unwrap_or_default();
            return Err(ConfigError::new("stack_size", bytes, "at least 16384 bytes"));
        }
        if self.max_wait == Some(Duration::ZERO) {
            let rule = "above zero: without a wait, set `queue` to 0";
            return Err(ConfigError::new("max_wait", "0s", rule));
        }
        Ok(Limits { threads, running, queue, max_wait: self.max_wait })
    }
}

fn within(
    field: &'static str,
    value: usize,
    allowed: RangeInclusive<usize>,
) -> Result<(), ConfigError> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let rule = format!("from {} to {}", allowed.start(), allowed.end());
    Err(ConfigError::new(field, value, rule))
}
