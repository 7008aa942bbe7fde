//! The generic cell rate algorithm: a quota in one word. Read `rate` (what a cell is), `word`, then this.
//!
//! # How it decides
//!
//! Every cell that is taken is owed, and the debt is paid off at the quota's rate. One word says when all
//! is paid off (the *theoretical arrival time*); a call is let in if what is then owed is at most the
//! burst.
//!
//! ```text
//!              now                       paid off
//!  ─────────────┼───────────────────────────┼──────────────▶ time
//!               │◀──────── owed ───────────▶│
//!               │◀───────────── burst ─────────────▶│
//!                                           │◀ left ▶│
//! ```
//!
//! | state \ event | `take(n)` | `book(n, wait)` | `give_back` | `change(quota)` |
//! |---|---|---|---|---|
//! | owed + n <= burst | owed + n | owed + n, at once | owed - n, what is paid off excepted | what is left stays left, up to the new burst |
//! | owed + n <= burst + wait | refused, with its wait | owed + n, at its turn | the last one: owed - n; else a hole for the next | the same: those who wait keep their turns |
//! | more | refused, with its wait | refused, with its wait | | |
//!
//! # What it promises
//!
//! 1. In any window of time w, at most burst + w / interval cells are let in, at the times they were
//!    given: also while the quota changes, by what either of them allows.
//! 2. A refusal writes nothing, and its wait is exact: a nanosecond earlier is too early.
//! 3. Nothing is lost: what is not let in can be by another, and no quota drifts by rounding (`rate`).
//! 4. Who books is served in the order of booking.
//! 5. What is given back is given once, and never what time has paid off already.
//! 6. A change of the quota makes no cell and takes none, but for what the new burst has no room for.
//!
//! # Synchronization
//!
//! The word carries nothing but itself, but for the generation: the terms that it counts by are written
//! before it. Two edges: `change` (Release, on the word) to whoever reads the generation (Acquire) and
//! then its terms; and the terms of a later generation (Release) to whoever still reads them for an
//! earlier one (Acquire), who then cannot but see that the word has moved on, and swaps nothing.

mod rate;
mod word;

use seawall_core::{
    CachePadded, Nanos,
    sync::{
        Mutex,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
};

pub(crate) use self::rate::Rate;
use self::word::Word;
use crate::{Denied, Quota, Standing};

#[derive(Debug)]
pub(crate) struct Gcra {
    word: CachePadded<AtomicU64>,
    /// Those of the present generation and of the one before it or after it, by turns.
    terms: [Terms; 2],
    /// Held by who changes them.
    changing: Mutex<()>,
}

/// What a generation counts by.
#[derive(Debug)]
struct Terms {
    origin: AtomicU64,
    per_nano: AtomicU64,
    per_cell: AtomicU64,
    most: AtomicU64,
}

/// What was booked, and when it is its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Booked {
    /// When it may be used.
    pub(crate) at: Nanos,
    /// The word that it left: who finds that again, or one before it, is the last one who booked.
    pub(crate) mark: u64,
}

/// What became of what was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Returned {
    /// It is there for whoever comes.
    Freed,
    /// Others have booked after it: only somebody else at the same turn can use it.
    Hole,
    /// Its turn has come and gone, and others wait: nobody can use it any more.
    Lost,
}

impl Terms {
    fn new(origin: Nanos, rate: Rate) -> Self {
        Self {
            origin: AtomicU64::new(origin.0),
            per_nano: AtomicU64::new(rate.per_nano),
            per_cell: AtomicU64::new(rate.per_cell),
            most: AtomicU64::new(rate.most),
        }
    }

    #[inline]
    fn read(&self) -> (Nanos, Rate) {
        // Acquire: what belongs to a later generation brings the word of the one between with it.
        let rate = Rate {
            per_nano: self.per_nano.load(Acquire),
            per_cell: self.per_cell.load(Acquire),
            most: self.most.load(Acquire),
        };
        (Nanos(self.origin.load(Acquire)), rate)
    }

    fn write(&self, origin: Nanos, rate: Rate) {
        // Release: who reads one of these for the generation before last sees the word that came between.
        self.origin.store(origin.0, Release);
        self.per_nano.store(rate.per_nano, Release);
        self.per_cell.store(rate.per_cell, Release);
        self.most.store(rate.most, Release);
    }
}

/// A decision's point of view: a word, what it counts by, and the time in its units.
struct View {
    word: Word,
    rate: Rate,
    at: u64,
}

impl Gcra {
    /// Nothing is owed at first.
    pub(crate) fn new(quota: &Quota, now: Nanos) -> Self {
        let rate = Rate::exact(quota);
        Self {
            word: CachePadded::new(AtomicU64::new(Word::new(0, 0).0)),
            terms: [Terms::new(now, rate), Terms::new(now, rate)],
            changing: Mutex::new(()),
        }
    }

    /// Takes `cells` now, or says when there will be as many.
    ///
    /// Lock-free: fails to swap only where another call succeeded. A refusal is only read.
    #[inline]
    pub(crate) fn take(&self, now: Nanos, cells: u32) -> Result<(), Denied> {
        self.update(now, |view| view.rate.charge(view.word.paid_off(), view.at, cells, 0)).map(drop)
    }

    /// Takes `cells` at the first moment at which there are as many, if that is within `patience`
    /// nanoseconds.
    pub(crate) fn book(&self, now: Nanos, cells: u32, patience: u64) -> Result<Booked, Denied> {
        self.update(now, |view| {
            let patience = view.rate.units(patience);
            view.rate.charge(view.word.paid_off(), view.at, cells, patience)
        })
        .map(|(view, end)| Booked {
            at: Nanos(now.0.saturating_add(view.rate.wait(end, view.at))),
            mark: view.word.at(end).0,
        })
    }

    /// Gives back `cells` that were booked and not used.
    pub(crate) fn give_back(&self, now: Nanos, cells: u32, booked: Booked) -> Returned {
        let mark = Word(booked.mark);
        let hole = if booked.at > now { Returned::Hole } else { Returned::Lost };
        let freed = self.update(now, |view| {
            if view.word.generation() != mark.generation() {
                return Err(hole);
            }
            let paid_off = view.word.paid_off();
            let nobody_waits = paid_off.saturating_sub(view.at) <= view.rate.most;
            // At its mark or before it: who booked later has given back, and so have parts of its own.
            if paid_off > mark.paid_off() && !nobody_waits {
                return Err(hole);
            }
            let late = view.rate.units(now.0.saturating_sub(booked.at.0));
            Ok(paid_off.saturating_sub(view.rate.refund(mark.paid_off(), view.at, late, cells)))
        });
        freed.map_or_else(|kept| kept, |_| Returned::Freed)
    }

    /// How it stands.
    pub(crate) fn standing(&self, now: Nanos) -> Standing {
        let view = self.present(now);
        view.rate.standing(view.word.paid_off(), view.at)
    }

    /// Why `cells` would not be given now; nothing where they would be.
    #[cfg(any(test, feature = "tower"))]
    pub(crate) fn denied(&self, now: Nanos, cells: u32) -> Option<Denied> {
        let view = self.present(now);
        view.rate.charge(view.word.paid_off(), view.at, cells, 0).err()
    }

    /// How many nanoseconds the lightest call would have to wait.
    #[cfg(any(test, feature = "tower"))]
    #[inline]
    pub(crate) fn wait(&self, now: Nanos) -> u64 {
        let view = self.present(now);
        match view.rate.charge(view.word.paid_off(), view.at, 1, 0) {
            Err(Denied::Wait(wait)) => wait,
            Ok(_) | Err(Denied::Never) => 0,
        }
    }

    /// The quota is another one from now on.
    pub(crate) fn change(&self, now: Nanos, quota: &Quota) {
        self.renew(now, Some(Rate::exact(quota)));
    }

    /// Makes of the word what `next` says of it, or says why not.
    #[inline]
    fn update<E>(
        &self,
        now: Nanos,
        next: impl Fn(&View) -> Result<u64, E>,
    ) -> Result<(View, u64), E> {
        let done = self.view(now, self.load()).and_then(|view| self.attempt(view, &next));
        done.unwrap_or_else(|| self.update_again(now, &next))
    }

    /// The same after a swap that failed, or where the word has to count from a nearer origin first.
    #[cold]
    #[inline(never)] // a loop is here, so that there is none where nearly all calls are done
    fn update_again<E>(
        &self,
        now: Nanos,
        next: &impl Fn(&View) -> Result<u64, E>,
    ) -> Result<(View, u64), E> {
        loop {
            if let Some(done) = self.attempt(self.present(now), next) {
                return done;
            }
        }
    }

    /// Nothing where the word has become another one.
    #[inline]
    fn attempt<E>(
        &self,
        view: View,
        next: &impl Fn(&View) -> Result<u64, E>,
    ) -> Option<Result<(View, u64), E>> {
        match next(&view) {
            Ok(end) => self.swap(view.word, view.word.at(end)).then_some(Ok((view, end))),
            // What was read for a generation that is over decides nothing.
            Err(error) => {
                let holds = self.load().generation() == view.word.generation();
                holds.then_some(Err(error))
            }
        }
    }

    /// The time by what `word` counts; nothing where the origin of that lies too far back.
    #[inline]
    fn view(&self, now: Nanos, word: Word) -> Option<View> {
        let (origin, rate) = self.terms[word.generation() as usize % 2].read();
        rate.since(origin, now).map(|at| View { word, rate, at })
    }

    /// The present word, by what it counts.
    #[inline]
    fn present(&self, now: Nanos) -> View {
        loop {
            if let Some(view) = self.view(now, self.load()) {
                return view;
            }
            self.renew(now, None);
        }
    }

    /// Counts from a new origin, and by another rate where there is one.
    #[cold]
    fn renew(&self, now: Nanos, to: Option<Rate>) {
        let _alone = self.changing.lock();
        let mut seen = self.load();
        loop {
            let (origin, rate) = self.terms[seen.generation() as usize % 2].read();
            if to.is_none() && rate.since(origin, now).is_some() {
                return; // another was first
            }
            let at = now.0.saturating_sub(origin.0).saturating_mul(rate.per_nano);
            let left = i128::from(rate.most) - i128::from(seen.paid_off().saturating_sub(at));
            let to = to.unwrap_or(rate);
            // In cells, which the two have in common; rounded down, so that none is made.
            let left = (left * i128::from(to.per_cell)).div_euclid(i128::from(rate.per_cell));
            let owed = (i128::from(to.most) - left).clamp(0, i128::from(word::MOST / 2));
            let line = line(at.max(seen.paid_off()), now, to);
            let next = seen.next(line * to.per_nano + owed as u64);
            self.terms[next.generation() as usize % 2].write(Nanos(now.0 - line), to);
            // Release, to who reads the generation: the terms are written.
            match self.word.compare_exchange(seen.0, next.0, Release, Acquire) {
                Ok(_) => return,
                Err(other) => seen = Word(other),
            }
        }
    }

    /// The word as it stands.
    #[cfg(test)]
    pub(crate) fn word(&self) -> u64 {
        self.load().0
    }

    #[inline]
    fn load(&self) -> Word {
        Word(self.word.load(Acquire)) // pairs with `renew`: the terms of its generation
    }

    #[inline]
    fn swap(&self, seen: Word, next: Word) -> bool {
        // Relaxed: the word is all there is to tell. What `renew` released goes on with it.
        self.word.compare_exchange_weak(seen.0, next.0, Relaxed, Relaxed).is_ok()
    }
}

/// How many nanoseconds before `now` the origin of a new generation lies.
///
/// So many that its words are none that there were before, the last of which was `told`: a generation's
/// few bits come again, and who slept over eight changes must not take a word for the one that he saw.
/// Where that would leave too little room for what is to come, the line begins anew.
fn line(told: u64, now: Nanos, rate: Rate) -> u64 {
    let line = told.saturating_add(1).div_ceil(rate.per_nano);
    if line <= now.0 && line.saturating_mul(rate.per_nano) <= rate::ROOM / 2 { line } else { 0 }
}
