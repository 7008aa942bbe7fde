//! What a connection tells when something rare happens to it.

use std::time::Duration;

use seawall_core::Name;

/// A turn of a connection, as its listeners get to know it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// The connection's name.
    pub name: Name,
    /// What happened.
    pub turn: Turn,
}

/// What happened to a connection.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Turn {
    /// It is up.
    #[non_exhaustive]
    Connected {
        /// Whether it was up before.
        again: bool,
    },
    /// It broke, or nothing comes from it any more.
    #[non_exhaustive]
    Lost {
        /// What was seen of it.
        why: String,
    },
    /// An attempt to connect failed.
    #[non_exhaustive]
    ConnectFailed {
        /// Why, as the system, the server or the client says it.
        message: String,
        /// After how long it is tried again.
        retry_in: Duration,
    },
    /// A server did not know a script, and was sent its source.
    #[non_exhaustive]
    ScriptSent {
        /// The script's name on the server.
        sha1: String,
    },
    /// The circuit that guards its calls turned.
    Circuit(seawall_circuit_breaker::Turn),
}
