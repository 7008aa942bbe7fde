//! The end of the story: one table, one verdict.

use std::{fmt::Write as _, time::Duration};

use crate::{
    fleet::{NAMES, SICK},
    guard::{Change, back_at_work},
    phases::{Phase, Phases},
    recorder::Record,
};

/// Lines of a breaker's log: what a screen holds beside the table.
const MOST_LINES: usize = 16;

/// How one run went.
pub(crate) struct Run {
    pub(crate) name: &'static str,
    pub(crate) record: Record,
    /// How many calls could be in flight: the bound of the generator.
    pub(crate) most_in_flight: usize,
    /// Calls that reached the sick member while it was sick.
    pub(crate) visits: u64,
    /// What the sick member's breaker did; nothing where there was none.
    pub(crate) changes: Option<Vec<Change>>,
}

/// The two runs, side by side.
pub(crate) fn table(phases: Phases, runs: &[Run; 2]) -> String {
    let cells = |cell: &dyn Fn(&Run) -> String| [cell(&runs[0]), cell(&runs[1])];
    let latency = |share: f64| cells(&|run| duration(run.record.arrived().total().latency(share)));
    let healed = phases.start(Phase::Healed);
    let mut rows = vec![
        ("calls due", cells(&|run| run.record.arrived().total().due().to_string())),
        ("answered well", cells(&|run| share(run.record.arrived().total().success()))),
        (
            "  while the member is slow",
            cells(&|run| share(run.record.phase(Phase::Slow).success())),
        ),
        ("  while it is dead", cells(&|run| share(run.record.phase(Phase::Dead).success()))),
        ("latency p50", latency(0.5)),
        ("  p99", latency(0.99)),
        ("  p99.9", latency(0.999)),
        ("  longest", latency(1.0)),
        ("calls that reached the sick member", cells(&|run| run.visits.to_string())),
        (
            "time to recover",
            cells(&|run| run.record.recovery().map_or_else(|| "not in the run".into(), seconds)),
        ),
        (
            "healed member fully used again",
            cells(&|run| match &run.changes {
                None => "at once".into(),
                Some(changes) => back_at_work(changes, healed).map_or_else(
                    || "not in the run".into(),
                    |after| format!("after {}", seconds(after)),
                ),
            }),
        ),
    ];
    let unsent = cells(&|run| run.record.arrived().total().unsent().to_string());
    if unsent.iter().any(|unsent| unsent != "0") {
        rows.push(("not sent, counted as failed", unsent));
    }

    let widest = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let rule = "-".repeat(widest + 2 * 16);
    let mut table = format!("{:widest$}{:>16}{:>16}\n{rule}\n", "", runs[0].name, runs[1].name);
    for (name, [bare, guarded]) in &rows {
        // Writing to a string does not fail.
        let _ = writeln!(table, "{name:widest$}{bare:>16}{guarded:>16}");
    }
    let _ = write!(
        table,
        "{rule}\n\
         Latencies are of all calls, failed ones too, from when each was due. Recovered is: a point of\n\
         success and twice the p99 of the calm at most, steadily, by when answers came.\n"
    );
    if rows.last().is_some_and(|(name, _)| name.starts_with("not sent")) {
        let _ = writeln!(
            table,
            "Not sent: due while {} calls were in flight already, the bound of the generator.",
            runs[0].most_in_flight
        );
    }
    table
}

/// What the sick member's breaker did, line by line.
pub(crate) fn breaker_log(run: &Run) -> String {
    let mut log = format!("The breaker of {}:\n", NAMES[SICK]);
    let changes = run.changes.as_deref().unwrap_or_default();
    for Change { at, state, why } in changes.iter().take(MOST_LINES) {
        let time = at.as_secs_f64();
        let why = why.as_deref().unwrap_or_default();
        // Writing to a string does not fail.
        let _ = writeln!(log, "{}", format!("{time:>7.2} s  {state:<9} {why}").trim_end());
    }
    if let Some(more @ 1..) = changes.len().checked_sub(MOST_LINES) {
        let _ = writeln!(log, "           and {more} more");
    }
    log
}

/// What the table comes to.
pub(crate) fn verdict(phases: Phases, runs: &[Run; 2]) -> String {
    let sick = |run: &Run| run.record.arrived().over(phases.sick());
    let [bare, guarded] = [sick(&runs[0]), sick(&runs[1])];
    let numbers = format!(
        "While the member was sick, {} of {} calls failed bare (p99 {}), {} of {} with Seawall (p99 {}).",
        bare.failed(),
        bare.due(),
        duration(bare.latency(0.99)),
        guarded.failed(),
        guarded.due(),
        duration(guarded.latency(0.99)),
    );
    let better = guarded.failed() < bare.failed() && guarded.latency(0.99) <= bare.latency(0.99);
    if better {
        numbers
    } else {
        format!(
            "{numbers} The breaker did not help here: a short or thin storm gives it little to go by, and on a machine that is busy by itself every member looks sick."
        )
    }
}

pub(crate) fn share(share: Option<f64>) -> String {
    match share {
        None => "-".into(),
        // 99.97 must not read as all.
        Some(share) if share < 1.0 => format!("{:.1} %", (share * 1000.0).floor() / 10.0),
        Some(_) => "100 %".into(),
    }
}

pub(crate) fn duration(duration: Option<Duration>) -> String {
    let Some(duration) = duration else {
        return "-".into();
    };
    match duration.as_secs_f64() * 1000.0 {
        millis if millis < 9.95 => format!("{millis:.1} ms"),
        millis if millis < 999.5 => format!("{millis:.0} ms"),
        _ => format!("{:.2} s", duration.as_secs_f64()),
    }
}

pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Duration = Duration::from_secs(10);

    fn run(name: &'static str, lost: bool) -> Run {
        let phases = Phases::over(RUN);
        let mut record = Record::new(phases, Duration::from_secs(1));
        for due in (0..10_000).step_by(5).map(Duration::from_millis) {
            let dead = lost && phases.at(due) == Phase::Dead;
            let latency = Duration::from_millis(if dead { 1000 } else { 5 });
            record.sent();
            record.done(due, due + latency, !dead);
        }
        Run { name, record, most_in_flight: 384, visits: if lost { 500 } else { 7 }, changes: None }
    }

    #[test]
    fn the_table_has_both_runs_in_every_row() {
        let table = table(Phases::over(RUN), &[run("bare", true), run("Seawall", false)]);
        let row = |name: &str| {
            let line = table.lines().find(|line| line.contains(name)).expect(name);
            line.rsplit("  ")
                .filter(|cell| !cell.is_empty())
                .map(str::trim)
                .take(2)
                .collect::<Vec<_>>()
        };
        assert_eq!(row("calls due"), ["2000", "2000"]);
        assert_eq!(row("while it is dead"), ["100 %", "0.0 %"]);
        assert_eq!(row("reached the sick member"), ["7", "500"]);
        assert_eq!(row("time to recover"), ["0.0 s", "1.0 s"]);
        assert!(!table.contains("Not sent"));
    }

    #[test]
    fn what_was_not_sent_is_told() {
        let mut short = run("bare", true);
        let mut record = Record::new(Phases::over(RUN), Duration::from_secs(1));
        record.unsent(Duration::from_secs(1));
        short.record = record;
        let table = table(Phases::over(RUN), &[short, run("Seawall", false)]);
        assert!(table.contains("Not sent: due while 384 calls were in flight"));
    }

    #[test]
    fn the_verdict_claims_nothing_where_nothing_was_won() {
        let won = verdict(Phases::over(RUN), &[run("bare", true), run("Seawall", false)]);
        assert!(!won.contains("did not help"), "{won}");
        let lost = verdict(Phases::over(RUN), &[run("bare", false), run("Seawall", true)]);
        assert!(lost.contains("did not help"), "{lost}");
    }

    #[test]
    fn nearly_all_does_not_read_as_all() {
        assert_eq!(share(Some(0.9999)), "99.9 %");
        assert_eq!(share(Some(1.0)), "100 %");
        assert_eq!(share(None), "-");
    }

    #[test]
    fn durations_are_as_exact_as_they_are_read() {
        let micros = |micros| duration(Some(Duration::from_micros(micros)));
        assert_eq!(micros(5_230), "5.2 ms");
        assert_eq!(micros(9_960), "10 ms");
        assert_eq!(micros(312_400), "312 ms");
        assert_eq!(micros(999_600), "1.00 s");
        assert_eq!(micros(1_004_000), "1.00 s");
    }
}
