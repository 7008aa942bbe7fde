//! From one word of a slot to another: by legs, in each of which one node joins and one leaves at most.
//!
//! ```text
//!   [a, b]  to  [d, a]:      [a, b]  ── d for b ──▶  [a, d]  ── d owns, a follows ──▶  [d, a]
//! ```
//!
//! # What it promises
//!
//! 1. Each node that is new joins once, and each one that is no longer named leaves once: nothing is copied
//!    that a plan would not copy.
//! 2. The owner changes once, and only where it is to be another one.
//! 3. The same words make the same path in every process: so a place on it is two numbers.

use crate::{
    Role,
    migration::Phase,
    word::{LANES, NOBODY, Word},
};

/// An owner that changes, three nodes that join, and replicas that change places: five legs at most.
const MOST: usize = 6;

/// The words that a slot goes through.
#[derive(Clone, Copy)]
pub(crate) struct Path {
    words: [Word; MOST],
    len: usize,
}

impl Path {
    pub(crate) fn between(before: Word, after: Word) -> Self {
        let mut path = Self { words: [before; MOST], len: 1 };
        path.hand_to(after.owner()); // where it is there already
        for (lane, node) in after.nodes().enumerate() {
            if !path.last().names(node) {
                path.join(lane, node, after);
            }
        }
        path.hand_to(after.owner());
        while let Some(gone) = path.last().nodes().find(|&node| !after.names(node)) {
            path.push(Word::of(path.last().nodes().filter(|&node| node != gone)));
        }
        path.push(after);
        path
    }

    /// The word after so many legs.
    pub(crate) fn word(&self, legs: u8) -> Word {
        self.words[usize::from(legs)]
    }

    /// How many legs there are.
    pub(crate) const fn legs(&self) -> u8 {
        self.len as u8 - 1
    }

    fn last(&self) -> Word {
        self.words[self.len - 1]
    }

    fn push(&mut self, word: Word) {
        if word != self.last() {
            self.words[self.len] = word;
            self.len += 1;
        }
    }

    /// The owner changes places with `node`, if that is one of the replicas.
    fn hand_to(&mut self, node: u16) {
        let word = self.last();
        if let Some(lane) = lane_of(word, node) {
            self.push(word.with(lane, word.owner()).with(0, node));
        }
    }

    /// `node` comes in for one who leaves: in its own lane, if there is one, and never in the owner's if it is
    /// not to own.
    fn join(&mut self, lane: usize, node: u16, after: Word) {
        let word = self.last();
        let leaves = |lane: usize| word.lane(lane) != NOBODY && !after.names(word.lane(lane));
        let place = if leaves(lane) { Some(lane) } else { (1..LANES).find(|&lane| leaves(lane)) };
        self.push(word.with(place.unwrap_or_else(|| word.len()), node));
    }
}

fn lane_of(word: Word, node: u16) -> Option<usize> {
    word.nodes().position(|named| named == node)
}

/// From one word of a path to one beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) before: Word,
    pub(crate) after: Word,
}

impl Leg {
    /// Who has nothing of the slot before.
    pub(crate) fn joins(self) -> Option<u16> {
        self.after.nodes().find(|&node| !self.before.names(node))
    }

    /// Who is to have nothing of it after.
    pub(crate) fn leaves(self) -> Option<u16> {
        self.before.nodes().find(|&node| !self.after.names(node))
    }

    pub(crate) fn moves_owner(self) -> bool {
        self.before.owner() != self.after.owner()
    }

    /// Who is to have what the owner has: the one who is to own, or the one who joins.
    pub(crate) fn target(self) -> Option<u16> {
        if self.moves_owner() { Some(self.after.owner()) } else { self.joins() }
    }

    /// Who had it: the one who owned, or the one who leaves.
    fn origin(self) -> Option<u16> {
        if self.moves_owner() { Some(self.before.owner()) } else { self.leaves() }
    }

    fn lane(self) -> usize {
        if self.moves_owner() {
            return 0;
        }
        let joined = self.joins().and_then(|node| lane_of(self.after, node));
        joined.or_else(|| lane_of(self.before, self.leaves()?)).unwrap_or(0)
    }

    pub(crate) fn role(self) -> Role {
        match self.lane() {
            0 => Role::Owner,
            lane => Role::Replica(lane as u8),
        }
    }

    /// Where it begins; `None` where replicas change places alone, for which there is nothing to do.
    pub(crate) fn first_phase(self) -> Option<Phase> {
        if self.joins().is_some() {
            Some(Phase::Copying)
        } else if self.moves_owner() {
            Some(Phase::CatchUp)
        } else {
            self.leaves().map(|_| Phase::CleanUp)
        }
    }

    /// Whether it goes through that phase.
    pub(crate) fn passes(self, phase: Phase) -> bool {
        match phase {
            // Who went back from a dual read catches up without having been copied to.
            Phase::Copying | Phase::CatchUp | Phase::DualRead => self.target().is_some(),
            Phase::HandOff => self.moves_owner(),
            Phase::CleanUp => true,
        }
    }

    /// What the slot's word is in that phase.
    pub(crate) fn word(self, phase: Phase) -> Word {
        let (word, other) = match phase {
            Phase::Copying | Phase::CatchUp | Phase::HandOff => (self.before, self.target()),
            Phase::DualRead | Phase::CleanUp => (self.after, self.origin()),
        };
        word.moving(phase, self.lane(), other.unwrap_or(NOBODY))
    }
}

/// Where a slot is on its path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stop {
    /// How many legs from the beginning: where it rests, or where its leg began.
    pub(crate) legs: u8,
    /// Whether the leg leads towards the beginning.
    pub(crate) back: bool,
    /// `None` where it rests.
    pub(crate) phase: Option<Phase>,
}

impl Stop {
    pub(crate) const fn at(legs: u8) -> Self {
        Self { legs, back: false, phase: None }
    }

    pub(crate) const fn leg_end(self) -> u8 {
        if self.back { self.legs - 1 } else { self.legs + 1 }
    }

    pub(crate) fn leg(self, path: &Path) -> Leg {
        Leg { before: path.word(self.legs), after: path.word(self.leg_end()) }
    }

    pub(crate) fn word(self, path: &Path) -> Word {
        match self.phase {
            None => path.word(self.legs),
            Some(phase) => self.leg(path).word(phase),
        }
    }

    /// Where it goes on to from a rest.
    pub(crate) fn start(self, path: &Path, back: bool) -> Self {
        let stop = Self { back, phase: None, ..self };
        match stop.leg(path).first_phase() {
            None => Self::at(stop.leg_end()),
            phase => Self { phase, ..stop },
        }
    }

    pub(crate) const fn in_phase(self, phase: Phase) -> Self {
        Self { phase: Some(phase), ..self }
    }

    pub(crate) const fn end(self) -> Self {
        Self::at(self.leg_end())
    }

    /// The way back; `None` where there is none.
    ///
    /// The target that was being filled is emptied, as if the slot had come back from it; the target that
    /// owns hands the slot back, to a source that has been kept level.
    pub(crate) fn turned(self, path: &Path) -> Option<Self> {
        let turned = Self { legs: self.leg_end(), back: !self.back, phase: self.phase };
        match self.phase? {
            Phase::CleanUp => None,
            Phase::DualRead if turned.leg(path).passes(Phase::CatchUp) => {
                Some(turned.in_phase(Phase::CatchUp))
            }
            _ => Some(turned.in_phase(Phase::CleanUp)),
        }
    }

    /// Whether it is where a slot of that path can be.
    pub(crate) fn is_on(self, path: &Path) -> bool {
        let Some(phase) = self.phase else { return self.legs <= path.legs() };
        let leads = if self.back { self.legs > 0 } else { self.legs < path.legs() };
        leads && self.legs <= path.legs() && self.leg(path).passes(phase)
    }
}

#[cfg(all(test, not(seawall_loom)))]
#[path = "../tests/path.rs"]
mod tests;
