//! The rate limiter of a fleet: one quota for all nodes, kept by Redis.
//!
//! Read `decision` and its two scripts for what happens on the server, `rate` for the numbers, `batch`
//! and `held` for what a node holds of a key, `shared` for the course of a call, `away` for who decides
//! while Redis can't be asked.
//!
//! # How it decides
//!
//! By GCRA, as in one process: for each quota of a key Redis keeps when its debt is paid off, and one
//! script reads the server's clock, lets a call in where all quotas have room, and writes the new debts;
//! a refusal writes nothing. A key that owes nothing is not there: its name expires when the debt is
//! paid off.
//!
//! # What it promises
//!
//! 1. With nothing booked ahead, the fleet admits in any time `w` at most `burst + w / interval` cells of
//!    a key, by the server's clock, from however many nodes.
//! 2. With [`prebook(k)`](RateLimiterBuilder::prebook), in any time `w` it uses at most
//!    `burst + w / interval + e` cells, where the error `e` is the smaller of `nodes * k` and
//!    `lease / interval`: cells that were paid for before the time began, and not yet void. (Where a node
//!    has more than `max_keys` in use at once, only the second holds.)
//! 3. It uses too few by at most `k` a node and key each lease: those that went void.
//! 4. Whatever Redis does, `try_acquire` is decided within twice the connection's response time (waiting
//!    for another's question, and asking), `acquire` within three times that beside its turn, and both at
//!    once while the circuit is open.
//! 5. A node holds something of at most `max_keys` keys, whatever keys come.
//!
//! Where Redis is lost with its data (a restart without persistence, a failover to a replica that was
//! behind), debts are forgotten: at most one burst more a key. Where its clock goes back by `d`, waits are
//! longer by `d` and never by more than an hour; where it goes forward, debts are paid off sooner.

mod away;
mod batch;
mod builder;
mod decision;
mod event;
mod held;
mod rate;
mod shared;

use std::{fmt, sync::Arc, time::Duration};

use seawall_core::{
    Bound, ConfigError, Name, Observe, Reason, Registry, Rejection, Snapshot, deadline,
};
use seawall_rate_limiter::{Quota, Standing};

pub use self::{
    builder::RateLimiterBuilder,
    event::{Event, Turn},
};
use self::{
    decision::{Booked, HORIZON, Rules},
    shared::{Denied, Shared},
};
use crate::{Connection, Error};

/// Who decides while Redis can't be asked.
///
/// A call waits for Redis no longer than the connection lets it, then the policy decides; while the
/// connection's circuit is open, at once. Redis decides again as soon as it answers.
///
/// | policy | when to take it |
/// |---|---|
/// | `Local` | the limit protects something: each node keeps a part of it, such as the quota through the number of nodes |
/// | `Open` | the limit is for fairness, and a wrong refusal is worse than a flood |
/// | `Closed` | what is behind must never see more, whatever it costs |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outage {
    /// This quota for each key, in this process.
    Local(Quota),
    /// All calls are let in.
    Open,
    /// All calls are refused, with [`Reason::CircuitOpen`].
    Closed,
}

/// Lets calls in no faster than their key's quotas say, from however many nodes.
///
/// Cloning is cheap and shares everything. Keys are any bytes, also what a client has sent.
///
/// # Examples
///
/// How do I give each tenant one quota for the whole fleet?
///
/// ```no_run
/// # use seawall_redis::{Connection, Outage, Quota, RateLimiter};
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let redis = Connection::builder("limits").url("redis://localhost").build()?;
/// let fleet = RateLimiter::builder("api", redis)
///     .quota(Quota::per_second(100)?.burst(200)?)
///     .quota(Quota::per_hour(50_000)?)
///     .on_outage(Outage::Local(Quota::per_second(10)?)) // a tenth: there are ten nodes
///     .build()?;
///
/// match fleet.try_acquire("tenant-42").await {
///     Ok(()) => println!("go on"),
///     Err(refused) => println!("come back in {:?}", refused.retry_after()),
/// }
/// # Ok(()) }
/// ```
///
/// How do I keep a hot key from costing a round trip a call?
///
/// ```no_run
/// # use seawall_redis::{Connection, Quota, RateLimiter};
/// # fn f(redis: Connection) -> Result<(), Box<dyn std::error::Error>> {
/// let fleet = RateLimiter::builder("api", redis)
///     .quota(Quota::per_second(10_000)?)
///     .prebook(50) // in any second at most 50 more for each node
///     .build()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RateLimiter {
    shared: Arc<Shared>,
}

impl RateLimiter {
    /// Begins to build the limiter called `name`, which keeps its quotas behind `connection`.
    ///
    /// Limiters of one name on one Redis share their quotas, in whichever process they are.
    pub fn builder(name: impl Into<Name>, connection: Connection) -> RateLimiterBuilder {
        RateLimiterBuilder::new(name.into(), connection)
    }

    /// The limiter's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.settings.name
    }

    /// Takes a cell of `key`, or says how long it would have to wait.
    ///
    /// # Errors
    ///
    /// [`Reason::RateLimited`], with the time after which a cell is there, if nobody else comes;
    /// [`Reason::DeadlineExceeded`] where the call's [deadline] ends first; and what the [`Outage`] policy
    /// says while Redis can't be asked.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with its time and I/O drivers.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind here. What Redis was asked for by then may be taken, and
    /// is lost: too few are let in, never too many.
    pub async fn try_acquire(&self, key: impl AsRef<[u8]>) -> Result<(), Rejection> {
        self.try_acquire_n(key, 1).await
    }

    /// Takes `cells` of `key` at once, or none: what a heavy call takes.
    ///
    /// # Errors
    ///
    /// Those of [`try_acquire`](Self::try_acquire). [`Bound::Weight`], and no time to come back, where
    /// they are more than the burst: there never are as many.
    ///
    /// # Panics
    ///
    /// As [`try_acquire`](Self::try_acquire).
    ///
    /// # Cancel safety
    ///
    /// As [`try_acquire`](Self::try_acquire).
    pub async fn try_acquire_n(&self, key: impl AsRef<[u8]>, cells: u32) -> Result<(), Rejection> {
        let key = key.as_ref();
        match self.shared.take(key, cells).await {
            Ok(()) => Ok(()),
            Err(Denied::Away(error)) => self.shared.by_policy(key, cells, &error),
            Err(denied) => Err(self.shared.refusal(denied)),
        }
    }

    /// Takes a cell of `key`, and waits for it where there is none.
    ///
    /// The turn is booked on the server and slept for once: who comes first is served first, whichever
    /// node he comes to.
    ///
    /// # Errors
    ///
    /// At once where the wait would be too long: [`Reason::RateLimited`] with [`Bound::Wait`] where it is
    /// longer than [`max_wait`](RateLimiterBuilder::max_wait), [`Reason::DeadlineExceeded`] where the call's
    /// own time would be over first. Else those of [`try_acquire`](Self::try_acquire).
    ///
    /// # Panics
    ///
    /// As [`try_acquire`](Self::try_acquire).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the turn back, where nobody has booked after it: a task asks the server
    /// to. Else it is lost.
    pub async fn acquire(&self, key: impl AsRef<[u8]>) -> Result<(), Rejection> {
        self.acquire_n(key, 1).await
    }

    /// Takes `cells` of `key`, and waits for them where there are not as many.
    ///
    /// # Errors
    ///
    /// Those of [`acquire`](Self::acquire); [`Bound::Weight`] where they are more than the burst.
    ///
    /// # Panics
    ///
    /// As [`try_acquire`](Self::try_acquire).
    ///
    /// # Cancel safety
    ///
    /// As [`acquire`](Self::acquire).
    pub async fn acquire_n(&self, key: impl AsRef<[u8]>, cells: u32) -> Result<(), Rejection> {
        let key = key.as_ref();
        let denied = match self.shared.take(key, cells).await {
            Ok(()) => return Ok(()),
            Err(Denied::Wait(wait)) => self.wait_for_turn(key, cells, wait).await,
            Err(denied) => Err(denied),
        };
        match denied {
            Ok(()) => Ok(()),
            Err(Denied::Away(error)) => self.shared.by_policy_waiting(key, cells, &error).await,
            Err(Denied::Wait(wait)) => {
                let refusal = self.shared.refusal(Denied::Wait(wait));
                Err(match deadline::remaining() {
                    Some(left) if left < wait && wait <= self.longest_wait() => {
                        Rejection::new(Reason::DeadlineExceeded, self.shared.name())
                    }
                    _ => refusal.with_bound(Bound::Wait),
                })
            }
            Err(denied) => Err(self.shared.refusal(denied)),
        }
    }

    /// Books a turn that is about `wait` away, and waits for it.
    async fn wait_for_turn(&self, key: &[u8], cells: u32, wait: Duration) -> Result<(), Denied> {
        let longest = self.longest_wait();
        let patience = deadline::remaining().map_or(longest, |left| left.min(longest));
        if wait > patience {
            return Err(Denied::Wait(wait));
        }
        let rules = self.shared.rules();
        let booked = self.shared.book(&rules, key, cells, patience).await?;
        let wait = booked.wait;
        let turn = BookedTurn { limiter: self, rules, key, booked: Some(booked) };
        tokio::time::sleep(wait).await;
        turn.used();
        Ok(())
    }

    fn longest_wait(&self) -> Duration {
        self.shared.settings.max_wait.unwrap_or(HORIZON).min(HORIZON)
    }

    /// How the tightest quota of `key` stands: the one with the fewest cells left.
    ///
    /// What nodes hold ahead is taken already.
    ///
    /// # Errors
    ///
    /// Where Redis can't be asked: no policy knows.
    ///
    /// # Panics
    ///
    /// As [`try_acquire`](Self::try_acquire).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind.
    pub async fn standing(&self, key: impl AsRef<[u8]>) -> Result<Standing, Error> {
        let (rules, settings) = (self.shared.rules(), &self.shared.settings);
        let keys = (&settings.space, key.as_ref());
        let standings = rules.standings(&settings.connection, keys).await?;
        let tightest = standings.into_iter().min_by_key(|standing| standing.remaining);
        tightest.ok_or(Error::UnexpectedReply { wanted: "a quota", got: "none" })
    }

    /// Changes the quotas, for the calls of this process; give all nodes the same.
    ///
    /// What a key owes is a time, and stays: a change makes no cell and takes none. (A quota is known
    /// again by its period.) What is held ahead stays too, until its lease is over.
    ///
    /// # Errors
    ///
    /// Where they can't be. Nothing is changed then.
    pub fn set_quotas(&self, quotas: impl IntoIterator<Item = Quota>) -> Result<(), ConfigError> {
        let quotas: Vec<_> = quotas.into_iter().collect();
        builder::check_quotas(&quotas)?;
        self.shared.set_rules(quotas);
        Ok(())
    }

    /// The quotas of each key.
    #[must_use]
    pub fn quotas(&self) -> Vec<Quota> {
        self.shared.rules().quotas.clone()
    }

    /// How it stands now; see the crate's page for the names of the numbers.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Adds it to a registry, which does not keep it alive.
    pub fn register(&self, registry: &Registry) {
        registry.add(&self.shared);
    }
}

/// A turn that is waited for: given back when the wait is dropped.
struct BookedTurn<'a> {
    limiter: &'a RateLimiter,
    rules: Arc<Rules>,
    key: &'a [u8],
    booked: Option<Booked>,
}

impl BookedTurn<'_> {
    fn used(mut self) {
        self.booked = None;
    }
}

impl Drop for BookedTurn<'_> {
    fn drop(&mut self) {
        let (Some(booked), Ok(runtime)) =
            (self.booked.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let (limiter, rules, key) =
            (self.limiter.clone(), Arc::clone(&self.rules), self.key.to_vec());
        runtime.spawn(async move { limiter.shared.give_back(&rules, &key, &booked).await });
    }
}

impl Observe for RateLimiter {
    fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }
}

/// Keys are not shown: they may be somebody's.
impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("name", &self.shared.settings.name)
            .field("quotas", &self.quotas())
            .field("connection", &self.shared.settings.connection)
            .finish_non_exhaustive()
    }
}
