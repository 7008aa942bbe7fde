//! `cargo xtask bench`: runs the benches and prints how far each case is from the floor and from
//! the best peer.
//!
//! The nanoseconds are this machine's; the ratios are what may be quoted, and only within one run.
//! [`instructions`] are the same in each run.

#![expect(
    clippy::disallowed_types,
    reason = "compared with the times of files, which are wall-clock"
)]

mod instructions;
mod table;

use std::{fs, path::Path, thread, time::SystemTime};

use anyhow::{Context as _, Result, ensure};
use xshell::cmd;

use self::table::Case;
use crate::shell::{Context, run as sh_run};

/// Every bench, or one bench target, and a table of ratios in Markdown.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this bench target, such as `breaker`
    filter: Option<String>,
    /// Count the instructions of a call under valgrind, and fail where they are more than they may be
    #[arg(long, requires = "filter")]
    instructions: bool,
}

const PACKAGE: &str = "seawall-benches";

pub(crate) fn run(cx: &Context, args: &Args) -> Result<()> {
    let sh = &cx.sh;
    let targets: Vec<_> = cx.workspace.targets("bench").collect();
    let chosen = choose(&targets, args.filter.as_deref())?;
    if let (true, [bench]) = (args.instructions, &*chosen) {
        println!("{}\n\n{}", machine(cx)?, instructions::run(cx, bench)?);
        return Ok(());
    }

    let start = SystemTime::now();
    // By name: a bare `cargo bench` also starts the library, which knows none of criterion's flags.
    let benches = chosen.iter().flat_map(|name| ["--bench", *name]);
    sh_run(&[], cmd!(sh, "cargo bench -p {PACKAGE} {benches...}"))?;

    let mut cases = Vec::new();
    collect(&cx.workspace.target.join("criterion"), start, &mut cases)?;
    ensure!(!cases.is_empty(), "the benches wrote no estimates under target/criterion");
    println!("{}\n\n{}", machine(cx)?, table::markdown("ns", cases));
    Ok(())
}

/// The bench targets to run.
fn choose<'a>(targets: &[&'a str], filter: Option<&str>) -> Result<Vec<&'a str>> {
    let chosen: Vec<_> =
        targets.iter().copied().filter(|name| filter.is_none_or(|it| it == *name)).collect();
    ensure!(
        !chosen.is_empty(),
        "no bench target `{}`; there are: {}",
        filter.unwrap_or("*"),
        targets.join(", ")
    );
    Ok(chosen)
}

/// Reads what criterion wrote since `start`: a case that was renamed has left its old figures
/// behind, and figures of different runs must not stand in one table.
fn collect(dir: &Path, start: SystemTime, cases: &mut Vec<Case>) -> Result<()> {
    let unreadable = || format!("cannot read criterion's results in {}", dir.display());
    let read = |name: &str| fs::read_to_string(dir.join(name)).with_context(unreadable);

    for entry in fs::read_dir(dir).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        if entry.file_type().with_context(unreadable)?.is_dir() {
            collect(&entry.path(), start, cases)?;
        }
    }
    let estimates = dir.join("estimates.json");
    let fresh = || estimates.metadata()?.modified().map(|modified| modified >= start);
    if dir.ends_with("new") && estimates.exists() && fresh().with_context(unreadable)? {
        let case =
            Case::parse(&read("benchmark.json")?, &read("estimates.json")?).with_context(|| {
                format!("criterion wrote something unexpected in {}", dir.display())
            })?;
        cases.push(case);
    }
    Ok(())
}

/// When, where and with what: a figure without them says nothing.
fn machine(cx: &Context) -> Result<String> {
    let sh = &cx.sh;
    let date = cmd!(sh, "date -u +%F").quiet().read()?;
    let rustc = cmd!(sh, "rustc --version").quiet().read()?;
    let cores = thread::available_parallelism().context("cannot count the cores")?;
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu_model(&cpuinfo).unwrap_or("unknown CPU");
    Ok(format!("{date}, {cpu}, {cores} cores, {rustc}"))
}

fn cpu_model(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use xshell::Shell;

    use super::{choose, collect, cpu_model};

    #[test]
    fn a_filter_is_a_bench_target() -> anyhow::Result<()> {
        let targets = ["breaker", "clock"];

        assert_eq!(choose(&targets, None)?, targets);
        assert_eq!(choose(&targets, Some("clock"))?, ["clock"]);
        let error = choose(&targets, Some("brake")).expect_err("there is none");
        assert_eq!(error.to_string(), "no bench target `brake`; there are: breaker, clock");
        Ok(())
    }

    #[test]
    fn only_fresh_results_are_collected() -> anyhow::Result<()> {
        let sh = Shell::new()?;
        let dir = sh.create_temp_dir()?;
        for run in ["new", "base"] {
            let case = dir.path().join("breaker_closed/seawall").join(run);
            sh.write_file(case.join("benchmark.json"), r#"{ "group_id": "breaker/closed" }"#)?;
            let estimates = r#"{ "median": { "point_estimate": 7.0 } }"#;
            sh.write_file(case.join("estimates.json"), estimates)?;
        }
        let now = SystemTime::now();
        let hour = Duration::from_secs(3600);

        let (mut fresh, mut stale) = (Vec::new(), Vec::new());
        collect(dir.path(), now - hour, &mut fresh)?;
        collect(dir.path(), now + hour, &mut stale)?;

        assert_eq!(fresh.len(), 1, "`base` is the run before");
        assert!(stale.is_empty());
        Ok(())
    }

    #[test]
    fn the_cpu_is_named() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Wave CPU @ 2 GHz\nmodel name\t: again\n";

        assert_eq!(cpu_model(cpuinfo), Some("Wave CPU @ 2 GHz"));
        assert_eq!(cpu_model("Hardware : none of ours"), None);
    }
}
