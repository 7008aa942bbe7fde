//! A migration as the map knows it: the way of each slot, and where the slot is on it.
//!
//! The one who moves and those who merely route by it hold the same: what they are told, as a [`Step`] or as a
//! whole [`MigrationSpec`], makes the same words in each of them.

use std::{ops::Range, sync::Arc};

use seawall_core::ConfigError;

use crate::{
    PlacementSpec, Topology,
    migration::{
        MigrationSpec, Step, Stretch,
        path::{Path, Stop},
        spec::FORMAT,
    },
    word::Word,
};

/// The words that a migration leads from and to: the same as long as it runs.
#[derive(Debug)]
pub(crate) struct Ways {
    pub(crate) before: Vec<Word>,
    pub(crate) after: Vec<Word>,
}

impl Ways {
    pub(crate) fn path(&self, slot: usize) -> Path {
        Path::between(self.before[slot], self.after[slot])
    }

    /// Whether two slots go the same way.
    pub(crate) fn are_one(&self, slot: usize, other: usize) -> bool {
        self.before[slot] == self.before[other] && self.after[slot] == self.after[other]
    }

    /// Where a slot is when its migration ends.
    pub(crate) fn goal(&self, slot: usize, back: bool) -> u8 {
        if back { 0 } else { self.path(slot).legs() }
    }

    fn is_at_goal(&self, slot: usize, at: Stop, back: bool) -> bool {
        at.phase.is_none() && at.legs == self.goal(slot, back)
    }
}

/// Where slots are to get.
pub(crate) type Stops = Vec<(Range<usize>, Stop)>;

/// All slots on their ways.
#[derive(Debug)]
pub(crate) struct Course {
    from: PlacementSpec,
    pub(crate) to: Topology,
    pub(crate) ways: Arc<Ways>,
    at: Vec<Stop>,
    back: bool,
    /// How many slots are not where they are to be.
    away: usize,
}

impl Course {
    pub(crate) fn new(from: PlacementSpec, to: Topology, ways: Ways) -> Self {
        let at = vec![Stop::at(0); ways.before.len()];
        let mut course = Self { from, to, ways: Arc::new(ways), at, back: false, away: 0 };
        course.count();
        course
    }

    pub(crate) const fn goes_back(&self) -> bool {
        self.back
    }

    pub(crate) const fn is_over(&self) -> bool {
        self.away == 0
    }

    pub(crate) fn at(&self, slot: usize) -> Stop {
        self.at[slot]
    }

    pub(crate) const fn from(&self) -> &PlacementSpec {
        &self.from
    }

    fn count(&mut self) {
        let away = |(slot, at): &(usize, &Stop)| !self.ways.is_at_goal(*slot, **at, self.back);
        self.away = self.at.iter().enumerate().filter(away).count();
    }

    /// The stops that a step names, checked, in the words that they are.
    pub(crate) fn turns(&self, step: &Step) -> Result<Stops, ConfigError> {
        let turns = step.turns.iter().map(|turn| self.check(turn.first as usize, &turn.to));
        turns.collect()
    }

    /// The same of a whole spec.
    pub(crate) fn stops(&self, spec: &MigrationSpec) -> Result<Stops, ConfigError> {
        let mut first = 0;
        let mut stops = Vec::with_capacity(spec.slots.len());
        for stretch in &spec.slots {
            let stop = self.check(first, stretch)?;
            first = stop.0.end;
            stops.push(stop);
        }
        if first != self.at.len() {
            return Err(ConfigError::new("slots", first, format!("{}", self.at.len())));
        }
        Ok(stops)
    }

    fn check(&self, first: usize, to: &Stretch) -> Result<(Range<usize>, Stop), ConfigError> {
        let range = first..first.saturating_add(to.slots as usize);
        if range.end > self.at.len() {
            return Err(ConfigError::new("slots", range.end, format!("{}", self.at.len())));
        }
        let stop = Stop { legs: to.legs, back: to.back, phase: to.phase };
        if let Some(slot) = range.clone().find(|&slot| !stop.is_on(&self.ways.path(slot))) {
            let value = format!("leg {} of slot {slot}", to.legs);
            return Err(ConfigError::new("slots.legs", value, "a place on the slot's way"));
        }
        Ok((range, stop))
    }

    /// Moves the slots to their stops; `store` is told each word that is another one.
    pub(crate) fn turn(&mut self, stops: Stops, back: bool, mut store: impl FnMut(usize, Word)) {
        for (slot, stop) in
            stops.into_iter().flat_map(|(range, stop)| range.map(move |slot| (slot, stop)))
        {
            let was = self.at[slot];
            if was != stop {
                self.away -= usize::from(!self.ways.is_at_goal(slot, was, self.back));
                self.away += usize::from(!self.ways.is_at_goal(slot, stop, self.back));
                self.at[slot] = stop;
                store(slot, stop.word(&self.ways.path(slot)));
            }
        }
        if back != self.back {
            self.back = back;
            self.count();
        }
    }

    /// What another process goes on from, but for the cursors, which the mover has.
    pub(crate) fn spec(&self, epoch: u64) -> MigrationSpec {
        let stretch = |at: &[Stop]| Stretch {
            slots: at.len() as u32,
            legs: at[0].legs,
            back: at[0].back,
            phase: at[0].phase,
            cursor: None,
        };
        MigrationSpec {
            format: FORMAT,
            epoch,
            from: self.from.clone(),
            to: self.to.nodes().to_vec(),
            back: self.back,
            slots: self.at.chunk_by(|a, b| a == b).map(stretch).collect(),
        }
    }
}
