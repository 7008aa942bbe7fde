//! A work queue, watched as `top` watches processes: how many jobs are where, how fast they come and go, who
//! works on which and how far, and what failed for good.
//!
//! ```text
//! cargo run --release --example queue_top                  # a queue with a load of its own
//! cargo run --release --example queue_top -- jobs.db       # one that others work on
//! cargo run --release --example queue_top -- jobs.db --act # and keys that may change something
//! cargo run --release --example queue_top -- jobs.db --once | less
//! ```
//!
//! It disturbs nobody: the file is opened to be read only, is not made where it is not there, and not brought
//! up to date where it is old. With `--act` a key asks first. What strangers wrote (payloads, errors, names)
//! is shown bounded, and without a character that a terminal would obey.
//!
//! | file | one idea |
//! |---|---|
//! | `main.rs` | the loop: look, draw, listen |
//! | `args.rs` | what may be asked for |
//! | `source.rs` | **where looks come from**, and what is done about an action |
//! | `model.rs` | **what is shown**, from two looks: pure |
//! | `keys.rs` | **what a key does**: nothing without leave and a yes |
//! | `view.rs`, `panes.rs` | one frame, its tables |
//! | `text.rs` | words of strangers, made harmless; numbers as people read them |
//! | `screen.rs` | the terminal, which is given back as it was |
//! | `demo.rs` | a load, where there is none |

#![forbid(unsafe_code)]

mod args;
mod demo;
mod keys;
mod model;
mod panes;
mod screen;
mod source;
mod text;
mod view;

use std::{
    io::{self, IsTerminal, Write},
    pin::pin,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use ratatui::crossterm::event::{Event, KeyEventKind};
use seawall_core::BoxError;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::{args::Args, demo::Demo, keys::Effect, model::Model, screen::Screen, source::Source};

/// How often `--once` looks: at a file twice, for a rate; at our own load often enough for a curve.
const LOOKS: usize = 2;
const LOOKS_AT_DEMO: usize = 12;

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("queue_top: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<(), BoxError> {
    if !args.once && !io::stdout().is_terminal() {
        return Err("this is no terminal: --once prints one frame".into());
    }
    let (path, _demo) = match &args.file {
        Some(path) => (path.clone(), None),
        None => {
            let demo = Demo::start().await?;
            (demo.path().to_owned(), Some(demo))
        }
    };
    let title = path.display().to_string();
    let mut source = Source::open(path)
        .await
        .map_err(|error| format!("{}: {error}", text::plain(title.as_bytes())))?;
    // Nobody else's work is in a queue of our own.
    let mut model = Model::new(title, args.act || args.file.is_none());
    let every = Duration::from_millis(args.every);
    if args.once {
        return once(args, &source, &mut model, every).await;
    }
    watch(&mut source, &mut model, every).await
}

async fn once(
    args: &Args,
    source: &Source,
    model: &mut Model,
    every: Duration,
) -> Result<(), BoxError> {
    for _ in 1..if args.file.is_some() { LOOKS } else { LOOKS_AT_DEMO } {
        model.looked(source.look().await?);
        sleep(every).await;
    }
    model.looked(source.look().await?);
    // Who reads it may have read enough: `head` closes the pipe.
    let frame = screen::text(&screen::frame(args.size, model));
    match io::stdout().write_all(frame.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

async fn watch(source: &mut Source, model: &mut Model, every: Duration) -> Result<(), BoxError> {
    let mut told_to_end = pin!(told_to_end());
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut screen = Screen::take()?;
    loop {
        screen.draw(model)?;
        tokio::select! {
            () = &mut told_to_end => return Ok(()),
            event = screen.event() => match event {
                Some(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                    match keys::press(model, key) {
                        Effect::Nothing => {}
                        Effect::Quit => return Ok(()),
                        Effect::Do(action) => {
                            let said = source.act(action).await;
                            model.said = Some(said.unwrap_or_else(|error| format!("Not done: {error}.")));
                            look(source, model).await;
                        }
                    }
                }
                Some(_) => {} // of another size, perhaps: it is drawn anew
                None => return Ok(()),
            },
            _ = ticks.tick() => look(source, model).await,
        }
    }
}

/// Looks; where that fails, what was seen before stays, and is said to be old.
async fn look(source: &Source, model: &mut Model) {
    match source.look().await {
        Ok(look) => model.looked(look),
        Err(error) => model.error = Some(error.to_string()),
    }
}

/// Ctrl-C is a key while the terminal is ours; from elsewhere it comes as a signal, as others do.
async fn told_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        if let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = kinds.map(signal) {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
