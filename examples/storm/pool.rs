//! The connections: one pool for all members, as a service has one client for all that it calls.
//!
//! A call holds a connection from when it is sent until its answer is read, or its caller gives up; who
//! finds none free waits, first come first served, within his time-out.
//!
//! How many? Little's law: a rate of calls, times how long each holds one. The longest that a healthy
//! member works on a call is 20 ms; twice that leaves room for crowds: 24 connections at 600 calls a
//! second, of which the calm takes five. A member that hangs until the time-out holds a third of the
//! calls for 0.4 s each: 80. No pool that fits the healthy fleet fits a sick member; a bigger one is
//! exhausted a moment later.
//!
//! A member's share, where a bulkhead keeps it to that, is its part of the pool: however ill the member,
//! what the others may hold stays free.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::fleet::{NAMES, SICK};

/// Twice the longest that a healthy member of the built-in fleet works on a call.
const TIME_IN_USE: Duration = Duration::from_millis(40);

/// A few for each member, however low the rate.
const LEAST: u32 = 4 * NAMES.len() as u32;

/// How many connections a client has for `rate` calls a second.
pub(crate) const fn size(rate: u32) -> u32 {
    let busy = rate * TIME_IN_USE.as_millis() as u32 / 1000;
    if busy > LEAST { busy } else { LEAST }
}

/// A member's part of a pool of `size`.
pub(crate) const fn share(size: u32) -> u32 {
    size / NAMES.len() as u32
}

/// A bounded number of connections; clones share.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    free: Arc<Semaphore>,
    books: Arc<Books>,
}

#[derive(Debug, Default)]
struct Books {
    held: [AtomicU32; NAMES.len()],
}

impl Pool {
    pub(crate) fn new(size: u32) -> Self {
        Self { free: Arc::new(Semaphore::new(size as usize)), books: Arc::default() }
    }

    /// A connection for a call to `member`, now or when one is free.
    pub(crate) async fn connection(&self, member: usize) -> Connection {
        let free = Arc::clone(&self.free).acquire_owned().await.expect("nobody closes the pool");
        self.books.held[member].fetch_add(1, Relaxed);
        Connection { books: Arc::clone(&self.books), member, _free: free }
    }

    /// How many connections the calls to the sick member hold now.
    pub(crate) fn held_by_sick(&self) -> u32 {
        self.books.held[SICK].load(Relaxed)
    }
}

/// A connection in use: dropped, it is free.
pub(crate) struct Connection {
    books: Arc<Books>,
    member: usize,
    _free: OwnedSemaphorePermit,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.books.held[self.member].fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[test]
    fn a_pool_has_what_the_rate_needs_and_some_for_each_member() {
        assert_eq!([50, 600, 2000].map(size), [12, 24, 80]);
        assert_eq!([50, 600, 2000].map(size).map(share), [4, 8, 26]);
    }

    #[tokio::test]
    async fn a_sick_member_that_holds_all_connections_starves_the_others() {
        let pool = Pool::new(2);
        let held = [pool.connection(SICK).await, pool.connection(SICK).await];
        assert_eq!(pool.held_by_sick(), 2);

        let healthy = (SICK + 1) % NAMES.len();
        let waited = timeout(Duration::from_millis(10), pool.connection(healthy)).await;
        assert!(waited.is_err());

        drop(held);
        assert_eq!(pool.held_by_sick(), 0);
        drop(pool.connection(healthy).await);
    }
}
