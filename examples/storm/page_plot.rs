//! The picture's last panel: the second act, bare on the left and with a cache on the right.
//!
//! ```text
//! success rate   |----__--______--|   |----------------|
//! loads          |    ▂█▂     ▂█▂ |   |    ▁         ▁ |     a tick's, on the same scale
//! ```

use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use seawall_core::BoxError;

use crate::{
    page::{Played, Scene},
    plot::{
        Area, FAINT, INK, LEFT, LOST, P99, RIGHT, SUCCESS, WIDTH, bold, centered, font, mesh, steps,
    },
    report,
    tally::{Series, Tally},
};

/// How high the panel is.
pub(crate) const HEIGHT: i32 = 300;

/// The width of a side, its scale at the left included, and where the right one begins.
const SIDE: u32 = (WIDTH - RIGHT as u32 - GAP) / 2;
const GAP: u32 = 24;

const NAMES_AT: i32 = 92;
const SUCCESS_AT: (i32, u32) = (102, 70);
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
    for ((played, name), side) in played.iter().zip(names).zip(0..) {
        let left = side * (SIDE + GAP) as i32;
        let area = block.clone().shrink((left, 0), (SIDE, HEIGHT as u32));
        draw_side(&area, played, name, most)?;
    }
    Ok(())
}

fn loads(tally: &Tally) -> Option<f64> {
    Some(tally.reached() as f64)
}

fn most_loads(series: &Series) -> f64 {
    series.ticks().filter_map(|(_, tally)| loads(tally)).fold(0.0, f64::max)
}

fn draw_side(area: &Area<'_>, played: &Played, name: &str, most: f64) -> Result<(), BoxError> {
    area.draw_text(name, &bold(16.0, INK), (LEFT, 62))?;
    let away = report::share(played.over(Scene::Away).success());
    let right = Pos::new(HPos::Right, VPos::Top);
    let figures = format!("{away} answered while away");
    area.draw_text(&figures, &font(14.0, FAINT).pos(right), (SIDE as i32, 64))?;
    for scene in Scene::ALL {
        let style = centered(&font(12.0, if scene.is_trouble() { P99 } else { FAINT }));
        let span = played.act.span(scene);
        let middle = (span.start + span.end) / 2;
        area.draw_text(scene.what(), &style, (x_of(played, middle.as_secs_f64()), NAMES_AT))?;
    }
    draw_success(&panel(area, "success", SUCCESS_AT)?, played)?;
    draw_loads(&panel(area, "loads", LOADS_AT)?, played, most)?;
    seconds(area, played)
}

/// The pixel of a time, from the side's left edge.
fn x_of(played: &Played, seconds: f64) -> i32 {
    let width = f64::from(SIDE as i32 - LEFT);
    LEFT + (seconds / played.act.length().as_secs_f64() * width).round() as i32
}

fn panel<'a>(area: &Area<'a>, name: &str, (top, height): (i32, u32)) -> Result<Area<'a>, BoxError> {
    let style = centered(&font(13.0, FAINT)).transform(FontTransform::Rotate270);
    area.draw_text(name, &style, (20, top + height as i32 / 2))?;
    Ok(area.clone().shrink((0, top), (SIDE, height)))
}

fn shades(played: &Played, high: f64) -> impl Iterator<Item = Rectangle<(f64, f64)>> {
    Scene::ALL.into_iter().map(move |scene| {
        let span = played.act.span(scene);
        let corners = [(span.start.as_secs_f64(), 0.0), (span.end.as_secs_f64(), high)];
        let color = match scene {
            Scene::Fresh | Scene::Back => RGBColor(0xf5, 0xf7, 0xf9),
            Scene::Expired => RGBColor(0xff, 0xf1, 0xd0),
            Scene::Away => RGBColor(0xfb, 0xe4, 0xe4),
        };
        Rectangle::new(corners, color.filled())
    })
}

fn draw_success(area: &Area<'_>, played: &Played) -> Result<(), BoxError> {
    let mut chart = ChartBuilder::on(area)
        .set_label_area_size(LabelAreaPosition::Left, LEFT)
        .build_cartesian_2d(0.0..played.act.length().as_secs_f64(), 0.0..104.0)?;
    chart.draw_series(shades(played, 104.0))?;
    mesh(&mut chart, &|percent| format!("{percent:.0} %"), 3)?;
    let share = steps(&played.series, |tally| tally.success().map(|share| share * 100.0));
    chart.draw_series(AreaSeries::new(share.iter().copied(), 100.0, LOST))?;
    chart.draw_series(LineSeries::new(share, SUCCESS.stroke_width(2)))?;
    Ok(())
}

/// The loads, and above those of each time that is not quiet how many they were.
fn draw_loads(area: &Area<'_>, played: &Played, most: f64) -> Result<(), BoxError> {
    let mut chart = ChartBuilder::on(area)
        .set_label_area_size(LabelAreaPosition::Left, LEFT)
        .build_cartesian_2d(0.0..played.act.length().as_secs_f64(), 0.0..most)?;
    chart.draw_series(shades(played, most))?;
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

fn seconds(area: &Area<'_>, played: &Played) -> Result<(), BoxError> {
    let top = Pos::new(HPos::Center, VPos::Top);
    for quarter in 0..=4u32 {
        let seconds = (played.act.length() * quarter / 4).as_secs_f64();
        let (x, y) = (x_of(played, seconds), LOADS_AT.0 + LOADS_AT.1 as i32 + 3);
        area.draw(&PathElement::new(vec![(x, y - 3), (x, y + 2)], FAINT.stroke_width(1)))?;
        area.draw_text(&format!("{seconds} s"), &font(12.0, FAINT).pos(top), (x, y + 5))?;
    }
    Ok(())
}
