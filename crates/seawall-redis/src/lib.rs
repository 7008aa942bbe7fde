#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(test)]
extern crate self as seawall_redis; // by this name the tests' support knows us

mod address;
#[cfg(feature = "cache")]
pub mod cache;
mod client;
mod command;
pub mod connection;
mod error;
mod keys;
pub mod limiter;
mod reply;
mod script;

pub use seawall_core::{
    Backoff, Bound, Clock, ConfigError, Jitter, Reason, Registry, Rejection, Snapshot,
};
pub use seawall_rate_limiter::{Quota, Standing};

#[cfg(feature = "cache")]
pub use self::cache::{CacheStore, CacheStoreBuilder, SchemaId};
pub use self::{
    command::{Arg, Command},
    connection::{Connection, ConnectionBuilder},
    error::Error,
    keys::{KeySpace, slot},
    limiter::{Outage, RateLimiter, RateLimiterBuilder},
    reply::Reply,
    script::Script,
};

#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;
