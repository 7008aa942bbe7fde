//! What the later acts have in common: how long one is, and when each of its scenes begins and ends.

use std::{marker::PhantomData, ops::Range, time::Duration};

/// What is going on in an act.
pub(crate) trait Scene: Copy + 'static {
    /// All of an act, in their order.
    const ALL: &'static [Self];

    /// Where it begins, in fortieths of the act.
    fn first_fortieth(self) -> u32;
}

/// An act of such scenes: how long it is, and what follows from that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Act<S> {
    length: Duration,
    scenes: PhantomData<S>,
}

impl<S> Act<S> {
    pub(crate) const fn of(length: Duration) -> Self {
        Self { length, scenes: PhantomData }
    }

    pub(crate) const fn length(&self) -> Duration {
        self.length
    }
}

impl<S: Scene> Act<S> {
    fn start(&self, scene: S) -> Duration {
        self.length * scene.first_fortieth() / 40
    }

    /// From when to when `scene` lasts.
    pub(crate) fn span(&self, scene: S) -> Range<Duration> {
        let mut starts = S::ALL.iter().map(|&other| self.start(other));
        let end = starts.find(|&start| start > self.start(scene));
        self.start(scene)..end.unwrap_or(self.length)
    }
}
