//! `cargo xtask features`: each published crate compiles, without a warning, with each of its
//! features alone.
//!
//! clippy rather than check, because it alone can deny warnings without new flags for every
//! dependency, and an import that one feature leaves unused is what this step is there to find.
//! cargo-hack's `--no-dev-deps` is left out on purpose: it rewrites the manifests in place while it
//! runs, and since resolver 2 the features of dev-dependencies do not leak into a plain build
//! anyway.

use anyhow::Result;
use xshell::cmd;

use crate::{
    shell::{Context, run as sh_run},
    tools,
};

/// Each published crate with each of its features alone, with none and with all.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(cx: &Context, _: &Args) -> Result<()> {
    let sh = &cx.sh;
    tools::component(sh, "clippy", "clippy")?;
    tools::cargo_subcommand(sh, "hack")?;
    let crates = cx.workspace.published_flags();
    sh_run(&[], cmd!(sh, "cargo hack clippy --each-feature {crates...} -- -D warnings"))
}
