//! The pipeline while it runs: bars on a terminal, a line at each quarter where there is none.
//!
//! All of it is read from the queue, as anybody could who may open the file. It goes to stderr: stdout is for
//! the table.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    io::IsTerminal,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed}, // a figure that people look at
    },
    time::Duration,
};

use console::style;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use parking_lot::Mutex;
use seawall_queue::{
    Queue,
    job::State,
    storage::{JobInfo, Progress},
};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::album::Photo;

/// Often enough to look alive, seldom enough to cost nothing.
const LOOK: Duration = Duration::from_millis(100);

/// More than all workers together have, the dead one's too.
pub(crate) const LEASES: usize = 64;

/// Where the pipeline is shown. Clones are one.
#[derive(Clone)]
pub(crate) struct Stage {
    begun: Instant,
    bars: Option<MultiProgress>,
    accepted: Arc<AtomicU64>,
    /// Those that work, and how those ended that do not.
    workers: Arc<Mutex<BTreeMap<String, Option<String>>>>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self {
            begun: Instant::now(),
            bars: terminal.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr())),
            accepted: Arc::default(),
            workers: Arc::default(),
        }
    }

    /// Tells what happens once.
    pub(crate) fn say(&self, words: &str) {
        let line = format!("{:>5.1} s  {words}", self.begun.elapsed().as_secs_f64());
        match &self.bars {
            // Where nothing can be written there is nobody to tell.
            Some(bars) => drop(bars.println(line)),
            None => eprintln!("{line}"),
        }
    }

    /// One more photo was accepted.
    pub(crate) fn accepted(&self) {
        self.accepted.fetch_add(1, Relaxed);
    }

    pub(crate) fn works(&self, worker: &str) {
        self.workers.lock().insert(worker.to_owned(), None);
    }

    pub(crate) fn ended(&self, worker: &str, how: &str) {
        self.workers.lock().insert(worker.to_owned(), Some(how.to_owned()));
    }

    /// Shows how the queue stands, until it is dropped.
    pub(crate) async fn show(&self, queue: &Queue<Photo>, photos: u64) -> Infallible {
        let mut screen = match &self.bars {
            Some(bars) => Screen::Bars(Bars::new(bars, photos)),
            None => Screen::Lines { quarters: 0 },
        };
        let mut beat = interval(LOOK);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            // Who can't be asked now is asked again soon; the story itself tells what failed.
            let (Ok(stats), Ok(leased)) =
                (queue.stats().await, queue.list(State::Leased, LEASES, None).await)
            else {
                continue;
            };
            let accepted = self.accepted.load(Relaxed);
            let (done, waiting) = (stats.done as u64, stats.waiting());
            match &mut screen {
                Screen::Bars(bars) => bars.draw(self, accepted, done, waiting, &leased),
                Screen::Lines { quarters } if done * 4 / photos > *quarters => {
                    *quarters = done * 4 / photos;
                    self.say(&format!("{accepted} accepted, {done} done, {waiting} wait"));
                }
                Screen::Lines { .. } => {}
            }
        }
    }
}

enum Screen {
    Bars(Bars),
    Lines { quarters: u64 },
}

struct Bars {
    all: MultiProgress,
    uploads: ProgressBar,
    thumbnails: ProgressBar,
    workers: BTreeMap<String, ProgressBar>,
}

fn styled(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("the templates are constants, and indicatif takes them")
        .progress_chars("=> ")
}

impl Bars {
    fn new(all: &MultiProgress, photos: u64) -> Self {
        let bar = |name: &'static str| {
            let bar = all.add(ProgressBar::new(photos).with_prefix(name));
            bar.set_style(styled("{prefix:12.bold} [{bar:40.cyan/blue}] {pos:>5} of {len}  {msg}"));
            bar
        };
        let (uploads, thumbnails) = (bar("accepted"), bar("thumbnails"));
        Self { all: all.clone(), uploads, thumbnails, workers: BTreeMap::new() }
    }

    fn draw(
        &mut self,
        stage: &Stage,
        accepted: u64,
        done: u64,
        waiting: usize,
        leased: &[JobInfo<Photo>],
    ) {
        self.uploads.set_position(accepted);
        self.thumbnails.set_position(done);
        self.thumbnails.set_message(format!("{waiting} wait"));
        for (name, ended) in &*stage.workers.lock() {
            let line = self.workers.entry(name.clone()).or_insert_with(|| {
                let line = self.all.add(ProgressBar::no_length().with_prefix(name.clone()));
                line.set_style(styled("{prefix:12} {msg}"));
                line
            });
            line.set_message(match ended {
                Some(how) => style(how).red().to_string(),
                None => at(name, leased),
            });
        }
    }
}

/// What a worker is at.
fn at(name: &str, leased: &[JobInfo<Photo>]) -> String {
    let mine = leased.iter().filter(|job| job.worker.as_deref() == Some(name));
    let words = mine.map(|job| match &job.progress {
        Some(Progress { done, total, note }) => format!("photo {} {done}/{total} {note}", job.id),
        None => format!("photo {}", job.id),
    });
    words.collect::<Vec<_>>().join("   ")
}

impl Drop for Bars {
    /// The table says it all.
    fn drop(&mut self) {
        drop(self.all.clear());
    }
}
