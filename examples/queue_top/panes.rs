//! The two tables: who works on what, and what failed for good.

use std::time::Duration;

use ratatui::{
    Frame,
    layout::{Alignment, Constraint, Rect},
    style::{Color, Style},
    text::{Line, Span, Text},
    widgets::{Block, BorderType, Cell, Row, Table, TableState},
};
use seawall_queue::storage::JobInfo;

use crate::{
    model::{Held, Model, Pane},
    text::{bar, count, plain, span},
    view::FAINT,
};

/// How many cells a bar has.
const BAR: u16 = 12;

pub(crate) fn draw_running(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let rows = model.jobs(Pane::Running).iter().map(|job| {
        let held = match model.held(job.id) {
            Some(Held::For(Duration::ZERO)) => "new".into(),
            Some(Held::For(time)) => span(time),
            Some(Held::AtLeast(time)) => format!("> {}", span(time)),
            None => String::new(),
        };
        let left = match job.lease_left.is_zero() {
            true => Text::styled("over", Color::Red),
            false => Text::raw(span(job.lease_left)),
        };
        // What the handler says about it; or what it is to do, where it says nothing.
        let note = job.progress.as_ref().map(|progress| plain(progress.note.as_bytes()));
        let what = match note.filter(|note| !note.is_empty()) {
            Some(note) => Cell::from(note),
            None => Cell::from(job.payload.as_deref().map(plain).unwrap_or_default()).style(FAINT),
        };
        Row::new([
            right(job.id.to_string()),
            Cell::from(job.worker.as_ref().map_or_else(String::new, |name| plain(name.as_bytes()))),
            right(job.counts.attempts.to_string()),
            right(held),
            Cell::from(left.alignment(Alignment::Right)),
            Cell::from(progress(job)),
            what,
        ])
    });
    let table = Table::new(
        rows,
        [
            Constraint::Length(8),
            Constraint::Length(12),
            Constraint::Length(3),
            Constraint::Length(8),
            Constraint::Length(7),
            Constraint::Length(BAR + 5),
            Constraint::Min(4),
        ],
    )
    .header(header(["job", "worker", "try", "held", "lease", "progress", "what"], &[0, 2, 3, 4]));
    draw(frame, area, model, Pane::Running, table);
}

pub(crate) fn draw_dead(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let rows = model.jobs(Pane::Dead).iter().map(|job| {
        let reason = job.error.as_deref().unwrap_or_default();
        Row::new([
            right(job.id.to_string()),
            Cell::from(job.cause.map_or("", |cause| cause.as_str())).style(Color::Red),
            right(job.counts.attempts.to_string()),
            right(span(job.age)),
            Cell::from(plain(reason.as_bytes())),
        ])
    });
    let table = Table::new(
        rows,
        [
            Constraint::Length(8),
            Constraint::Length(12),
            Constraint::Length(3),
            Constraint::Length(8),
            Constraint::Min(4),
        ],
    )
    .header(header(["job", "cause", "try", "age", "reason"], &[0, 2, 3]));
    draw(frame, area, model, Pane::Dead, table);
}

/// A bar where it is known of how much, a number where it is not, and nothing where nothing was said.
fn progress(job: &JobInfo<Vec<u8>>) -> Line<'static> {
    match &job.progress {
        None => Line::default(),
        Some(progress) if progress.total == 0 => Line::raw(count(progress.done)),
        Some(progress) => {
            let hundredths =
                u128::from(progress.done.min(progress.total)) * 100 / u128::from(progress.total);
            let (done, rest) = bar(progress.done, progress.total, BAR);
            Line::from(vec![
                Span::styled(done, Color::Green),
                Span::styled(rest, FAINT),
                Span::raw(format!("{hundredths:>4}%")),
            ])
        }
    }
}

fn right(text: String) -> Cell<'static> {
    Cell::from(Text::raw(text).alignment(Alignment::Right))
}

fn header<const N: usize>(names: [&'static str; N], to_the_right: &[usize]) -> Row<'static> {
    let cells = names.into_iter().enumerate().map(|(at, name)| {
        let at_right = to_the_right.contains(&at);
        let alignment = if at_right { Alignment::Right } else { Alignment::Left };
        Cell::from(Text::raw(name).alignment(alignment))
    });
    Row::new(cells).style(FAINT)
}

fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model, pane: Pane, table: Table<'_>) {
    let is_here = model.pane == pane;
    let (name, known) = match (pane, &model.look) {
        (_, None) => return,
        (Pane::Running, Some(look)) => ("Running", look.stats.leased),
        (Pane::Dead, Some(look)) => ("Dead letters", look.stats.dead),
    };
    let shown = model.jobs(pane).len();
    let mut title = format!(" {name} ");
    if known > shown {
        title.push_str(&format!("· the youngest {shown} of {} ", count(known as u64)));
    }
    let edge = if is_here { Style::new().fg(Color::Cyan) } else { FAINT };
    let title_style = if is_here { edge.bold() } else { FAINT };
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(edge)
        .title(Span::styled(title, title_style));
    let mut state = TableState::new().with_selected(if is_here { model.row(pane) } else { None });
    let table = table
        .block(block)
        .column_spacing(1)
        .row_highlight_style(Style::new().bg(Color::Indexed(237)).bold());
    frame.render_stateful_widget(table, area, &mut state);
}
