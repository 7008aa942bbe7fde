//! `cargo xtask crash`: the crash tests, whose child processes are killed many more times than
//! `cargo test` has time for.
//!
//! A crash test has `killed` in its path, and lies in a file `killed*.rs` somewhere under a crate's
//! `tests`. How often each of its children is started and killed is told to it in the variable
//! `SEAWALL_CRASH_ROUNDS`.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use xshell::cmd;

use crate::shell::{Context, run as sh_run};

/// The crash tests in their long form: processes killed at random, and nothing lost.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How often each child is started and killed
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

const MARK: &str = "killed";

const ROUNDS: &str = "SEAWALL_CRASH_ROUNDS";

pub(crate) fn run(cx: &Context, args: &Args) -> Result<()> {
    let sh = &cx.sh;
    let rounds = args.rounds.to_string();
    let mut ran = 0;
    for package in &cx.workspace.packages {
        let homes = homes(&package.root().join("tests"))
            .with_context(|| format!("cannot look for crash tests of {}", package.name))?;
        for home in homes {
            let name = &package.name;
            let cmd =
                cmd!(sh, "cargo test -p {name} --all-features --test {home} -- {MARK} --nocapture");
            sh_run(&[(ROUNDS, &rounds)], cmd)?;
            ran += 1;
        }
    }
    ensure!(ran > 0, "no crate has a crash test: a file `{MARK}*.rs` under its `tests`");
    Ok(())
}

/// The integration tests with such a file: `NAME.rs`, or whatever lies in `NAME/`.
fn homes(tests: &Path) -> std::io::Result<BTreeSet<String>> {
    let mut homes = BTreeSet::new();
    if !tests.is_dir() {
        return Ok(homes);
    }
    for entry in fs::read_dir(tests)? {
        let path = entry?.path();
        if let (true, Some(name)) = (has_crash_file(&path)?, path.file_stem()) {
            homes.insert(name.to_string_lossy().into_owned());
        }
    }
    Ok(homes)
}

/// Whether it is such a file, or a directory with one in it.
fn has_crash_file(path: &Path) -> std::io::Result<bool> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            if has_crash_file(&entry?.path())? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(name.starts_with(MARK) && name.ends_with(".rs"))
}

#[cfg(test)]
mod tests {
    use xshell::Shell;

    use super::homes;

    #[test]
    fn a_crash_test_is_found_in_the_test_that_holds_it() -> anyhow::Result<()> {
        let sh = Shell::new()?;
        let dir = sh.create_temp_dir()?;
        let tests = dir.path();
        assert!(homes(&tests.join("absent"))?.is_empty());

        sh.write_file(tests.join("ring.rs"), "")?;
        sh.write_file(tests.join("it/sqlite.rs"), "")?;
        assert!(homes(tests)?.is_empty());

        sh.write_file(tests.join("it/sqlite/killed.rs"), "")?;
        sh.write_file(tests.join("killed_alone.rs"), "")?;
        assert_eq!(homes(tests)?.into_iter().collect::<Vec<_>>(), ["it", "killed_alone"]);
        Ok(())
    }
}
