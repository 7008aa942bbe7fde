//! The end of the story: one table, one verdict.

use std::{fmt::Write as _, time::Duration};

use seawall_circuit_breaker::State;

use crate::{
    defence::Defence,
    fleet::{NAMES, SICK},
    generator::MOST_IN_FLIGHT,
    guard::{Change, back_at_work},
    phases::{Phase, Phases},
    recorder::{Record, Tally},
};

/// Lines of a breaker's log: what a screen holds beside the table.
const MOST_LINES: usize = 16;

/// How wide a cell of the table is.
const CELL: usize = 12;

/// All runs, in the order of [`Defence::ALL`].
pub(crate) type Runs = [Run; Defence::ALL.len()];

/// How one run went.
pub(crate) struct Run {
    pub(crate) defence: Defence,
    pub(crate) record: Record,
    /// How many connections the pool had.
    pub(crate) connections: u32,
    /// Calls that reached the sick member while it was sick.
    pub(crate) visits: u64,
    /// What each member's breaker did; nothing where there was none.
    pub(crate) changes: Vec<Vec<Change>>,
}

impl Run {
    /// How often a healthy member's breaker opened while another member was sick.
    fn shut_out(&self, phases: Phases) -> usize {
        let healthy = self.changes.iter().enumerate().filter(|&(member, _)| member != SICK);
        let changes = healthy.flat_map(|(_, changes)| changes);
        changes
            .filter(|change| change.state == State::Open && phases.sick().contains(&change.at))
            .count()
    }

    /// How much of the pool the sick member's calls held at most while it was sick.
    fn held(&self, phases: Phases) -> String {
        let held = self.record.arrived().over(phases.sick()).held();
        format!("{held} of {}", self.connections)
    }
}

/// The runs, side by side, in a hundred columns.
pub(crate) fn table(phases: Phases, runs: &Runs) -> String {
    let cells = |cell: &dyn Fn(&Run) -> String| runs.each_ref().map(cell);
    let total = |cell: &dyn Fn(&Tally) -> String| cells(&|run| cell(&run.record.arrived().total()));
    let during = |phase: Phase, cell: &dyn Fn(&Tally) -> String| {
        cells(&|run| cell(&run.record.phase(phase)))
    };
    let success = |tally: &Tally| share(tally.success());
    let recovered = |phase: Phase| {
        cells(&|run| run.record.recovery(phase).map_or_else(|| "never".into(), seconds))
    };
    let healed = phases.start(Phase::Healed);
    let mut rows = vec![
        ("calls due", total(&|all| all.due().to_string())),
        ("answered well", total(&success)),
        ("  in the calm", during(Phase::Calm, &success)),
        ("  while the database is stalled", during(Phase::Stalled, &success)),
        ("  once it is back", during(Phase::Back, &success)),
        ("  while one member is slow", during(Phase::Slow, &success)),
        ("  while it is dead", during(Phase::Dead, &success)),
        ("  once it is healed", during(Phase::Healed, &success)),
        ("reached the fleet, for each call due", total(&|all| times(all.load()))),
        ("  once all is healed", during(Phase::Healed, &|healed| times(healed.load()))),
        ("recovered from the stall after", recovered(Phase::Back)),
        ("recovered from the illness after", recovered(Phase::Healed)),
        ("latency p50", total(&|all| duration(all.latency(0.5)))),
        ("  p99", total(&|all| duration(all.latency(0.99)))),
        ("  p99.9", total(&|all| duration(all.latency(0.999)))),
        ("connections held by the sick member", cells(&|run| run.held(phases))),
        ("times a healthy member was shut out", cells(&|run| run.shut_out(phases).to_string())),
        ("calls that reached the sick member", cells(&|run| run.visits.to_string())),
        (
            "healed member fully used again after",
            cells(&|run| match run.changes.get(SICK) {
                None => "at once".into(),
                Some(changes) => {
                    back_at_work(changes, healed).map_or_else(|| "never".into(), seconds)
                }
            }),
        ),
    ];
    let unsent = total(&|all| all.unsent().to_string());
    let some_unsent = unsent.iter().any(|unsent| unsent != "0");
    if some_unsent {
        rows.push(("not sent, counted as failed", unsent));
    }

    let widest = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let rule = "-".repeat(widest + runs.len() * CELL);
    rows.insert(0, ("", cells(&|run| run.defence.to_string())));
    let mut table = String::new();
    for (index, (name, cells)) in rows.iter().enumerate() {
        // Writing to a string does not fail.
        let _ = write!(table, "{name:widest$}");
        for cell in cells {
            let _ = write!(table, "{cell:>CELL$}");
        }
        table.push('\n');
        if index == 0 {
            let _ = writeln!(table, "{rule}");
        }
    }
    let _ = write!(
        table,
        "{rule}\n\
         Latencies are of all calls, failed ones too, from when each was due. Reached: in that time, of\n\
         whoever called before, too. Recovered is: five points of success and twice the p99 of the calm at\n\
         most, steadily, by when answers came; never: not before the next trouble, or the end. Held: at\n\
         most. One call in a hundred fails at any time.\n"
    );
    if some_unsent {
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
pub(crate) fn verdict(phases: Phases, runs: &Runs) -> String {
    let [bare, naive, retry, breaker, bulkhead] = runs;
    let back = |run: &Run| run.record.phase(Phase::Back);
    let sick = |run: &Run| run.record.arrived().over(phases.sick());
    let load = |run: &Run| run.record.arrived().total().load();
    let storm = |run: &Run| format!("{} of {}", back(run).failed(), back(run).due());
    let illness = |run: &Run| {
        let tally = sick(run);
        format!("{} of {} (p99 {})", tally.failed(), tally.due(), duration(tally.latency(0.99)))
    };
    let numbers = format!(
        "For each call due {} reached the fleet bare, {} with naive retries, {} with a budget.\n\
         Failed once the database was back: {} bare, {} with naive retries,\n\
         {} with a budget, {} with a breaker too, {} with a bulkhead too.\n\
         Failed while the member was sick: {} bare, {} with a budget,\n\
         {} with a breaker too, {} with a bulkhead too.",
        times(load(bare)),
        times(load(naive)),
        times(load(retry)),
        storm(bare),
        storm(naive),
        storm(retry),
        storm(breaker),
        storm(bulkhead),
        illness(bare),
        illness(retry),
        illness(breaker),
        illness(bulkhead),
    );
    // What it all is for. Latency is not asked: a call that is mended takes longer than one that gives up.
    let fewer = |better: &Tally, worse: &Tally| better.failed() < worse.failed();
    let budgeted = fewer(&back(retry), &back(naive));
    let guarded = fewer(&sick(bulkhead), &sick(bare));
    if budgeted && guarded {
        numbers
    } else {
        format!(
            "{numbers}\n\
             Not everything helped here: a short or thin storm gives it little to go by, and on a machine\n\
             that is busy by itself every member looks sick."
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

/// How many times something is something else.
pub(crate) fn times(times: Option<f64>) -> String {
    times.map_or_else(|| "-".into(), |times| format!("{times:.2}"))
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

    /// A run whose trouble cost it nothing, or every call.
    fn run(defence: Defence, lost: bool) -> Run {
        let phases = Phases::over(RUN);
        let mut record = Record::new(phases, Duration::from_secs(1));
        let mut reached = 0;
        for due in (0..10_000).step_by(5).map(Duration::from_millis) {
            let down = lost && matches!(phases.at(due), Phase::Back | Phase::Dead);
            reached += if down { 3 } else { 1 };
            let latency = Duration::from_millis(if down { 1000 } else { 5 });
            record.sent();
            record.done(due, due + latency, !down);
            record.seen(due, reached, if lost { 24 } else { 8 });
        }
        let visits = if lost { 500 } else { 7 };
        Run { defence, record, connections: 24, visits, changes: Vec::new() }
    }

    /// The runs, each of which lost its calls to the trouble or not.
    fn runs(lost: [bool; 5]) -> Runs {
        let mut lost = lost.into_iter();
        Defence::ALL.map(|defence| run(defence, lost.next().expect("there are five")))
    }

    #[test]
    fn the_table_has_all_runs_in_every_row_and_fits_a_screen() {
        let table = table(Phases::over(RUN), &runs([true, true, true, false, false]));
        let row = |name: &str| {
            let line = table.lines().find(|line| line.contains(name)).expect(name);
            let cells = &line[line.len() - 5 * CELL..];
            (0..5).map(|cell| cells[cell * CELL..][..CELL].trim().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(row("calls due"), ["2000"; 5]);
        assert_eq!(row("while it is dead"), ["0.0 %", "0.0 %", "0.0 %", "100 %", "100 %"]);
        assert_eq!(row("for each call due"), ["1.90", "1.90", "1.90", "1.00", "1.00"]);
        assert_eq!(row("once all is healed"), ["1.00"; 5]);
        assert_eq!(row("from the stall"), ["never", "never", "never", "0.0 s", "0.0 s"]);
        assert_eq!(row("from the illness"), ["1.0 s", "1.0 s", "1.0 s", "0.0 s", "0.0 s"]);
        let all = "24 of 24";
        assert_eq!(row("held by the sick member"), [all, all, all, "8 of 24", "8 of 24"]);
        assert_eq!(row("reached the sick member"), ["500", "500", "500", "7", "7"]);
        assert!(!table.contains("Not sent"));
        assert!(table.lines().all(|line| line.len() <= 100), "{table}");
    }

    #[test]
    fn a_healthy_member_is_shut_out_where_it_pays_for_the_sick_one() {
        let phases = Phases::over(RUN);
        let opened = |phase| Change { at: phases.start(phase), state: State::Open, why: None };
        let mut run = run(Defence::Breaker, false);
        run.changes = vec![Vec::new(); NAMES.len()];
        run.changes[SICK] = vec![opened(Phase::Slow), opened(Phase::Dead)];
        run.changes[SICK + 1] = vec![opened(Phase::Stalled), opened(Phase::Dead)];
        assert_eq!(run.shut_out(phases), 1);
    }

    #[test]
    fn what_was_not_sent_is_told() {
        let mut runs = runs([true, true, false, false, false]);
        runs[0].record.unsent(Duration::from_secs(1));
        let table = table(Phases::over(RUN), &runs);
        assert!(table.contains("Not sent: due while 8192 calls were in flight"));
    }

    #[test]
    fn the_verdict_claims_nothing_where_nothing_was_won() {
        let verdict = |lost| verdict(Phases::over(RUN), &runs(lost));
        for won in [[true, true, false, false, false], [true, true, false, true, false]] {
            let verdict = verdict(won);
            assert!(!verdict.contains("Not everything"), "{verdict}");
        }
        for lost in [
            [false, false, false, false, false], // no trouble
            [true, true, true, false, false],    // the budget
            [true, false, true, false, false],   // worse than naive
            [true, true, false, false, true],    // the bulkhead
        ] {
            let verdict = verdict(lost);
            assert!(verdict.contains("Not everything"), "{verdict}");
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
