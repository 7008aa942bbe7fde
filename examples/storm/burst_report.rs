//! What the third act comes to: a small table, and a sentence.

use std::time::Duration;

use crate::{
    burst::{Played, Scene},
    report::{duration, laid_out, seconds, share},
    tally::Tally,
};

/// The two fronts, side by side.
pub(crate) fn table(played: &[Played; 2]) -> String {
    let cells = |cell: &dyn Fn(&Played) -> String| played.each_ref().map(cell);
    let during =
        |scene: Scene, cell: &dyn Fn(&Tally) -> String| cells(&|played| cell(&played.over(scene)));
    let answered = |tally: &Tally| share(tally.success());
    let latency = |quantile| move |tally: &Tally| duration(tally.latency(quantile));
    let ready = |quantile| cells(&move |played| duration(played.ready().latency(quantile)));
    let head = ["in the request", "+ queue"].map(String::from);
    let rows = [
        ("photos that were brought", cells(&|played| played.series.total().due().to_string())),
        ("answered well in the burst", during(Scene::Burst, &answered)),
        ("  latency p50", during(Scene::Burst, &latency(0.5))),
        ("  p99", during(Scene::Burst, &latency(0.99))),
        ("answered well after it", during(Scene::After, &answered)),
        ("refused, as the queue was full", cells(&|played| or_none(played.refused))),
        ("photos that waited at most", cells(&|played| played.most_waiting().to_string())),
        ("  none any more after", cells(&|played| or_never(played.worked_off()))),
        ("photos ready for their callers", cells(&|played| played.ready().due().to_string())),
        ("  p50 of the time until then", ready(0.5)),
        ("  p99", ready(0.99)),
        ("promised and lost", cells(&|played| played.lost.to_string())),
        ("resized for nobody", cells(&|played| played.for_nobody().to_string())),
    ];
    laid_out(&head, &rows)
}

fn or_none(count: Option<u64>) -> String {
    count.map_or_else(|| "-".into(), |count| count.to_string())
}

fn or_never(after: Option<Duration>) -> String {
    after.map_or_else(|| "never".into(), seconds)
}

/// What the table comes to.
pub(crate) fn verdict([bare, queued]: &[Played; 2]) -> String {
    let answered = |played: &Played| share(played.over(Scene::Burst).success());
    let p99 = |played: &Played| duration(played.over(Scene::Burst).latency(0.99));
    let numbers = format!(
        "In the burst {} of those who brought a photo were answered well where it was resized in the request\n\
         (p99 {}), {} where it was put into a queue (p99 {}). Of {} photos {} were ready for their\n\
         callers without the queue, and {} with it. {}",
        answered(bare),
        p99(bare),
        answered(queued),
        p99(queued),
        queued.series.total().due(),
        bare.ready().due(),
        queued.ready().due(),
        match queued.worked_off() {
            Some(after) => format!("None waited any more {} after the burst.", seconds(after)),
            None => "Some waited to the end.".into(),
        },
    );
    let (bare, queued) = (bare.series.total(), queued.series.total());
    if queued.failed() < bare.failed() && queued.latency(0.99) < bare.latency(0.99) {
        numbers
    } else {
        format!("{numbers}\nThe queue did not help here: so short a burst is resized in time.")
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::{burst::Act, front::Backlog, tally::Series};

    /// An act in which this share of a hundred photos in the burst is answered well, after so long, and ready
    /// after two seconds; and the desks do the others for nobody.
    fn played(percent: u64, latency: Duration, refused: Option<u64>) -> Played {
        let act = Act::after(Duration::from_secs(8));
        let mut series = Series::new(act.length() / 80, act.length(), 0);
        let mut until_ready = series.clone();
        let Range { start, end } = act.span(Scene::Burst);
        for nth in 0..100 {
            series.at(start).record(latency, nth < percent);
            if nth < percent {
                until_ready.at(start).record(Duration::from_secs(2), true);
            }
        }
        let backlog = |waiting| Backlog { waiting, deserted: 0 };
        let looks = vec![(start, backlog(0)), (end, backlog(80)), (end + end, backlog(0))];
        Played { act, series, until_ready, lost: 0, resized: 100, refused, looks }
    }

    const SOON: Duration = Duration::from_millis(2);
    const LATE: Duration = Duration::from_secs(1);

    #[test]
    fn the_table_tells_of_each_front() {
        let table = table(&[played(7, LATE, None), played(100, SOON, Some(3))]);
        let row = |name: &str| {
            let line = table.lines().find(|line| line.trim().starts_with(name)).expect(name);
            let cells = line.trim().split("  ").map(str::trim).filter(|cell| !cell.is_empty());
            cells.skip(1).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(row("photos that were brought"), ["100", "100"]);
        assert_eq!(row("answered well in the burst"), ["7.0 %", "100 %"]);
        assert_eq!(row("latency p50"), ["1.00 s", "2.0 ms"]);
        assert_eq!(row("answered well after it"), ["-", "-"]);
        assert_eq!(row("refused"), ["-", "3"]);
        assert_eq!(row("photos that waited"), ["80", "80"]);
        assert_eq!(row("none any more"), ["1.2 s", "1.2 s"]);
        assert_eq!(row("photos ready"), ["7", "100"]);
        assert_eq!(row("p50 of the time"), ["2.00 s", "2.00 s"]);
        assert_eq!(row("promised and lost"), ["0", "0"]);
        assert_eq!(row("resized for nobody"), ["93", "0"]);
    }

    #[test]
    fn the_verdict_claims_nothing_where_nothing_was_won() {
        let won = verdict(&[played(7, LATE, None), played(100, SOON, Some(0))]);
        assert!(!won.contains("did not help"), "{won}");
        for [bare, queued] in [[(100, LATE), (100, SOON)], [(7, SOON), (100, LATE)]] {
            let verdict =
                verdict(&[played(bare.0, bare.1, None), played(queued.0, queued.1, Some(0))]);
            assert!(verdict.contains("did not help"), "{verdict}");
        }
    }
}
