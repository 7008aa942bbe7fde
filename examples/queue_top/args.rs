//! The command line, and what each flag may be.

use std::path::PathBuf;

use clap::{Parser, value_parser};

/// Watch a work queue in a file, as `top` watches processes. It only reads, unless it is given leave.
#[derive(Clone, Debug, Parser)]
#[command(name = "queue_top", version = None)]
pub(crate) struct Args {
    /// The queue's file; without one, a queue with a load of its own is made, and goes with the program.
    pub(crate) file: Option<PathBuf>,

    /// Keys may pause and resume the queue, cancel jobs and requeue dead letters: each after a question.
    #[arg(long)]
    pub(crate) act: bool,

    /// Prints one frame as plain text and ends: for pipes, and for whoever has no terminal.
    #[arg(long)]
    pub(crate) once: bool,

    /// How many milliseconds there are between two looks, from 50 to 60000.
    #[arg(long, value_name = "MS", default_value = "500", value_parser = value_parser!(u64).range(50..=60_000))]
    pub(crate) every: u64,

    /// How wide and high the frame of `--once` is.
    #[arg(long, value_name = "WxH", default_value = "100x30", value_parser = size)]
    pub(crate) size: (u16, u16),
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let (width, height) = text.split_once('x').ok_or("as in 100x30")?;
    match (width.parse(), height.parse()) {
        (Ok(width @ 20..=500), Ok(height @ 10..=200)) => Ok((width, height)),
        _ => Err("from 20x10 to 500x200".into()),
    }
}
