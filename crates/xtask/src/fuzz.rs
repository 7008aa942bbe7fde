//! `cargo xtask fuzz`: each fuzz target for a while, from its committed seeds.
//!
//! The targets are a workspace of their own: they compile on nightly only, and their lock file is
//! theirs. What libFuzzer learns goes to `fuzz/corpus`, what it finds to `fuzz/artifacts`; neither
//! is committed. A finding becomes a seed and an ordinary test.

use anyhow::{Context as _, Result, ensure};
use xshell::cmd;

use crate::{
    shell::{Context, run as sh_run},
    tools,
    workspace::Workspace,
};

/// Every fuzz target, or one, on nightly; a finding is a failure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this target
    target: Option<String>,

    /// How long each target runs
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
}

impl Args {
    /// All targets, for a time that fits the caller.
    pub(crate) const fn all(seconds: u32) -> Self {
        Self { target: None, seconds }
    }
}

pub(crate) const MANIFEST: &str = "fuzz/Cargo.toml";

/// An input that takes longer has found a loop, or something that grows too fast.
const INPUT_SECONDS: u32 = 10;

pub(crate) fn run(cx: &Context, args: &Args) -> Result<()> {
    let sh = &cx.sh;
    let nightly = tools::nightly(sh).context(tools::NO_NIGHTLY)?;
    tools::debian(sh, "c++", "g++")?; // libFuzzer itself is C++ and is compiled here
    tools::cargo_subcommand(sh, "fuzz")?;

    let workspace = Workspace::load(sh, MANIFEST)?;
    let targets = choose(&workspace, args.target.as_deref())?;

    for target in targets {
        sh.create_dir(format!("fuzz/corpus/{target}"))?;
        // The first directory is where new inputs go; seeds are only read.
        let seeds = format!("fuzz/seeds/{target}");
        let seeds = sh.path_exists(&seeds).then_some(seeds);
        let corpus = [format!("fuzz/corpus/{target}")].into_iter().chain(seeds);
        let options = [
            format!("-max_total_time={}", args.seconds),
            format!("-timeout={INPUT_SECONDS}"),
            // Not a line for each new input, but how many there were.
            "-verbosity=0".to_owned(),
            "-print_final_stats=1".to_owned(),
        ];
        let cmd = cmd!(
            sh,
            "cargo +{nightly} fuzz run --fuzz-dir fuzz {target} {corpus...} -- {options...}"
        );
        sh_run(&[], cmd)
            .with_context(|| format!("fuzz target `{target}` did not build, or found something"))?;
    }
    Ok(())
}

/// All targets, or the one that is asked for by name.
fn choose<'a>(workspace: &'a Workspace, name: Option<&str>) -> Result<Vec<&'a str>> {
    let all: Vec<_> = workspace.targets("bin").collect();
    ensure!(!all.is_empty(), "{MANIFEST} has no [[bin]]");
    let Some(name) = name else { return Ok(all) };
    let chosen: Vec<_> = all.iter().copied().filter(|target| *target == name).collect();
    ensure!(!chosen.is_empty(), "no fuzz target `{name}`; there are: {}", all.join(", "));
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::choose;
    use crate::workspace::Workspace;

    fn fuzz() -> Workspace {
        let json = r#"{
            "packages": [{
                "name": "fuzz", "version": "0.0.0", "description": null, "keywords": [], "publish": [],
                "manifest_path": "/w/fuzz/Cargo.toml", "metadata": { "cargo-fuzz": true },
                "targets": [
                    { "name": "config", "kind": ["bin"] }, { "name": "duration", "kind": ["bin"] }
                ]
            }],
            "workspace_root": "/w/fuzz", "target_directory": "/w/fuzz/target"
        }"#;
        Workspace::parse(json).expect("the sample is complete")
    }

    #[test]
    fn all_targets_run_unless_one_is_named() -> anyhow::Result<()> {
        let fuzz = fuzz();

        assert_eq!(choose(&fuzz, None)?, ["config", "duration"]);
        assert_eq!(choose(&fuzz, Some("duration"))?, ["duration"]);
        Ok(())
    }

    #[test]
    fn an_unknown_target_is_refused_with_those_there_are() {
        let error = choose(&fuzz(), Some("durations")).expect_err("there is none");

        assert_eq!(error.to_string(), "no fuzz target `durations`; there are: config, duration");
    }
}
