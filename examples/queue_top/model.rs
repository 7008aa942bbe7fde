//! What is shown, and how it follows from two looks and a key: pure, no queue and no terminal.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use seawall_queue::{
    job::JobId,
    storage::{JobInfo, Stats},
};

/// How many rates are kept: as many as a wide terminal has columns.
const RATES: usize = 500;

/// What a queue was at a moment.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// Since the program began.
    pub(crate) at: Duration,
    pub(crate) stats: Stats,
    pub(crate) leased: Vec<JobInfo<Vec<u8>>>,
    pub(crate) dead: Vec<JobInfo<Vec<u8>>>,
}

/// How many jobs a second between two looks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rates {
    /// Came.
    pub(crate) into: f64,
    /// Were over, by being done or cancelled.
    pub(crate) out: f64,
}

impl Rates {
    /// What went in is counted by the queue. What went out is what is missing since then: how many are done
    /// would not tell, because done jobs are forgotten.
    pub(crate) fn between(before: &Look, after: &Look) -> Self {
        let seconds = after.at.saturating_sub(before.at).as_secs_f64().max(1e-3);
        let held =
            |look: &Look| (look.stats.waiting() + look.stats.leased + look.stats.dead) as u64;
        let into = after.stats.pushed.saturating_sub(before.stats.pushed);
        let out = (into + held(before)).saturating_sub(held(after));
        Self { into: into as f64 / seconds, out: out as f64 / seconds }
    }
}

/// What the arrows move in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pane {
    #[default]
    Running,
    Dead,
}

/// What a key asks for, and a person must confirm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Pause,
    Resume,
    Cancel(JobId),
    Requeue(JobId),
}

impl Action {
    pub(crate) fn question(self) -> String {
        match self {
            Self::Pause => "Pause the queue, for everybody who works on it?".into(),
            Self::Resume => "Let the queue go on?".into(),
            Self::Cancel(id) => format!("Cancel job {id}, and have its worker stop it?"),
            Self::Requeue(id) => format!("Bring dead letter {id} back, with all of its attempts?"),
        }
    }
}

/// A claim, as far as it can be told from others by who only looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    attempt: (u32, u32),
    since: Duration,
    /// It was there before us, so it is older than that.
    at_first: bool,
}

/// For how long somebody has had a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    For(Duration),
    /// It was there when we came.
    AtLeast(Duration),
}

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) title: String,
    pub(crate) may_act: bool,
    pub(crate) look: Option<Look>,
    pub(crate) rates: VecDeque<Rates>,
    pub(crate) pane: Pane,
    /// What waits for a yes.
    pub(crate) asked: Option<Action>,
    /// What became of the last one.
    pub(crate) said: Option<String>,
    /// Why the last look failed: what is shown is older then.
    pub(crate) error: Option<String>,
    selected: [Option<JobId>; 2],
    seen: HashMap<JobId, Seen>,
}

impl Model {
    pub(crate) fn new(title: impl Into<String>, may_act: bool) -> Self {
        Self {
            title: title.into(),
            may_act,
            look: None,
            rates: VecDeque::new(),
            pane: Pane::default(),
            asked: None,
            said: None,
            error: None,
            selected: [None; 2],
            seen: HashMap::new(),
        }
    }

    /// Takes a new look. Rows stay where they are while their jobs do: by worker, and by age.
    pub(crate) fn looked(&mut self, mut look: Look) {
        look.leased.sort_by(|one, other| {
            (one.worker.as_deref(), one.id).cmp(&(other.worker.as_deref(), other.id))
        });
        if let Some(before) = &self.look {
            self.rates.push_back(Rates::between(before, &look));
            if self.rates.len() > RATES {
                self.rates.pop_front();
            }
        }
        self.seen = look.leased.iter().map(|job| (job.id, self.see(job, look.at))).collect();
        self.error = None;
        self.look = Some(look);
    }

    fn see(&self, job: &JobInfo<Vec<u8>>, now: Duration) -> Seen {
        // Snoozes give attempts back, so only the two together grow with each claim.
        let attempt = (job.counts.attempts, job.counts.snoozes);
        match self.seen.get(&job.id) {
            Some(seen) if seen.attempt == attempt => *seen,
            _ => Seen { attempt, since: now, at_first: self.look.is_none() },
        }
    }

    pub(crate) fn held(&self, id: JobId) -> Option<Held> {
        let (seen, look) = (self.seen.get(&id)?, self.look.as_ref()?);
        let time = look.at.saturating_sub(seen.since);
        Some(if seen.at_first { Held::AtLeast(time) } else { Held::For(time) })
    }

    pub(crate) fn jobs(&self, pane: Pane) -> &[JobInfo<Vec<u8>>] {
        let Some(look) = &self.look else { return &[] };
        match pane {
            Pane::Running => &look.leased,
            Pane::Dead => &look.dead,
        }
    }

    /// Which row of a pane is selected: the job's that was, wherever it is now; the first, where that is gone.
    pub(crate) fn row(&self, pane: Pane) -> Option<usize> {
        let jobs = self.jobs(pane);
        let at = |id| jobs.iter().position(|job| job.id == id);
        self.selected[pane as usize].and_then(at).or_else(|| (!jobs.is_empty()).then_some(0))
    }

    /// The job that keys are about.
    pub(crate) fn selected(&self) -> Option<&JobInfo<Vec<u8>>> {
        self.jobs(self.pane).get(self.row(self.pane)?)
    }

    /// Moves the selection by some rows, as far as there are any.
    pub(crate) fn select(&mut self, rows: isize) {
        let Some(row) = self.row(self.pane) else { return };
        let jobs = self.jobs(self.pane);
        let row = row.saturating_add_signed(rows).min(jobs.len() - 1);
        self.selected[self.pane as usize] = Some(jobs[row].id);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use seawall_queue::job::State;

    use super::*;

    pub(crate) fn look(seconds: u64) -> Look {
        Look {
            at: Duration::from_secs(seconds),
            stats: Stats::default(),
            leased: Vec::new(),
            dead: Vec::new(),
        }
    }

    pub(crate) fn leased(id: u64, worker: &str, attempts: u32) -> JobInfo<Vec<u8>> {
        let mut job = JobInfo::new(JobId(id), State::Leased);
        job.worker = Some(worker.to_owned().into());
        job.counts.attempts = attempts;
        job
    }

    #[test]
    fn what_went_out_is_counted_though_done_jobs_are_forgotten() {
        let (mut before, mut after) = (look(10), look(12));
        (before.stats.pushed, before.stats.ready, before.stats.done) = (5_000, 40, 1_000);
        (after.stats.pushed, after.stats.ready, after.stats.done) = (5_100, 10, 1_000);
        after.stats.leased = 6;
        after.stats.dead = 4;

        let rates = Rates::between(&before, &after);

        // 100 came, and 20 fewer are there or dead.
        assert_eq!(rates, Rates { into: 50.0, out: 60.0 });
    }

    #[test]
    fn a_queue_that_was_emptied_by_hand_has_no_rate_below_zero() {
        let (mut before, mut after) = (look(1), look(1));
        (before.stats.pushed, after.stats.pushed, after.stats.dead) = (9, 3, 70);

        assert_eq!(Rates::between(&before, &after), Rates::default());
    }

    #[test]
    fn a_job_is_held_since_it_was_seen_and_longer_if_it_was_there_before() {
        let mut model = Model::new("jobs", false);
        let mut first = look(5);
        first.leased = vec![leased(1, "a", 1)];
        model.looked(first);
        let mut second = look(8);
        second.leased = vec![leased(1, "a", 1), leased(2, "a", 1)];
        model.looked(second);
        let mut third = look(9);
        third.leased = vec![leased(1, "b", 2), leased(2, "a", 1)];
        assert_eq!(model.held(JobId(1)), Some(Held::AtLeast(Duration::from_secs(3))));

        model.looked(third);

        assert_eq!(model.held(JobId(1)), Some(Held::For(Duration::ZERO)), "another claim");
        assert_eq!(model.held(JobId(2)), Some(Held::For(Duration::from_secs(1))));
        assert_eq!(model.held(JobId(3)), None);
    }

    #[test]
    fn the_selection_stays_with_its_job() {
        let mut model = Model::new("jobs", false);
        model.select(1); // of nothing
        assert!(model.selected().is_none());
        let mut before = look(1);
        before.leased = vec![leased(1, "a", 1), leased(2, "a", 1), leased(3, "b", 1)];
        model.looked(before);
        model.select(99);
        assert_eq!(model.selected().map(|job| job.id), Some(JobId(3)));

        let mut after = look(2);
        after.leased = vec![leased(3, "b", 1), leased(4, "a", 1), leased(2, "a", 1)];
        model.looked(after);

        assert_eq!(
            model.jobs(Pane::Running).iter().map(|job| job.id.0).collect::<Vec<_>>(),
            [2, 4, 3]
        );
        assert_eq!(model.row(Pane::Running), Some(2));
        model.looked(look(3));
        assert_eq!(model.row(Pane::Running), None);
    }
}
