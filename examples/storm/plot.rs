//! The picture: the runs, one above the other, on the same scales.
//!
//! ```text
//! title, legend
//! bare             success rate   |------|__________|---------|
//!                  latency        |  p50, p99, logarithmic    |
//!                  load           | what reached the fleet    |
//!                  pool           | held by the sick member   |
//!                  keys           | who answers for its keys  |
//! naive            the same five
//! retry            the same five
//! + breaker        the same five, and what each breaker did
//! + bulkhead       the same six
//! + replicas       the same six
//! + quotas         the same six
//! second act       see `page_plot.rs`
//! third act        see `burst_plot.rs`
//! ```
//!
//! Calls are drawn where they were due, so that a call which hung is seen when its caller came and not
//! when the time-out did. Success and latency are those of the quiet tenants, load and pool of all; of the
//! noisy one a line shows what share of his calls is answered, while he is noisy.

use std::{fmt::Write as _, time::Duration};

use plotters::{
    coord::{Shift, types::RangedCoordf64},
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use seawall_circuit_breaker::State;
use seawall_core::BoxError;

use crate::{
    args::Args,
    burst, burst_plot, burst_report,
    database::ROOM,
    defence::{ATTEMPTS, TIME_OUT},
    fleet::NAMES,
    guard::Change,
    legend, page, page_plot, page_report,
    phases::{Phase, Phases},
    report::{self, Run, Runs},
    tally::{Series, Tally},
};

pub(crate) const WIDTH: u32 = 1200;
const HEADER: i32 = 176;

/// The panels of a run, from the top of its block: where each begins, and how high it is.
const SUCCESS_AT: (i32, u32) = (48, 56);
const LATENCY_AT: (i32, u32) = (108, 66);
const LOAD_AT: (i32, u32) = (178, 50);
const POOL_AT: (i32, u32) = (232, 36);
const KEYS_AT: (i32, u32) = (278, 36);
const BREAKERS_AT: i32 = 322;

/// How high the band of one breaker is, with the gap below it.
const BAND: i32 = 13;

/// How high the axis of seconds below a run is, and what is left free below that.
const AXIS: i32 = 34;

/// Pixels left of the panels, for the scales, and right of them.
pub(crate) const LEFT: i32 = 96;
pub(crate) const RIGHT: i32 = 44;

pub(crate) const INK: RGBColor = RGBColor(0x1f, 0x29, 0x33);
pub(crate) const FAINT: RGBColor = RGBColor(0x6b, 0x77, 0x85);
const GRID: RGBColor = RGBColor(0xd5, 0xdb, 0xe1);
pub(crate) const SUCCESS: RGBColor = RGBColor(0x1b, 0x7f, 0x5c);
pub(crate) const P50: RGBColor = RGBColor(0x2f, 0x6f, 0xb7);
pub(crate) const P99: RGBColor = RGBColor(0xc2, 0x3b, 0x4e);
pub(crate) const NOISE: RGBColor = RGBColor(0x7a, 0x3f, 0xb5);
pub(crate) const LOST: RGBColor = RGBColor(0xe9, 0x8a, 0x94);
pub(crate) const LOAD: RGBColor = RGBColor(0x93, 0xa8, 0xbd);
pub(crate) const HELD: RGBColor = RGBColor(0x8a, 0x78, 0xb8);
pub(crate) const HOME: RGBColor = RGBColor(0xc3, 0xd9, 0xcf);
pub(crate) const COPY: RGBColor = RGBColor(0x2f, 0x8f, 0xc4);

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The picture as SVG.
pub(crate) fn picture(
    args: &Args,
    phases: Phases,
    runs: &Runs,
    page: &[page::Played; 2],
    burst: &[burst::Played; 2],
) -> Result<String, BoxError> {
    let mut svg = String::new();
    {
        let runs_end = HEADER + runs.iter().map(height).sum::<i32>();
        let all = runs_end + page_plot::HEIGHT + burst_plot::HEIGHT;
        let root = SVGBackend::with_string(&mut svg, (WIDTH, all as u32)).into_drawing_area();
        root.fill(&WHITE)?;
        legend::header(&root, args, runs[0].record.arrived().tick())?;
        let scale = Scale::of(phases, runs);
        let mut top = HEADER;
        for run in runs {
            let block = root.clone().shrink((0, top), (WIDTH, height(run) as u32));
            draw_run(&block, run, &scale)?;
            top += height(run);
        }
        let block = |top, height| root.clone().shrink((0, top), (WIDTH, height as u32));
        page_plot::draw(&block(top, page_plot::HEIGHT), page)?;
        burst_plot::draw(&block(top + page_plot::HEIGHT, burst_plot::HEIGHT), burst)?;
        root.present()?;
    }
    let words =
        [report::verdict(phases, runs), page_report::verdict(page), burst_report::verdict(burst)];
    let words = words.join("\n");
    Ok(described(&svg, &words))
}

/// How high the block of a run is.
fn height(run: &Run) -> i32 {
    BREAKERS_AT + run.changes.len() as i32 * BAND + AXIS
}

/// The same with a text for those who do not see it.
fn described(svg: &str, words: &str) -> String {
    let mut escaped = String::new();
    for letter in words.chars() {
        match letter {
            '<' | '>' | '&' => {
                // Writing to a string does not fail.
                let _ = write!(escaped, "&#{};", u32::from(letter));
            }
            letter => escaped.push(letter),
        }
    }
    match svg.find('>') {
        Some(end) => {
            let (open, rest) = svg.split_at(end + 1);
            format!(
                "{open}\n<title>A storm, without and with Seawall</title>\n<desc>{escaped}</desc>{rest}\n"
            )
        }
        None => svg.to_owned(),
    }
}

/// Plotters writes a font as 1/1.24 of its size, so that text is as high as was asked for.
const LINE_HEIGHT: f64 = 1.24;

pub(crate) fn font(pixels: f64, color: RGBColor) -> TextStyle<'static> {
    FontDesc::new(FontFamily::SansSerif, pixels * LINE_HEIGHT, FontStyle::Normal).color(&color)
}

pub(crate) fn bold(pixels: f64, color: RGBColor) -> TextStyle<'static> {
    FontDesc::new(FontFamily::SansSerif, pixels * LINE_HEIGHT, FontStyle::Bold).color(&color)
}

pub(crate) fn centered(style: &TextStyle<'static>) -> TextStyle<'static> {
    style.pos(Pos::new(HPos::Center, VPos::Center))
}

/// What all runs are measured by.
struct Scale {
    phases: Phases,
    /// From which to which latency, in milliseconds.
    latency: (f64, f64),
}

impl Scale {
    fn of(phases: Phases, runs: &Runs) -> Self {
        Self { phases, latency: bounds(runs.iter().map(|run| run.record.arrived())) }
    }

    fn run(&self) -> f64 {
        self.phases.run().as_secs_f64()
    }
}

/// From which to which latency all these reach, in milliseconds: whole powers of ten below, the time-out above.
pub(crate) fn bounds<'a>(series: impl Iterator<Item = &'a Series>) -> (f64, f64) {
    let ticks = series.flat_map(Series::ticks);
    let latencies = ticks.flat_map(|(_, tally)| [tally.latency(0.5), tally.latency(0.99)]);
    let millis = latencies.flatten().map(|latency| latency.as_secs_f64() * 1000.0);
    let (least, most) = millis
        .fold((1.0f64, TIME_OUT.as_secs_f64() * 1000.0), |(least, most), millis| {
            (least.min(millis), most.max(millis))
        });
    (10f64.powf(least.max(0.01).log10().floor()), most * 2.0)
}

/// The label of a latency.
pub(crate) fn millis(millis: &f64) -> String {
    match *millis {
        millis if millis >= 1000.0 => format!("{:.0} s", millis / 1000.0),
        millis => format!("{millis} ms"),
    }
}

fn draw_run(block: &Area<'_>, run: &Run, scale: &Scale) -> Result<(), BoxError> {
    block.draw_text(run.defence.title(), &bold(18.0, INK), (LEFT, 4))?;
    let (total, noise) = (run.record.arrived().total(), run.record.phase(Phase::Noisy));
    let figures = format!(
        "{} answered well, p99 {}; in the noise {}, {}",
        report::share(total.success()),
        report::duration(total.latency(0.99)),
        report::share(noise.success()),
        report::duration(noise.latency(0.99)),
    );
    let right = Pos::new(HPos::Right, VPos::Top);
    block.draw_text(&figures, &font(14.0, FAINT).pos(right), (WIDTH as i32 - RIGHT, 7))?;

    phase_names(block, scale, 38)?;
    draw_success(&panel(block, "success", SUCCESS_AT)?, run, scale)?;
    draw_latency(&panel(block, "latency", LATENCY_AT)?, run, scale)?;
    draw_load(&panel(block, "load", LOAD_AT)?, run, scale)?;
    draw_pool(&panel(block, "pool", POOL_AT)?, run, scale)?;
    draw_keys(&panel(block, "keys", KEYS_AT)?, run, scale)?;
    draw_breakers(block, run, scale, BREAKERS_AT)?;
    seconds_axis(block, scale, height(run) - AXIS + 3)
}

/// A strip of the block, with what it shows upright at its left edge.
///
/// All are equally wide, so that times stand below each other.
fn panel<'a>(
    block: &Area<'a>,
    name: &str,
    (top, height): (i32, u32),
) -> Result<Area<'a>, BoxError> {
    let style = centered(&font(13.0, FAINT)).transform(FontTransform::Rotate270);
    block.draw_text(name, &style, (20, top + height as i32 / 2))?;
    Ok(block.clone().shrink((0, top), (WIDTH - RIGHT as u32, height)))
}
/// The pixel of a time, from the block's left edge.
fn x_of(scale: &Scale, seconds: f64) -> i32 {
    let width = f64::from(WIDTH as i32 - LEFT - RIGHT);
    LEFT + (seconds / scale.run() * width).round() as i32
}

fn phase_names(block: &Area<'_>, scale: &Scale, y: i32) -> Result<(), BoxError> {
    for phase in Phase::ALL {
        let span = scale.phases.span(phase);
        let middle = (span.start + span.end).as_secs_f64() / 2.0;
        let style = centered(&font(12.0, if phase.is_trouble() { P99 } else { FAINT }));
        block.draw_text(&phase.what(), &style, (x_of(scale, middle), y))?;
    }
    Ok(())
}

const fn phase_color(phase: Phase) -> RGBColor {
    match phase {
        Phase::Calm | Phase::Back | Phase::Healed => RGBColor(0xf5, 0xf7, 0xf9),
        Phase::Slow => RGBColor(0xff, 0xf1, 0xd0),
        Phase::Noisy => RGBColor(0xec, 0xe6, 0xf6),
        Phase::Stalled | Phase::Dead => RGBColor(0xfb, 0xe4, 0xe4),
    }
}

/// The phases behind a panel that reaches from `low` to `high`.
fn shades(scale: &Scale, low: f64, high: f64) -> impl Iterator<Item = Rectangle<(f64, f64)>> {
    Phase::ALL.into_iter().map(move |phase| {
        let span = scale.phases.span(phase);
        let corners = [(span.start.as_secs_f64(), low), (span.end.as_secs_f64(), high)];
        Rectangle::new(corners, phase_color(phase).filled())
    })
}

/// A step for each tick, as high as `value` makes it; the last step's height where there was nothing.
pub(crate) fn steps(series: &Series, value: impl Fn(&Tally) -> Option<f64>) -> Vec<(f64, f64)> {
    let mut last = None;
    let mut steps = Vec::new();
    for (start, tally) in series.ticks() {
        last = value(tally).or(last);
        if let Some(height) = last {
            steps.push((start.as_secs_f64(), height));
            steps.push(((start + series.tick()).as_secs_f64(), height));
        }
    }
    steps
}

fn draw_success(area: &Area<'_>, run: &Run, scale: &Scale) -> Result<(), BoxError> {
    let mut chart = ChartBuilder::on(area)
        .set_label_area_size(LabelAreaPosition::Left, LEFT)
        .build_cartesian_2d(0.0..scale.run(), 0.0..104.0)?;
    chart.draw_series(shades(scale, 0.0, 104.0))?;
    mesh(&mut chart, &|percent| format!("{percent:.0} %"), 3)?;
    let percent = |tally: &Tally| tally.success().map(|share| share * 100.0);
    let share = steps(run.record.arrived(), percent);
    chart.draw_series(AreaSeries::new(share.iter().copied(), 100.0, LOST))?;
    chart.draw_series(LineSeries::new(share, SUCCESS.stroke_width(2)))?;
    let noisy = scale.phases.start(Phase::Noisy).as_secs_f64();
    let his = steps(run.record.noisy(), percent).into_iter().filter(|&(start, _)| start >= noisy);
    chart.draw_series(LineSeries::new(his, NOISE.stroke_width(2)))?;
    Ok(())
}

fn draw_latency(area: &Area<'_>, run: &Run, scale: &Scale) -> Result<(), BoxError> {
    let (least, most) = scale.latency;
    let mut chart = ChartBuilder::on(area)
        .set_label_area_size(LabelAreaPosition::Left, LEFT)
        .build_cartesian_2d(0.0..scale.run(), (least..most).log_scale())?;
    chart.draw_series(shades(scale, least, most))?;
    mesh(&mut chart, &millis, 5)?;
    for (share, color) in [(0.5, P50), (0.99, P99)] {
        let millis = |latency: Duration| latency.as_secs_f64() * 1000.0;
        let line = steps(run.record.arrived(), |tally| tally.latency(share).map(millis));
        chart.draw_series(LineSeries::new(line, color.stroke_width(2)))?;
    }
    Ok(())
}

/// What reached the fleet, in times of the rate, tick by tick, beside what the database can do.
fn draw_load(area: &Area<'_>, run: &Run, scale: &Scale) -> Result<(), BoxError> {
    let most = f64::from(ATTEMPTS) * 1.15;
    let mut chart = ChartBuilder::on(area)
        .set_label_area_size(LabelAreaPosition::Left, LEFT)
        .build_cartesian_2d(0.0..scale.run(), 0.0..most)?;
    chart.draw_series(shades(scale, 0.0, most))?;
    mesh(&mut chart, &|times| format!("{times:.0}"), 4)?;
    // What waited for a connection may come all at once: the picture is clipped, the table is not.
    let load = steps(run.record.arrived(), |tally| tally.load().map(|load| load.min(most)));
    let room = f64::from(ROOM);
    let within = load.iter().map(|&(seconds, load)| (seconds, load.min(room)));
    chart.draw_series(AreaSeries::new(load.iter().copied(), 0.0, P99))?;
    chart.draw_series(AreaSeries::new(within, 0.0, LOAD))?;
    let line = [(0.0, room), (scale.run(), room)];
    chart.draw_series(DashedLineSeries::new(line, 6, 4, INK.stroke_width(1)))?;
    Ok(())
}

/// What of the pool the sick member's calls held at most, tick by tick.
fn draw_pool(area: &Area<'_>, run: &Run, scale: &Scale) -> Result<(), BoxError> {
    let all = f64::from(run.connections);
    let mut chart = ChartBuilder::on(area)
        .set_label_area_size(LabelAreaPosition::Left, LEFT)
        .build_cartesian_2d(0.0..scale.run(), 0.0..all * 1.04)?;
    chart.draw_series(shades(scale, 0.0, all * 1.04))?;
    mesh(&mut chart, &|connections| format!("{connections:.0}"), 3)?;
    let held = steps(run.record.arrived(), |tally| Some(tally.held().into()));
    chart.draw_series(AreaSeries::new(held, 0.0, HELD))?;
    Ok(())
}

/// Who answers for the sick member's keys, one upon the other: itself, the copies, and nobody above.
fn draw_keys(area: &Area<'_>, run: &Run, scale: &Scale) -> Result<(), BoxError> {
    let mut chart = ChartBuilder::on(area)
        .set_label_area_size(LabelAreaPosition::Left, LEFT)
        .build_cartesian_2d(0.0..scale.run(), 0.0..104.0)?;
    chart.draw_series(shades(scale, 0.0, 104.0))?;
    mesh(&mut chart, &|percent| format!("{percent:.0} %"), 3)?;
    let percent = |share: Option<f64>| share.map(|share| share * 100.0);
    let answered = steps(run.record.arrived(), |tally| percent(tally.of_sick().answered()));
    let home = steps(run.record.arrived(), |tally| percent(tally.of_sick().by_home()));
    let all = answered.iter().map(|&(seconds, _)| (seconds, 100.0));
    chart.draw_series(AreaSeries::new(all, 0.0, LOST))?;
    chart.draw_series(AreaSeries::new(answered, 0.0, COPY))?;
    chart.draw_series(AreaSeries::new(home, 0.0, HOME))?;
    Ok(())
}

pub(crate) fn mesh<'a, Y>(
    chart: &mut ChartContext<'a, SVGBackend<'_>, Cartesian2d<RangedCoordf64, Y>>,
    label: &dyn Fn(&f64) -> String,
    labels: usize,
) -> Result<(), BoxError>
where
    Y: Ranged<ValueType = f64> + plotters::coord::ranged1d::ValueFormatter<f64>,
{
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(0)
        .y_labels(labels)
        .y_label_formatter(label)
        .label_style(font(12.0, FAINT))
        .axis_style(GRID)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .draw()?;
    Ok(())
}

pub(crate) fn state_color(state: State) -> RGBColor {
    match state {
        State::Closed => RGBColor(0x8f, 0xcf, 0xb4),
        State::Open => RGBColor(0xe0, 0x7a, 0x86),
        State::HalfOpen => RGBColor(0xf2, 0xb1, 0x4a),
        State::Ramp => RGBColor(0x8c, 0xb8, 0xe0),
        _ => GRID,
    }
}

/// Bands that say what each member's breaker was at each time.
fn draw_breakers(block: &Area<'_>, run: &Run, scale: &Scale, top: i32) -> Result<(), BoxError> {
    for ((member, changes), row) in NAMES.iter().zip(&run.changes).zip(0..) {
        let (top, bottom) = (top + row * BAND, top + (row + 1) * BAND - 2);
        let label = font(11.0, FAINT).pos(Pos::new(HPos::Right, VPos::Center));
        block.draw_text(member, &label, (LEFT - 8, (top + bottom) / 2))?;
        for (from, to, state) in spans(changes, scale.phases.run()) {
            let (left, right) = (x_of(scale, from), x_of(scale, to));
            // At least a pixel: a short half-open time is what one looks for.
            let corners = [(left, top), (right.max(left + 1), bottom)];
            block.draw(&Rectangle::new(corners, state_color(state).filled()))?;
        }
    }
    Ok(())
}

/// From when to when the breaker was in which state, in seconds, up to the end of the run.
fn spans(changes: &[Change], run: Duration) -> Vec<(f64, f64, State)> {
    let ends = changes.iter().skip(1).map(|change| change.at).chain([run]);
    changes
        .iter()
        .zip(ends)
        .filter(|(change, _)| change.at < run)
        .map(|(change, end)| (change.at.as_secs_f64(), end.min(run).as_secs_f64(), change.state))
        .collect()
}

fn seconds_axis(block: &Area<'_>, scale: &Scale, y: i32) -> Result<(), BoxError> {
    let step = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0]
        .into_iter()
        .find(|step| scale.run() / step <= 12.0)
        .unwrap_or(100.0);
    let top = Pos::new(HPos::Center, VPos::Top);
    let mut tick = 0u32;
    while f64::from(tick) * step <= scale.run() + step / 100.0 {
        let seconds = f64::from(tick) * step;
        let x = x_of(scale, seconds);
        block.draw(&PathElement::new(vec![(x, y - 3), (x, y + 2)], FAINT.stroke_width(1)))?;
        let label = if step < 1.0 { format!("{seconds:.1} s") } else { format!("{seconds:.0} s") };
        block.draw_text(&label, &font(12.0, FAINT).pos(top), (x, y + 5))?;
        tick += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breakers_band_has_no_gap_and_ends_with_the_run() {
        let change =
            |(seconds, state)| Change { at: Duration::from_secs(seconds), state, why: None };
        let changes =
            [(0, State::Closed), (2, State::Open), (4, State::HalfOpen), (11, State::Closed)];
        let spans = spans(&changes.map(change), Duration::from_secs(10));
        assert_eq!(
            spans,
            [(0.0, 2.0, State::Closed), (2.0, 4.0, State::Open), (4.0, 10.0, State::HalfOpen)]
        );
    }

    #[test]
    fn what_is_told_can_hold_any_letter() {
        let svg = described("<svg a=\"b\"><rect/></svg>", "1 < 2 & so on");
        let read = roxmltree::Document::parse(&svg).expect("it is XML");
        let words = read.descendants().find(|node| node.has_tag_name("desc"));
        assert_eq!(words.and_then(|node| node.text()), Some("1 < 2 & so on"));
    }
}
