//! Which plan is in force, for whom, and who is held by it.
//!
//! # How it decides
//!
//! The *period* starts at 0 and goes up by one when a disarmed chaos is armed, and when an armed one is
//! disarmed, so that it is odd while armed. A book behind a lock holds the period and the plan; one
//! word tells the period to those who do not read the book. A call that meets a disarmed chaos reads
//! this word and nothing else; one that meets an armed chaos reads the book. Turns write both under
//! the lock.
//!
//! | state \ event | `arm(plan)` | `disarm` | `draw` |
//! |---|---|---|---|
//! | disarmed (even) | period + 1, plan set, count from 0 | nothing | none |
//! | armed (odd) | plan replaced, count from 0 | period + 1, plan gone, held calls woken | the next call's fate |
//!
//! A struck call remembers the period of its strike. It is *let go* once the word has moved on: it is
//! held no longer, and what was still to be injected is not. Replacing the plan does not move the
//! word, so that a call that hangs goes on hanging under the new plan.
//!
//! # What it promises
//!
//! 1. A call's fate comes from one plan, and its number and period from the arming of that plan.
//! 2. Once `disarm` has returned, nothing is injected: no draw gives a fate, and every struck call
//!    is let go.
//! 3. Whoever is held when `disarm` comes, is woken.
//! 4. Each call that meets a plan has a number of its own; after arming they start at 0.
//!
//! # Synchronization
//!
//! Plan, number and period travel under the lock, so that all accesses of the word could be Relaxed.
//! One edge more is made for users: `disarm` (Release) to a call that is let go (Acquire), which then
//! sees what was mended before.
//!
//! A held call enters the list under the list's own lock and looks at the word there once more;
//! `disarm` turns the word before it takes the list. So either it is on the list that is woken, or it
//! sees that it need not be.
//!
//! Those who turn the word never read it: the book knows. It is simpler, and loom 0.7 could not see
//! the models otherwise: it remembers the last load of a word alone, so that a load before one's own
//! store hides the loads of all others from that store.

mod held;

use std::task::{Poll, Waker};

use seawall_core::{
    Nanos,
    sync::{
        RwLock,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
};

use self::held::Held;
use crate::{
    Plan,
    fate::{Fate, Odds},
};

/// The state machine of a chaos; see the module.
#[derive(Debug)]
pub(crate) struct State {
    seed: u64,
    /// The period, for those who do not read the book.
    word: AtomicU64,
    /// How many calls have met a plan, ever.
    met: AtomicU64,
    book: RwLock<Book>,
    held: Held,
}

#[derive(Debug, Default)]
struct Book {
    period: u64,
    /// How many armings there have been: what a drill knows its own by.
    armings: u64,
    arming: Option<Arming>,
}

/// A plan in force.
#[derive(Clone, Debug)]
pub(crate) struct Arming {
    number: u64,
    odds: Odds,
    pub(crate) plan: Plan,
    pub(crate) since: Nanos,
    /// What `met` was when it began.
    met_before: u64,
}

/// What was drawn for a call that is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drawn {
    /// The call's number, from the arming on.
    pub(crate) call: u64,
    pub(crate) period: u64,
    pub(crate) fate: Fate,
}

impl State {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            word: AtomicU64::new(0),
            met: AtomicU64::new(0),
            book: RwLock::new(Book::default()),
            held: Held::default(),
        }
    }

    pub(crate) const fn seed(&self) -> u64 {
        self.seed
    }

    #[inline]
    pub(crate) fn is_armed(&self) -> bool {
        // Relaxed: nothing is read on the strength of it but the book, under its lock.
        is_armed(self.word.load(Relaxed))
    }

    /// The present period, where it is one of being armed.
    pub(crate) fn armed_period(&self) -> Option<u64> {
        let period = self.word.load(Relaxed); // as `is_armed`
        is_armed(period).then_some(period)
    }

    /// Puts a plan in force, in place of the present one; tells the arming's number.
    pub(crate) fn arm(&self, plan: Plan, odds: Odds, now: Nanos) -> u64 {
        let mut book = self.book.write();
        book.armings += 1;
        let number = book.armings;
        book.arming = Some(Arming {
            number,
            odds,
            plan,
            since: now,
            met_before: self.met.load(Relaxed), // no draw is under way: they hold the lock
        });
        if !is_armed(book.period) {
            book.period += 1;
            // Relaxed: who reads it goes on to the book. Under the lock, or the word of one turn could
            // stand beside the book of another.
            self.word.store(book.period, Relaxed);
        }
        number
    }

    /// Ends whatever is in force, or only the arming with this number.
    ///
    /// Tells the plan and how many calls met it, and nothing where nothing was ended.
    pub(crate) fn disarm(&self, only: Option<u64>) -> Option<(Plan, u64)> {
        let ended = {
            let mut book = self.book.write();
            let ended =
                book.arming.take_if(|arming| only.is_none_or(|number| number == arming.number))?;
            book.period += 1;
            // Release: pairs with `is_over`; a call that is let go sees what was mended before.
            self.word.store(book.period, Release);
            let calls = self.met.load(Relaxed).wrapping_sub(ended.met_before);
            (ended.plan, calls)
        };
        self.held.wake_all(); // after the word has moved: see `Held`
        Some(ended)
    }

    /// The next call's fate, where chaos is armed and strikes it.
    #[inline]
    pub(crate) fn draw(&self) -> Option<Drawn> {
        if !self.is_armed() {
            return None;
        }
        self.draw_armed()
    }

    fn draw_armed(&self) -> Option<Drawn> {
        let (odds, call, period) = {
            let book = self.book.read();
            let arming = book.arming.as_ref()?;
            // Relaxed: the count carries nothing but itself, and an arming reads it alone.
            let met = self.met.fetch_add(1, Relaxed);
            let call = met.wrapping_sub(arming.met_before);
            // The book's, for the word that led here may be of an earlier one.
            (arming.odds, call, book.period)
        };
        let fate = odds.fate(self.seed, call);
        (!fate.is_none()).then_some(Drawn { call, period, fate })
    }

    /// Whether a call that was struck in `period` is let go.
    pub(crate) fn is_over(&self, period: u64) -> bool {
        self.word.load(Acquire) != period // pairs with `disarm`
    }

    /// Waits until a call that was struck in `period` is let go.
    ///
    /// `ticket` is the call's place on the list, to be given to [`leave`](Self::leave) by whoever
    /// waits no longer.
    pub(crate) fn poll_over(
        &self,
        period: u64,
        ticket: &mut Option<u64>,
        waker: &Waker,
    ) -> Poll<()> {
        self.held.poll(ticket, waker, || self.is_over(period))
    }

    pub(crate) fn leave(&self, ticket: u64) {
        self.held.leave(ticket);
    }

    /// How many calls are held now.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// How many calls have met a plan, ever.
    pub(crate) fn met(&self) -> u64 {
        self.met.load(Relaxed) // a statistic
    }

    /// What is in force.
    pub(crate) fn arming(&self) -> Option<Arming> {
        self.book.read().arming.clone()
    }
}

/// Periods are numbered from 0, and turn about: disarmed, armed, disarmed.
const fn is_armed(period: u64) -> bool {
    period & 1 == 1
}
