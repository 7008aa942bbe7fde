//! What the clones of a split share.

use seawall_core::{
    ConfigError, Listeners, Name, Observe, Snapshot,
    sync::{Mutex, Stat},
};

use super::{
    Event, Part, PartView,
    builder::{MOST_TURNS, checked},
    sequence::sequence,
    turns::Turns,
};

pub(crate) struct Shared<T> {
    pub(crate) name: Name,
    pub(crate) parts: Box<[Part<T>]>,
    pub(crate) turns: Turns,
    control: Mutex<Control>,
    listeners: Listeners<Event>,
    changes: Stat,
}

struct Control {
    /// As they were set, and as the sequence is made of them.
    weights: Vec<u32>,
    sequence: Vec<u8>,
    start: u64,
    seed: u64,
}

impl<T> Shared<T> {
    pub(crate) fn new(
        name: Name,
        parts: Vec<(Name, u32, T)>,
        reduced: &[u32],
        seed: u64,
        listeners: Listeners<Event>,
    ) -> Self {
        let weights = parts.iter().map(|&(_, weight, _)| weight).collect();
        let sequence = sequence(reduced);
        let start = place(seed, sequence.len());
        Self {
            name,
            parts: parts.into_iter().map(|(name, _, value)| Part { name, value }).collect(),
            turns: Turns::new(MOST_TURNS, &sequence, start),
            control: Mutex::new(Control { weights, sequence, start, seed }),
            listeners,
            changes: Stat::default(),
        }
    }

    pub(crate) fn set_weights(&self, changes: &[(&str, u32)]) -> Result<(), ConfigError> {
        let weights = {
            let mut control = self.control.lock();
            let mut weights = control.weights.clone();
            for &(name, weight) in changes {
                let part =
                    self.parts.iter().position(|part| part.name == name).ok_or_else(|| {
                        ConfigError::new("part.name", name, "the name of a part that is there")
                    })?;
                weights[part] = weight;
            }
            if weights == control.weights {
                return Ok(()); // the sequence goes on where it is
            }
            let sequence = sequence(&checked(&weights)?);
            let start = place(control.seed, sequence.len());
            self.turns.exchange(&sequence, start);
            *control = Control { weights: weights.clone(), sequence, start, seed: control.seed };
            weights
        };
        self.changes.add(1);
        self.tell(&weights);
        Ok(())
    }

    fn tell(&self, weights: &[u32]) {
        #[cfg(feature = "tracing")]
        tracing::info!(target: "seawall::split", name = self.name.as_str(), ?weights, "weights set");
        let names = self.parts.iter().map(|part| part.name.clone());
        let weights = || names.zip(weights.iter().copied()).collect();
        self.listeners.tell(|| Event { name: self.name.clone(), weights: weights() });
    }

    pub(crate) fn view(&self) -> Vec<PartView> {
        let control = self.control.lock();
        let (call, start) = (self.turns.call(), control.start);
        let had = |part, call| calls(&control.sequence, part, call);
        let view = |(at, part): (usize, &Part<T>)| PartView {
            name: part.name.clone(),
            weight: control.weights[at],
            calls: had(at, call) - had(at, start),
        };
        self.parts.iter().enumerate().map(view).collect()
    }
}

/// Where in a sequence of that length a seed begins.
const fn place(seed: u64, length: usize) -> u64 {
    ((seed as u128 * length as u128) >> 64) as u64
}

/// How many of so many calls from the beginning are a part's: counted where they are made, by the sequence.
fn calls(sequence: &[u8], part: usize, call: u64) -> u64 {
    let count = |turns: &[u8]| turns.iter().filter(|&&one| usize::from(one) == part).count() as u64;
    let length = sequence.len() as u64;
    call / length * count(sequence) + count(&sequence[..(call % length) as usize])
}

impl<T: Send + Sync> Observe for Shared<T> {
    fn snapshot(&self) -> Snapshot {
        let control = self.control.lock();
        let used = control.weights.iter().filter(|&&weight| weight > 0).count();
        Snapshot::new("split", self.name.as_str(), if used > 1 { "split" } else { "whole" })
            .gauge("parts", self.parts.len() as f64)
            .gauge("parts_used", used as f64)
            .counter("calls_since_change", self.turns.call() - control.start)
            .counter("changes", self.changes.get())
    }
}
