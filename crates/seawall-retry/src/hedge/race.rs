//! The race: which attempts of a call are on their way, and what follows from how one ends.
//!
//! | event | and | next |
//! |---|---|---|
//! | an attempt ends for good | | its result is the call's |
//! | an attempt fails | another may be made | another, at once |
//! | | others are on their way | wait for them |
//! | | none is | its result is the call's |
//! | an attempt is refused, or asks for a wait | | as if it failed, and no other may be made |
//! | the delay is over | another may be made | another |
//!
//! Another may be made while there are fewer than `most`, and until one is refused: by a pattern further
//! in, by the budget, or by the deadline.
//!
//! # What it promises
//!
//! 1. A call makes at most `most` attempts, so that no more are in flight.
//! 2. A call that is not over has an attempt on its way.
//! 3. An attempt either ends or is cut off, and that once.

use std::time::Duration;

use seawall_core::Nanos;

/// The most that a call can make in all: the first, and four extra.
pub(crate) const MOST: u32 = 5;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With an answer, or an error that no other attempt would mend.
    Final,
    /// With an error that another attempt may not meet.
    Failed,
    /// By a word that this is no time for more.
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Answer,
    Wait,
    Another,
}

/// One call: the attempts that it made so far.
#[derive(Debug)]
pub(crate) struct Race {
    began: [Nanos; MOST as usize],
    made: u32,
    /// A bit for each attempt that is on its way.
    running: u32,
    most: u32,
}

impl Race {
    /// A call whose first attempt begins now.
    #[inline]
    pub(crate) const fn begin(most: u32, now: Nanos) -> Self {
        Self { began: [now; MOST as usize], made: 1, running: 1, most }
    }

    /// Whether another attempt may be made.
    #[inline]
    pub(crate) const fn is_open(&self) -> bool {
        self.made < self.most && self.running != 0
    }

    #[inline]
    pub(crate) const fn is_over(&self) -> bool {
        self.running == 0
    }

    /// No other attempt is made.
    pub(crate) const fn close(&mut self) {
        self.most = self.made;
    }

    /// How many attempts were made, and so the number of the next one, counted from 0.
    pub(crate) const fn made(&self) -> u32 {
        self.made
    }

    pub(crate) const fn most(&self) -> u32 {
        self.most
    }

    pub(crate) const fn elapsed(&self, now: Nanos) -> Duration {
        now.since(self.began[0])
    }

    /// Another attempt begins.
    pub(crate) const fn another(&mut self, now: Nanos) {
        self.began[self.made as usize] = now;
        self.running |= 1 << self.made;
        self.made += 1;
    }

    /// An attempt ended; where the answer is [`Next::Another`], that begins, or the race is closed and
    /// [asked again](Self::others).
    #[inline]
    pub(crate) fn ended(&mut self, attempt: u32, end: End) -> Next {
        self.running &= !(1 << attempt);
        match end {
            End::Final => return Next::Answer,
            End::Failed if self.made < self.most => return Next::Another,
            End::Failed => {}
            End::Refused => self.close(),
        }
        self.others()
    }

    /// What follows where no other attempt is made.
    pub(crate) const fn others(&self) -> Next {
        if self.running == 0 { Next::Answer } else { Next::Wait }
    }

    /// How long an attempt has been on its way.
    #[inline]
    pub(crate) const fn took(&self, attempt: u32, now: Nanos) -> Duration {
        now.since(self.began[attempt as usize])
    }

    /// The race is over: how long each attempt took that is still on its way.
    pub(crate) fn cut_off(&mut self, now: Nanos) -> impl Iterator<Item = Duration> {
        let running = std::mem::take(&mut self.running);
        let cut_off = (0..self.made).filter(move |attempt| running & (1 << attempt) != 0);
        cut_off.map(move |attempt| self.took(attempt, now))
    }
}
