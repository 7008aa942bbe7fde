//! Who decides while Redis can't be asked, and the two turns that are told of it.
//!
//! Whether it can be is one word, which carries nothing but itself (Relaxed): of those who change it one
//! succeeds, and tells.

use seawall_core::{Nanos, Reason, Rejection, sync::unmodelled::Ordering::Relaxed};
use seawall_rate_limiter::RateLimiters;

use super::{event::Turn, shared::Shared};
use crate::Error;

/// What [`Shared::away`] is while Redis can be asked.
pub(super) const HERE: u64 = u64::MAX;

/// Who decides while Redis can't be asked.
pub(super) enum Policy {
    Local(RateLimiters<[u8]>),
    Open,
    Closed,
}

impl Shared {
    /// Decides by the policy, since Redis can't be asked, for a call that may not wait.
    pub(super) fn by_policy(&self, key: &[u8], cells: u32, error: &Error) -> Result<(), Rejection> {
        self.is_away(error);
        match &self.settings.outage {
            Policy::Local(limiters) => limiters.try_acquire_n(key, cells),
            Policy::Open => Ok(()),
            Policy::Closed => Err(self.closed(error)),
        }
    }

    /// Decides by the policy, for a call that may wait.
    pub(super) async fn by_policy_waiting(
        &self,
        key: &[u8],
        cells: u32,
        error: &Error,
    ) -> Result<(), Rejection> {
        if let Policy::Local(limiters) = &self.settings.outage {
            self.is_away(error);
            return limiters.acquire_n(key, cells).await;
        }
        self.by_policy(key, cells, error)
    }

    /// The refusal of a call that nobody can decide about.
    pub(super) fn closed(&self, error: &Error) -> Rejection {
        let rejection = Rejection::new(Reason::CircuitOpen, self.name());
        match error.rejection().and_then(Rejection::retry_after) {
            Some(wait) => rejection.with_retry_after(wait),
            None => rejection,
        }
    }

    /// Redis has decided.
    pub(super) fn is_here(&self) {
        if self.away.load(Relaxed) == HERE {
            return;
        }
        let since = self.away.swap(HERE, Relaxed);
        if since != HERE {
            let lasted = self.now().since(Nanos(since));
            self.tell(Turn::OutageEnded { lasted });
        }
    }

    /// Redis could not be asked.
    fn is_away(&self, error: &Error) {
        self.stats.by_policy.add(1);
        self.stats.errors.add(u64::from(!error.is_outage()));
        let now = self.now().0.min(HERE - 1);
        if self.away.compare_exchange(HERE, now, Relaxed, Relaxed).is_ok() {
            self.stats.outages.add(1);
            self.tell(Turn::OutageBegan { error: error.clone() });
        }
    }
}
