//! The command line, and what each flag may be.

use std::path::PathBuf;

use clap::{Parser, value_parser};

/// Spread keys over private redis servers, add one under traffic, kill one, and count what is lost.
#[derive(Clone, Debug, Parser)]
#[command(name = "sharded_redis", version = None)]
pub(crate) struct Args {
    /// How long traffic runs between the changes, all in all, from 1 to 600; the changes take their own time.
    #[arg(long, default_value = "12", value_parser = value_parser!(u64).range(1..=600))]
    pub(crate) seconds: u64,

    /// How many servers there are before one joins, from 3 to 32.
    #[arg(long, default_value = "4", value_parser = value_parser!(u32).range(3..=32))]
    pub(crate) nodes: u32,

    /// How many nodes have each key, 2 or 3.
    #[arg(long, default_value = "2", value_parser = value_parser!(u32).range(2..=3))]
    pub(crate) replicas: u32,

    /// How many keys there are, from 100 to 1000000.
    #[arg(long, default_value = "20000", value_parser = value_parser!(u32).range(100..=1_000_000))]
    pub(crate) keys: u32,

    /// The same seed places the same, kills the same node, and sends the same traffic.
    #[arg(long, default_value = "7")]
    pub(crate) seed: u64,

    /// Where the picture goes (SVG).
    #[arg(long, value_name = "FILE", default_value = "sharded_redis.svg")]
    pub(crate) out: PathBuf,
}
