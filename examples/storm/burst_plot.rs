//! The picture of the third act, the work in the request on the left and with a queue on the right.
//!
//! ```text
//! success rate   |--_____________|   |---------------|
//! latency        |  ‾‾‾‾‾‾‾‾‾‾‾‾‾|   |_______________|     of the answer, logarithmic
//! waiting        |  ▃▇▇▆▅▅▄▃▃▂▁  |   |  ▃▇▆▅▄▃▂▁     |     on the same scale; red: nobody waits for them
//! ```

use std::time::Duration;

use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use seawall_core::BoxError;

use crate::{
    act::Scene as _,
    burst::{Played, Scene},
    plot::{Area, FAINT, INK, LEFT, LOAD, P50, P99, bold, bounds, font, mesh, millis, steps},
    report,
    side::{STRAINED, Shade, Side, WELL},
};

/// How high it is.
pub(crate) const HEIGHT: i32 = 376;

const LATENCY_AT: (i32, u32) = (178, 66);
const WAITING_AT: (i32, u32) = (250, 88);

/// Both sides, below a title.
pub(crate) fn draw(block: &Area<'_>, played: &[Played; 2]) -> Result<(), BoxError> {
    let title = "Third act: ten times as many photos are brought as can be resized, for a moment";
    block.draw_text(title, &bold(20.0, INK), (LEFT, 6))?;
    let facts = "The same photos and as many desks twice. Waiting: photos that no desk has begun, in red those whose \
                 callers have gone.";
    block.draw_text(facts, &font(14.0, FAINT), (LEFT, 36))?;
    let latency = bounds(played.iter().map(|played| &played.series));
    let most = played.iter().map(Played::most_waiting).max().unwrap_or(0).max(1) as f64 * 1.3;
    let names = ["In the request", "With a queue"];
    for ((played, name), nth) in played.iter().zip(names).zip(0..) {
        let side = Side::new(block, nth, HEIGHT, played.act.length(), shades(played));
        let burst = report::share(played.over(Scene::Burst).success());
        let ready = played.ready().due();
        side.head(name, &format!("{burst} of the burst answered, {ready} ready"))?;
        side.draw_success(&played.series)?;
        draw_latency(&side, played, latency)?;
        draw_waiting(&side, played, most)?;
        side.draw_seconds(WAITING_AT)?;
    }
    Ok(())
}

fn shades(played: &Played) -> Vec<Shade> {
    let shade = |scene: Scene| Shade {
        span: played.act.span(scene),
        what: scene.what(),
        is_trouble: scene == Scene::Burst,
        color: if scene == Scene::Burst { STRAINED } else { WELL },
    };
    Scene::ALL.iter().copied().map(shade).collect()
}

fn draw_latency(side: &Side<'_>, played: &Played, bounds: (f64, f64)) -> Result<(), BoxError> {
    let area = side.panel("latency", LATENCY_AT)?;
    let (least, most) = bounds;
    let mut chart = ChartBuilder::on(&area)
        .set_label_area_size(LabelAreaPosition::Left, LEFT)
        .build_cartesian_2d(0.0..side.seconds(), (least..most).log_scale())?;
    chart.draw_series(side.shades(least, most))?;
    mesh(&mut chart, &millis, 5)?;
    for (share, color) in [(0.5, P50), (0.99, P99)] {
        let millis = |latency: Duration| latency.as_secs_f64() * 1000.0;
        let line = steps(&played.series, |tally| tally.latency(share).map(millis));
        chart.draw_series(LineSeries::new(line, color.stroke_width(2)))?;
    }
    Ok(())
}

/// What waits: the deserted at the bottom, as they are first in the line.
fn draw_waiting(side: &Side<'_>, played: &Played, most: f64) -> Result<(), BoxError> {
    let area = side.panel("waiting", WAITING_AT)?;
    let mut chart = ChartBuilder::on(&area)
        .set_label_area_size(LabelAreaPosition::Left, LEFT)
        .build_cartesian_2d(0.0..side.seconds(), 0.0..most)?;
    chart.draw_series(side.shades(0.0, most))?;
    mesh(&mut chart, &|photos| format!("{photos:.0}"), 3)?;
    let looks = || played.looks.iter().filter(|(at, _)| *at <= played.act.length());
    let all = looks().map(|(at, backlog)| (at.as_secs_f64(), backlog.waiting as f64));
    let deserted = looks().map(|(at, backlog)| (at.as_secs_f64(), backlog.deserted as f64));
    chart.draw_series(AreaSeries::new(all, 0.0, LOAD))?;
    chart.draw_series(AreaSeries::new(deserted, 0.0, P99))?;
    let after = match played.worked_off() {
        Some(after) => format!("none waits {} after the burst", report::seconds(after)),
        None => "some wait to the end".into(),
    };
    let words = match played.for_nobody() {
        0 => after,
        nobody => format!("{nobody} resized for nobody; {after}"),
    };
    let style = bold(12.0, INK).pos(Pos::new(HPos::Right, VPos::Top));
    chart.draw_series([Text::new(words, (side.seconds() * 0.98, most * 0.96), style)])?;
    Ok(())
}
