//! The picture: limit, goodput and p99 over time, one below the other, a line for each limit.

use plotters::{
    coord::{
        Shift,
        ranged1d::{AsRangedCoord, ValueFormatter},
    },
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use seawall_bulkhead::BoxError;

use crate::{
    Run,
    simulation::{Phase, TICK, Tick},
};

const WIDTH: u32 = 1200;
const HEIGHT: u32 = 892;
const LEFT: i32 = 96;
const RIGHT: i32 = 44;
const TOP: i32 = 128;
const PANEL: u32 = 232;

const INK: RGBColor = RGBColor(0x1f, 0x29, 0x33);
const FAINT: RGBColor = RGBColor(0x6b, 0x77, 0x85);
const GRID: RGBColor = RGBColor(0xd5, 0xdb, 0xe1);
const CALM: RGBColor = RGBColor(0xf7, 0xf9, 0xfb);
const SURGE: RGBColor = RGBColor(0xff, 0xf1, 0xd0);
const SICK: RGBColor = RGBColor(0xfb, 0xe4, 0xe4);

/// The line of each run, in their order.
const LINES: [(RGBColor, u32); 5] = [
    (RGBColor(0x9a, 0xa5, 0xb1), 2),
    (RGBColor(0x52, 0x60, 0x6d), 2),
    (RGBColor(0xc2, 0x3b, 0x4e), 2),
    (RGBColor(0x2f, 0x6f, 0xb7), 2),
    (RGBColor(0x1b, 0x7f, 0x5c), 3),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The picture as SVG.
pub(crate) fn picture(phases: &[Phase], runs: &[Run]) -> Result<String, BoxError> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
        root.fill(&WHITE)?;
        let title = "Three times as many calls as can be answered: fixed and adaptive limits";
        root.draw_text(title, &bold(26.0, INK), (LEFT, 18))?;
        let facts = "16 workers, 10 ms a call; what is above the limit is rejected. An answer is good \
                     within 50 ms. Steps of 250 ms.";
        root.draw_text(facts, &font(14.0, FAINT), (LEFT, 54))?;
        legend(&root, runs, 90)?;
        phase_names(&root, phases, 116)?;

        let drawing = Drawing { root: &root, phases, runs };
        drawing.panel(0, "limit", (0.0, 220.0), 0.0..220.0, "", |tick| Some(tick.limit.into()))?;
        let goodput = |tick: &Tick| Some(tick.goodput() * 100.0);
        drawing.panel(1, "good answers, of capacity", (0.0, 125.0), 0.0..125.0, " %", goodput)?;
        let p99 = |tick: &Tick| tick.p99().map(|p99| p99 * 1000.0);
        drawing.panel(2, "p99", (10.0, 1000.0), (10.0..1000.0).log_scale(), " ms", p99)?;
        seconds_axis(&root, phases)?;
        root.present()?;
    }
    // As wide as the page that it stands in.
    Ok(svg.replacen(&format!(r#"width="{WIDTH}" height="{HEIGHT}""#), r#"width="100%""#, 1))
}

struct Drawing<'a, 'b> {
    root: &'a Area<'b>,
    phases: &'a [Phase],
    runs: &'a [Run],
}

impl Drawing<'_, '_> {
    /// One panel: a line for each run, as high as `value` makes it.
    fn panel<Y>(
        &self,
        index: i32,
        name: &str,
        (low, high): (f64, f64),
        scale: Y,
        unit: &str,
        value: impl Fn(&Tick) -> Option<f64>,
    ) -> Result<(), BoxError>
    where
        Y: AsRangedCoord<Value = f64>,
        Y::CoordDescType: ValueFormatter<f64>,
    {
        let top = TOP + index * (PANEL as i32 + 12);
        let area = self.root.clone().shrink((0, top), (WIDTH - RIGHT as u32, PANEL));
        let mut chart = ChartBuilder::on(&area)
            .set_label_area_size(LabelAreaPosition::Left, LEFT)
            .build_cartesian_2d(0.0..seconds(self.phases), scale)?;
        chart.draw_series(spans(self.phases).map(|(phase, from, to)| {
            Rectangle::new([(from, low), (to, high)], shade(phase).filled())
        }))?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(0)
            .y_labels(6)
            .y_label_formatter(&|value| format!("{value}{unit}"))
            .label_style(font(12.0, FAINT))
            .axis_style(GRID)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .draw()?;
        for (run, (color, width)) in self.runs.iter().zip(LINES) {
            let mut last = None;
            let line = run.phases.iter().flatten().zip(0u32..).filter_map(|(tick, step)| {
                last = value(tick).or(last);
                let middle = (f64::from(step) + 0.5) * TICK.as_secs_f64();
                last.map(|height| (middle, height.clamp(low, high)))
            });
            let line: Vec<_> = line.collect();
            chart.draw_series(LineSeries::new(line, color.stroke_width(width)))?;
        }
        let upright = font(13.0, FAINT).pos(CENTER).transform(FontTransform::Rotate270);
        self.root.draw_text(name, &upright, (20, top + PANEL as i32 / 2))?;
        Ok(())
    }
}

const CENTER: Pos = Pos { h_pos: HPos::Center, v_pos: VPos::Center };

/// Plotters writes a font as 1/1.24 of its size, so that text is as high as was asked for.
fn font(pixels: f64, color: RGBColor) -> TextStyle<'static> {
    FontDesc::new(FontFamily::SansSerif, pixels * 1.24, FontStyle::Normal).color(&color)
}

fn bold(pixels: f64, color: RGBColor) -> TextStyle<'static> {
    FontDesc::new(FontFamily::SansSerif, pixels * 1.24, FontStyle::Bold).color(&color)
}

fn seconds(phases: &[Phase]) -> f64 {
    phases.iter().map(|phase| phase.lasts.as_secs_f64()).sum()
}

/// Each phase, and from when to when it lasts.
fn spans(phases: &[Phase]) -> impl Iterator<Item = (&Phase, f64, f64)> {
    let mut end = 0.0;
    phases.iter().map(move |phase| {
        let start = end;
        end += phase.lasts.as_secs_f64();
        (phase, start, end)
    })
}

fn shade(phase: &Phase) -> RGBColor {
    if phase.workers < crate::SERVER.workers {
        SICK
    } else if phase.rate > phase.capacity() {
        SURGE
    } else {
        CALM
    }
}

/// The pixel of a time.
fn x_of(phases: &[Phase], time: f64) -> i32 {
    let width = f64::from(WIDTH as i32 - LEFT - RIGHT);
    LEFT + (time / seconds(phases) * width).round() as i32
}

fn phase_names(root: &Area<'_>, phases: &[Phase], y: i32) -> Result<(), BoxError> {
    for (phase, from, to) in spans(phases) {
        let middle = x_of(phases, (from + to) / 2.0);
        root.draw_text(phase.name, &font(13.0, INK).pos(CENTER), (middle, y))?;
    }
    Ok(())
}

fn legend(root: &Area<'_>, runs: &[Run], y: i32) -> Result<(), BoxError> {
    let left = Pos { h_pos: HPos::Left, v_pos: VPos::Center };
    let mut x = LEFT;
    for (run, (color, width)) in runs.iter().zip(LINES) {
        root.draw(&PathElement::new(vec![(x, y), (x + 26, y)], color.stroke_width(width + 1)))?;
        root.draw_text(run.name, &font(14.0, INK).pos(left), (x + 34, y))?;
        x += 150;
    }
    Ok(())
}

fn seconds_axis(root: &Area<'_>, phases: &[Phase]) -> Result<(), BoxError> {
    let below = Pos { h_pos: HPos::Center, v_pos: VPos::Top };
    let y = TOP + 3 * (PANEL as i32 + 12) - 8;
    let mut time = 0.0;
    while time <= seconds(phases) {
        let label = format!("{time} s");
        root.draw_text(&label, &font(12.0, FAINT).pos(below), (x_of(phases, time), y))?;
        time += 4.0;
    }
    Ok(())
}
