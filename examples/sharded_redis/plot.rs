//! The picture: the calls a second, and below them the keys that each node serves, over the same seconds.

use std::{collections::BTreeSet, ops::Range};

use plotters::{
    coord::Shift,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use seawall_core::BoxError;

use crate::{report::Report, watch::Sample};

const WIDTH: u32 = 1200;
const HEIGHT: u32 = 700;
const LEFT: i32 = 76;
const RIGHT: i32 = 110;
const CALLS_AT: (i32, u32) = (148, 202);
const KEYS_AT: (i32, u32) = (400, 250);

const INK: RGBColor = RGBColor(0x1f, 0x29, 0x33);
const FAINT: RGBColor = RGBColor(0x6b, 0x77, 0x85);
const GRID: RGBColor = RGBColor(0xd5, 0xdb, 0xe1);
const READS: RGBColor = RGBColor(0x2f, 0x6f, 0xb7);
const WRITES: RGBColor = RGBColor(0x1b, 0x7f, 0x5c);
const TROUBLE: RGBColor = RGBColor(0xc2, 0x3b, 0x4e);
/// The nodes' lines, over and over.
const NODES: [RGBColor; 7] = [
    RGBColor(0x2f, 0x6f, 0xb7),
    RGBColor(0x1b, 0x7f, 0x5c),
    RGBColor(0xd9, 0x8a, 0x1e),
    RGBColor(0x7a, 0x3f, 0xb5),
    RGBColor(0xc2, 0x3b, 0x4e),
    RGBColor(0x3a, 0x9a, 0xa8),
    RGBColor(0x93, 0xa8, 0xbd),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// One line: its name, its colour, and its value in each sample.
type Line = (String, RGBColor, Vec<(f64, f64)>);

/// The picture as SVG.
pub(crate) fn picture(report: &Report) -> Result<String, BoxError> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
        root.fill(&WHITE)?;
        let title = "A node joins, another dies: what callers see, and who serves the keys";
        root.draw_text(title, &font(26.0, FontStyle::Bold, INK), (40, 18))?;
        let facts = format!(
            "{} keys on {} redis servers, {} copies of each; {} writes acknowledged, {} keys lost, {} errors \
             seen by callers.",
            report.args.keys,
            report.args.nodes,
            report.args.replicas,
            report.tally.total().writes,
            report.verdict.lost,
            report.tally.total().errors,
        );
        root.draw_text(&facts, &plain(14.0, FAINT), (40, 54))?;

        let line = |name: &str, color, value: fn(&Sample) -> f64| {
            let points = report.samples.iter().map(|sample| (sample.at, value(sample)));
            (name.to_owned(), color, points.collect())
        };
        let calls = [
            line("reads", READS, |sample| sample.reads),
            line("writes", WRITES, |sample| sample.writes),
            line("failed tries", TROUBLE, |sample| sample.trouble),
        ];
        panel(&root, report, CALLS_AT, "calls a second", &calls)?;
        panel(&root, report, KEYS_AT, "keys served by each node", &nodes(report))?;
        phases(&root, report)?;
        let seconds = plain(13.0, FAINT).pos(Pos { h_pos: HPos::Center, v_pos: VPos::Top });
        root.draw_text(
            "seconds",
            &seconds,
            ((WIDTH as i32 + LEFT - RIGHT) / 2, HEIGHT as i32 - 26),
        )?;
        root.present()?;
    }
    // As wide as the page that it stands in.
    Ok(svg.replacen(&format!(r#"width="{WIDTH}" height="{HEIGHT}""#), r#"width="100%""#, 1))
}

/// A line for each node, as long as it is one.
fn nodes(report: &Report) -> Vec<Line> {
    let names: BTreeSet<_> = report.samples.iter().flat_map(|sample| sample.loads.keys()).collect();
    let line = |(name, color): (&String, &RGBColor)| {
        let point = |sample: &Sample| Some((sample.at, *sample.loads.get(name)? as f64));
        (name.clone(), *color, report.samples.iter().filter_map(point).collect())
    };
    names.into_iter().zip(NODES.iter().cycle()).map(line).collect()
}

fn span(report: &Report) -> Range<f64> {
    0.0..report.samples.last().map_or(1.0, |sample| sample.at)
}

fn panel(
    root: &Area<'_>,
    report: &Report,
    (top, height): (i32, u32),
    name: &str,
    lines: &[Line],
) -> Result<(), BoxError> {
    let highest = lines.iter().flat_map(|line| &line.2).map(|point| point.1).fold(1.0, f64::max);
    let width = WIDTH - (LEFT + RIGHT) as u32;
    let area = root.clone().shrink((0, top), (LEFT as u32 + width, height + 24));
    let mut chart = ChartBuilder::on(&area)
        .set_label_area_size(LabelAreaPosition::Left, LEFT)
        .set_label_area_size(LabelAreaPosition::Bottom, 24)
        .build_cartesian_2d(span(report), 0.0..highest * 1.1)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(12)
        .y_labels(6)
        .x_label_formatter(&|seconds| seconds.to_string())
        .y_label_formatter(&|count| count.to_string())
        .label_style(plain(12.0, FAINT))
        .axis_style(GRID)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .draw()?;
    for (_, color, points) in lines {
        chart.draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)))?;
    }
    names(root, top, height, highest * 1.1, lines)?;
    root.draw_text(name, &plain(14.0, INK), (LEFT, top - 22))?;
    Ok(())
}

/// The lines' names at their ends, one below the other where they would overlap.
fn names(
    root: &Area<'_>,
    top: i32,
    height: u32,
    highest: f64,
    lines: &[Line],
) -> Result<(), BoxError> {
    let end = |line: &Line| line.2.last().map_or(0.0, |point| point.1);
    let mut sorted: Vec<_> = lines.iter().collect();
    sorted.sort_by(|one, other| end(other).total_cmp(&end(one)));
    let left = Pos { h_pos: HPos::Left, v_pos: VPos::Center };
    let lowest = top + height as i32;
    let mut free = top;
    for (index, line) in sorted.iter().enumerate() {
        let wanted = lowest - (end(line) / highest * f64::from(height)) as i32;
        let room = 16 * (sorted.len() - index - 1) as i32; // for those below
        let y = wanted.min(lowest - room).max(free);
        root.draw_text(&line.0, &plain(13.0, line.1).pos(left), (WIDTH as i32 - RIGHT + 8, y))?;
        free = y + 16;
    }
    Ok(())
}

/// Where each phase begins: a stroke through both panels, and its name in the gap between them.
fn phases(root: &Area<'_>, report: &Report) -> Result<(), BoxError> {
    let width = f64::from(WIDTH as i32 - LEFT - RIGHT);
    let x = |seconds: f64| LEFT + (seconds / span(report).end * width) as i32;
    for (index, &(phase, begun)) in report.turns.iter().enumerate() {
        let stroke = GRID.stroke_width(1);
        for (top, height) in [CALLS_AT, KEYS_AT] {
            let stroke =
                PathElement::new([(x(begun), top), (x(begun), top + height as i32)], stroke);
            root.draw(&stroke)?;
        }
        let left = Pos { h_pos: HPos::Left, v_pos: VPos::Center };
        // On two heights in turn, as some phases are short.
        let y = 86 + 16 * (index as i32 % 2);
        root.draw_text(&phase.to_string(), &plain(13.0, INK).pos(left), (x(begun) + 3, y))?;
    }
    Ok(())
}

/// Plotters writes a font as 1/1.24 of its size, so that text is as high as was asked for.
fn font(pixels: f64, style: FontStyle, color: RGBColor) -> TextStyle<'static> {
    FontDesc::new(FontFamily::SansSerif, pixels * 1.24, style).color(&color)
}

fn plain(pixels: f64, color: RGBColor) -> TextStyle<'static> {
    font(pixels, FontStyle::Normal, color)
}
