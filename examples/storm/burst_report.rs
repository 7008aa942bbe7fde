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
        ("none waited, after the burst", cells(&|played| off(played.worked_off()))),
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

/// After how long none waited, if ever.
pub(crate) fn off(after: Option<Duration>) -> String {
    after.map_or_else(|| "never".into(), seconds)
}

/// What the table comes to.
pub(crate) fn verdict([bare, queued]: &[Played; 2]) -> String {
    let answered = |played: &Played| share(played.over(Scene::Burst).success());
    let p99 = |played: &Played| duration(played.over(Scene::Burst).latency(0.99));
    let numbers = format!(
        "In the burst {} of those who brought a photo were answered well where it was resized in the request\n\
         (p99 {}), {} where it was put into a queue (p99 {}). Of {} photos {} were ready for their\n\
         callers without the queue, and {} with it, the last of the burst {} after it.",
        answered(bare),
        p99(bare),
        answered(queued),
        p99(queued),
        queued.series.total().due(),
        bare.ready().due(),
        queued.ready().due(),
        off(queued.worked_off()),
    );
    let (bare, queued) = (bare.series.total(), queued.series.total());
    if queued.failed() < bare.failed() && queued.latency(0.99) < bare.latency(0.99) {
        numbers
    } else {
        format!("{numbers}\nThe queue did not help here: so short a burst is resized in time.")
    }
}
