//! The picture of the second act, bare on the left and with a cache on the right.
//!
//! ```text
//! success rate   |----__--______--|   |----------------|
//! loads          |    ▂█▂     ▂█▂ |   |    ▁         ▁ |     a tick's, on the same scale
//! ```

use plotters::prelude::*;
use seawall_core::BoxError;

use crate::{
    act::Scene as _,
    page::{Played, Scene},
    plot::{Area, FAINT, INK, LEFT, bold, centered, font, mesh, steps},
    report,
    side::{DOWN, STRAINED, Shade, Side, WELL},
    tally::{Series, Tally},
};

/// How high it is.
pub(crate) const HEIGHT: i32 = 300;

const LOADS_AT: (i32, u32) = (178, 88);

const LOADS: RGBColor = RGBColor(0xd0, 0x7c, 0x1f);

/// Both sides, below a title.
pub(crate) fn draw(block: &Area<'_>, played: &[Played; 2]) -> Result<(), BoxError> {
    let title = "Second act: a page that everybody reads expires, then the database goes away";
    block.draw_text(title, &bold(20.0, INK), (LEFT, 6))?;
    let facts =
        "The same readers twice; what keeps the page differs. Loads: its queries, in steps of";
    let facts = format!("{facts} {} ms.", played[0].series.tick().as_millis());
    block.draw_text(&facts, &font(14.0, FAINT), (LEFT, 36))?;
    // On one scale, and no logarithm: one load is hardly seen beside a stampede, and that is the point.
    let most = played.iter().map(|played| most_loads(&played.series)).fold(1.0, f64::max) * 1.3;
    let names = ["A home-made cache", "Seawall's cache"];
    for ((played, name), nth) in played.iter().zip(names).zip(0..) {
        let side = Side::new(block, nth, HEIGHT, played.act.length(), shades(played));
        let away = report::share(played.over(Scene::Away).success());
        side.head(name, &format!("{away} answered while away"))?;
        side.draw_success(&played.series)?;
        draw_loads(&side, played, most)?;
        side.draw_seconds(LOADS_AT)?;
    }
    Ok(())
}

fn shades(played: &Played) -> Vec<Shade> {
    let shade = |scene: Scene| Shade {
        span: played.act.span(scene),
        what: scene.what(),
        is_trouble: scene.is_trouble(),
        color: match scene {
            Scene::Fresh | Scene::Back => WELL,
            Scene::Expired => STRAINED,
            Scene::Away => DOWN,
        },
    };
    Scene::ALL.iter().copied().map(shade).collect()
}

fn loads(tally: &Tally) -> Option<f64> {
    Some(tally.reached() as f64)
}

fn most_loads(series: &Series) -> f64 {
    series.ticks().filter_map(|(_, tally)| loads(tally)).fold(0.0, f64::max)
}

/// The loads, and above those of each time that is not quiet how many they were.
fn draw_loads(side: &Side<'_>, played: &Played, most: f64) -> Result<(), BoxError> {
    let area = side.panel("loads", LOADS_AT)?;
    let mut chart = ChartBuilder::on(&area)
        .set_label_area_size(LabelAreaPosition::Left, LEFT)
        .build_cartesian_2d(0.0..side.seconds(), 0.0..most)?;
    chart.draw_series(side.shades(0.0, most))?;
    mesh(&mut chart, &|loads| format!("{loads:.0}"), 3)?;
    chart.draw_series(AreaSeries::new(steps(&played.series, loads), 0.0, LOADS))?;
    for scene in [Scene::Expired, Scene::Away, Scene::Back] {
        let span = played.act.span(scene);
        let words = match played.over(scene).reached() {
            1 => "1 load".into(),
            loads => format!("{loads} loads"),
        };
        let middle = (span.start + span.end).as_secs_f64() / 2.0;
        let style = centered(&bold(12.0, INK));
        let top = most * 0.9;
        chart.draw_series([Text::new(words, (middle, top), style)])?;
    }
    Ok(())
}
