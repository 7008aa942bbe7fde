//! What comes back from a call that did not succeed.

use seawall_core::{Reason, Rejection};

/// What comes back from a call to Redis that did not succeed.
///
/// | error | was the command sent? | may it have changed anything? |
/// |---|---|---|
/// | `Rejected` | no | no |
/// | `TimedOut` | as it says | if sent, nobody knows |
/// | `DeadlineExceeded` | yes | nobody knows |
/// | `Connection` | as it says | if sent, nobody knows |
/// | `Server` | yes | a script may have failed half-way; what it wrote before stays |
/// | `UnexpectedReply` | yes | yes |
///
/// A command whose answer did not come may have been carried out, or may be carried out later: a
/// server that hangs works off what it has received when it wakes. So repeat only what may be repeated.
/// [`may_have_run`](Self::may_have_run) is the table's last column.
///
/// As a [`std::error::Error`] it prints its own level only. No password of a URL is ever in it.
///
/// # Examples
///
/// How do I tell "refused" from "failed", as with all of the family?
///
/// ```
/// # use seawall_redis::{Error, Reason, Rejection};
/// fn status(error: Error) -> u16 {
///     match seawall_core::Error::from(error) {
///         seawall_core::Error::Rejected(refused) if refused.reason() == Reason::CircuitOpen => 503,
///         seawall_core::Error::Rejected(_) => 429,
///         seawall_core::Error::Inner(_) => 502,
///     }
/// }
/// # assert_eq!(status(Rejection::new(Reason::CircuitOpen, "redis").into()), 503);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The call was not made: the circuit is open, too many calls are in flight, or the caller's
    /// deadline was over before.
    #[error("the call was refused")]
    Rejected(#[source] Rejection),
    /// No answer came within the time that a call may take.
    #[error("no answer came in time ({})", told(*.sent))]
    #[non_exhaustive]
    TimedOut {
        /// Whether the command may have reached the server.
        sent: bool,
    },
    /// The caller's own deadline came before the answer did.
    #[error("the caller's time was over before the answer came ({})", told(true))]
    DeadlineExceeded,
    /// There is no connection, or it broke.
    #[error("the connection failed: {message} ({})", told(*.sent))]
    #[non_exhaustive]
    Connection {
        /// What happened, as the system or the client says it.
        message: String,
        /// Whether the command may have reached the server.
        sent: bool,
    },
    /// The server answered with an error.
    #[error("the server answered {code}: {message}")]
    #[non_exhaustive]
    Server {
        /// The first word of the answer: `WRONGTYPE`.
        code: String,
        /// The rest of it.
        message: String,
    },
    /// The server answered with something else than what was asked for.
    #[error("the server answered with {got} where {wanted} was expected")]
    #[non_exhaustive]
    UnexpectedReply {
        /// What was expected.
        wanted: &'static str,
        /// What came.
        got: &'static str,
    },
}

const fn told(sent: bool) -> &'static str {
    match sent {
        true => "the command may have been carried out all the same",
        false => "the command was not sent",
    }
}

impl Error {
    /// The refusal, where the call was refused.
    #[must_use]
    pub const fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            _ => None,
        }
    }

    /// Whether the command may have changed something, now or later.
    #[must_use]
    pub const fn may_have_run(&self) -> bool {
        match self {
            Self::Rejected(_) => false,
            Self::TimedOut { sent } | Self::Connection { sent, .. } => *sent,
            Self::DeadlineExceeded | Self::Server { .. } | Self::UnexpectedReply { .. } => true,
        }
    }

    /// Whether Redis could not be asked: refused by the circuit or the bound, timed out, not connected,
    /// or answered by a server that can't serve at present.
    ///
    /// Where it is `false`, the server works, and has answered that this command is wrong.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            // The caller's own time is over, which is no news about the server.
            Self::Rejected(refused) => refused.reason() != Reason::DeadlineExceeded,
            Self::TimedOut { .. } | Self::Connection { .. } => true,
            Self::Server { code, .. } => cannot_serve(code),
            Self::DeadlineExceeded | Self::UnexpectedReply { .. } => false,
        }
    }
}

/// Whether a server that answers with `code` can't serve anybody at present.
pub(crate) fn cannot_serve(code: &str) -> bool {
    matches!(
        code,
        "LOADING"
            | "BUSY"
            | "MASTERDOWN"
            | "CLUSTERDOWN"
            | "TRYAGAIN"
            | "READONLY"
            | "MISCONF"
            | "NOREPLICAS"
            | "OOM"
    )
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Error> for seawall_core::Error<Error> {
    fn from(error: Error) -> Self {
        match error {
            Error::Rejected(rejection) => rejection.into(),
            failed => Self::Inner(failed),
        }
    }
}
