//! What the commands need beyond a stable toolchain: installed where that is one known command,
//! named with the command that installs it where it is the user's choice.

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

use crate::shell::{host, run, works};

/// Makes sure of `cargo <subcommand>`, from the package `cargo-<subcommand>`.
pub(crate) fn cargo_subcommand(sh: &Shell, subcommand: &str) -> Result<()> {
    if works(cmd!(sh, "cargo {subcommand} --version")) {
        return Ok(());
    }
    let package = format!("cargo-{subcommand}");
    run(&[], cmd!(sh, "cargo install --locked {package}"))
        .with_context(|| format!("`{package}` is needed and could not be installed"))
}

/// Makes sure of a component of the toolchain, such as rustfmt.
pub(crate) fn component(sh: &Shell, subcommand: &str, component: &str) -> Result<()> {
    if works(cmd!(sh, "cargo {subcommand} --version")) {
        return Ok(());
    }
    bail!("`cargo {subcommand}` is missing; install it: rustup component add {component}")
}

/// Makes sure of a program that Debian packages, when we are root on a Debian; otherwise names the
/// package.
pub(crate) fn debian(sh: &Shell, program: &str, package: &str) -> Result<()> {
    if works(cmd!(sh, "{program} --version")) {
        return Ok(());
    }
    let root = cmd!(sh, "id -u").quiet().read().is_ok_and(|id| id == "0");
    if !root || !works(cmd!(sh, "apt-get --version")) {
        bail!("`{program}` is missing; on Debian and Ubuntu: sudo apt-get install {package}");
    }
    let env = [("DEBIAN_FRONTEND", "noninteractive")];
    run(&env, cmd!(sh, "apt-get update --quiet"))?;
    run(&env, cmd!(sh, "apt-get install --yes --no-install-recommends {package}"))
        .with_context(|| format!("`{program}` is needed and could not be installed"))
}

/// Debian asks this file before it starts a service that it has installed.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// As [`debian`], of a server, which the package would start: a test starts its own.
pub(crate) fn debian_server(sh: &Shell, program: &str, package: &str) -> Result<()> {
    let is_there = works(cmd!(sh, "{program} --version"));
    // Whoever has such a file already has said what he wants; who is not root can't install either.
    let held = !is_there
        && !sh.path_exists(POLICY)
        && sh.write_file(POLICY, "#!/bin/sh\nexit 101\n").is_ok();
    let installed = match held {
        true => {
            run(&[], cmd!(sh, "chmod 755 {POLICY}")).and_then(|()| debian(sh, program, package))
        }
        false => debian(sh, program, package),
    };
    if held {
        sh.remove_path(POLICY)?;
    }
    installed
}

/// What to tell whoever has no nightly toolchain.
pub(crate) const NO_NIGHTLY: &str =
    "no nightly toolchain; install it: rustup toolchain install nightly --profile minimal";

/// The nightly toolchain to use, in the form that `cargo +…` takes.
///
/// Asks for the list of toolchains: `cargo +nightly --version` may download one as a side effect.
pub(crate) fn nightly(sh: &Shell) -> Option<String> {
    let list = cmd!(sh, "rustup toolchain list").quiet().ignore_stderr().read().ok()?;
    choose_nightly(&list, &host(sh).ok()?)
}

/// `nightly` itself where there is one, otherwise the newest dated one.
fn choose_nightly(list: &str, host: &str) -> Option<String> {
    let names = || list.lines().filter_map(|line| line.split_whitespace().next());
    if names().any(|name| name == "nightly" || name == format!("nightly-{host}")) {
        return Some("nightly".to_owned());
    }
    names().filter(|name| name.starts_with("nightly-20")).max().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::choose_nightly;

    const HOST: &str = "x86_64-unknown-linux-gnu";

    #[test]
    fn the_undated_nightly_is_preferred() {
        let list = "stable-x86_64-unknown-linux-gnu (active, default)\n\
                    nightly-2026-01-02-x86_64-unknown-linux-gnu\n\
                    nightly-x86_64-unknown-linux-gnu";

        assert_eq!(choose_nightly(list, HOST).as_deref(), Some("nightly"));
    }

    #[test]
    fn the_newest_dated_nightly_is_next() {
        let list = "nightly-2026-01-02-x86_64-unknown-linux-gnu\n\
                    nightly-2025-12-31-x86_64-unknown-linux-gnu (active)";

        let found = choose_nightly(list, HOST);

        assert_eq!(found.as_deref(), Some("nightly-2026-01-02-x86_64-unknown-linux-gnu"));
    }

    #[test]
    fn a_nightly_for_another_machine_is_none() {
        let list = "stable-x86_64-unknown-linux-gnu (default)\nnightly-aarch64-apple-darwin";

        assert_eq!(choose_nightly(list, HOST), None);
    }
}
