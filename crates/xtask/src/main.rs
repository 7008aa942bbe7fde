//! Seawall's own tool. `cargo xtask test` runs all that must pass; the other commands are its
//! parts, and what is too slow or too noisy to run on every change.
//!
//! Read [`workspace`] first (which crates there are), then [`test`](mod@test) (what is done with
//! them), then any command's own file. No crate's name is written down here but the facade's: a new
//! one is found through `cargo metadata`.

mod bench;
mod crash;
mod examples;
mod features;
mod fuzz;
mod loom;
mod package;
mod sanitize;
mod shell;
mod steps;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{shell::Context, steps::Steps};

/// Seawall's own tool: every check of the project, one command each.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Test(test::Args),
    Loom(loom::Args),
    Bench(bench::Args),
    Fuzz(fuzz::Args),
    Sanitize(sanitize::Args),
    Crash(crash::Args),
    Features(features::Args),
    Package(package::Args),
}

fn main() -> ExitCode {
    match run(&Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> anyhow::Result<()> {
    let cx = Context::new()?;
    let mut steps = Steps::default();
    match command {
        Command::Test(args) => test::run(&cx, &mut steps, args),
        Command::Loom(args) => steps.run("loom", || loom::run(&cx, args)),
        Command::Bench(args) => steps.run("bench", || bench::run(&cx, args)),
        Command::Fuzz(args) => steps.run("fuzz", || fuzz::run(&cx, args)),
        Command::Sanitize(args) => steps.run("sanitize", || sanitize::run(&cx, args)),
        Command::Crash(args) => steps.run("crash", || crash::run(&cx, args)),
        Command::Features(args) => steps.run("features", || features::run(&cx, args)),
        Command::Package(args) => steps.run("package", || package::run(&cx, args)),
    }
}
