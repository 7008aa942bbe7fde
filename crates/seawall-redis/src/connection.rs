//! The handle: a connection that all share, that guards itself, and that comes back by itself.
//!
//! Read [`core`](mod@core) for the course of a call, [`keeper`] for what keeps the
//! connection up, and `client` for the one room that knows the client inside.

mod builder;
mod core;
mod event;
mod keeper;
mod state;
#[cfg(feature = "cache")]
mod track;

use std::{fmt, sync::Arc, time::Duration};

use seawall_core::{Name, Observe, Registry, Snapshot, sync::Mutex};
use tokio::task::AbortHandle;

#[cfg(feature = "cache")]
pub(crate) use self::track::Said;
pub use self::{
    builder::ConnectionBuilder,
    event::{Event, Turn},
};
use self::{
    core::{Core, Request},
    state::State,
};
use crate::{Arg, Command, Error, Reply, Script};

/// A connection to Redis that never makes a caller wait for longer than it was told to.
///
/// Cloning is cheap and shares the connection, its circuit and its counts. It connects at the first
/// call, and comes back by itself when it is lost.
///
/// # Examples
///
/// How do I send a command?
///
/// ```no_run
/// # use seawall_redis::{Command, Connection, Error};
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let redis = Connection::builder("sessions").url("redis://localhost").build()?;
///
/// match redis.send(&Command::new("GET").arg("session:7")).await {
///     Ok(reply) => println!("{:?}", reply.bytes()?),
///     Err(Error::Rejected(refused)) => println!("not now: {refused}"),
///     Err(failed) => println!("asked, and failed: {failed}"),
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
}

/// What ends with the last handle.
struct Shared {
    core: Arc<Core>,
    keeper: Mutex<Option<AbortHandle>>,
}

impl Connection {
    /// Begins to build the connection called `name`, as it stands in rejections and snapshots.
    pub fn builder(name: impl Into<Name>) -> ConnectionBuilder {
        ConnectionBuilder::new(name.into())
    }

    fn new(core: Core) -> Self {
        Self { shared: Arc::new(Shared { core: Arc::new(core), keeper: Mutex::new(None) }) }
    }

    /// The connection's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.core.name
    }

    /// How long a call may take.
    #[must_use]
    pub fn response_timeout(&self) -> Duration {
        self.shared.core.times.response
    }

    /// Sends a command, and waits for the answer.
    ///
    /// # Errors
    ///
    /// See [`Error`]: which of them means what, and after which the command may have been carried out.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with its time and I/O drivers.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind: the place in flight is free again, and the answer
    /// goes to nobody. A command that was sent is carried out all the same.
    pub async fn send(&self, command: &Command) -> Result<Reply, Error> {
        let request = Request::<&[u8]>::Command(command);
        self.shared.core.call(|| self.shared.start_keeper(), request).await
    }

    /// Runs a script with `keys` as its `KEYS` and `args` as its `ARGV`.
    ///
    /// One round trip, but where the server does not know the script: then two, within the time of one
    /// call.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Panics
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    pub async fn run(
        &self,
        script: &Script,
        keys: &[impl AsRef<[u8]>],
        args: &[Arg<'_>],
    ) -> Result<Reply, Error> {
        let request = Request::Script { script, keys, args };
        self.shared.core.call(|| self.shared.start_keeper(), request).await
    }

    /// How it stands now; see the crate's page for the names of the numbers.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.core.snapshot()
    }

    /// Adds it, its circuit and its bulkhead to a registry, which does not keep them alive.
    pub fn register(&self, registry: &Registry) {
        let core = &self.shared.core;
        registry.add(core);
        core.breaker.register(registry);
        core.places.register(registry);
    }
}

impl Shared {
    /// Starts a keeper where there is none.
    fn start_keeper(&self) {
        let mut keeper = self.keeper.lock();
        // Looked at again under the lock: another caller may have been first.
        if matches!(*self.core.state.borrow(), State::Idle) {
            self.core.state.send_replace(State::Connecting);
            *keeper = Some(tokio::spawn(keeper::keep_up(Arc::clone(&self.core))).abort_handle());
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.lock().take() {
            keeper.abort();
        }
    }
}

impl Observe for Connection {
    fn snapshot(&self) -> Snapshot {
        self.shared.core.snapshot()
    }
}

/// Neither the user nor the password is shown.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let core = &self.shared.core;
        f.debug_struct("Connection")
            .field("name", &core.name)
            .field("server", &core.client)
            .field("state", &core.state.borrow().as_str())
            .finish_non_exhaustive()
    }
}
