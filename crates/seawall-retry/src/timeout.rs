//! The timeout: how long a call may take, and what the calls inside it may wait.
//!
//! Read [`Timeout`], then `allowance` (what one call may take, and whose time that is), then `future`.
//!
//! | the call's deadline | the time that is set | a call ends after | as |
//! |---|---|---|---|
//! | none, or later | `t` | `t` | [`Reason::Timeout`] |
//! | earlier, in `d` | `t`, or none | `d` | [`Reason::DeadlineExceeded`] |
//! | has passed | | at once, without being made | [`Reason::DeadlineExceeded`] |
//! | none | none | its own end | |

mod allowance;
mod builder;
mod future;
#[cfg(feature = "tower")]
mod layer;
#[cfg(feature = "tower")]
mod service;
#[cfg(feature = "tower")]
mod times;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use seawall_core::{
    Clock, ConfigError, Error, Name, Observe, Reason, Registry, Rejection, Snapshot, deadline,
    sync::Stat,
};

pub use self::{builder::TimeoutBuilder, future::ResponseFuture};
#[cfg(feature = "tower")]
pub use self::{
    layer::TimeoutLayer,
    service::TimeoutService,
    times::{SetTime, Times},
};
use crate::limit::Limit;

/// Ends calls that take too long.
///
/// A call may take what is set, and no longer than its [deadline] allows. It
/// runs in a scope of that time, so that nothing inside waits for longer than the answer is wanted.
///
/// Cloning is cheap and shares the setting and the counts.
///
/// # Examples
///
/// How do I stop waiting after two seconds?
///
/// ```
/// # use seawall_retry::{Error, Reason, Timeout};
/// # use std::{io, time::Duration};
/// # async fn fetch() -> Result<u32, io::Error> { Ok(7) }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let timeout = Timeout::builder("catalog").time(Duration::from_secs(2)).build()?;
///
/// match timeout.call(|| fetch()).await {
///     Ok(book) => assert_eq!(book, 7),
///     Err(Error::Rejected(late)) => assert_eq!(late.reason(), Reason::Timeout),
///     Err(Error::Inner(error)) => println!("in time, and failed: {error}"),
/// }
/// # Ok::<(), seawall_retry::ConfigError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Timeout {
    shared: Arc<Shared>,
}

/// Apart from the counts of its handles, which each call writes to.
#[repr(align(128))]
struct Shared {
    name: Name,
    /// None where only deadlines end calls.
    time: Limit,
    propagates: bool,
    clock: Clock,
    timed_out: Stat,
    deadline_exceeded: Stat,
}

impl Timeout {
    /// Begins to build the timeout called `name`, as it stands in rejections and snapshots.
    pub fn builder(name: impl Into<Name>) -> TimeoutBuilder {
        TimeoutBuilder::new(name.into())
    }

    fn new(name: Name, time: Option<Duration>, propagates: bool, clock: Clock) -> Self {
        let shared = Shared {
            name,
            time: Limit::new(time),
            propagates,
            clock,
            timed_out: Stat::default(),
            deadline_exceeded: Stat::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The timeout's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// How long a call may take; `None` where only its deadline ends it.
    #[must_use]
    pub fn time(&self) -> Option<Duration> {
        self.shared.time.time()
    }

    /// Sets how long calls may take that begin from now on.
    ///
    /// # Errors
    ///
    /// Where it is no time at all; nothing is changed then.
    pub fn set_time(&self, time: impl Into<Option<Duration>>) -> Result<(), ConfigError> {
        self.shared.time.set(checked(time.into())?);
        Ok(())
    }

    /// Makes a call that ends when its time is over, if not before.
    ///
    /// The time counts from when the call is first polled. A call that is ready at once arms no timer.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] with [`Reason::Timeout`] where the time that is set is over, with
    /// [`Reason::DeadlineExceeded`] where the call's deadline is; where that has passed before, `call`
    /// was not called. [`Error::Inner`] where the call failed in time.
    ///
    /// # Panics
    ///
    /// Where `call` panics, and where it has to wait outside a tokio runtime with its time driver.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call, and leaves nothing behind.
    #[inline]
    pub async fn call<T, E, F, Fut>(&self, call: F) -> Result<T, Error<E>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        if is_late() {
            return Err(self.rejection(Reason::DeadlineExceeded).into());
        }
        ResponseFuture::running(call(), self.clone(), self.time()).await
    }

    /// How it stands now.
    ///
    /// | | |
    /// |---|---|
    /// | state | `on` |
    /// | counters | `timed_out`; `deadline_exceeded`: calls that their caller's deadline ended, or kept from being made |
    /// | limits | `time_seconds`, where one is set |
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Adds it to a registry, which does not keep it alive.
    pub fn register(&self, registry: &Registry) {
        registry.add(&self.shared);
    }

    /// Counts a call whose time is over, and says so.
    #[cold]
    fn rejection(&self, reason: Reason) -> Rejection {
        let count = match reason {
            Reason::Timeout => &self.shared.timed_out,
            _ => &self.shared.deadline_exceeded,
        };
        count.add(1);
        Rejection::new(reason, self.shared.name.clone())
    }
}

/// Whether the caller's deadline has passed; reads no clock where there is none.
#[inline]
fn is_late() -> bool {
    deadline::remaining().is_some_and(|left| left.is_zero())
}

/// A time that can be set.
fn checked(time: Option<Duration>) -> Result<Option<Duration>, ConfigError> {
    match time {
        Some(Duration::ZERO) => Err(ConfigError::new("time", "0ns", "longer than that, or none")),
        time => Ok(time),
    }
}

impl Observe for Shared {
    fn snapshot(&self) -> Snapshot {
        let snapshot = Snapshot::new("timeout", self.name.as_str(), "on")
            .counter("timed_out", self.timed_out.get())
            .counter("deadline_exceeded", self.deadline_exceeded.get());
        match self.time.time() {
            Some(time) => snapshot.limit("time_seconds", time.as_secs_f64()),
            None => snapshot,
        }
    }
}

impl Observe for Timeout {
    fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}

impl fmt::Debug for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout")
            .field("name", &self.shared.name)
            .field("time", &self.time())
            .finish_non_exhaustive()
    }
}
