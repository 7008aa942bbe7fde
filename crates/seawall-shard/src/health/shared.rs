//! What the clones of a health and its run share.

use seawall_core::{
    Clock, Listeners, Name, Observe, Snapshot,
    sync::{
        Mutex, Stat,
        unmodelled::{AtomicBool, Ordering::Relaxed},
    },
};
use tokio::sync::Notify;

use super::{
    Cause, Config, Event, Turn, Watch,
    rounds::{Census, Rounds, Visit},
};

pub(crate) struct Shared<W> {
    pub(crate) name: Name,
    pub(crate) clock: Clock,
    pub(crate) config: Config,
    pub(crate) watched: W,
    pub(crate) rounds: Mutex<Rounds>,
    /// Held from the finding of marks to their end, so that two runs do not mark out of order. Nobody but a
    /// run takes it.
    marking: Mutex<()>,
    pub(crate) is_closed: AtomicBool,
    /// Told after `is_closed` is set.
    pub(crate) closed: Notify,
    listeners: Listeners<Event>,
    checks: Stat,
    failures: Stat,
    timeouts: Stat,
    panics: Stat,
}

impl<W> Shared<W> {
    pub(crate) fn new(
        name: Name,
        clock: Clock,
        config: Config,
        listeners: Listeners<Event>,
        watched: W,
    ) -> Self {
        Self {
            name,
            clock,
            rounds: Mutex::new(Rounds::new(config.clone())),
            config,
            watched,
            marking: Mutex::new(()),
            is_closed: AtomicBool::new(false),
            closed: Notify::new(),
            listeners,
            checks: Stat::default(),
            failures: Stat::default(),
            timeouts: Stat::default(),
            panics: Stat::default(),
        }
    }

    pub(crate) fn close(&self) {
        self.is_closed.store(true, Relaxed); // the notification is the edge
        self.closed.notify_waiters();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Relaxed)
    }

    /// A check has ended: counts it, and returns the turn that it made.
    pub(crate) fn finish(&self, visit: &Visit, result: Result<(), Cause>) -> Option<Turn> {
        self.checks.add(1);
        if let Err(cause) = &result {
            self.failures.add(1);
            match cause {
                Cause::TimedOut => self.timeouts.add(1),
                Cause::Panicked => self.panics.add(1),
                Cause::Failed(_) => {}
            }
        }
        self.rounds.lock().finish(visit, result, self.clock.now())
    }

    fn tell(&self, turn: Turn) {
        #[cfg(feature = "tracing")]
        tracing::info!(target: "seawall::health", name = self.name.as_str(), ?turn, "health turned");
        self.listeners.tell(|| Event { name: self.name.clone(), turn });
    }
}

impl<W: Watch> Shared<W> {
    /// Marks who is to be marked, and tells of it and of the turns that led to it.
    pub(crate) fn settle(&self, turns: Vec<Turn>) {
        let turn = {
            let _marking = self.marking.lock();
            let (marks, turn) = self.rounds.lock().marks();
            if !marks.is_empty() {
                self.watched.mark(&marks);
            }
            turn
        };
        turns.into_iter().chain(turn).for_each(|turn| self.tell(turn));
    }
}

impl<W: Send + Sync> Observe for Shared<W> {
    fn snapshot(&self) -> Snapshot {
        let Census { members, ill, unknown, running, in_panic } = self.rounds.lock().census();
        let state = match (in_panic, ill) {
            (true, _) => "panic",
            (false, 0) => "whole",
            (false, _) => "degraded",
        };
        Snapshot::new("health", self.name.as_str(), state)
            .gauge("members", members as f64)
            .gauge("ill", ill as f64)
            .gauge("unknown", unknown as f64)
            .gauge("running", f64::from(running))
            .counter("checks", self.checks.get())
            .counter("failures", self.failures.get())
            .counter("timeouts", self.timeouts.get())
            .counter("panics", self.panics.get())
            .limit("at_once", f64::from(self.config.at_once))
            .limit("panic_above", self.config.panic_above.as_f64())
    }
}
