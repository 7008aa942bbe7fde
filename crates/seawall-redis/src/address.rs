//! Where the server is: a URL that was checked, and whose password nobody sees.
//!
//! A URL that is refused is not shown at all but for its scheme: where it could not be read, nobody can
//! say which part of it is the password. (In `redis://user:pa/ss@host` the host is `user`.)

use std::fmt;

use redis::{
    ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};
use seawall_core::ConfigError;

const RULE: &str = "redis://[[user]:password@]host[:port][/db], rediss://… for TLS, or \
                    unix:///path[?db=…&user=…&pass=…], with `?protocol=resp2` for a server before \
                    Redis 6; in a password, all but letters and digits percent-encoded";

#[cfg(not(feature = "tls"))]
const NEEDS_TLS: &str = "redis://… or unix:///…, or the crate built with its feature `tls`";

const SCHEMES: [&str; 7] =
    ["redis", "rediss", "valkey", "valkeys", "unix", "redis+unix", "valkey+unix"];

/// After how long without traffic the system asks whether the other side is still there.
const KEEPALIVE: std::time::Duration = std::time::Duration::from_secs(30);

#[derive(Clone)]
pub(crate) struct Address {
    info: ConnectionInfo,
    protocol: ProtocolVersion,
}

impl Address {
    pub(crate) fn parse(url: &str) -> Result<Self, ConfigError> {
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        let shown = if SCHEMES.contains(&scheme) { scheme } else { "" };
        let refused = |rule| ConfigError::new("url", format_args!("\"{shown}://…\""), rule);

        #[cfg(not(feature = "tls"))]
        if matches!(scheme, "rediss" | "valkeys") {
            return Err(refused(NEEDS_TLS));
        }
        let parsed = redis::parse_redis_url(url).ok_or_else(|| refused(RULE))?;
        let allowed: &[&str] = match parsed.scheme().ends_with("unix") {
            true => &["protocol", "db", "user", "pass"],
            false => &["protocol"],
        };
        // What can't belong to a URL of ours is the rest of a password that was not encoded.
        let stray = parsed.fragment().is_some()
            || parsed.query_pairs().any(|(name, _)| !allowed.contains(&&*name));
        if stray {
            return Err(refused(RULE));
        }
        let chosen = parsed.query_pairs().any(|(name, _)| name == "protocol");
        let info = parsed.into_connection_info().map_err(|_| refused(RULE))?;
        let protocol = match chosen {
            true => info.redis_settings().protocol(),
            // It tells at once when a connection is lost.
            false => ProtocolVersion::RESP3,
        };
        let settings = info.redis_settings().clone().set_protocol(protocol);
        let info = info.set_redis_settings(settings).set_tcp_settings(tcp_settings());
        Ok(Self { info, protocol })
    }

    pub(crate) const fn info(&self) -> &ConnectionInfo {
        &self.info
    }

    pub(crate) const fn protocol(&self) -> ProtocolVersion {
        self.protocol
    }

    /// What a message of the server or of the client may say: one that repeats the arguments of a
    /// command it does not know repeats the password.
    pub(crate) fn redact(&self, message: String) -> String {
        match self.settings().password() {
            None | Some("") => message,
            Some(password) => message.replace(password, "***"),
        }
    }

    #[cfg(feature = "tls")]
    pub(crate) fn is_tls(&self) -> bool {
        matches!(self.info.addr(), redis::ConnectionAddr::TcpTls { .. })
    }

    fn settings(&self) -> &RedisConnectionInfo {
        self.info.redis_settings()
    }
}

pub(crate) fn tcp_settings() -> TcpSettings {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
    TcpSettings::default().set_nodelay(true).set_keepalive(keepalive)
}

/// Without the user and the password.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.info.addr())?;
        match self.settings().db() {
            0 => Ok(()),
            db => write!(f, "/{db}"),
        }
    }
}
