//! The picture: calls and time over the number of clients, side by side, a line for each way to wait.

use plotters::{
    coord::{
        Shift,
        ranged1d::{AsRangedCoord, ValueFormatter},
    },
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use seawall_core::BoxError;

use crate::{CLIENTS, Run, simulation::Cost};

const WIDTH: u32 = 1200;
const HEIGHT: u32 = 560;
const TOP: i32 = 116;
const PANEL: (u32, u32) = (572, 404);

const INK: RGBColor = RGBColor(0x1f, 0x29, 0x33);
const FAINT: RGBColor = RGBColor(0x6b, 0x77, 0x85);
const GRID: RGBColor = RGBColor(0xd5, 0xdb, 0xe1);

/// The line of each run, in their order.
const LINES: [(RGBColor, u32); 5] = [
    (RGBColor(0x9a, 0xa5, 0xb1), 2),
    (RGBColor(0xc2, 0x3b, 0x4e), 2),
    (RGBColor(0xd9, 0x8a, 0x1e), 2),
    (RGBColor(0x1b, 0x7f, 0x5c), 3),
    (RGBColor(0x2f, 0x6f, 0xb7), 2),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The picture as SVG.
pub(crate) fn picture(runs: &[Run]) -> Result<String, BoxError> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
        root.fill(&WHITE)?;
        root.draw_text(
            "Clients that contend for one record: what jitter saves",
            &font(26.0, FontStyle::Bold, INK),
            (40, 18),
        )?;
        let facts = "Each reads, writes, and waits where another was faster. Messages take |N(10, 2)| ms; \
                     base 5 ms, cap 2 s.";
        root.draw_text(facts, &plain(14.0, FAINT), (40, 54))?;
        legend(&root, runs, 92)?;

        let highest = |value: fn(Cost) -> f64| {
            let costs = runs.iter().flat_map(|run| &run.costs);
            costs.map(|&(_, cost)| value(cost)).fold(0.0, f64::max)
        };
        let calls = |cost: Cost| cost.calls;
        let most = highest(calls) * 1.05;
        panel(&root, 20, "calls until all are done", 0.0..most, runs, calls)?;
        let seconds = |cost: Cost| cost.millis / 1e3;
        let most = highest(seconds) * 1.5;
        let scale = (0.03..most).log_scale();
        panel(&root, 608, "seconds until all are done", scale, runs, seconds)?;
        root.present()?;
    }
    // As wide as the page that it stands in.
    Ok(svg.replacen(&format!(r#"width="{WIDTH}" height="{HEIGHT}""#), r#"width="100%""#, 1))
}

/// One panel: a line for each run, as high as `value` makes it.
fn panel<Y>(
    root: &Area<'_>,
    left: i32,
    name: &str,
    scale: Y,
    runs: &[Run],
    value: fn(Cost) -> f64,
) -> Result<(), BoxError>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let area = root.clone().shrink((left, TOP), PANEL);
    let mut chart = ChartBuilder::on(&area)
        .set_label_area_size(LabelAreaPosition::Left, 56)
        .set_label_area_size(LabelAreaPosition::Bottom, 28)
        .margin_right(16)
        .margin_top(24)
        .build_cartesian_2d(0.0..CLIENTS[CLIENTS.len() - 1] as f64, scale)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(6)
        .y_labels(7)
        .x_label_formatter(&|clients| clients.to_string())
        .y_label_formatter(&|height| height.to_string())
        .label_style(plain(12.0, FAINT))
        .axis_style(GRID)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (run, (color, width)) in runs.iter().zip(LINES) {
        let line = run.costs.iter().map(|&(clients, cost)| (clients as f64, value(cost)));
        chart.draw_series(LineSeries::new(line, color.stroke_width(width)))?;
    }
    root.draw_text(name, &plain(14.0, INK), (left + 56, TOP))?;
    let middle = left + 56 + (PANEL.0 as i32 - 72) / 2;
    let below = plain(13.0, FAINT).pos(Pos { h_pos: HPos::Center, v_pos: VPos::Top });
    root.draw_text("clients", &below, (middle, TOP + PANEL.1 as i32 + 4))?;
    Ok(())
}

/// Plotters writes a font as 1/1.24 of its size, so that text is as high as was asked for.
fn font(pixels: f64, style: FontStyle, color: RGBColor) -> TextStyle<'static> {
    FontDesc::new(FontFamily::SansSerif, pixels * 1.24, style).color(&color)
}

fn plain(pixels: f64, color: RGBColor) -> TextStyle<'static> {
    font(pixels, FontStyle::Normal, color)
}

fn legend(root: &Area<'_>, runs: &[Run], y: i32) -> Result<(), BoxError> {
    let left = Pos { h_pos: HPos::Left, v_pos: VPos::Center };
    let mut x = 40;
    for (run, (color, width)) in runs.iter().zip(LINES) {
        root.draw(&Rectangle::new([(x, y - width as i32), (x + 26, y + 1)], color.filled()))?;
        root.draw_text(run.name, &plain(14.0, INK).pos(left), (x + 34, y))?;
        x += 170;
    }
    Ok(())
}
