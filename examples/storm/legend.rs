//! What stands above the runs in the picture: what was done, and what the colours mean.

use std::time::Duration;

use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use seawall_circuit_breaker::State;
use seawall_core::BoxError;

use crate::{
    args::Args,
    defence::TIME_OUT,
    fleet::{NAMES, SICK},
    plot::{
        Area, COPY, FAINT, HELD, HOME, INK, LEFT, LOAD, LOST, NOISE, P50, P99, SUCCESS, bold, font,
        state_color,
    },
    pool,
    tenants::{NOISE as TIMES, Tenant},
};

/// Title, facts and legends, from the top of the picture.
pub(crate) fn header(root: &Area<'_>, args: &Args, tick: Duration) -> Result<(), BoxError> {
    let title = "The same storm seven times, without and with Seawall";
    root.draw_text(title, &bold(26.0, INK), (LEFT, 18))?;
    let whom = match &args.upstream {
        Some(url) => format!("{}, seen as {} members", clipped(&url.to_string()), NAMES.len()),
        None => format!("{} HTTP servers on the loopback", NAMES.len()),
    };
    let facts = format!(
        "{} calls/s of {} tenants at {whom}; one pool of {} connections; time-out {} s an attempt; seed {}.",
        args.rate,
        Tenant::COUNT,
        pool::size(args.rate),
        TIME_OUT.as_secs_f64(),
        args.seed,
    );
    root.draw_text(&facts, &font(14.0, FAINT), (LEFT, 52))?;
    let noisy = Tenant::NOISY.name();
    let how = format!(
        "In the end {noisy} sends {TIMES} times his share. Success and latency are of the other tenants, \
         where their calls were due, in steps of {} ms.",
        tick.as_millis(),
    );
    root.draw_text(&how, &font(14.0, FAINT), (LEFT, 73))?;
    let load = "Load: what reached the fleet, in times of the rate, and in red what the database cannot do.";
    root.draw_text(load, &font(14.0, FAINT), (LEFT, 94))?;
    legend(root, 128)?;
    legend_of_keys(root, 152)
}

/// A URL of any length, as much of it as a line has room for.
fn clipped(url: &str) -> String {
    const ROOM: usize = 36;
    if url.chars().count() <= ROOM {
        return url.to_owned();
    }
    url.chars().take(ROOM - 1).chain(['…']).collect()
}

fn legend(root: &Area<'_>, y: i32) -> Result<(), BoxError> {
    let entries = [
        (Mark::Line(SUCCESS), "success", 92),
        (Mark::Box(LOST), "failed", 78),
        (Mark::Line(NOISE), "noisy tenant's", 134),
        (Mark::Line(P50), "latency p50", 120),
        (Mark::Line(P99), "p99", 64),
        (Mark::Box(LOAD), "load", 66),
        (Mark::Box(HELD), "held by the sick member", 208),
        (Mark::Box(state_color(State::Closed)), "breaker closed", 142),
        (Mark::Box(state_color(State::Open)), "open", 72),
        (Mark::Box(state_color(State::HalfOpen)), "half-open", 90),
    ];
    row(root, (LEFT, y), &entries)
}

/// What is new enough to be told in words.
fn legend_of_keys(root: &Area<'_>, y: i32) -> Result<(), BoxError> {
    let words = format!("Keys: who answers for those that live at {}:", NAMES[SICK]);
    root.draw_text(&words, &font(14.0, INK).pos(LEFT_OF_TEXT), (LEFT, y))?;
    let entries = [
        (Mark::Box(HOME), NAMES[SICK], 120),
        (Mark::Box(COPY), "the member with the copy", 230),
        (Mark::Box(LOST), "nobody", 90),
    ];
    row(root, (LEFT + 384, y), &entries)
}

/// Marks with their names, side by side, each as wide as is said.
fn row(
    root: &Area<'_>,
    (mut x, y): (i32, i32),
    entries: &[(Mark, &str, i32)],
) -> Result<(), BoxError> {
    for &(mark, name, width) in entries {
        match mark {
            Mark::Line(color) => {
                let line = vec![(x, y), (x + 22, y)];
                root.draw(&PathElement::new(line, color.stroke_width(3)))?;
            }
            Mark::Box(color) => {
                root.draw(&Rectangle::new([(x, y - 7), (x + 22, y + 7)], color.filled()))?;
            }
        }
        root.draw_text(name, &font(14.0, INK).pos(LEFT_OF_TEXT), (x + 28, y))?;
        x += width;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Mark {
    Line(RGBColor),
    Box(RGBColor),
}

const LEFT_OF_TEXT: Pos = Pos { h_pos: HPos::Left, v_pos: VPos::Center };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_url_is_clipped() {
        assert_eq!(clipped("http://localhost/"), "http://localhost/");
        assert_eq!(clipped(&"ü".repeat(99)).chars().count(), 36);
    }
}
