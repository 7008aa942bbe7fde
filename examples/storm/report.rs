//! The end of the story: one table, one verdict.

use std::{fmt::Write as _, time::Duration};

use seawall_circuit_breaker::State;

use crate::{
    defence::Defence,
    fleet::{NAMES, SICK},
    generator::MOST_IN_FLIGHT,
    guard::{Change, back_at_work},
    phases::{Phase, Phases},
    recorder::Record,
    tally::Tally,
    tenants::{NOISE, Tenant},
};

/// Lines of a breaker's log: what a screen holds beside the table.
const MOST_LINES: usize = 16;

/// What is left free between two columns of the table.
const GAP: usize = 2;

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
        format!("{held}/{}", self.connections)
    }
}

/// What stands in a row of a table: its name, and a cell for each of the columns.
type Row<const COLUMNS: usize> = (&'static str, [String; COLUMNS]);

/// The runs, side by side, in a hundred columns.
pub(crate) fn table(phases: Phases, runs: &Runs) -> String {
    let some_unsent = runs.iter().any(|run| unsent(run) > 0);
    let mut rows = rows(phases, runs);
    if some_unsent {
        let unsent = runs.each_ref().map(|run| unsent(run).to_string());
        rows.push(("not sent, taken as failed", unsent));
    }
    let mut table = laid_out(&Defence::ALL.map(|defence| defence.to_string()), &rows);
    let _ = write!(
        table,
        "Answers and latencies are of the quiet tenants; those of the noisy one, who sends {NOISE} times his\n\
         share in the end, stand in three rows of their own, for that time. Latencies are of failed calls\n\
         too, from when each was due. Load: what reached the fleet, of whomever, in times of the rate, before\n\
         the noise. Recovered is: five points of success and twice the p99 of the calm at most, steadily, by\n\
         when answers came; never: not before the next trouble. Held: at most, of all. One call in a hundred\n\
         fails at any time.\n"
    );
    if some_unsent {
        let _ = writeln!(
            table,
            "Not sent: due while {MOST_IN_FLIGHT} calls were in flight already, the bound of the generator.",
        );
    }
    table
}

fn unsent(run: &Run) -> u64 {
    run.record.arrived().total().unsent() + run.record.noisy().total().unsent()
}

fn rows(phases: Phases, runs: &Runs) -> Vec<Row<{ Defence::ALL.len() }>> {
    let cells = |cell: &dyn Fn(&Run) -> String| runs.each_ref().map(cell);
    let total = |cell: &dyn Fn(&Tally) -> String| cells(&|run| cell(&run.record.arrived().total()));
    let during = |phase: Phase, cell: &dyn Fn(&Tally) -> String| {
        cells(&|run| cell(&run.record.phase(phase)))
    };
    let noise = |cell: &dyn Fn(&Tally) -> String| cells(&|run| cell(&run.record.noise()));
    let success = |tally: &Tally| share(tally.success());
    let own_keys = |tally: &Tally| share(tally.of_sick().answered());
    let by_copy = |tally: &Tally| share(tally.of_sick().by_copy());
    let p99 = |tally: &Tally| duration(tally.latency(0.99));
    let load = |tally: &Tally| times(tally.load());
    let recovered = |phase: Phase| {
        cells(&|run| run.record.recovery(phase).map_or_else(|| "never".into(), seconds))
    };
    let healed = phases.start(Phase::Healed);
    let used_again = |run: &Run| match run.changes.get(SICK) {
        None => "at once".into(),
        Some(changes) => back_at_work(changes, healed).map_or_else(|| "never".into(), seconds),
    };
    vec![
        ("calls of the quiet tenants", total(&|all| all.due().to_string())),
        ("answered well", total(&success)),
        ("  in the calm", during(Phase::Calm, &success)),
        ("  while the database stalls", during(Phase::Stalled, &success)),
        ("  once it is back", during(Phase::Back, &success)),
        ("  while one member is slow", during(Phase::Slow, &success)),
        ("  while it is dead", during(Phase::Dead, &success)),
        ("    for its own keys", during(Phase::Dead, &own_keys)),
        ("    by their copies", during(Phase::Dead, &by_copy)),
        ("  once it is healed", during(Phase::Healed, &success)),
        ("  while one tenant is noisy", during(Phase::Noisy, &success)),
        ("latency p50", total(&|all| duration(all.latency(0.5)))),
        ("  p99", total(&p99)),
        ("  p99.9", total(&|all| duration(all.latency(0.999)))),
        ("  p99 in the calm", during(Phase::Calm, &p99)),
        ("  p99 in the noise", during(Phase::Noisy, &p99)),
        ("calls of the noisy tenant", noise(&|his| his.due().to_string())),
        ("  answered well", noise(&success)),
        ("  latency p50", noise(&|his| duration(his.latency(0.5)))),
        ("load on the fleet", cells(&|run| load(&before_the_noise(phases, run)))),
        ("  once all is healed", during(Phase::Healed, &load)),
        ("  while one tenant is noisy", during(Phase::Noisy, &load)),
        ("recovered from the stall", recovered(Phase::Back)),
        ("recovered from the illness", recovered(Phase::Healed)),
        ("pool held by the sick member", cells(&|run| run.held(phases))),
        ("healthy members shut out", cells(&|run| run.shut_out(phases).to_string())),
        ("reached the sick member", cells(&|run| run.visits.to_string())),
        ("healed one fully used after", cells(&used_again)),
    ]
}

/// All but the noisy phase, which is the last.
fn before_the_noise(phases: Phases, run: &Run) -> Tally {
    run.record.arrived().over(Duration::ZERO..phases.start(Phase::Noisy))
}

/// Rows below a head with the columns' names, each column as wide as it needs to be.
pub(crate) fn laid_out<const COLUMNS: usize>(
    names: &[String; COLUMNS],
    rows: &[Row<COLUMNS>],
) -> String {
    let head = ("", names.clone());
    let lines = || std::iter::once(&head).chain(rows);
    let name = lines().map(|(name, _)| name.len()).max().unwrap_or(0);
    let columns: [_; COLUMNS] = std::array::from_fn(|column| {
        lines().map(|(_, cells)| cells[column].len() + GAP).max().unwrap_or(0)
    });
    let rule = "-".repeat(name + columns.iter().sum::<usize>());
    let mut table = String::new();
    for (index, (row, cells)) in lines().enumerate() {
        // Writing to a string does not fail.
        let _ = write!(table, "{row:name$}");
        for (cell, width) in cells.iter().zip(columns) {
            let _ = write!(table, "{cell:>width$}");
        }
        table.push('\n');
        if index == 0 {
            let _ = writeln!(table, "{rule}");
        }
    }
    let _ = writeln!(table, "{rule}");
    table
}

/// What the sick member's breaker did, line by line.
pub(crate) fn breaker_log(run: &Run) -> String {
    let mut log = format!("The breaker of {}, in the last run:\n", NAMES[SICK]);
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
    let [bare, naive, retry, breaker, bulkhead, replicas, limiter] = runs;
    let back = |run: &Run| run.record.phase(Phase::Back);
    let sick = runs.each_ref().map(|run| run.record.arrived().over(phases.sick()));
    let [sick_bare, _, _, sick_breaker, sick_bulkhead, sick_replicas, _] = &sick;
    let noisy = |run: &Run| run.record.phase(Phase::Noisy);
    let load = |run: &Run| before_the_noise(phases, run).load();
    let storm = |run: &Run| format!("{} of {}", back(run).failed(), back(run).due());
    let others = |sick: &Tally| sick.failed() - sick.of_sick().failed();
    let their = |sick: &Tally| format!("{} of {}", others(sick), sick.due() - sick.of_sick().due());
    let its = |sick: &Tally| format!("{} of {}", sick.of_sick().failed(), sick.of_sick().due());
    let noise = |run: &Run| {
        let tally = noisy(run);
        format!("{} of {} (p99 {})", tally.failed(), tally.due(), duration(tally.latency(0.99)))
    };
    let numbers = format!(
        "The load on the fleet was {} of what is due bare, {} with naive retries, {} with a budget.\n\
         Failed once the database was back: {} bare, {} with naive retries,\n\
         {} with a budget, {} with a breaker too, {} with a bulkhead too.\n\
         Failed while {sick} was sick, of the healthy members' keys: {} bare,\n\
         {} with a breaker, {} with a bulkhead too; of its own: {} bare,\n\
         {} with a bulkhead, {} with copies too.\n\
         Failed of the others' calls while {tenant} was noisy: {} bare,\n\
         {} with copies, {} with a quota for each too.",
        times(load(bare)),
        times(load(naive)),
        times(load(retry)),
        storm(bare),
        storm(naive),
        storm(retry),
        storm(breaker),
        storm(bulkhead),
        their(sick_bare),
        their(sick_breaker),
        their(sick_bulkhead),
        its(sick_bare),
        its(sick_bulkhead),
        its(sick_replicas),
        noise(bare),
        noise(replicas),
        noise(limiter),
        sick = NAMES[SICK],
        tenant = Tenant::NOISY.name(),
    );
    // What it all is for. Latency is not asked: a call that is mended takes longer than one that gives up.
    let fewer = |better: &Tally, worse: &Tally| better.failed() < worse.failed();
    let budgeted = fewer(&back(retry), &back(naive));
    let guarded = others(sick_bulkhead) < others(sick_bare).max(others(sick_breaker));
    let copied = sick_replicas.of_sick().failed() < sick_bulkhead.of_sick().failed();
    let limited = fewer(&noisy(limiter), &noisy(replicas));
    if budgeted && guarded && copied && limited {
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
    use crate::answers::By;

    const RUN: Duration = Duration::from_secs(10);

    /// What a run lost: all calls of some phases, and those for the dead member's own keys.
    type Lost = (&'static [Phase], bool);
    const ALL: Lost = (&[Phase::Back, Phase::Dead, Phase::Noisy], true);
    const KEYS_AND_NOISE: Lost = (&[Phase::Noisy], true);
    const NOISE: Lost = (&[Phase::Noisy], false);
    const NONE: Lost = (&[], false);

    /// A run whose trouble cost it nothing, or every call; each third is about one of the sick member's keys.
    fn run(defence: Defence, lost: Lost) -> Run {
        let phases = Phases::over(RUN);
        let mut record = Record::new(phases, 200, Duration::from_secs(1));
        let mut reached = 0;
        for (due, nth) in (0..10_000).step_by(5).map(Duration::from_millis).zip(0..) {
            let phase = phases.at(due);
            let (all, own_keys) = (lost.0.contains(&phase), lost.1 && phase == Phase::Dead);
            let of_sick = nth % 3 == 0;
            let down = all || (own_keys && of_sick);
            reached += if down { 3 } else { 1 };
            let latency = Duration::from_millis(if down { 600 } else { 5 });
            record.sent();
            record.done(Tenant::QUIET, due, due + latency, !down);
            if of_sick {
                record.asked_of_sick(Tenant::QUIET, due, (!down).then_some(By::Home));
                record.asked_of_sick(Tenant::NOISY, due, Some(By::Copy)); // another's, not counted
            }
            record.sent();
            record.done(Tenant::NOISY, due, due, false);
            record.seen(due, reached, if lost == ALL { 24 } else { 8 });
        }
        let visits = if lost == ALL { 500 } else { 7 };
        Run { defence, record, connections: 24, visits, changes: Vec::new() }
    }

    /// The runs, with what each of them lost.
    fn runs(lost: [Lost; 7]) -> Runs {
        let mut lost = lost.into_iter();
        Defence::ALL.map(|defence| run(defence, lost.next().expect("there are seven")))
    }

    #[test]
    fn the_table_has_all_runs_in_every_row_and_fits_a_screen() {
        let table = table(Phases::over(RUN), &runs([ALL, ALL, ALL, NONE, NONE, NONE, NONE]));
        let row = |name: &str| {
            let line = table.lines().find(|line| line.trim().starts_with(name)).expect(name);
            let cells = line.trim().split("  ").map(str::trim).filter(|cell| !cell.is_empty());
            cells.skip(1).map(str::to_owned).collect::<Vec<_>>()
        };
        let lost = |lost, won| [lost, lost, lost, won, won, won, won];
        assert_eq!(row("calls of the quiet"), ["2000"; 7]);
        assert_eq!(row("while it is dead"), lost("0.0 %", "100 %"));
        assert_eq!(row("for its own keys"), lost("0.0 %", "100 %"));
        assert_eq!(row("by their copies"), ["0.0 %"; 7]);
        assert_eq!(row("while one tenant is noisy"), lost("0.0 %", "100 %"));
        assert_eq!(row("p99 in the noise"), lost("600 ms", "5.0 ms"));
        assert_eq!(row("calls of the noisy"), ["250"; 7]);
        // Down for 11 and 6 of 35.
        assert_eq!(row("load on the fleet"), lost("1.97", "1.00"));
        assert_eq!(row("once all is healed"), ["1.00"; 7]);
        assert_eq!(row("recovered from the stall"), lost("never", "0.0 s"));
        assert_eq!(row("recovered from the illness"), lost("0.8 s", "0.0 s"));
        assert_eq!(row("pool held"), lost("24/24", "8/24"));
        assert_eq!(row("reached the sick member"), lost("500", "7"));
        assert!(!table.contains("Not sent"));
        assert!(table.lines().all(|line| line.len() <= 100), "{table}");
    }

    #[test]
    fn a_healthy_member_is_shut_out_where_it_pays_for_the_sick_one() {
        let phases = Phases::over(RUN);
        let opened = |phase| Change { at: phases.start(phase), state: State::Open, why: None };
        let mut run = run(Defence::Breaker, NONE);
        run.changes = vec![Vec::new(); NAMES.len()];
        run.changes[SICK] = vec![opened(Phase::Slow), opened(Phase::Dead)];
        run.changes[SICK + 1] = vec![opened(Phase::Stalled), opened(Phase::Dead)];
        assert_eq!(run.shut_out(phases), 1);
    }

    #[test]
    fn what_was_not_sent_is_told() {
        for tenant in [Tenant::QUIET, Tenant::NOISY] {
            let mut runs = runs([ALL, ALL, NONE, NONE, NONE, NONE, NONE]);
            runs[0].record.unsent(tenant, Duration::from_secs(1));
            let table = table(Phases::over(RUN), &runs);
            assert!(table.contains("Not sent: due while 16384 calls were in flight"));
        }
    }

    #[test]
    fn the_verdict_claims_nothing_where_nothing_was_won() {
        let verdict = |lost| verdict(Phases::over(RUN), &runs(lost));
        for breaker in [NONE, ALL] {
            let verdict = verdict([ALL, ALL, KEYS_AND_NOISE, breaker, KEYS_AND_NOISE, NOISE, NONE]);
            assert!(!verdict.contains("Not everything"), "{verdict}");
        }
        for lost in [
            [NONE, NONE, NONE, NONE, NONE, NONE, NONE], // no trouble
            [ALL, ALL, ALL, NONE, KEYS_AND_NOISE, NOISE, NONE], // the budget
            [ALL, NONE, ALL, NONE, KEYS_AND_NOISE, NOISE, NONE], // worse than naive
            [ALL, ALL, NONE, NONE, ALL, NOISE, NONE],   // the bulkhead
            [ALL, ALL, NONE, NONE, KEYS_AND_NOISE, KEYS_AND_NOISE, NONE], // the copies
            [ALL, ALL, NONE, NONE, KEYS_AND_NOISE, NOISE, NOISE], // the quotas
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
