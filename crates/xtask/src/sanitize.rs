//! `cargo xtask sanitize`: the stress tests under ThreadSanitizer, then all under AddressSanitizer.
//!
//! Loom tries every schedule of a small model; ThreadSanitizer watches one schedule of the real
//! code, real atomics and many calls, and AddressSanitizer what the few `unsafe` blocks touch and
//! what is never freed. Run over the published crates that have loom models or a test called
//! `stress*`: those are the crates in which threads meet.
//!
//! The standard library is not instrumented (that takes its source and a build of it), so
//! ThreadSanitizer does not see the edges that it makes out of sight: a test harness that runs tests
//! side by side is full of them. So it watches the `stress*` tests alone, one after the other. What
//! it reports wrongly all the same, and nothing else, is listed in `tsan-suppressions.txt`.

use anyhow::{Context as _, Result, ensure};
use xshell::cmd;

use crate::{
    loom,
    shell::{Context, host, run as sh_run},
    tools,
    workspace::{Package, Workspace},
};

/// The tests of the concurrent crates under ThreadSanitizer and AddressSanitizer, on nightly.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these crates
    #[arg(value_name = "CRATE")]
    crates: Vec<String>,
}

const SANITIZERS: &[&str] = &["thread", "address"];

const SUPPRESSIONS: &str = "crates/xtask/tsan-suppressions.txt";

pub(crate) fn run(cx: &Context, args: &Args) -> Result<()> {
    let sh = &cx.sh;
    let nightly = tools::nightly(sh).context(tools::NO_NIGHTLY)?;
    let crates = choose(&cx.workspace, &args.crates)?;
    eprintln!("over {}", crates.join(", "));
    let stressed: Vec<_> =
        cx.workspace.published().filter(|p| has_stress(p)).map(|p| &*p.name).collect();
    ensure!(
        crates.iter().any(|name| stressed.contains(name)),
        "none of them has a test called `stress*` for ThreadSanitizer to watch"
    );

    // With a target named, even our own, the flags leave build scripts and macros alone.
    let target = host(sh)?;
    // The program starts elsewhere (cargo runs a test in its package), so the path must not be
    // relative.
    let suppressions = cx.workspace.root.join(SUPPRESSIONS);
    let options = format!("suppressions={}", suppressions.display());
    for sanitizer in SANITIZERS {
        let flags = format!("-Zsanitizer={sanitizer} -Cunsafe-allow-abi-mismatch=sanitizer");
        let mut env = vec![("RUSTFLAGS", &*flags)];
        if *sanitizer == "thread" {
            env.push(("TSAN_OPTIONS", &*options));
        }
        let dir = cx.target_dir(&format!("sanitize-{sanitizer}"));
        let (what, threads): (&[&str], &[&str]) = match *sanitizer {
            "thread" => (&["--test", "stress*"], &["--", "--test-threads=1"]),
            _ => (&["--lib", "--tests"], &[]),
        };
        let crates = crates
            .iter()
            .filter(|name| *sanitizer != "thread" || stressed.contains(name))
            .flat_map(|name| ["-p", *name]);
        let cmd = cmd!(
            sh,
            "cargo +{nightly} test --target {target} --target-dir {dir} --all-features {what...} {crates...} {threads...}"
        );
        sh_run(&env, cmd).with_context(|| format!("{sanitizer} sanitizer"))?;
    }
    Ok(())
}

/// The crates that are asked for, or those in which threads meet.
fn choose<'a>(workspace: &'a Workspace, names: &[String]) -> Result<Vec<&'a str>> {
    let mut crates = Vec::new();
    for package in workspace.published() {
        if names.contains(&package.name) || (names.is_empty() && is_concurrent(package)?) {
            crates.push(&*package.name);
        }
    }
    let unknown: Vec<_> = names.iter().filter(|name| !crates.contains(&name.as_str())).collect();
    ensure!(unknown.is_empty(), "not published by this workspace: {unknown:?}");
    ensure!(!crates.is_empty(), "no published crate has loom models or a test called `stress*`");
    Ok(crates)
}

fn is_concurrent(package: &Package) -> Result<bool> {
    Ok(has_stress(package) || loom::has_models(package)?)
}

fn has_stress(package: &Package) -> bool {
    package.targets("test").any(|name| name.starts_with("stress"))
}

#[cfg(test)]
mod tests {
    use super::choose;
    use crate::workspace::tests::sample;

    #[test]
    fn crates_with_models_are_chosen() -> anyhow::Result<()> {
        assert_eq!(choose(&sample(), &[])?, ["tide"]);
        assert_eq!(choose(&sample(), &["inhouse".to_owned()])?, ["inhouse"]);
        Ok(())
    }

    #[test]
    fn a_crate_that_nobody_gets_is_refused_by_name() {
        let error = choose(&sample(), &["demo".to_owned()]).expect_err("it is not published");

        assert_eq!(error.to_string(), r#"not published by this workspace: ["demo"]"#);
    }
}
