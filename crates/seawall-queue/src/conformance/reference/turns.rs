//! Whose turn it is, in nanoseconds: between keys, the order in which they were served decides, though the
//! clock stands still.

use super::{Entry, Reference, Stage};

const SECOND: u64 = 1_000_000_000;

impl Reference {
    fn is_ready(&self, at: usize) -> bool {
        self.jobs[at].waits() && self.jobs[at].due <= self.promoted
    }

    fn has_place(&self, key: u8) -> bool {
        let of_it = |job: &&Entry| job.is_leased() && job.key == Some(key);
        self.jobs.iter().filter(of_it).count() < self.key_limit
    }

    /// A job's turn, were there no keys; and if it did not count since before `from`.
    pub(super) fn turn(&self, at: usize, from: u64) -> (u64, usize) {
        let job = &self.jobs[at];
        ((job.due * SECOND).max(from) + (255 - u64::from(job.priority)) * SECOND, at)
    }

    fn first_of(&self, key: u8) -> Option<usize> {
        let ready =
            (0..self.jobs.len()).filter(|&at| self.jobs[at].key == Some(key) && self.is_ready(at));
        ready.min_by_key(|&at| self.turn(at, 0))
    }

    /// Whether it may be claimed when those before it are: the others of its key are not before it.
    pub(super) fn is_in_line(&self, at: usize) -> bool {
        let Some(key) = self.jobs[at].key else { return self.is_ready(at) };
        let is_first = self.turns.is_none() || self.first_of(key) == Some(at);
        self.is_ready(at) && self.has_place(key) && is_first
    }

    /// Where it stands in line.
    pub(super) fn place(&self, at: usize) -> (u64, usize) {
        let key = self.jobs[at].key;
        let served = key.and_then(|key| self.turns.as_ref()?.get(&key).copied());
        self.turn(at, served.unwrap_or(0))
    }

    pub(super) fn serve(&mut self, key: Option<u8>) {
        self.served = self.served.max(self.now * SECOND) + 1;
        if let (Some(key), Some(turns)) = (key, &mut self.turns) {
            turns.insert(key, self.served);
        }
        self.forget_turns();
    }

    /// A key without any that is ready has waited for nothing.
    pub(super) fn forget_turns(&mut self) {
        let mut turns = self.turns.take();
        if let Some(turns) = &mut turns {
            turns.retain(|&key, _| self.first_of(key).is_some());
        }
        self.turns = turns;
    }

    /// A lease is over: that serves its key, if it has waited for that.
    pub(super) fn end_lease(&mut self, at: usize) {
        let key = self.jobs[at].key;
        let was_full = key.is_some_and(|key| !self.has_place(key));
        self.jobs[at].stage = Stage::Done; // until it is said what it is now
        if was_full {
            self.serve(key);
        }
    }
}
