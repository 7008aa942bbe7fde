//! The end of the story: one table, one verdict.

use std::{fmt::Write as _, time::Duration};

use seawall_circuit_breaker::State;

use crate::{
    fleet::{NAMES, SICK},
    generator::MOST_IN_FLIGHT,
    guard::{Change, Defence, back_at_work},
    phases::{Phase, Phases},
    recorder::{Record, Tally},
};

/// Lines of a breaker's log: what a screen holds beside the table.
const MOST_LINES: usize = 16;

/// How one run went.
pub(crate) struct Run {
    pub(crate) defence: Defence,
    pub(crate) record: Record,
    /// How many connections the pool had.
    pub(crate) connections: u32,
    /// Calls to healthy members that found none free.
    pub(crate) starved: u64,
    /// Calls that reached the sick member while it was sick.
    pub(crate) visits: u64,
    /// What each member's breaker did; nothing where there was none.
    pub(crate) changes: Vec<Vec<Change>>,
}

impl Run {
    /// How often a healthy member's breaker opened.
    fn shut_out(&self) -> usize {
        let healthy = self.changes.iter().enumerate().filter(|&(member, _)| member != SICK);
        let changes = healthy.flat_map(|(_, changes)| changes);
        changes.filter(|change| change.state == State::Open).count()
    }
}

/// The runs, side by side.
pub(crate) fn table(phases: Phases, runs: &[Run; 3]) -> String {
    let cells = |cell: &dyn Fn(&Run) -> String| runs.each_ref().map(cell);
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
        (
            "connections held by the sick member",
            cells(&|run| format!("{} of {}", run.record.arrived().total().held(), run.connections)),
        ),
        ("calls to healthy ones that found none", cells(&|run| run.starved.to_string())),
        ("times a healthy member was shut out", cells(&|run| run.shut_out().to_string())),
        ("calls that reached the sick member", cells(&|run| run.visits.to_string())),
        (
            "time to recover",
            cells(&|run| run.record.recovery().map_or_else(|| "not in the run".into(), seconds)),
        ),
        (
            "healed member fully used again",
            cells(&|run| match run.changes.get(SICK) {
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
    let rule = "-".repeat(widest + 3 * 16);
    rows.insert(0, ("", cells(&|run| run.defence.to_string())));
    let mut table = String::new();
    for (index, (name, [bare, breaker, both])) in rows.iter().enumerate() {
        // Writing to a string does not fail.
        let _ = writeln!(table, "{name:widest$}{bare:>16}{breaker:>16}{both:>16}");
        if index == 0 {
            let _ = writeln!(table, "{rule}");
        }
    }
    let _ = write!(
        table,
        "{rule}\n\
         Latencies are of all calls, failed ones too, from when each was due. Recovered is: a point of\n\
         success and twice the p99 of the calm at most, steadily, by when answers came. Held: at most.\n"
    );
    if rows.last().is_some_and(|(name, _)| name.starts_with("not sent")) {
        let _ = writeln!(
            table,
            "Not sent: due while {MOST_IN_FLIGHT} calls were in flight already, the bound of the generator.",
        );
    }
    table
}

/// What the sick member's breaker did, line by line.
pub(crate) fn breaker_log(run: &Run) -> String {
    let mut log = format!("The breaker of {}:\n", NAMES[SICK]);
    let changes = run.changes.get(SICK).map_or(&[][..], Vec::as_slice);
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
pub(crate) fn verdict(phases: Phases, runs: &[Run; 3]) -> String {
    let sick = runs.each_ref().map(|run| run.record.arrived().over(phases.sick()));
    let of = |tally: &Tally| {
        format!(
            "{} of {} calls failed (p99 {})",
            tally.failed(),
            tally.due(),
            duration(tally.latency(0.99))
        )
    };
    let numbers = format!(
        "While the member was sick, {} bare, {} with a breaker, {} with a bulkhead too.",
        of(&sick[0]),
        of(&sick[1]),
        of(&sick[2]),
    );
    // Each at least as good as the one before, and the last better than the first.
    let no_worse = |pair: &[Tally]| {
        pair[1].failed() <= pair[0].failed() && pair[1].latency(0.99) <= pair[0].latency(0.99)
    };
    let better = sick.windows(2).all(no_worse) && sick[2].failed() < sick[0].failed();
    if better {
        numbers
    } else {
        format!(
            "{numbers} Not every guard helped here: a short or thin storm gives it little to go by, and on a machine that is busy by itself every member looks sick."
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

    fn run(defence: Defence, lost: bool) -> Run {
        let phases = Phases::over(RUN);
        let mut record = Record::new(phases, Duration::from_secs(1));
        for due in (0..10_000).step_by(5).map(Duration::from_millis) {
            let dead = lost && phases.at(due) == Phase::Dead;
            let latency = Duration::from_millis(if dead { 1000 } else { 5 });
            record.sent();
            record.done(due, due + latency, !dead);
        }
        record.held(Duration::from_secs(3), if lost { 24 } else { 8 });
        let [starved, visits] = if lost { [90, 500] } else { [0, 7] };
        Run { defence, record, connections: 24, starved, visits, changes: Vec::new() }
    }

    /// Three runs, each of which lost its calls to the dead member or not.
    fn runs(lost: [bool; 3]) -> [Run; 3] {
        let mut lost = lost.into_iter();
        Defence::ALL.map(|defence| run(defence, lost.next().expect("there are three")))
    }

    #[test]
    fn the_table_has_all_runs_in_every_row() {
        let table = table(Phases::over(RUN), &runs([true, true, false]));
        let row = |name: &str| {
            let line = table.lines().find(|line| line.contains(name)).expect(name);
            line.rsplit("  ")
                .filter(|cell| !cell.is_empty())
                .map(str::trim)
                .take(3)
                .collect::<Vec<_>>()
        };
        assert_eq!(row("calls due"), ["2000"; 3]);
        assert_eq!(row("while it is dead"), ["100 %", "0.0 %", "0.0 %"]);
        assert_eq!(row("reached the sick member"), ["7", "500", "500"]);
        assert_eq!(row("time to recover"), ["0.0 s", "1.0 s", "1.0 s"]);
        assert_eq!(row("held by the sick member"), ["8 of 24", "24 of 24", "24 of 24"]);
        assert_eq!(row("that found none"), ["0", "90", "90"]);
        assert!(!table.contains("Not sent"));
    }

    #[test]
    fn what_was_not_sent_is_told() {
        let mut runs = runs([true, true, false]);
        runs[0].record.unsent(Duration::from_secs(1));
        let table = table(Phases::over(RUN), &runs);
        assert!(table.contains("Not sent: due while 4096 calls were in flight"));
    }

    #[test]
    fn the_verdict_claims_nothing_where_nothing_was_won() {
        let verdict = |lost| verdict(Phases::over(RUN), &runs(lost));
        for won in [[true, true, false], [true, false, false]].map(verdict) {
            assert!(!won.contains("Not every"), "{won}");
        }
        for lost in [[false, false, true], [true, true, true], [false, true, false]].map(verdict) {
            assert!(lost.contains("Not every"), "{lost}");
        }
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
