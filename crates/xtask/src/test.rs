//! `cargo xtask test`: everything that must pass before a change lands.
//!
//! A step that needs other compiler flags than its neighbours (loom, docs.rs, the fuzzer) has a
//! target directory of its own, so that it does not throw away what they built.

use anyhow::Result;
use xshell::cmd;

use crate::{
    examples, features, fuzz, loom, package,
    shell::{Context, run as sh_run},
    steps::Steps,
    tools,
};

/// Everything that must pass.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only rustfmt, clippy and the tests
    #[arg(long)]
    fast: bool,
}

/// The crate that users name first. Its default features are tested apart: `--all-features`
/// elsewhere would hide code that compiles only with a neighbour's feature.
const FACADE: &str = "seawall";

/// How long each fuzz target runs: long enough to replay its seeds and notice that it is broken.
const FUZZ_SECONDS: u32 = 5;

pub(crate) fn run(cx: &Context, steps: &mut Steps, args: &Args) -> Result<()> {
    steps.run("fmt", || fmt(cx))?;
    steps.run("clippy", || clippy(cx))?;
    steps.run("tests", || tests(cx))?;
    if !args.fast {
        steps.run("facade", || cargo_test(cx, &["-p", FACADE]))?;
        steps.run("loom", || loom::run(cx, &loom::Args::short()))?;
        steps.run("features", || features::run(cx, &features::Args {}))?;
        steps.run("examples", || examples::run(cx))?;
        if tools::nightly(&cx.sh).is_some() {
            steps.run("fuzz", || fuzz::run(cx, &fuzz::Args::all(FUZZ_SECONDS)))?;
        } else {
            steps.skip("fuzz", tools::NO_NIGHTLY.to_owned());
        }
        steps.run("package", || package::run(cx, &package::Args {}))?; // each crate's documentation, too
    }
    steps.summary();
    Ok(())
}

fn fmt(cx: &Context) -> Result<()> {
    let sh = &cx.sh;
    tools::component(sh, "fmt", "rustfmt")?;
    sh_run(&[], cmd!(sh, "cargo fmt --all --check"))?;
    let manifest = fuzz::MANIFEST;
    sh_run(&[], cmd!(sh, "cargo fmt --check --manifest-path {manifest}"))
}

/// The whole workspace, benches and the peers in them included: clippy needs no machine code of a
/// dependency, so this is the cheap way to keep the benches compiling.
fn clippy(cx: &Context) -> Result<()> {
    let sh = &cx.sh;
    tools::component(sh, "clippy", "clippy")?;
    let what = ["--workspace", "--all-targets", "--all-features"];
    sh_run(&[], cmd!(sh, "cargo clippy {what...} -- -D warnings"))
}

/// `cargo test` and not nextest, which is faster but runs no doctests.
fn tests(cx: &Context) -> Result<()> {
    tools::debian_server(&cx.sh, "redis-server", "redis-server")?; // private ones, started by tests
    cargo_test(cx, &["--all-features"])?;
    cargo_test(cx, &["-p", "xtask"]) // no default member: a user's `cargo build` should not build it
}

fn cargo_test(cx: &Context, flags: &[&str]) -> Result<()> {
    let sh = &cx.sh;
    sh_run(&[], cmd!(sh, "cargo test {flags...}"))
}
