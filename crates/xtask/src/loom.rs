//! `cargo xtask loom`: runs the models, every interleaving of them up to a number of preemptions.
//!
//! A model is a test in a file `loom*.rs`: in a directory `tests` somewhere under a crate's `src`,
//! as a module under `#[cfg(seawall_loom)]`, or in the crate's own `tests`. A crate whose default
//! features are more than its models need (a runtime takes long to compile, and loom can't see into
//! it) says so in its manifest, with the keys that docs.rs has:
//!
//! ```toml
//! [package.metadata.loom]
//! no-default-features = true
//! features = ["serde"]
//! ```
//!
//! The code is built under `--cfg seawall_loom`, which turns the atomics of `seawall_core::sync`
//! into loom's, in a target directory of its own. To see what a failing model did, set
//! `LOOM_LOG=trace` and `LOOM_LOCATION=1` and run it alone, by name.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail, ensure};
use xshell::cmd;

use crate::{
    shell::{Context, Env, read, run as sh_run},
    workspace::Package,
};

/// Every loom model, or those whose name contains FILTER.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Explore every interleaving, however many preemptions it takes; this can take hours
    #[arg(long, conflicts_with = "preemptions")]
    exhaustive: bool,

    /// Explore the interleavings with at most this many preemptions
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    preemptions: u8,

    /// Only the models whose path contains this
    filter: Option<String>,
}

/// The second flag lets loom see into crossbeam's epochs, on which the cache's store rests.
const RUSTFLAGS: (&str, &str) = ("RUSTFLAGS", "--cfg seawall_loom --cfg crossbeam_loom");

const BOUND: &str = "LOOM_MAX_PREEMPTIONS";

impl Args {
    /// What CI has time for: bugs in real algorithms show with two.
    pub(crate) fn short() -> Self {
        Self { exhaustive: false, preemptions: 2, filter: None }
    }
}

pub(crate) fn run(cx: &Context, args: &Args) -> Result<()> {
    let mut ran = 0;
    for package in &cx.workspace.packages {
        for home in homes(package)? {
            ran += run_home(cx, package, &home, args)?;
        }
    }
    if let (0, Some(filter)) = (ran, &args.filter) {
        bail!("no model's path contains `{filter}`");
    }
    eprintln!("models that hold: {ran}");
    Ok(())
}

/// Whether a crate has models, and so code that several threads run at once.
pub(crate) fn has_models(package: &Package) -> Result<bool> {
    Ok(!homes(package)?.is_empty())
}

/// A target that holds models.
#[derive(Debug, PartialEq, Eq)]
enum Home {
    /// The library, among other unit tests: the models are those with `loom` in their path.
    Lib,
    /// An integration test that holds nothing else.
    Test(String),
}

impl Home {
    fn flags(&self) -> Vec<&str> {
        match self {
            Self::Lib => vec!["--lib"],
            Self::Test(name) => vec!["--test", name],
        }
    }

    fn holds(&self, test: &str) -> bool {
        match self {
            Self::Lib => test.contains("loom"),
            Self::Test(_) => true,
        }
    }
}

fn homes(package: &Package) -> Result<Vec<Home>> {
    let src = package.root().join("src");
    let lib = has_model_file(&src, false)
        .with_context(|| format!("cannot look for models under {}", src.display()))?;
    let tests = package.targets("test").filter(|name| name.starts_with("loom"));

    let mut homes: Vec<_> = lib.then_some(Home::Lib).into_iter().collect();
    homes.extend(tests.map(|name| Home::Test(name.to_owned())));
    Ok(homes)
}

/// Looks for `tests/**/loom*.rs`.
fn has_model_file(dir: &Path, in_tests: bool) -> std::io::Result<bool> {
    if !dir.is_dir() {
        return Ok(false);
    }
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let found = if entry.file_type()?.is_dir() {
            has_model_file(&entry.path(), in_tests || name == "tests")?
        } else {
            in_tests && name.starts_with("loom") && name.ends_with(".rs")
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Runs the models of one target and returns their number.
fn run_home(cx: &Context, package: &Package, home: &Home, args: &Args) -> Result<usize> {
    let sh = &cx.sh;
    let name = &package.name;
    let features = package.loom_flags();
    let target = home.flags();
    let dir = cx.target_dir("loom");
    let test = || {
        let cmd = cmd!(sh, "cargo test --profile loom --target-dir {dir} -p {name}");
        cmd.args(&target).args(&features).arg("--").env_remove(BOUND)
    };
    let bound = args.preemptions.to_string();
    let bounded = [RUSTFLAGS, (BOUND, &*bound)];
    let env: Env<'_> = if args.exhaustive { &[RUSTFLAGS] } else { &bounded };

    let list = read(&[RUSTFLAGS], test().args(["--list", "--format", "terse"]))?;
    let models: Vec<_> = parse_list(&list).filter(|test| home.holds(test)).collect();
    ensure!(
        !models.is_empty(),
        "{name} has files called loom*.rs, but {} holds no model: is each declared, under \
         #[cfg(seawall_loom)] in the library and under #![cfg(seawall_loom)] in tests?",
        target.join(" "),
    );

    let Some(filter) = &args.filter else {
        let loom = (*home == Home::Lib).then_some("loom");
        sh_run(env, test().args(loom))?;
        return Ok(models.len());
    };
    let chosen: Vec<_> = models.into_iter().filter(|model| model.contains(filter)).collect();
    if !chosen.is_empty() {
        sh_run(env, test().arg("--exact").args(&chosen))?;
    }
    Ok(chosen.len())
}

/// The paths in what libtest lists, one `path: test` a line.
fn parse_list(list: &str) -> impl Iterator<Item = &str> {
    list.lines().filter_map(|line| line.strip_suffix(": test"))
}

#[cfg(test)]
mod tests {
    use xshell::Shell;

    use super::{Home, has_model_file, parse_list};

    #[test]
    fn models_of_a_library_are_told_by_their_path() {
        let list = "tests::loom_word::one_opener: test\ntests::word::packs: test\nhot: benchmark\n";

        let models: Vec<_> = parse_list(list).filter(|it| Home::Lib.holds(it)).collect();

        assert_eq!(models, ["tests::loom_word::one_opener"]);
    }

    #[test]
    fn a_model_file_lies_in_a_directory_called_tests() -> anyhow::Result<()> {
        let sh = Shell::new()?;
        let dir = sh.create_temp_dir()?;
        let src = dir.path();

        sh.write_file(src.join("loom.rs"), "")?;
        sh.write_file(src.join("window/tests/ring.rs"), "")?;
        assert!(!has_model_file(src, false)?, "a shim and an ordinary test");

        sh.write_file(src.join("window/tests/loom_ring.rs"), "")?;
        assert!(has_model_file(src, false)?);
        assert!(!has_model_file(&src.join("absent"), false)?);
        Ok(())
    }
}
