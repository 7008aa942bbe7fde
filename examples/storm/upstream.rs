//! `--upstream URL`: somebody's own server, and why only one on this machine.
//!
//! A storm is a flood of requests. Sent to a host that is not the caller's own it would be an attack, so
//! that nothing but the loopback is taken: `localhost`, `127.0.0.0/8` and `[::1]`. Any other name is
//! refused without being looked up; what `localhost` stands for is looked up once, must be the loopback,
//! and is dialled by its address from then on.

use std::{fmt, net::IpAddr, net::SocketAddr, str::FromStr};

use http::{Uri, uri::PathAndQuery};
use tokio::net::lookup_host;

/// A URL that may be stormed: plain HTTP on the loopback.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct UpstreamUrl {
    host: String,
    port: u16,
    path: PathAndQuery,
}

impl FromStr for UpstreamUrl {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        const FORM: &str = "it must be like http://127.0.0.1:8080/path";
        let uri: Uri = url.parse().map_err(|error| format!("{error}: {FORM}"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => {
                return Err(
                    "the storm speaks plain http, no TLS: give the http address of the server"
                        .into(),
                );
            }
            Some(other) => return Err(format!("`{other}` is no scheme for a storm: {FORM}")),
            None => return Err(format!("it names no scheme: {FORM}")),
        }
        let host = uri.host().unwrap_or_default();
        if !is_loopback_name(host) {
            return Err(format!(
                "`{host}` is not on this machine, and a storm at somebody else's server is an attack: \
                 only localhost, 127.0.0.0/8 and [::1] are allowed"
            ));
        }
        // `Uri::port` is silent about a port that is no number up to 65535.
        let named = uri.authority().map_or("", |authority| authority.as_str());
        let port = match (uri.port_u16(), named.ends_with(host)) {
            (Some(0), _) | (None, false) => {
                return Err(format!("its port must be a number from 1 to 65535: {FORM}"));
            }
            (Some(port), _) => port,
            (None, true) => 80,
        };
        Ok(Self {
            host: host.to_owned(),
            port,
            path: uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")),
        })
    }
}

impl fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}{}", self.host, self.port, self.path)
    }
}

/// Where to dial, and what to ask for.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    pub(crate) host: String,
    pub(crate) path: PathAndQuery,
}

impl UpstreamUrl {
    /// Finds the address that is dialled.
    pub(crate) async fn resolve(&self) -> Result<Upstream, String> {
        let bare_host = self.host.trim_matches(['[', ']']);
        let found = lookup_host((bare_host, self.port))
            .await
            .map_err(|error| format!("cannot find {}: {error}", self.host))?;
        let addresses: Vec<_> = found.collect();
        if let Some(address) = addresses.iter().find(|address| !is_loopback(address.ip())) {
            return Err(format!(
                "{} stands for {} here, which is not the loopback: only this machine may be stormed",
                self.host,
                address.ip()
            ));
        }
        // Of ::1 and 127.0.0.1 a server often listens on the latter alone.
        let address = addresses
            .iter()
            .find(|address| address.is_ipv4())
            .or_else(|| addresses.first())
            .ok_or_else(|| format!("{} has no address here", self.host))?;
        Ok(Upstream {
            address: *address,
            host: format!("{}:{}", self.host, self.port),
            path: self.path.clone(),
        })
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn is_loopback_name(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.trim_matches(['[', ']']).parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        url.parse::<UpstreamUrl>().expect_err(url)
    }

    #[test]
    fn the_loopback_is_taken_in_all_its_spellings() {
        for (url, read) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("http://127.9.9.9:8080/a/b?c=d", "http://127.9.9.9:8080/a/b?c=d"),
            ("http://localhost/health", "http://localhost:80/health"),
            ("http://LOCALHOST:3000/", "http://LOCALHOST:3000/"),
            ("http://[::1]:3000/", "http://[::1]:3000/"),
        ] {
            assert_eq!(url.parse::<UpstreamUrl>().map(|url| url.to_string()), Ok(read.into()));
        }
    }

    #[test]
    fn nobody_elses_server_is_stormed() {
        for url in [
            "http://example.com/",
            "http://localhost.example.com/",
            "http://10.0.0.1:8080/",
            "http://192.168.0.1/",
            "http://0.0.0.0:80/",
            "http://[2001:db8::1]/",
            "http://127.0.0.1@example.com/",
        ] {
            let refusal = refusal(url);
            assert!(refusal.contains("127.0.0.0/8"), "{url}: {refusal}");
        }
    }

    #[test]
    fn a_url_that_cannot_be_called_is_refused_with_one_that_can() {
        for url in [
            "",
            "localhost:8080",
            "/path",
            "ftp://localhost/",
            "http://",
            "http://127.0.0.1:0/",
            "http://127.0.0.1:99999/",
            "http://127.0.0.1:x/",
        ] {
            let refusal = refusal(url);
            assert!(
                refusal.contains("http://127.0.0.1:8080/path") || refusal.contains("127.0.0.0/8"),
                "{url}: {refusal}"
            );
        }
        assert!(refusal("https://localhost/").contains("TLS"));
    }

    #[tokio::test]
    async fn an_address_is_dialled_as_it_was_named() {
        let url: UpstreamUrl = "http://127.0.0.1:8080/path?q=1".parse().expect("it is loopback");
        let upstream = url.resolve().await.expect("an address needs no look-up");
        assert_eq!(upstream.address, SocketAddr::from(([127, 0, 0, 1], 8080)));
        assert_eq!(upstream.host, "127.0.0.1:8080");
        assert_eq!(upstream.path, "/path?q=1");
    }
}
