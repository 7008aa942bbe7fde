//! The fallback: what to answer instead, where a call was refused or failed.
//!
//! Read [`Fallback`], then `when` (which errors), `keep` (what of the request) and `recover` (to what).
//!
//! A fallback that hides every error hides bugs, and an outage from whoever should mend it. So it is
//! asked for errors by name: without [`when`](Fallback::when) only refusals fall, which come from a
//! pattern and not from the dependency; and each fall is counted, traced and told with the error that
//! led to it.

mod call;
mod event;
#[cfg(feature = "tower")]
mod future;
#[cfg(feature = "tower")]
mod keep;
#[cfg(feature = "tower")]
mod layer;
#[cfg(feature = "tower")]
mod oneshot;
#[cfg(feature = "tower")]
mod recover;
#[cfg(feature = "tower")]
mod service;
mod when;

use std::{fmt, sync::Arc};

use seawall_core::{ConfigError, Listeners, Name, Observe, Registry, Snapshot, sync::Stat};

pub use self::{
    call::Asked,
    event::{Event, To, Turn},
    when::{AnyError, Falls, Refusals, Refused},
};
#[cfg(feature = "tower")]
pub use self::{
    future::ResponseFuture,
    keep::{Keep, KeepNothing, KeepRequest, Keeps, Kept},
    layer::FallbackLayer,
    oneshot::Oneshot,
    recover::{Nowhere, Recovers, ToService, Value, With, WithAsync},
    service::FallbackService,
};

/// Answers with something else where a call was refused, or failed in a way that is asked for.
///
/// Cloning is cheap and shares the counts.
///
/// # Examples
///
/// How do I answer with a default while the dependency is not called?
///
/// ```
/// # use seawall_retry::{Error, Fallback, Reason, Rejection};
/// # use std::io;
/// # async fn price() -> Result<u32, Error<io::Error>> {
/// #     Err(Rejection::new(Reason::CircuitOpen, "prices").into())
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let fallback = Fallback::builder("prices").build()?;
///
/// let price = fallback.call(|| price(), |_refused| async { Ok(100) }).await;
///
/// assert_eq!(price.ok(), Some(100));
/// assert_eq!(fallback.snapshot().counters["fell_back"], 1);
/// # Ok::<(), seawall_retry::ConfigError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Fallback {
    shared: Arc<Shared>,
}

struct Shared {
    name: Name,
    listeners: Listeners<Event>,
    to: [Stat; To::ALL.len()],
    failed: Stat,
    passed_on: Stat,
}

impl Fallback {
    /// Begins to build the fallback called `name`, as it stands in events and snapshots.
    pub fn builder(name: impl Into<Name>) -> FallbackBuilder {
        FallbackBuilder { name: name.into(), listeners: Listeners::new() }
    }

    /// The fallback's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// How it stands now.
    ///
    /// | | |
    /// |---|---|
    /// | state | `on` |
    /// | counters | `fell_back`, of which `to_value`, `to_closure`, `to_service`; `failed`: falls that ended in an error; `passed_on`: errors that it was not asked for |
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Adds it to a registry, which does not keep it alive.
    pub fn register(&self, registry: &Registry) {
        registry.add(&self.shared);
    }

    /// Whether an error falls; tells of it, or counts that it does not.
    #[cold]
    fn falls<E: fmt::Debug>(&self, falls: &impl Falls<E>, to: To, error: &E) -> bool {
        if !falls.falls(error) {
            self.shared.passed_on.add(1);
            return false;
        }
        self.shared.to[to as usize].add(1);
        #[cfg(feature = "tracing")]
        tracing::info!(target: TARGET, name = self.name(), %to, ?error, "falls back");
        self.tell(Turn::FellBack, to, error);
        true
    }

    /// What it fell back to failed as well.
    #[cold]
    fn failed<E: fmt::Debug>(&self, to: To, error: &E) {
        self.shared.failed.add(1);
        #[cfg(feature = "tracing")]
        tracing::warn!(target: TARGET, name = self.name(), %to, ?error, "the fallback failed");
        self.tell(Turn::Failed, to, error);
    }

    fn tell<E: fmt::Debug>(&self, turn: Turn, to: To, error: &E) {
        self.shared.listeners.tell(|| Event {
            name: self.shared.name.clone(),
            turn,
            to,
            error: format!("{error:?}"),
        });
    }
}

#[cfg(feature = "tracing")]
const TARGET: &str = "seawall::fallback";

/// Builds a [`Fallback`]: made by [`Fallback::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder builds nothing until `build`"]
pub struct FallbackBuilder {
    name: Name,
    listeners: Listeners<Event>,
}

impl FallbackBuilder {
    /// Calls `listener` at each fall, by the thread that makes it, outside any lock.
    pub fn on_event(mut self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.listeners.add(listener);
        self
    }

    /// Builds the fallback.
    ///
    /// # Errors
    ///
    /// Where the name is empty: a fall must be able to say where it was.
    pub fn build(self) -> Result<Fallback, ConfigError> {
        let Self { name, listeners } = self;
        if name.is_empty() {
            return Err(ConfigError::new("name", "empty", "a name to be known by"));
        }
        let shared = Shared {
            name,
            listeners,
            to: Default::default(),
            failed: Stat::default(),
            passed_on: Stat::default(),
        };
        Ok(Fallback { shared: Arc::new(shared) })
    }
}

impl Observe for Shared {
    fn snapshot(&self) -> Snapshot {
        let fell = To::ALL.map(|to| self.to[to as usize].get());
        let [to_value, to_closure, to_service] = fell;
        Snapshot::new("fallback", self.name.as_str(), "on")
            .counter("fell_back", fell.iter().sum())
            .counter("to_value", to_value)
            .counter("to_closure", to_closure)
            .counter("to_service", to_service)
            .counter("failed", self.failed.get())
            .counter("passed_on", self.passed_on.get())
    }
}

impl Observe for Fallback {
    fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}

impl fmt::Debug for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback").field("name", &self.shared.name).finish_non_exhaustive()
    }
}
