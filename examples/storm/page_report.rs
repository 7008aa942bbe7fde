//! What the second act comes to: a small table, and a sentence.

use crate::{
    page::{Played, Scene},
    report::{duration, laid_out, share},
    tally::Tally,
};

/// The two shelves, side by side.
pub(crate) fn table(played: &[Played; 2]) -> String {
    let during = |scene: Scene, cell: &dyn Fn(&Tally) -> String| {
        played.each_ref().map(|played| cell(&played.over(scene)))
    };
    let loads = |tally: &Tally| tally.reached().to_string();
    let answered = |tally: &Tally| share(tally.success());
    let p99 = |tally: &Tally| duration(tally.latency(0.99));
    let all = played.each_ref().map(|played| played.series.total().due().to_string());
    let head = ["bare", "+ cache"].map(String::from);
    let rows = [
        ("readers of the front page", all),
        ("loads when it expired", during(Scene::Expired, &loads)),
        ("  readers who got it then", during(Scene::Expired, &answered)),
        ("  their latency p99", during(Scene::Expired, &p99)),
        ("got it while the database was away", during(Scene::Away, &answered)),
        ("  loads that were tried", during(Scene::Away, &loads)),
        ("loads once it was back", during(Scene::Back, &loads)),
    ];
    laid_out(&head, &rows)
}

/// What the table comes to.
pub(crate) fn verdict([bare, cached]: &[Played; 2]) -> String {
    let loads = |played: &Played| played.over(Scene::Expired).reached();
    let got_it = |played: &Played| played.over(Scene::Away).success();
    let numbers = format!(
        "When the front page expired it was loaded {} times bare, {} with a cache. While the database was\n\
         away {} of its readers got it bare, {} with a cache.",
        loads(bare),
        times(loads(cached)),
        share(got_it(bare)),
        share(got_it(cached)),
    );
    if loads(cached) < loads(bare) && got_it(cached) > got_it(bare) {
        numbers
    } else {
        format!(
            "{numbers}\nThe cache did not help here: in so short an act a load outlasts the page."
        )
    }
}

/// So many times, in words where that is shorter.
fn times(count: u64) -> String {
    if count == 1 { "once".into() } else { format!("{count} times") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{page::Act, tally::Series};

    /// An act in which each expiry comes to so many loads, and this share of the readers gets the page
    /// while the database is away.
    fn played(loads: u64, away: u32) -> Played {
        let act = Act::after(Duration::from_secs(8));
        let mut series = Series::new(act.length() / 80, act.length(), 100);
        for nth in 0..400u32 {
            let due = Duration::from_millis(10) * nth;
            let got_it = !act.span(Scene::Away).contains(&due) || nth % 100 < away;
            series.at(due).record(Duration::from_millis(1), got_it);
        }
        for scene in [Scene::Expired, Scene::Back] {
            series.at(act.span(scene).start).look(loads, 0);
        }
        Played { act, series }
    }

    #[test]
    fn the_table_tells_of_each_shelf() {
        let table = table(&[played(120, 0), played(1, 100)]);
        let row = |name: &str| {
            let line = table.lines().find(|line| line.trim().starts_with(name)).expect(name);
            let cells = line.trim().split("  ").map(str::trim).filter(|cell| !cell.is_empty());
            cells.skip(1).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(row("readers of the front page"), ["400", "400"]);
        assert_eq!(row("loads when it expired"), ["120", "1"]);
        assert_eq!(row("readers who got it then"), ["100 %", "100 %"]);
        assert_eq!(row("got it while the database"), ["0.0 %", "100 %"]);
        assert_eq!(row("loads once it was back"), ["120", "1"]);
    }

    #[test]
    fn the_verdict_claims_nothing_where_nothing_was_won() {
        let won = verdict(&[played(120, 20), played(1, 100)]);
        assert!(won.contains("120 times bare, once with a cache"), "{won}");
        assert!(!won.contains("did not help"), "{won}");
        for [bare, cached] in [[(120, 20), (120, 100)], [(120, 100), (1, 100)]] {
            let verdict = verdict(&[played(bare.0, bare.1), played(cached.0, cached.1)]);
            assert!(verdict.contains("did not help"), "{verdict}");
        }
    }
}
