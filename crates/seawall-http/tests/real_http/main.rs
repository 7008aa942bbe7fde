//! Over real sockets: a `reqwest` client behind the retry layer, and servers that are busy, reset, hang,
//! or have had enough.
//!
//! `server` answers by script (axum) and `rude` breaks connections; `client` is reqwest, as the service
//! that it is and by the types of the `http` crate. The waits are real: whole seconds are the least that
//! `Retry-After` can ask for. Whatever happens, a test is over in [`within`] its time.

#![cfg(all(feature = "retry", not(seawall_loom)))]

mod broken;
mod busy;
mod client;
mod deadlines;
mod rude;
mod server;

use std::time::Duration;

/// Runs a test, which fails where it takes longer than any machine needs.
async fn within<F: Future>(test: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), test).await.expect("it is over in time")
}
