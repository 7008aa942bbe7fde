//! What a key does: pure. Nothing is done to the queue that was not allowed, and confirmed.
//!
//! | key | |
//! |---|---|
//! | `q`, Ctrl-C, Esc | ends |
//! | Tab | from one pane to the other |
//! | arrows, `j`, `k` | another row |
//! | `p` | asks whether to pause, or to let go on |
//! | `c` | asks whether to cancel the selected job |
//! | `r` | asks whether to bring the selected dead letter back |
//! | `y` | the answer; any other key is a no |

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::model::{Action, Model, Pane};

/// What is to be done about a key, beyond the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Nothing,
    Quit,
    Do(Action),
}

pub(crate) fn press(model: &mut Model, key: KeyEvent) -> Effect {
    if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
        return Effect::Quit;
    }
    if let Some(action) = model.asked.take() {
        if key.code == KeyCode::Char('y') {
            return Effect::Do(action);
        }
        model.said = Some("Nothing was done.".into());
        return Effect::Nothing;
    }
    model.said = None;
    match key.code {
        KeyCode::Char('q') | KeyCode::Esc => return Effect::Quit,
        KeyCode::Tab | KeyCode::BackTab => {
            model.pane = if model.pane == Pane::Running { Pane::Dead } else { Pane::Running };
        }
        KeyCode::Down | KeyCode::Char('j') => model.select(1),
        KeyCode::Up | KeyCode::Char('k') => model.select(-1),
        KeyCode::PageDown => model.select(10),
        KeyCode::PageUp => model.select(-10),
        KeyCode::Char('p') => {
            let is_paused = model.look.as_ref().is_some_and(|look| look.stats.paused);
            ask(model, if is_paused { Action::Resume } else { Action::Pause });
        }
        KeyCode::Char('c') if model.pane == Pane::Running => {
            if let Some(job) = model.selected() {
                ask(model, Action::Cancel(job.id));
            }
        }
        KeyCode::Char('r') if model.pane == Pane::Dead => {
            if let Some(job) = model.selected() {
                ask(model, Action::Requeue(job.id));
            }
        }
        _ => {}
    }
    Effect::Nothing
}

fn ask(model: &mut Model, action: Action) {
    if model.may_act {
        model.asked = Some(action);
    } else {
        model.said = Some("It only reads. Start it with --act to change anything.".into());
    }
}

#[cfg(test)]
mod tests {
    use seawall_queue::job::JobId;

    use super::*;
    use crate::model::tests::{leased, look};

    fn keys(model: &mut Model, keys: &str) -> Effect {
        let code = |key| if key == '\t' { KeyCode::Tab } else { KeyCode::Char(key) };
        let mut last = Effect::Nothing;
        for key in keys.chars() {
            last = press(model, KeyEvent::from(code(key)));
        }
        last
    }

    fn model(may_act: bool) -> Model {
        let mut model = Model::new("jobs", may_act);
        let mut look = look(1);
        look.leased = vec![leased(1, "a", 1), leased(2, "a", 1)];
        look.dead = vec![leased(3, "b", 5)];
        model.looked(look);
        model
    }

    #[test]
    fn nothing_is_done_without_leave() {
        let mut model = model(false);

        for action in ["py", "cy", "\try"] {
            assert_eq!(keys(&mut model, action), Effect::Nothing, "{action}");
        }
        assert!(keys(&mut model, "p") == Effect::Nothing && model.asked.is_none());
        assert!(model.said.is_some_and(|said| said.contains("--act")));
    }

    #[test]
    fn nothing_is_done_without_a_yes() {
        let mut model = model(true);

        assert_eq!(keys(&mut model, "c"), Effect::Nothing);
        assert_eq!(model.asked, Some(Action::Cancel(JobId(1))));
        assert_eq!(keys(&mut model, "n"), Effect::Nothing);
        assert_eq!(keys(&mut model, "y"), Effect::Nothing, "too late");

        assert_eq!(keys(&mut model, "jcy"), Effect::Do(Action::Cancel(JobId(2))));
        assert_eq!(keys(&mut model, "py"), Effect::Do(Action::Pause));
        assert_eq!(keys(&mut model, "\tcy"), Effect::Nothing, "a dead letter runs nowhere");
        assert_eq!(keys(&mut model, "ry"), Effect::Do(Action::Requeue(JobId(3))));
    }

    #[test]
    fn what_was_asked_about_a_job_is_done_to_that_job() {
        let mut model = model(true);
        keys(&mut model, "c");

        let mut next = look(2);
        next.leased = vec![leased(2, "a", 1)];
        model.looked(next);

        assert_eq!(keys(&mut model, "y"), Effect::Do(Action::Cancel(JobId(1))));
    }

    #[test]
    fn who_wants_to_go_may_go_at_any_time() {
        let mut model = model(true);
        assert_eq!(keys(&mut model, "q"), Effect::Quit);
        keys(&mut model, "p");
        let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(press(&mut model, ctrl_c), Effect::Quit);
    }
}
