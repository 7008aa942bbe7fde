//! Running commands in the open: each is printed, with the environment that it needs, in a form
//! that can be pasted into a shell.

use std::path::{Path, PathBuf};

use anyhow::Result;
use xshell::{Cmd, Shell, cmd};

use crate::workspace::Workspace;

/// Variables set for one command.
pub(crate) type Env<'a> = &'a [(&'a str, &'a str)];

/// A shell at the workspace's root, and what the workspace holds.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) sh: Shell,
    pub(crate) workspace: Workspace,
}

impl Context {
    pub(crate) fn new() -> Result<Self> {
        let sh = Shell::new()?;
        let workspace = Workspace::load(&sh, "Cargo.toml")?;
        sh.change_dir(&workspace.root);
        Ok(Self { sh, workspace })
    }

    /// A target directory for builds with flags of their own, as short as it can be printed.
    pub(crate) fn target_dir(&self, name: &str) -> PathBuf {
        let dir = self.workspace.target.join(name);
        dir.strip_prefix(&self.workspace.root).map(Path::to_owned).unwrap_or(dir)
    }
}

/// Runs a command whose output goes where ours goes.
pub(crate) fn run(env: Env<'_>, cmd: Cmd<'_>) -> Result<()> {
    Ok(announce(env, cmd).run()?)
}

/// Runs a command and returns what it wrote to stdout.
pub(crate) fn read(env: Env<'_>, cmd: Cmd<'_>) -> Result<String> {
    Ok(announce(env, cmd).read()?)
}

/// Whether a command can be started and succeeds; says nothing.
pub(crate) fn works(cmd: Cmd<'_>) -> bool {
    cmd.quiet().ignore_stdout().ignore_stderr().run().is_ok()
}

/// The target triple that this machine compiles for.
pub(crate) fn host(sh: &Shell) -> Result<String> {
    Ok(cmd!(sh, "rustc --print host-tuple").quiet().read()?)
}

fn announce<'a>(env: Env<'_>, cmd: Cmd<'a>) -> Cmd<'a> {
    eprintln!("{}", line(env, &cmd));
    // `cargo run` describes this package to us in variables that build scripts watch. Passed on,
    // they would make the same build look different when it is started by hand, and so build it
    // twice.
    let ours = std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    });
    ours.fold(cmd, Cmd::env_remove).envs(env.iter().copied()).quiet()
}

fn line(env: Env<'_>, cmd: &Cmd<'_>) -> String {
    let env: String = env
        .iter()
        .map(|(name, value)| match value.contains(' ') {
            true => format!("{name}=\"{value}\" "),
            false => format!("{name}={value} "),
        })
        .collect();
    format!("$ {env}{cmd}")
}

#[cfg(test)]
mod tests {
    use xshell::{Shell, cmd};

    use super::line;

    #[test]
    fn a_printed_command_can_be_pasted_into_a_shell() {
        let sh = Shell::new().expect("there is a working directory");

        let line = line(&[("RUSTFLAGS", "--cfg a"), ("N", "3")], &cmd!(sh, "cargo test --lib"));

        assert_eq!(line, "$ RUSTFLAGS=\"--cfg a\" N=3 cargo test --lib");
    }
}
