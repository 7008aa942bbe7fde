//! The terminal: taken, drawn on, and given back as it was, however the program ends.
//!
//! | it ends by | given back by |
//! |---|---|
//! | `q`, an error, SIGTERM, Ctrl-C | `Drop` |
//! | a panic | the panic hook that `ratatui::try_init` sets, before the message |
//!
//! And a frame without a terminal, as text.

use std::{io, thread, time::Duration};

use ratatui::{
    DefaultTerminal, Terminal,
    backend::TestBackend,
    buffer::Buffer,
    crossterm::event::{self, Event},
    text::Span,
};
use tokio::sync::mpsc;

use crate::{model::Model, view};

pub(crate) struct Screen {
    terminal: DefaultTerminal,
    events: mpsc::Receiver<Event>,
}

impl Screen {
    pub(crate) fn take() -> io::Result<Self> {
        let terminal = ratatui::try_init()?;
        let (sender, events) = mpsc::channel(64);
        // A terminal is read by waiting for it, so somebody must: a thread, which ends soon after us.
        thread::spawn(move || {
            while !sender.is_closed() {
                match event::poll(Duration::from_millis(100))
                    .and_then(|is_there| if is_there { event::read().map(Some) } else { Ok(None) })
                {
                    Ok(Some(event)) => drop(sender.blocking_send(event)),
                    Ok(None) => {}
                    Err(_) => break, // the terminal is gone
                }
            }
        });
        Ok(Self { terminal, events })
    }

    pub(crate) fn draw(&mut self, model: &Model) -> io::Result<()> {
        self.terminal.draw(|frame| view::draw(frame, model)).map(drop)
    }

    /// What somebody did at the terminal; `None` where there is none any more.
    pub(crate) async fn event(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// A frame as it would stand on a screen of this size.
pub(crate) fn frame((width, height): (u16, u16), model: &Model) -> Buffer {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(width, height));
    let Ok(_) = terminal.draw(|frame| view::draw(frame, model));
    terminal.backend().buffer().clone()
}

/// Its text, without colours and without blanks at the ends of lines.
pub(crate) fn text(frame: &Buffer) -> String {
    let mut text = String::new();
    for row in frame.content().chunks(usize::from(frame.area.width.max(1))) {
        let mut line = String::new();
        let mut covered = 0; // a wide character stands in the cell after it, too
        for cell in row {
            if covered > 0 {
                covered -= 1;
                continue;
            }
            line.push_str(cell.symbol());
            covered = Span::raw(cell.symbol()).width().saturating_sub(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
