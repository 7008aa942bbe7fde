//! Active health checks: members are asked whether they are well, and who is ill is left out.
//!
//! # How it decides
//!
//! ```text
//!  Watch ── members ──> rounds ── due ──> your check ── good, bad, too late ──> checkup ── ill, well
//!    ^                                                                                     │
//!    └────────────── marks: all who are ill, or nobody where too many are <────────────────┘
//! ```
//!
//! A [`Health`] watches a [`Balance`](crate::Balance), whose peers it sets down and up, or a
//! [`ShardMap`](crate::ShardMap), whose nodes it sets to `Down` and `Active`; with [`Watch`], anything. What a
//! check does is yours: a request, a ping, a look at a lag. It is a future of a task that you spawn.
//!
//! | file | what it is |
//! |---|---|
//! | `checkup` | what the checks of one member come to |
//! | `rounds` | whose turn it is, and who is left out: told the time, does no I/O |
//! | `watch` | whose health is watched |
//! | `run` | the task |
//!
//! # What it does not do
//!
//! Checks see what they ask for, and a member can be well for them and ill for callers: a balance ejects by what
//! calls meet ([`Ejection`](crate::balance::Ejection)), and both together find more than either. A check that
//! blocks its thread holds up all others: it must await.

mod builder;
mod checkup;
mod config;
mod event;
pub(crate) mod rounds;
mod run;
mod shared;
mod watch;

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use seawall_core::{Name, Observe, Registry, Snapshot};

pub use self::{
    builder::HealthBuilder,
    checkup::Verdict,
    config::Config,
    event::{Cause, Event, Turn},
    watch::{Found, Mark, Watch},
};
use self::{run::Run, shared::Shared};

/// Asks members whether they are well, and leaves out who is ill.
///
/// Cloning is cheap and shares all; what runs ends when the last clone is dropped, and leaves the members as they
/// are marked.
///
/// # Examples
///
/// How do I check the peers of a balance?
///
/// ```
/// # use seawall_shard::{Balance, health::Health};
/// # use std::time::Duration;
/// # #[derive(Clone)] struct Client;
/// # impl Client { async fn ping(&self) -> Result<(), std::io::Error> { Ok(()) } }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let balance = Balance::builder("search").peer("a", Client).peer("b", Client).build()?;
/// let health = Health::builder("search").interval(Duration::from_secs(5)).build(balance.clone())?;
///
/// tokio::spawn(health.run(|client: Client| async move { client.ping().await }));
/// # tokio::time::sleep(Duration::from_millis(20)).await;
/// # assert_eq!(health.snapshot().counters["checks"], 2);
/// # Ok::<(), seawall_shard::ConfigError>(())
/// # }).unwrap();
/// ```
pub struct Health<W> {
    handle: Arc<Handle<W>>,
}

/// What clones share and a run does not: the last one that is dropped ends the runs.
struct Handle<W> {
    shared: Arc<Shared<W>>,
}

impl<W> Drop for Handle<W> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Health<()> {
    /// Begins to build checks, called `name` as they stand in events and snapshots.
    pub fn builder(name: impl Into<Name>) -> HealthBuilder {
        HealthBuilder::new(name.into())
    }
}

impl<W> Health<W> {
    pub(crate) fn new(shared: Shared<W>) -> Self {
        Self { handle: Arc::new(Handle { shared: Arc::new(shared) }) }
    }

    /// Checks, until the last handle is dropped: to be spawned.
    ///
    /// `check` is called with what [`Watch::Member`] says, and answers `Err` for a member that is not well. A
    /// panic in it is a failed check. Members that join are found within a second.
    ///
    /// Two runs of one health share the work.
    ///
    /// # Panics
    ///
    /// When it is polled outside of a tokio runtime with a timer.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the checks that run, which then say nothing; members stay as they are marked, and
    /// another run goes on.
    pub fn run<C, F, E>(&self, check: C) -> impl Future<Output = ()> + use<W, C, F, E>
    where
        W: Watch,
        C: Fn(W::Member) -> F,
        F: Future<Output = Result<(), E>>,
        E: fmt::Display,
    {
        let mut run = Run::new(self.handle.shared.clone(), check);
        let shared = self.handle.shared.clone();
        async move {
            // Told of all that comes from here on; what was before, the run sees.
            let mut closed = pin!(shared.closed.notified());
            poll_fn(|cx| {
                if closed.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(());
                }
                run.poll(cx)
            })
            .await;
        }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.handle.shared.name
    }

    /// What it watches.
    #[must_use]
    pub fn watched(&self) -> &W {
        &self.handle.shared.watched
    }

    /// What it is set to.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.handle.shared.config
    }

    /// What is held of each member, in the order in which they came.
    #[must_use]
    pub fn verdicts(&self) -> Vec<(Name, Verdict)> {
        self.handle.shared.rounds.lock().verdicts()
    }

    /// How it stands now; see the crate's page for the names of the numbers.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot
    where
        W: Send + Sync,
    {
        self.handle.shared.snapshot()
    }

    /// Adds it to a registry, which does not keep it alive.
    pub fn register(&self, registry: &Registry)
    where
        W: Send + Sync + 'static,
    {
        registry.add(&self.handle.shared);
    }
}

/// All clones share.
impl<W> Clone for Health<W> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone() }
    }
}

impl<W: Send + Sync> Observe for Health<W> {
    fn snapshot(&self) -> Snapshot {
        self.handle.shared.snapshot()
    }
}

impl<W> fmt::Debug for Health<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").field("name", &self.handle.shared.name).finish_non_exhaustive()
    }
}
