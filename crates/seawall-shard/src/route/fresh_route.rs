//! Reads that must be fresh: from a replica that is, after a short wait, or from the primary within a budget.
//!
//! # How it decides
//!
//! ```text
//!  preference ──▶ the primary comes first? ─ yes ─▶ the primary: it would have been asked anyway
//!                        │ no
//!                        ▼
//!                 a replica that is fresh, with a place ──▶ that one
//!                        │ all are behind                    ▲
//!                        ▼                                   │ a report
//!                 a short wait ──────────────────────────────┘
//!                        │ too long
//!                        ▼
//!                 the primary ── down ──▶ refused: NoShard
//!                        │ within its bound, and the budget?
//!                        ├─ yes ─▶ the primary
//!                        └─ no ──▶ refused: Overloaded
//! ```
//!
//! The primary is always fresh. If it were an ordinary candidate, all reads would be its own as soon as the
//! replicas are late, at the very moment when it has most to do: so it is asked last, and not by more reads than
//! are paid for.
//!
//! # What it promises
//!
//! 1. Who answers is the primary, or had reported what the read asks for before it was chosen.
//! 2. Reads that the primary got as the replicas were behind or full are at most the reserve and the share of all
//!    fresh reads, in any order of events.
//! 3. A report wakes whoever waits for it: none is missed between a look and the wait.

#[cfg(feature = "tokio")]
use std::time::Duration;

#[cfg(feature = "tokio")]
use seawall_core::deadline;
use seawall_core::{Reason, Rejection, bucket::ONE};

use crate::{
    Candidates, Member, NodeState, Read, ShardKey, ShardMap, Turn,
    route::{Fresh, Lease, map::enter},
};

/// What a look for a fresh node comes to.
pub(crate) enum Found {
    /// A place at one.
    Fresh(Lease),
    /// Some are behind: a report can help.
    Behind,
    /// All that are fresh are at their bounds.
    Full,
    /// There is no other node than the primary that could be asked.
    Nobody,
}

/// Whether a read may have the primary without paying for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// If that is what it prefers.
    First,
    /// No: it has been drawn once. Else whoever looks often enough draws the primary in the end.
    Again,
}

impl ShardMap {
    /// Whether what a node serves is as fresh as that, as far as it is known; of the primary of a key it is not
    /// asked, as that always is.
    ///
    /// For who chooses among the [candidates](Self::candidates) himself.
    #[must_use]
    pub fn is_fresh(&self, member: &Member, fresh: Fresh) -> bool {
        let (progress, settings) = (member.progress(), &self.shared.routing.fresh);
        progress.has(fresh.after)
            && fresh.within.is_none_or(|most| {
                progress.is_within(most, settings.clock.now(), settings.thresholds)
            })
    }

    /// Takes a place at a node that is fresh, without a wait: a replica by preference, else the primary within
    /// its [budget](super::FreshReads::primary_share).
    ///
    /// A read that prefers the primary gets it, and pays for nothing. What overflows does not go to
    /// [other nodes](super::Overflow::AnyNode), as they have nothing of the key.
    ///
    /// # Errors
    ///
    /// - [`Overloaded`](Reason::Overloaded): no replica is fresh and has a place, and the primary is at its bound
    ///   (the refusal names [`Share`](seawall_core::Bound::Share)), or the budget is spent (it names no bound).
    ///   Old data is there: who can do with it reads by [`route`](Self::route).
    /// - [`NoShard`](Reason::NoShard): the primary is down, and no replica is fresh.
    pub fn try_route_fresh<K: ShardKey + ?Sized>(
        &self,
        key: &K,
        read: Read,
        fresh: Fresh,
    ) -> Result<Lease, Rejection> {
        let hash = key.shard_hash();
        self.pay();
        let found = self.find_fresh(hash, read, fresh, Look::First, anybody);
        self.or_primary(hash, found, anybody)
    }

    /// The same, after a short [wait](super::FreshReads::wait) for one of the replicas if all of them are behind.
    ///
    /// Each report wakes all who wait, and nobody looks in between.
    ///
    /// # Errors
    ///
    /// As [`try_route_fresh`](Self::try_route_fresh), and [`DeadlineExceeded`](Reason::DeadlineExceeded) where the
    /// call's [deadline](seawall_core::deadline) has passed and no replica is fresh.
    ///
    /// # Panics
    ///
    /// When it has to wait outside of a tokio runtime with a timer.
    ///
    /// # Cancel safety
    ///
    /// Who waits has no place, and has taken nothing out of the budget: dropping it gives nothing away.
    ///
    /// # Examples
    ///
    /// How does a user read what he has just written?
    ///
    /// ```
    /// # use seawall_shard::{Node, Read, Rejection, ShardMap, route::{Fresh, Session, Token}};
    /// # struct Store;
    /// # impl Store {
    /// #     async fn write(&self, node: &str, key: &[u8]) -> Token { Token::new(7) }
    /// #     async fn read(&self, node: &str, key: &[u8]) -> u32 { 7 }
    /// # }
    /// async fn rename(shards: &ShardMap, store: &Store, session: &Session) -> Result<u32, Rejection> {
    ///     let key = b"user:42";
    ///     session.saw(store.write(shards.lookup(key).name(), key).await);
    ///
    ///     let lease = shards.route_fresh(key, Read::Any, Fresh::after(session.token())).await?;
    ///     Ok(store.read(lease.name(), key).await)
    /// }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// # let nodes = ["db-a", "db-b", "db-c"].map(Node::new);
    /// # let shards = ShardMap::builder("photos").nodes(nodes).replicas(3).build()?;
    /// // And whoever watches the replication:
    /// shards.report_applied("db-b", Token::new(7));
    /// # assert_eq!(rename(&shards, &Store, &Session::default()).await.ok(), Some(7));
    /// # Ok::<(), seawall_shard::ConfigError>(())
    /// # }).unwrap();
    /// ```
    #[cfg(feature = "tokio")]
    pub async fn route_fresh<K: ShardKey + ?Sized>(
        &self,
        key: &K,
        read: Read,
        fresh: Fresh,
    ) -> Result<Lease, Rejection> {
        let hash = key.shard_hash();
        self.pay();
        let mut found = self.find_fresh(hash, read, fresh, Look::First, anybody);
        if let Found::Behind = found {
            let patience = self.fresh_patience()?;
            if patience > Duration::ZERO {
                found = self.wait_for_fresh(hash, read, fresh, patience).await;
                if let Found::Behind = found {
                    self.fresh_patience()?; // the call's time may be over by now
                }
            }
        }
        self.or_primary(hash, found, anybody)
    }

    /// How long to wait: not until the deadline, as whoever answers needs some time, too.
    #[cfg(feature = "tokio")]
    pub(crate) fn fresh_patience(&self) -> Result<Duration, Rejection> {
        let wait = self.shared.routing.fresh.wait;
        match deadline::remaining() {
            None => Ok(wait),
            Some(left) if left > Duration::ZERO => Ok(wait.min(left / 2)),
            Some(_) => {
                let late = Rejection::new(Reason::DeadlineExceeded, self.shared.name.clone());
                self.shared.turn(|| Turn::Refused(late.clone()));
                Err(late)
            }
        }
    }

    /// Looks again at each report.
    #[cfg(feature = "tokio")]
    async fn wait_for_fresh(
        &self,
        hash: u64,
        read: Read,
        fresh: Fresh,
        patience: Duration,
    ) -> Found {
        let reported = &self.shared.routing.fresh.reported;
        self.count_wait();
        let look_at_each_report = async {
            loop {
                let next = reported.notified(); // before the look: a report after it is not missed
                match self.find_fresh(hash, read, fresh, Look::Again, anybody) {
                    Found::Behind => next.await,
                    found => return found,
                }
            }
        };
        let found = tokio::time::timeout(patience, look_at_each_report).await;
        let found = found.unwrap_or(Found::Behind);
        let caught_up = matches!(found, Found::Fresh(_));
        self.end_wait(caught_up);
        found
    }

    /// A fresh read waits.
    #[cfg(feature = "tokio")]
    pub(crate) fn count_wait(&self) {
        self.shared.routing.counts.waited.add(1);
    }

    /// It has waited, and a replica has caught up or not.
    #[cfg(feature = "tokio")]
    pub(crate) fn end_wait(&self, caught_up: bool) {
        self.shared.turn(|| Turn::Waited { caught_up });
    }

    /// The next report, from now on.
    #[cfg(all(feature = "tokio", feature = "tower"))]
    pub(crate) fn next_report(&self) -> tokio::sync::futures::OwnedNotified {
        std::sync::Arc::clone(&self.shared.routing.fresh.reported).notified_owned()
    }

    /// A fresh read begins: it pays its share of reads that the primary gets.
    pub(crate) fn pay(&self) {
        let fresh = &self.shared.routing.fresh;
        fresh.budget.add(fresh.pays);
    }

    /// A place at the first candidate that is fresh and has one, among those that can be asked.
    pub(crate) fn find_fresh(
        &self,
        hash: u64,
        read: Read,
        fresh: Fresh,
        look: Look,
        can_be_asked: impl Fn(&Member) -> bool,
    ) -> Found {
        let routing = &*self.shared.routing;
        let table = self.table.newest();
        let word = table.word(table.slot_of(hash));
        let owner = table.member(word.owner());
        let ledger = routing.ledger.as_ref();
        let (mut is_behind, mut is_full) = (false, false);

        ledger.inspect(|ledger| ledger.come());
        for (place, member) in Candidates::of(table, word, read, routing).enumerate() {
            let is_owner = member.is(owner);
            if is_owner && (place > 0 || look == Look::Again) || !can_be_asked(member) {
                continue; // the primary is asked last
            }
            if !is_owner && !self.is_fresh(member, fresh) {
                is_behind = true;
                continue;
            }
            if enter(member) {
                let lease = if is_full { self.overflowed(member) } else { self.routed(member) };
                return Found::Fresh(lease);
            }
            is_full = true;
        }
        ledger.inspect(|ledger| ledger.go());
        match (is_behind, is_full) {
            (true, _) => Found::Behind,
            (false, true) => Found::Full,
            (false, false) => Found::Nobody,
        }
    }

    /// What was found, or the primary, if there are not too many there already.
    pub(crate) fn or_primary(
        &self,
        hash: u64,
        found: Found,
        can_be_asked: impl FnOnce(&Member) -> bool,
    ) -> Result<Lease, Rejection> {
        let is_full = match found {
            Found::Fresh(lease) => return Ok(lease),
            Found::Full => true,
            Found::Behind | Found::Nobody => false,
        };
        let owner = self.lookup(&hash);
        if owner.state() == NodeState::Down || !can_be_asked(owner) {
            return Err(self.refuse(is_full));
        }
        self.route_primary(owner)
    }

    #[cold]
    fn route_primary(&self, owner: &Member) -> Result<Lease, Rejection> {
        let routing = &*self.shared.routing;
        let (ledger, counts) = (routing.ledger.as_ref(), &routing.counts);
        ledger.inspect(|ledger| ledger.come());
        if !enter(owner) {
            ledger.inspect(|ledger| ledger.go());
            return Err(self.refuse(true));
        }
        // Its place first, and then the budget: who finds no place has spent nothing.
        if !routing.fresh.budget.take(ONE) {
            drop(Lease::new(owner.clone()));
            counts.budget_spent.add(1);
            self.shared.turn(|| Turn::BudgetSpent);
            return Err(Rejection::new(Reason::Overloaded, self.shared.name.clone()));
        }
        counts.sent_to_primary.add(1);
        self.shared.turn(|| Turn::SentToPrimary { node: owner.full_name() });
        Ok(self.routed(owner))
    }
}

/// Who calls the nodes himself leaves nobody out.
const fn anybody(_: &Member) -> bool {
    true
}
