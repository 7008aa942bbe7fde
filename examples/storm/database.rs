//! What stands behind all members: a database, which does so many queries a second and no more.
//!
//! ```text
//!   member-a ──▶ │                       │
//!   member-b ──▶ │ turn, turn, turn, ... │ ──▶ the work of each, side by side
//!   member-c ──▶ │   `gap` apart         │
//! ```
//!
//! Who asks gets the next turn that is free, first come first served. **The turn is used up though who
//! asked has gone by then**: a database, as a server with a thread for each request, sees that a caller
//! has left only when it would answer him. So a backlog of queries that nobody waits for any more is
//! worked through like any other, and this is what makes a retry storm outlast its cause.
//!
//! A stall (a failover, a lock that everybody needs, a disk that does not answer) is a time in which no
//! turn begins.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

/// How much it could do, of what it is asked for in the calm.
pub(crate) const ROOM: u32 = 2;

/// A line for turns; clones stand in the same one.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    gap: Duration,
    next: Arc<Mutex<Instant>>,
}

impl Database {
    /// One that can do [`ROOM`] times `rate` queries a second.
    pub(crate) fn new(rate: u32) -> Self {
        let gap = Duration::from_secs(1) / (ROOM * rate);
        Self { gap, next: Arc::new(Mutex::new(Instant::now())) }
    }

    /// Waits for a turn, then as long as the `work` takes.
    pub(crate) async fn query(&self, work: Duration) {
        let turn = {
            let mut next = self.next.lock();
            let turn = (*next).max(Instant::now());
            *next = turn + self.gap;
            turn
        };
        sleep_until(turn + work).await;
    }

    /// No turn that is still free begins before `end`.
    pub(crate) fn stall(&self, end: Instant) {
        let mut next = self.next.lock();
        *next = (*next).max(end);
    }
}

#[cfg(test)]
mod tests {
    use tokio::{task::JoinSet, time::timeout};

    use super::*;

    const WORK: Duration = Duration::from_millis(5);
    const GAP: Duration = Duration::from_millis(10);

    fn database() -> Database {
        Database::new(100 / ROOM)
    }

    #[tokio::test(start_paused = true)]
    async fn a_query_that_finds_nobody_takes_as_long_as_its_work() {
        let start = Instant::now();
        database().query(WORK).await;
        assert_eq!(start.elapsed(), WORK);
    }

    #[tokio::test(start_paused = true)]
    async fn queries_at_once_get_their_turns_one_after_the_other() {
        let (start, database) = (Instant::now(), database());
        let mut queries = JoinSet::new();
        for _ in 0..10 {
            let database = database.clone();
            queries.spawn(async move { database.query(WORK).await });
        }
        queries.join_all().await;
        assert_eq!(start.elapsed(), GAP * 9 + WORK);
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_waits_for_any_more_is_done_all_the_same() {
        let (start, database) = (Instant::now(), database());
        database.stall(start + GAP * 3);
        for _ in 0..5 {
            assert!(timeout(Duration::ZERO, database.query(WORK)).await.is_err());
        }
        database.query(WORK).await;
        assert_eq!(start.elapsed(), GAP * (3 + 5) + WORK);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_takes_no_turn_that_is_later_than_its_end() {
        let (start, database) = (Instant::now(), database());
        for _ in 0..5 {
            assert!(timeout(Duration::ZERO, database.query(WORK)).await.is_err());
        }
        database.stall(start + GAP);
        database.query(WORK).await;
        assert_eq!(start.elapsed(), GAP * 5 + WORK);
    }
}
