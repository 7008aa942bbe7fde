//! What many keys owe: a table of fixed size. Read `slot` (what is done without a lock), `stripe` (what is
//! done under one), `crowd` (who finds no room), then this.
//!
//! # What a key is here
//!
//! A hash of 64 bits, seeded by the handle, and the word of its quota: the moment at which all is paid off
//! (see [`Rate`]). All words count in sixteenths of a nanosecond from one origin, so that a word means the
//! same by whatever quota its key is charged. Two keys of one hash would share a quota; among a million
//! keys that happens once in 37 million tables.
//!
//! ```text
//!  hash:  63 ───────────────────────────────────── 4 3 ── 0
//!         which of all sets (of the highest bits)    which way is home
//!
//!  set:   4 lines of a cache, 16 ways              way: 16 bytes
//!        ┌───┬───┬───┬───┐                        ┌──────────┬──────────────┐
//!        │ 0 │ 1 │ 2 │ 3 │                        │   hash   │ paid off at  │
//!        ├───┼───┼───┼───┤                        └──────────┴──────────────┘
//!        │ 4 │ 5 │ 6 │ 7 │   home 6: looked for in 6 7 4 5, then in 2 3 0 1,
//!        ├───┼───┼───┼───┤   then 14 15 12 13, and 10 11 8 9: it takes the first
//!        │       …       │   that is idle, so nearly all are found in one line
//!        └───────────────┘
//! ```
//!
//! # Nobody sweeps
//!
//! A slot in which all is paid off says the same of its key as no slot at all: that it may take a whole
//! burst. So it may be given to another key as it stands, and that is all there is of eviction.
//!
//! | the key's slot \ event | its key comes | another key comes | given back, forgotten |
//! |---|---|---|---|
//! | none | under the lock it takes an idle slot, owing this | | nothing to do |
//! | idle: paid off | charged, without a lock | under the lock: `LOCKED`, then its own | nothing to do |
//! | busy: something is owed | charged or refused, without a lock | left alone | under the lock: lowered |
//! | busy: more than a burst is owed, and not booked | under the lock, once: lowered to a burst | left alone | the same |
//! | `LOCKED` | waits for the lock | waits for the lock | waits for the lock |
//!
//! # How much there is
//!
//! All memory is taken when it is built: two and a half slots for each of `max_keys`, and a lock for 256
//! slots: 46 bytes a key. While as many keys owe something, fewer than one in 10 000 of them finds all
//! ways of its set taken (by Poisson: one in 11 700); with twice as many it is one in 32, with half as many
//! one in 49 million. Who owes nothing takes no room. What becomes of who finds none, [`WhenFull`] says.
//!
//! # What it promises
//!
//! 1. A key is let in by its quota: never above it, also where two threads bring it as new.
//! 2. A key is charged for itself alone, and no call for another one goes to its slot.
//! 3. A key has one slot at most.
//! 4. A call of a key that has a slot takes no lock, and its refusal writes nothing.
//! 5. What is given back is never more than what is still owed of it.
//! 6. Whatever keys come, who owes something keeps its slot, and the memory stays what it was.
//!
//! # Why a swap goes to the right key
//!
//! Who has found the slot of its key swaps the word only if it is the one that it saw; and it saw it
//! before it looked a second time whose the slot is. What can go wrong is that the same word comes again
//! after the slot was given away. It cannot:
//!
//! - a stripe knows the *latest* moment at which anybody held its lock;
//! - a slot is given away only where all words that its key ever left there lie before the latest moment:
//!   the present one, and those from which it was lowered, up to which it is *held* (`stripe`);
//! - the new key's words lie at that moment or after it: its first one does, each charge puts it later,
//!   and it is never lowered to before the latest moment.
//!
//! So no word is ever left by two keys. That the same key finds a word again that it has seen is no harm:
//! it means the same. (At first all slots are those of the hash 0, and idle: no case of its own.)
//!
//! # Synchronization
//!
//! Two edges. A slot's first word (Release) to who reads it, or what was made of it (Acquire): at his
//! second look he sees whose it is. And the lock, for whoever gives slots away. Everything else is in the
//! word itself.
//!
//! # The end of time
//!
//! The words reach for nearly sixteen years after the table was built. From then on nothing is paid off:
//! who has a burst left may take it, and no more.

mod crowd;
mod slot;
mod stripe;

use std::fmt;

use seawall_core::{
    Nanos,
    sync::{
        Mutex,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Relaxed, Release},
            fence,
        },
    },
};

pub use self::crowd::WhenFull;
use self::{
    crowd::Crowd,
    slot::{Call, Charge, Set},
    stripe::{SLOTS_A_STRIPE, Stripe},
};
use crate::{
    Denied, Quota, Standing,
    gcra::{Booked, Rate, Returned},
};

/// How many units a nanosecond has, whatever the quota.
pub(crate) const PER_NANO: u64 = 16;

/// The last nanosecond that is counted. A burst is at most 2^63 units and a wait 2^59, so that what is
/// owed from here on still ends before [`slot::LOCKED`], by which nobody is ever let in.
const LAST: u64 = ((1 << 63) - (1 << 60)) / PER_NANO;

/// The longest wait of a key: a day.
const LONGEST_WAIT: u64 = 86_400_000_000_000 * PER_NANO;

/// How a quota counts in a table.
pub(crate) fn rate(quota: &Quota) -> Rate {
    Rate::with(quota, PER_NANO)
}

/// What many keys owe.
pub(crate) struct Table<const WAYS: usize = 16> {
    sets: Box<[Set<WAYS>]>,
    origin: Nanos,
    max_keys: usize,
    /// Held by who gives slots away: one for some neighbouring sets.
    stripes: Box<[Mutex<Stripe>]>,
    crowd: Crowd,
    /// No turn that was booked ends after this.
    booked_until: AtomicU64,
}

impl Table {
    /// A table with room for `max_keys` that owe something. `crowded` is called by the call that finds no
    /// room first, after a minute in which all did.
    pub(crate) fn new(
        max_keys: usize,
        when_full: WhenFull,
        origin: Nanos,
        crowded: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let sets = (max_keys * 5).div_ceil(2 * 16).max(1); // two and a half slots a key
        Self { max_keys, ..Self::with_sets(sets, when_full, origin, crowded) }
    }
}

impl<const WAYS: usize> Table<WAYS> {
    pub(crate) fn with_sets(
        sets: usize,
        when_full: WhenFull,
        origin: Nanos,
        crowded: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        const { assert!(WAYS.is_power_of_two(), "a way is found with a mask") };
        let stripes = (sets * WAYS).div_ceil(SLOTS_A_STRIPE);
        Self {
            sets: (0..sets).map(|_| Set::new()).collect(),
            origin,
            max_keys: sets * WAYS,
            stripes: (0..stripes).map(|_| Mutex::new(Stripe::new())).collect(),
            crowd: Crowd::new(when_full, crowded),
            booked_until: AtomicU64::new(0),
        }
    }

    /// Takes `cells` now, or says when there will be as many.
    #[inline]
    pub(crate) fn take(&self, key: u64, rate: &Rate, now: Nanos, cells: u32) -> Result<(), Denied> {
        self.charge(key, rate, self.at(now), cells, 0).map(drop)
    }

    /// Takes `cells` at the first moment at which there are as many, if that is within `patience`
    /// nanoseconds, and a day.
    pub(crate) fn book(
        &self,
        key: u64,
        rate: &Rate,
        now: Nanos,
        cells: u32,
        patience: u64,
    ) -> Result<Booked, Denied> {
        let (at, patience) = (self.at(now), rate.units(patience).min(LONGEST_WAIT));
        if patience > 0 {
            let latest = at.saturating_add(rate.most).saturating_add(patience);
            self.booked_until.fetch_max(latest, Relaxed);
            fence(Release); // to `settle`: who sees the word that this call leaves sees how far it may be booked
        }
        let charge = self.charge(key, rate, at, cells, patience)?;
        let at = Nanos(now.0.saturating_add(rate.wait(charge.end, at)));
        Ok(Booked { at, mark: charge.mark })
    }

    /// Gives back `cells` that were booked and not used. Where others have booked after them, and wait,
    /// they are lost: a key keeps no list of holes.
    #[cold]
    pub(crate) fn give_back(
        &self,
        key: u64,
        rate: &Rate,
        now: Nanos,
        cells: u32,
        booked: Booked,
    ) -> Returned {
        if booked.mark == Charge::OF_ALL {
            return Returned::Lost;
        }
        let turn = self.at(booked.at);
        let lowered = self.lower(key, self.at(now), |word, latest| {
            let nobody_waits = word.saturating_sub(latest) <= rate.most;
            let late = latest.saturating_sub(turn);
            let refund = rate.refund(booked.mark, latest, late, cells);
            (word <= booked.mark || nobody_waits).then(|| word.saturating_sub(refund))
        });
        match lowered {
            Some(false) => Returned::Lost,
            Some(true) | None => Returned::Freed, // without a slot all of it is paid off
        }
    }

    /// Forgets what `key` owes, and says whether it owed anything. What it has booked and not used can
    /// still be given back, as far as more is owed by then.
    #[cold]
    pub(crate) fn forget(&self, key: u64, now: Nanos) -> bool {
        let lowered =
            self.lower(key, self.at(now), |word, latest| (word > latest).then_some(latest));
        lowered == Some(true)
    }

    /// How `key` stands; one without a slot stands as a fresh one, or as it will be judged where there is
    /// no room for it.
    pub(crate) fn standing(&self, key: u64, rate: &Rate, now: Nanos) -> Standing {
        let at = self.at(now);
        let set = &self.sets[self.set(key)];
        let word =
            set.find(key).and_then(|(_, slot)| slot.word_of(key)).unwrap_or_else(|| {
                match set.soonest() {
                    soonest if soonest < at => 0,
                    soonest => self.crowd.word(rate, soonest),
                }
            });
        rate.standing(word, at)
    }

    /// How many keys owe something: a look at each slot.
    pub(crate) fn busy(&self, now: Nanos) -> usize {
        let at = self.at(now);
        self.sets.iter().map(|set| set.busy(at)).sum()
    }

    /// How many keys it was built for.
    pub(crate) const fn max_keys(&self) -> usize {
        self.max_keys
    }

    /// How many calls found no room for their key.
    pub(crate) fn crowded(&self) -> u64 {
        self.crowd.calls()
    }

    /// Whether one did within the last minute.
    pub(crate) fn is_crowded(&self, now: Nanos) -> bool {
        self.crowd.is_recent(self.at(now))
    }

    /// Charges a key that has a slot; without a lock, if that is so.
    #[inline(always)] // one copy knows that there is no patience, and only whether the call is let in
    fn charge(
        &self,
        key: u64,
        rate: &Rate,
        at: u64,
        cells: u32,
        patience: u64,
    ) -> Result<Charge, Denied> {
        let call = Call { key, rate: in_units(rate), at, cells, patience };
        let slot = self.sets[self.set(key)].find(key);
        match slot.and_then(|(_, slot)| slot.charge(&call)) {
            Some(Err(Denied::Wait(wait))) if call.owes_beyond_a_burst(wait) => self
                .settle(&call)
                .map_or(Err(Denied::Wait(wait)), |charged| charged.map(Charge::of_slot)),
            Some(charged) => charged.map(Charge::of_slot),
            None => self.enter(key, rate, at, cells, patience),
        }
    }

    /// Charges a key that owes more than a burst once more, if nobody has booked that: it was taken by
    /// another quota, and counts as a burst of this one, or a key that was given more would wait for longer.
    #[cold]
    fn settle(&self, call: &Call) -> Option<Result<u64, Denied>> {
        self.lower(call.key, call.at, |word, latest| {
            fence(Acquire); // pairs with `book`
            let spent = latest.saturating_add(call.rate.most);
            (word > spent && word > self.booked_until.load(Relaxed)).then_some(spent)
        })
        .filter(|lowered| *lowered)?;
        self.sets[self.set(call.key)].find(call.key)?.1.charge(call)
    }

    /// Charges a key that had no slot when it was looked for.
    #[cold]
    fn enter(
        &self,
        key: u64,
        rate: &Rate,
        at: u64,
        cells: u32,
        patience: u64,
    ) -> Result<Charge, Denied> {
        let call = Call { key, rate: in_units(rate), at, cells, patience };
        let set = self.set(key);
        let soonest = {
            let mut stripe = self.stripe(set).lock();
            let latest = stripe.arrive(at);
            let ways = &self.sets[set];
            // Another was first. Nobody can take it away from here: the lock is ours.
            if let Some(charged) = ways.find(key).and_then(|(_, slot)| slot.charge(&call)) {
                return charged.map(Charge::of_slot);
            }
            let end = Call { at: latest, ..call }.on(0)?; // what is refused takes no slot
            let taken = ways.in_order(key).find(|(way, slot)| {
                slot.is_idle(latest)
                    && !stripe.holds(set * WAYS + way)
                    && slot.give_to(key, latest, end)
            });
            if taken.is_some() {
                return Ok(Charge::of_slot(end));
            }
            ways.soonest()
        };
        self.crowd.charge(&call, soonest)
    }

    /// Lowers the word of `key` to what `to` makes of it and the latest moment, but not to before that
    /// moment; nothing where it has no slot, `false` where `to` leaves it.
    fn lower(&self, key: u64, at: u64, to: impl Fn(u64, u64) -> Option<u64>) -> Option<bool> {
        let set = self.set(key);
        let mut stripe = self.stripe(set).lock();
        let latest = stripe.arrive(at);
        let (way, slot) = self.sets[set].find(key)?;
        let from = slot.lower(|word| Some(to(word, latest)?.max(latest)));
        if let Some(from) = from {
            stripe.hold(set * WAYS + way, from);
        }
        Some(from.is_some())
    }

    /// The time in units. It begins at one: a word of zero has passed from the beginning.
    #[inline]
    fn at(&self, now: Nanos) -> u64 {
        now.0.saturating_sub(self.origin.0).min(LAST) * PER_NANO + 1
    }

    /// Which set a key belongs to: its hash as a fraction of one, times the number of sets.
    #[inline]
    fn set(&self, key: u64) -> usize {
        ((u128::from(key) * self.sets.len() as u128) >> u64::BITS) as usize
    }

    fn stripe(&self, set: usize) -> &Mutex<Stripe> {
        &self.stripes[set * WAYS / SLOTS_A_STRIPE]
    }
}

/// The same rate, with units that the compiler knows: what it divides by is a shift.
#[inline]
fn in_units(rate: &Rate) -> Rate {
    debug_assert_eq!(rate.per_nano, PER_NANO, "a table's rates are made by `rate`");
    Rate { per_nano: PER_NANO, ..*rate }
}

/// Keys are not shown: they may be somebody's.
impl<const WAYS: usize> fmt::Debug for Table<WAYS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("slots", &(self.sets.len() * WAYS)).finish_non_exhaustive()
    }
}
