//! One side of an act's picture: the same scenes on the left and on the right, and what differs in between.

use std::{ops::Range, time::Duration};

use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use seawall_core::BoxError;

use crate::{
    plot::{
        Area, FAINT, INK, LEFT, LOST, P99, RIGHT, SUCCESS, WIDTH, bold, centered, font, mesh, steps,
    },
    tally::Series,
};

/// The width of a side, its scale at the left included, and where the right one begins.
const WIDE: u32 = (WIDTH - RIGHT as u32 - GAP) / 2;
const GAP: u32 = 24;

const NAMES_AT: i32 = 92;

/// The first panel, from the top of the block.
pub(crate) const SUCCESS_AT: (i32, u32) = (102, 70);

/// What colours a time in which all is well; one that something has just befallen; one of trouble.
pub(crate) const WELL: RGBColor = RGBColor(0xf5, 0xf7, 0xf9);
pub(crate) const STRAINED: RGBColor = RGBColor(0xff, 0xf1, 0xd0);
pub(crate) const DOWN: RGBColor = RGBColor(0xfb, 0xe4, 0xe4);

/// A time of the act, as it is drawn.
pub(crate) struct Shade {
    pub(crate) span: Range<Duration>,
    pub(crate) what: &'static str,
    pub(crate) is_trouble: bool,
    pub(crate) color: RGBColor,
}

/// One of the two, with its scale of time.
pub(crate) struct Side<'a> {
    area: Area<'a>,
    length: Duration,
    shades: Vec<Shade>,
}

impl<'a> Side<'a> {
    /// The `nth` side of a block of this height.
    pub(crate) fn new(
        block: &Area<'a>,
        nth: i32,
        height: i32,
        length: Duration,
        shades: Vec<Shade>,
    ) -> Self {
        let left = nth * (WIDE + GAP) as i32;
        let area = block.clone().shrink((left, 0), (WIDE, height as u32));
        Self { area, length, shades }
    }

    /// Its name, what it comes to, and what is going on when.
    pub(crate) fn head(&self, name: &str, figures: &str) -> Result<(), BoxError> {
        self.area.draw_text(name, &bold(16.0, INK), (LEFT, 62))?;
        let right = Pos::new(HPos::Right, VPos::Top);
        self.area.draw_text(figures, &font(14.0, FAINT).pos(right), (WIDE as i32, 64))?;
        for Shade { span, what, is_trouble, .. } in &self.shades {
            let style = centered(&font(12.0, if *is_trouble { P99 } else { FAINT }));
            let middle = (span.start + span.end) / 2;
            self.area.draw_text(what, &style, (self.x_of(middle.as_secs_f64()), NAMES_AT))?;
        }
        Ok(())
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.length.as_secs_f64()
    }

    /// The pixel of a time, from the side's left edge.
    fn x_of(&self, seconds: f64) -> i32 {
        let width = f64::from(WIDE as i32 - LEFT);
        LEFT + (seconds / self.seconds() * width).round() as i32
    }

    /// A strip, with what it shows upright at its left edge.
    pub(crate) fn panel(
        &self,
        name: &str,
        (top, height): (i32, u32),
    ) -> Result<Area<'a>, BoxError> {
        let style = centered(&font(13.0, FAINT)).transform(FontTransform::Rotate270);
        self.area.draw_text(name, &style, (20, top + height as i32 / 2))?;
        Ok(self.area.clone().shrink((0, top), (WIDE, height)))
    }

    /// The scenes behind a panel that reaches from `low` to `high`.
    pub(crate) fn shades(
        &self,
        low: f64,
        high: f64,
    ) -> impl Iterator<Item = Rectangle<(f64, f64)>> + use<'_, 'a> {
        self.shades.iter().map(move |Shade { span, color, .. }| {
            let corners = [(span.start.as_secs_f64(), low), (span.end.as_secs_f64(), high)];
            Rectangle::new(corners, color.filled())
        })
    }

    /// The panel that both acts have: the share of the calls that were answered well.
    pub(crate) fn draw_success(&self, series: &Series) -> Result<(), BoxError> {
        let area = self.panel("success", SUCCESS_AT)?;
        let mut chart = ChartBuilder::on(&area)
            .set_label_area_size(LabelAreaPosition::Left, LEFT)
            .build_cartesian_2d(0.0..self.seconds(), 0.0..104.0)?;
        chart.draw_series(self.shades(0.0, 104.0))?;
        mesh(&mut chart, &|percent| format!("{percent:.0} %"), 3)?;
        let share = steps(series, |tally| tally.success().map(|share| share * 100.0));
        chart.draw_series(AreaSeries::new(share.iter().copied(), 100.0, LOST))?;
        chart.draw_series(LineSeries::new(share, SUCCESS.stroke_width(2)))?;
        Ok(())
    }

    /// The seconds, below the last panel.
    pub(crate) fn draw_seconds(&self, (top, height): (i32, u32)) -> Result<(), BoxError> {
        let style = font(12.0, FAINT).pos(Pos::new(HPos::Center, VPos::Top));
        for quarter in 0..=4u32 {
            let seconds = (self.length * quarter / 4).as_secs_f64();
            let (x, y) = (self.x_of(seconds), top + height as i32 + 3);
            let mark = vec![(x, y - 3), (x, y + 2)];
            self.area.draw(&PathElement::new(mark, FAINT.stroke_width(1)))?;
            self.area.draw_text(&format!("{seconds} s"), &style, (x, y + 5))?;
        }
        Ok(())
    }
}
