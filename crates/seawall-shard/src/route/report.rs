//! How a map is told of its nodes' progress: by whoever watches the store's replication.

use std::time::Duration;

use crate::{Member, ShardMap, Turn, route::Token};

/// Reports of replication: `false` where the map has no node of that name, and nothing was kept. A report looks
/// through all nodes, under the lock that updates take; reads never wait for it.
#[expect(clippy::must_use_candidate, reason = "the report of a node that has just left is no loss")]
impl ShardMap {
    /// The node has applied all that came up to there. What is behind a report that is known changes nothing: they
    /// may come in any order.
    ///
    /// Of the primary nobody needs to report: it has what it wrote.
    pub fn report_applied(&self, node: &str, token: Token) -> bool {
        self.report(node, |member| ((), member.progress().applied(token))).is_some()
    }

    /// What the node serves is so old at this moment: its lag behind the primary. It gets older until the next
    /// report, so that a node of which nothing is heard drops out.
    ///
    /// Report nothing where nothing was measured: a probe that failed is no lag of zero.
    pub fn report_lag(&self, node: &str, lag: Duration) -> bool {
        let fresh = &self.shared.routing.fresh;
        let Some((was_out, is_out, node)) = self.report(node, |member| {
            let now = fresh.clock.now();
            let (was_out, is_out) = member.progress().lags(lag, now, fresh.thresholds);
            ((was_out, is_out, member.full_name()), true)
        }) else {
            return false;
        };
        if was_out != is_out {
            let turn = if is_out { Turn::FellBehind { node } } else { Turn::CaughtUp { node } };
            self.shared.turn(|| turn);
        }
        true
    }

    /// Nothing is known of the node any more, as when it was restored from a copy: it is behind until it reports
    /// anew.
    pub fn forget_reports(&self, node: &str) -> bool {
        self.report(node, |member| (member.progress().forget(), false)).is_some()
    }

    /// Takes a report of a node, and wakes whoever waits for one, where it says that the node has got on.
    fn report<R>(&self, node: &str, take: impl FnOnce(&Member) -> (R, bool)) -> Option<R> {
        let member = {
            let control = self.shared.control.lock();
            control.members().find(|member| member.name() == node)?.clone()
        };
        let (taken, is_news) = take(&member);
        #[cfg(feature = "tokio")]
        if is_news {
            self.shared.routing.fresh.reported.notify_waiters();
        }
        let _ = is_news;
        Some(taken)
    }
}
