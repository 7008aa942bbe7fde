//! One frame: where what stands. Drawn from the model alone.
//!
//! ```text
//!   jobs.db                                       ● working   reads only
//!   SCHEDULED    READY    HELD UP    LEASED    DONE    DEAD    how many
//!   in 124/s   ▁▂▃▅▇▅▃▂  │  out 118/s   ▁▂▃▅▇▅▃▂              how fast
//!   Running      who has which job, for how long, how far      panes.rs
//!   Dead letters which, and why                                panes.rs
//!   job 42       the selected one's payload, and why it failed last
//!   q quit  tab pane  ...          or a question, or an answer
//! ```

use ratatui::{
    Frame,
    layout::{Alignment, Constraint, Layout, Rect},
    style::{Color, Modifier, Style, Stylize},
    text::{Line, Span},
    widgets::{Block, Borders, Padding, Paragraph, Sparkline},
};

use crate::{
    model::{Look, Model, Pane},
    panes,
    text::{count, plain, rate, span},
};

pub(crate) const FAINT: Style = Style::new().fg(Color::DarkGray);

pub(crate) fn draw(frame: &mut Frame<'_>, model: &Model) {
    let height = frame.area().height;
    // As many rows as there are dead letters, and no more than two fifths of the tables' place.
    let rates_height = if height >= 30 { 5 } else { 3 };
    let tables = height.saturating_sub(8 + rates_height);
    let letters = model.jobs(Pane::Dead).len().min(usize::from(u16::MAX)) as u16;
    let dead = if height >= 20 { letters.saturating_add(3).min(tables * 2 / 5).max(4) } else { 0 };
    let [title, tiles, rates, running, letters, detail, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(4),
        Constraint::Length(rates_height),
        Constraint::Fill(1),
        Constraint::Length(dead),
        Constraint::Length(2),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    draw_title(frame, title, model);
    if let Some(look) = &model.look {
        draw_tiles(frame, tiles, look);
        draw_rates(frame, rates, model);
    }
    panes::draw_running(frame, running, model);
    panes::draw_dead(frame, letters, model);
    draw_detail(frame, detail, model);
    draw_keys(frame, keys, model);
}

fn draw_title(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let state = match &model.look {
        None => "◌ opening".yellow(),
        Some(look) if look.stats.paused => "‖ paused".yellow().bold(),
        Some(_) => "● working".green(),
    };
    let leave = if model.may_act { "may act " } else { "reads only " };
    let right = Line::from(vec![state, Span::raw("   "), Span::styled(leave, FAINT)]);
    let [left_area, right_area] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(right.width() as u16)])
            .areas(area);
    let name = Span::styled(plain(model.title.as_bytes()), Modifier::BOLD);
    let left = Line::from(vec![Span::styled(" queue_top  ", FAINT), name]);
    frame.render_widget(left, left_area);
    frame.render_widget(right, right_area);
}

/// How many are where, side by side, each with what it is and, where there is one, a word on time.
fn draw_tiles(frame: &mut Frame<'_>, area: Rect, look: &Look) {
    let stats = &look.stats;
    let next = stats.next_due.map(|due| format!("next {}", span(due)));
    let oldest = stats.oldest_ready.map(|age| format!("oldest {}", span(age)));
    let held_up = (stats.held_up > 0).then(|| "by keys".into());
    let mut workers: Vec<_> = look.leased.iter().filter_map(|job| job.worker.as_deref()).collect();
    workers.dedup(); // they are sorted by it
    let workers = match workers.len() {
        0 => None,
        1 => Some("by 1 worker".into()),
        several => Some(format!("by {several} workers")),
    };
    let red = if stats.dead > 0 { Color::Red } else { Color::Reset };
    let tiles = [
        ("scheduled", stats.scheduled, next, Color::Blue),
        ("ready", stats.ready, oldest, Color::Cyan),
        ("held up", stats.held_up, held_up, Color::Magenta),
        ("leased", stats.leased, workers, Color::Yellow),
        ("done, known", stats.done, None, Color::Green),
        ("dead", stats.dead, None, red),
    ];
    let block = Block::new().borders(Borders::BOTTOM).border_style(FAINT);
    let areas = Layout::horizontal([Constraint::Fill(1); 6]).split(block.inner(area));
    frame.render_widget(block, area);
    for ((name, number, note, color), &area) in tiles.into_iter().zip(areas.iter()) {
        let color = if number == 0 { Color::DarkGray } else { color };
        let lines = vec![
            Line::styled(format!(" {name}"), FAINT),
            Line::styled(format!(" {}", count(number as u64)), Style::new().fg(color).bold()),
            Line::styled(format!(" {}", note.unwrap_or_default()), FAINT),
        ];
        frame.render_widget(Paragraph::new(lines), area);
    }
}

/// In and out on one scale: the two are compared.
fn draw_rates(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
    let shown = model.rates.len().min(usize::from(left.width.saturating_sub(2)));
    let (into, out): (Vec<f64>, Vec<f64>) =
        model.rates.iter().map(|rates| (rates.into, rates.out)).unzip();
    let (into, out) = (&into[into.len() - shown..], &out[out.len() - shown..]);
    let highest = into.iter().chain(out).copied().fold(0.0, f64::max);
    let pushed = model.look.as_ref().map_or(0, |look| look.stats.pushed);
    let ever = Span::styled(format!(" · {} ever", count(pushed)), FAINT);
    let mut title = rate_title("in", Color::Cyan, into);
    title.push_span(ever);
    draw_curve(frame, left, title, Color::Cyan, into, highest);
    draw_curve(frame, right, rate_title("out", Color::Green, out), Color::Green, out, highest);
}

/// The rate of the last four looks: one look more or less of a busy moment is no news.
fn rate_title(name: &str, color: Color, rates: &[f64]) -> Line<'static> {
    let last = &rates[rates.len().saturating_sub(4)..];
    let now = last.iter().sum::<f64>() / last.len().max(1) as f64;
    Line::from(vec![
        Span::styled(format!(" {name} "), FAINT),
        Span::styled(rate(now), Style::new().fg(color).bold()),
    ])
}

fn draw_curve(
    frame: &mut Frame<'_>,
    area: Rect,
    title: Line<'_>,
    color: Color,
    rates: &[f64],
    highest: f64,
) {
    let hundredths = |rate: f64| (rate * 100.0) as u64; // a bar's height is a whole number
    let width = usize::from(area.width.saturating_sub(2));
    let rates = &rates[rates.len().saturating_sub(width)..];
    let mut heights = vec![0; width - rates.len()]; // now is at the right edge
    heights.extend(rates.iter().copied().map(hundredths));
    let curve = Sparkline::default()
        .block(Block::new().title(title).padding(Padding::horizontal(1)))
        .data(heights)
        .max(hundredths(highest).max(1))
        .style(color);
    frame.render_widget(curve, area);
}

/// What the selected job is to do, and why its last attempt failed.
fn draw_detail(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let Some(job) = model.selected() else { return };
    let name = format!(" job {} ", job.id);
    let payload = job.payload.as_deref().map_or_else(|| "forgotten".into(), plain);
    let mut lines = Vec::new();
    if let Some(error) = &job.error {
        let indent = Span::raw(" ".repeat(name.len()));
        lines.push(Line::from(vec![indent, Span::styled(plain(error.as_bytes()), Color::Red)]));
    }
    lines.insert(0, Line::from(vec![Span::styled(name, Modifier::BOLD), Span::raw(payload)]));
    frame.render_widget(Paragraph::new(lines), area);
}

fn draw_keys(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    if let Some(action) = model.asked {
        let question = format!(" {}  y: yes, any other key: no ", action.question());
        frame.render_widget(
            Line::styled(question, Style::new().fg(Color::Black).bg(Color::Yellow)),
            area,
        );
        return;
    }
    if let Some(error) = &model.error {
        let error = format!(" What is shown is old: {}", plain(error.as_bytes()));
        frame.render_widget(Line::styled(error, Color::Red), area);
        return;
    }
    if let Some(said) = &model.said {
        frame.render_widget(Line::styled(format!(" {said}"), Color::Yellow), area);
        return;
    }
    let own = match model.pane {
        Pane::Running => ("c", "cancel"),
        Pane::Dead => ("r", "requeue"),
    };
    let is_paused = model.look.as_ref().is_some_and(|look| look.stats.paused);
    let pause = ("p", if is_paused { "resume" } else { "pause" });
    let mut line = Line::default().alignment(Alignment::Left);
    for (key, what) in [("q", "quit"), ("tab", "other pane"), ("↑↓", "select"), pause, own] {
        line.push_span(Span::styled(format!(" {key} "), Style::new().bold()));
        line.push_span(Span::styled(format!("{what}  "), FAINT));
    }
    frame.render_widget(line, area);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use seawall_queue::{
        job::{Cause, JobId, State},
        storage::{JobInfo, Progress},
    };

    use super::*;
    use crate::{
        model::{
            Action,
            tests::{leased, look},
        },
        screen,
    };

    /// A queue at which something happens.
    fn model() -> Model {
        let mut model = Model::new("jobs.db", false);
        for second in 1..=9 {
            let mut look = look(second);
            look.stats.pushed = second * 120;
            look.stats.ready = 1_234;
            look.stats.held_up = 17;
            look.stats.oldest_ready = Some(Duration::from_secs(12));
            look.stats.leased = 2;
            look.stats.dead = 1;
            let mut job = leased(41, "ada", 2);
            job.lease_left = Duration::from_secs(20);
            job.progress = Some(Progress { done: 3, total: 4, note: "page 3".into() });
            let mut other = leased(42, "grace", 1);
            other.payload = Some(b"{\"photo\":7}".to_vec());
            look.leased = vec![job, other];
            let mut letter = JobInfo::new(JobId(7), State::Dead);
            letter.cause = Some(Cause::Refused);
            letter.error = Some("not a photo".into());
            letter.payload = Some(b"\x1b]0;mine\x07\x1b[2J".to_vec());
            look.dead = vec![letter];
            model.looked(look);
        }
        model
    }

    fn text(size: (u16, u16), model: &Model) -> String {
        screen::text(&screen::frame(size, model))
    }

    #[test]
    fn a_frame_says_how_many_how_fast_who_and_why() {
        let frame = text((80, 24), &model());

        let all = [
            "jobs.db",
            "● working",
            "reads only",
            "1 234",
            "17",
            "oldest 12 s",
            "in 120/s",
            "out 120/s",
            "1 080 ever",
            "by 2 workers",
            "ada",
            "> 8.0 s",
            "20 s",
            "75%",
            "page 3",
            "{\"photo\":7}",
            "refused",
            "not a photo",
            "quit",
        ];
        for part in all {
            assert!(frame.contains(part), "no `{part}` in\n{frame}");
        }
        assert_eq!(frame.lines().count(), 24);
    }

    #[test]
    fn a_hostile_payload_reaches_no_terminal() {
        let mut model = model();
        model.pane = Pane::Dead;

        let frame = screen::frame((80, 24), &model);

        assert!(frame.content().iter().all(|cell| !cell.symbol().contains(char::is_control)));
        let shown = screen::text(&frame);
        assert!(shown.contains(r"\u{1b}]0;mine\u{7}\u{1b}[2J"), "{shown}");
    }

    #[test]
    fn a_question_stands_where_the_keys_stood() {
        let mut model = model();
        model.asked = Some(Action::Requeue(JobId(7)));

        let frame = text((80, 24), &model);

        assert!(frame.contains("Bring dead letter 7 back"), "{frame}");
        assert!(!frame.contains("quit"), "{frame}");
    }

    #[test]
    fn what_is_old_is_said_to_be_old_and_still_shown() {
        let mut model = model();
        model.error = Some("the disk is gone".into());

        let frame = text((80, 24), &model);

        assert!(frame.contains("What is shown is old: the disk is gone"), "{frame}");
        assert!(frame.contains("1 234"), "{frame}");
    }

    #[test]
    fn any_size_can_be_drawn_and_an_empty_queue_too() {
        for width in [1, 20, 79, 150] {
            for height in [1, 5, 19, 40] {
                for model in [model(), Model::new("", true)] {
                    screen::frame((width, height), &model);
                }
            }
        }
    }
}
