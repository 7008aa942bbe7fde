//! The storm while it runs: bars on a terminal, one plain line a second where there is none.
//!
//! All goes to stderr: stdout is for the table.

use std::{io::IsTerminal, time::Duration};

use console::style;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use seawall_circuit_breaker::State;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{
    client::Client,
    defence::Defence,
    fleet::{NAMES, SICK},
    phases::{Phase, Phases},
    recorder::{Glance, Recorder},
    report::{duration, share},
};

/// Often enough to look alive, seldom enough to cost nothing.
const REDRAW: Duration = Duration::from_millis(100);
const LINE: Duration = Duration::from_secs(1);

/// Where the runs are shown.
pub(crate) struct Stage {
    bars: Option<MultiProgress>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self {
            bars: terminal.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr())),
        }
    }

    /// Tells what is shown in no bars.
    pub(crate) fn say(&self, words: &str) {
        match &self.bars {
            // Where nothing can be written there is nobody to tell.
            Some(bars) => drop(bars.println(words)),
            None => eprintln!("{words}"),
        }
    }

    /// Shows a run until it is dropped.
    pub(crate) async fn show(
        &self,
        defence: Defence,
        phases: Phases,
        start: Instant,
        client: &Client,
        recorder: &Recorder,
    ) {
        let bars = self.bars.as_ref().map(|bars| Bars::new(bars, defence, phases));
        let mut beat = interval(if bars.is_some() { REDRAW } else { LINE });
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            beat.tick().await;
            let now = start.elapsed();
            let view = View {
                now,
                phase: phases.at(now),
                glance: recorder.glance(now),
                states: client.guards.iter().map(|guard| guard.breaker.state()).collect(),
            };
            match &bars {
                Some(bars) => bars.draw(&view),
                None if now < LINE / 2 => {} // nothing has been answered yet
                None => eprintln!("{defence:<15}{}", view.line()),
            }
        }
    }
}

impl Drop for Stage {
    /// What is written next begins on a line of its own.
    fn drop(&mut self) {
        if self.bars.is_some() {
            eprintln!();
        }
    }
}

/// One moment of a run.
struct View {
    now: Duration,
    phase: Phase,
    glance: Glance,
    /// Of each member's breaker; none where there is none.
    states: Vec<State>,
}

impl View {
    fn line(&self) -> String {
        format!(
            "{:>5.1} s  {:<7} {}  {}",
            self.now.as_secs_f64(),
            self.phase,
            self.figures(),
            self.members(false),
        )
    }

    fn figures(&self) -> String {
        let recent = &self.glance.recent;
        format!(
            "success {:>7}  p50 {:>7}  p99 {:>7}  in flight {:>3}",
            share(recent.success()),
            duration(recent.latency(0.5)),
            duration(recent.latency(0.99)),
            self.glance.in_flight,
        )
    }

    /// Each member with its breaker's state, or, where there are none, with how it fares.
    fn members(&self, coloured: bool) -> String {
        let member = |(index, name): (usize, &&str)| {
            let word = match self.states.get(index) {
                Some(&state) => state.to_string(),
                None if index == SICK && self.phase.is_sick() => self.phase.to_string(),
                None => "well".into(),
            };
            let painted = match self.states.get(index) {
                _ if !coloured => word,
                Some(State::Closed) => style(word).green().to_string(),
                Some(State::Open | State::ForcedOpen) => style(word).red().to_string(),
                Some(_) => style(word).yellow().to_string(),
                None if word == "well" => style(word).dim().to_string(),
                None => style(word).red().to_string(),
            };
            format!("{name} {painted}")
        };
        NAMES.iter().enumerate().map(member).collect::<Vec<_>>().join("  ")
    }
}

struct Bars {
    time: ProgressBar,
    figures: ProgressBar,
    members: ProgressBar,
}

impl Bars {
    fn new(bars: &MultiProgress, defence: Defence, phases: Phases) -> Self {
        let styled = |template: &str| {
            ProgressStyle::with_template(template)
                .expect("the templates are constants, and indicatif takes them")
                .progress_chars("=> ")
        };
        let millis = phases.run().as_millis() as u64;
        let time = bars.add(ProgressBar::new(millis));
        time.set_style(styled("{prefix:14.bold} [{bar:40.cyan/blue}] {msg}"));
        time.set_prefix(defence.to_string());
        let line = || {
            let line = bars.add(ProgressBar::no_length());
            line.set_style(styled("               {msg}"));
            line
        };
        Self { time, figures: line(), members: line() }
    }

    fn draw(&self, view: &View) {
        self.time.set_position(view.now.as_millis() as u64);
        let phase = style(view.phase.what());
        let phase = if view.phase.is_trouble() { phase.red() } else { phase.green() };
        let clock = format!("{:>4.1} s  {phase}", view.now.as_secs_f64());
        self.time.set_message(clock);
        self.figures.set_message(view.figures());
        self.members.set_message(view.members(true));
    }
}

impl Drop for Bars {
    /// The last picture stays on the screen, above the next run.
    fn drop(&mut self) {
        self.time.abandon();
        self.figures.abandon();
        self.members.abandon();
    }
}
