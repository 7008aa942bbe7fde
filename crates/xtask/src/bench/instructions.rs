//! `cargo xtask bench NAME --instructions`: what a call takes in instructions, and whether that is more
//! than it may be.
//!
//! Callgrind runs the bench once, and writes a dump before each mark that the bench sets; how a bench does
//! so, and why, stands in `benches/instructions.rs`. The figures are the same in each run, whatever else
//! the machine does, so that a bound on them can be a test.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use xshell::cmd;

use super::{
    PACKAGE,
    table::{self, Case},
};
use crate::{
    shell::{Context, read as sh_read},
    tools,
};

/// How many dumps a case has: before it is counted, of its calls, and of twice as many.
const DUMPS: usize = 3;

/// A case, as the bench tells it.
#[derive(Debug, PartialEq)]
struct Told {
    calls: f64,
    /// The most that ours may be of the best peer.
    at_most: f64,
    group: String,
    name: String,
}

pub(super) fn run(cx: &Context, bench: &str) -> Result<String> {
    let sh = &cx.sh;
    tools::debian(sh, "valgrind", "valgrind")?;
    let flags = ["-p", PACKAGE, "--bench", bench, "--no-run", "--message-format=json"];
    let built = sh_read(&[], cmd!(sh, "cargo bench {flags...}"))?;
    let program = executable(&built, bench).context("cargo built no such bench")?;

    let dir = cx.target_dir("callgrind").join(bench);
    sh.remove_path(&dir)?; // what an earlier run has left
    sh.create_dir(&dir)?;
    let dump = dir.join("dump");
    let told = sh_read(
        &[],
        cmd!(
            sh,
            "valgrind --quiet --tool=callgrind --callgrind-out-file={dump}
                --dump-before=*instructions*mark* {program} --instructions"
        ),
    )?;

    let told = told.lines().map(Told::parse).collect::<Result<Vec<_>>>()?;
    ensure!(!told.is_empty(), "`{bench}` counts no instructions");
    let counts = told.iter().enumerate().map(|(at, told)| {
        let taken = |nth| total(&dir.join(format!("dump.{}", DUMPS * at + nth)));
        Ok((taken(3)? - taken(2)?) / told.calls)
    });
    let counts = counts.collect::<Result<Vec<_>>>()?;
    let cases = told.iter().zip(&counts).map(|(told, &count)| told.case(count)).collect();
    let table = table::markdown("instructions", cases);
    let over = over(&told, &counts);
    ensure!(over.is_empty(), "{table}\nmore than they may be:\n{}", over.join("\n"));
    Ok(table)
}

impl Told {
    fn parse(line: &str) -> Result<Self> {
        let unexpected = || format!("a bench told this of a case: `{line}`");
        let fields: Vec<_> = line.split('\t').collect();
        let &[calls, at_most, group, name] = &*fields else {
            anyhow::bail!(unexpected());
        };
        Ok(Self {
            calls: calls.parse().with_context(unexpected)?,
            at_most: at_most.parse().with_context(unexpected)?,
            group: group.to_owned(),
            name: name.to_owned(),
        })
    }

    fn case(&self, count: f64) -> Case {
        Case::new(&self.group, &self.name, count)
    }
}

/// Those of ours that take more of the best peer's instructions than they may.
fn over(told: &[Told], counts: &[f64]) -> Vec<String> {
    let cases: Vec<_> = told.iter().zip(counts).map(|(told, &count)| told.case(count)).collect();
    let ours = told.iter().zip(&cases).filter(|(_, case)| case.is_ours());
    ours.filter_map(|(told, case)| {
        let ratio = case.to_best_peer(&cases)?;
        (ratio > told.at_most)
            .then(|| format!("{}: {}: {ratio:.2} > {:.2}", told.group, told.name, told.at_most))
    })
    .collect()
}

/// Where cargo put the bench that it built.
fn executable(messages: &str, bench: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Message {
        executable: Option<String>,
        target: Option<Target>,
    }
    #[derive(Deserialize)]
    struct Target {
        name: String,
    }
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    messages
        .filter(|message| message.target.as_ref().is_some_and(|target| target.name == bench))
        .find_map(|message| message.executable)
}

/// How many instructions a dump counts.
fn total(dump: &Path) -> Result<f64> {
    let text = fs::read_to_string(dump).with_context(|| {
        format!("callgrind wrote no {}: are there fewer marks?", dump.display())
    })?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals:"));
    let total = total.with_context(|| format!("{} has no total", dump.display()))?;
    Ok(total.trim().parse()?)
}

#[cfg(test)]
mod tests {
    use xshell::Shell;

    use super::{Told, executable, over, total};

    fn told(name: &str, at_most: f64) -> Told {
        Told { calls: 1_000.0, at_most, group: "tide".to_owned(), name: name.to_owned() }
    }

    #[test]
    fn a_case_is_told_in_a_line() -> anyhow::Result<()> {
        assert_eq!(Told::parse("1000\t0.5\ttide\tseawall")?, told("seawall", 0.5));
        assert!(Told::parse("1000\tinf\ttide\tseawall")?.at_most.is_infinite());

        let error = Told::parse("Gnuplot not found").expect_err("no case");
        assert_eq!(error.to_string(), "a bench told this of a case: `Gnuplot not found`");
        Ok(())
    }

    #[test]
    fn ours_may_take_a_share_of_the_best_peers() {
        let cases =
            [told("seawall", 0.5), told("good", 0.5), told("best", 0.5), told("floor", 0.5)];

        assert!(over(&cases, &[40.0, 200.0, 80.0, 1.0]).is_empty());
        assert_eq!(over(&cases, &[60.0, 200.0, 80.0, 1.0]), ["tide: seawall: 0.75 > 0.50"]);
        assert!(over(&cases[..1], &[60.0]).is_empty(), "there is nobody to be compared with");
    }

    #[test]
    fn the_bench_is_found_among_what_cargo_built() {
        // As cargo 1.95 prints it, shortened.
        let built = r#"
            {"reason":"compiler-artifact","target":{"name":"tide"},"executable":null}
            {"reason":"compiler-artifact","target":{"name":"limiter"},"executable":"/t/limiter-1"}
            {"reason":"build-finished","success":true}"#;

        assert_eq!(executable(built, "limiter").as_deref(), Some("/t/limiter-1"));
        assert_eq!(executable(built, "tide"), None);
    }

    #[test]
    fn a_dump_has_a_total() -> anyhow::Result<()> {
        let sh = Shell::new()?;
        let dir = sh.create_temp_dir()?;
        let dump = dir.path().join("dump.1");
        sh.write_file(&dump, "events: Ir\nfn=(1) main\n16 +3\n\ntotals: 96008\n")?;

        assert_eq!(total(&dump)?.to_string(), "96008");
        assert!(total(&dir.path().join("dump.2")).is_err());
        Ok(())
    }
}
