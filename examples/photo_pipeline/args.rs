//! The command line, and what each flag may be.

use std::path::PathBuf;

use clap::{Parser, Subcommand, value_parser};

/// Without `--release` a photo of a camera takes seconds.
const WIDTH: &str = if cfg!(debug_assertions) { "320" } else { "1600" };

/// Accept photos at once, resize them in worker processes, kill one of these, and count what is lost.
#[derive(Debug, Parser)]
#[command(name = "photo_pipeline", version = None, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) part: Option<Part>,

    #[command(flatten)]
    pub(crate) args: Args,
}

/// What a process is, if not the one that began.
#[derive(Debug, Subcommand)]
pub(crate) enum Part {
    /// Works on the photos of a directory until it is told to end; the pipeline starts these by itself.
    Work(Work),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Work {
    /// Where the photos and their queue are.
    #[arg(long)]
    pub(crate) dir: PathBuf,

    /// What it is called, for people who look at leases.
    #[arg(long)]
    pub(crate) name: String,
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// How many photos are uploaded, from 20 to 5000.
    #[arg(long, default_value = "120", value_parser = value_parser!(u32).range(20..=5_000))]
    pub(crate) photos: u32,

    /// How many are uploaded a second, from 1 to 1000.
    #[arg(long, default_value = "60", value_parser = value_parser!(u32).range(1..=1_000))]
    pub(crate) rate: u32,

    /// How many processes work on them, from 2 to 16.
    #[arg(long, default_value = "3", value_parser = value_parser!(u32).range(2..=16))]
    pub(crate) workers: u32,

    /// How wide a photo is, in pixels, from 160 to 4096; small ones where nothing is optimised.
    #[arg(long, default_value = WIDTH, value_parser = value_parser!(u32).range(160..=4_096))]
    pub(crate) width: u32,

    /// The same seed makes the same photos.
    #[arg(long, default_value = "7")]
    pub(crate) seed: u64,

    /// Keep everything in this directory, which must be empty or new, instead of in one that goes with the
    /// program: to look at what is left, and at the queue meanwhile.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,

    /// Where the contact sheet goes (JPEG).
    #[arg(long, value_name = "FILE", default_value = "photo_pipeline.jpg")]
    pub(crate) out: PathBuf,
}
